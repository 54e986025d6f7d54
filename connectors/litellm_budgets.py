"""LiteLLM's monthly budgets of users and teams: read, and set where a company wants approved caps to hold there.

Docs    https://docs.litellm.ai/docs/proxy/users, .../team_budgets, .../budget_reset_and_tz
Needs   LITELLM_BASE_URL and LITELLM_MASTER_KEY, as litellm_spend_api.py
Quirks  Budgets are in USD and have no month: `1mo` starts anew on the first day of each. /user/update makes a user
        that it does not know, so nobody is written who was not read before. To a key of a team only the budget of the
        team applies, not its user's. A soft answer of older proxies for an unknown user is a `user_info` without id.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import requests

from connectors._api import LATER, TIMEOUT_SECONDS, Client, NotOffered
from connectors._errors import SourceChanged, SourceRefused, SourceUnavailable
from connectors.litellm_spend_api import API

MONTHLY = "1mo"
Kind = Literal["user", "team"]


@dataclass(frozen=True)
class Budget:
    """What LiteLLM lets a user or a team spend, in USD (None: without limit), and when it starts anew.

    `is_applied` is False for a user all of whose keys belong to teams: those are held to their teams' budgets only.
    """

    max_usd: Decimal | None
    duration: str | None
    is_applied: bool = True


class Budgets(Client):
    """One proxy's budgets. The key never leaves the headers."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(API, environ)

    def read(self, kind: Kind, name: str) -> Budget | None:
        """The budget; None where LiteLLM knows no such user or team.

        Raises SourceUnavailable, SourceRefused or SourceChanged.
        """
        try:
            answer = self._ask("GET", f"/{kind}/info", params={f"{kind}_id": name})
        except NotOffered as error:
            if name in str(error):  # the answer names who is missing; else it is the address that is wrong
                return None
            raise SourceRefused(f"{error} Check {API.base_url_variable}.") from error
        about = answer.get(f"{kind}_info")
        if not isinstance(about, dict):
            raise SourceChanged(f"/{kind}/info answered without '{kind}_info'. A developer must look at {__name__}.")
        if about.get(f"{kind}_id") != name:
            return None
        usd, keys = about.get("max_budget"), answer.get("keys") or []
        return Budget(
            max_usd=None if usd is None else Decimal(str(usd)),
            duration=about.get("budget_duration"),
            is_applied=kind == "team" or not keys or not all(key.get("team_id") for key in keys),
        )

    def write(self, kind: Kind, name: str, usd: Decimal) -> None:
        """Set the budget of a month, starting anew with each. Raises as `read` does."""
        self._ask(
            "POST",
            f"/{kind}/update",
            json={f"{kind}_id": name, "max_budget": float(usd), "budget_duration": MONTHLY},
        )

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        asked = f"{method} {self.base_url}{path}"
        try:
            response = self._session.request(
                method,
                f"{self.base_url}{path}",
                headers=self._headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                **given,
            )
        except requests.RequestException as error:
            raise SourceUnavailable(f"{asked} failed ({self._safe(error)}). {LATER}") from error
        self._refuse(asked, response, response.text)
        try:
            answer = json.loads(response.text, parse_float=Decimal)
        except ValueError as error:
            raise SourceRefused(f"{asked} answered no JSON. Check {API.base_url_variable}.") from error
        if not isinstance(answer, dict):
            raise SourceChanged(f"{asked} answered JSON that is no object. A developer must look at {__name__}.")
        return answer
