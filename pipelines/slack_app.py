"""`paceline slack`: people acknowledge, snooze, approve, change, reject and ask in Slack, over Socket Mode."""

import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import alerts
from pipelines.publish import read_warehouse
from pipelines.settings import Settings, utc_now
from pipelines.telling import due_alerts, slack_settings

PROPOSALS = """
    select
        plans.scope, plans.scope_id, coalesce(developers.name, teams.name, 'The organisation') as name,
        plans.recommended_cap_tokens, plans.recommended_cap_usd, plans.current_cap_tokens, plans.current_cap_usd
    from plan.issued_plans as plans
    left join core.dim_developers as developers
        on plans.scope = 'developer' and plans.scope_id = developers.developer_id
    left join core.dim_teams as teams on plans.scope = 'team' and plans.scope_id = teams.team_id
    where
        plans.plan_month = $month
        and plans.issued_at = $issued_at
        and (
            (plans.scope = $scope and plans.scope_id = $scope_id)
            or ($scope = 'team' and plans.scope = 'developer' and plans.team_id = $scope_id)
            or ($scope = 'org' and plans.scope = 'team')
        )
    order by array_position(['org', 'team', 'developer'], plans.scope), plans.scope_id"""


class Facts:
    """What the published warehouse says of people, caps and plans: read anew for each question, so never stale.

    Raises duckdb.Error where there is no warehouse yet.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.owners: Sequence[str] = settings.slack_org_owners

    def lead_of(self, team_id: str) -> str | None:
        """Slack member id of a team's lead."""
        return self._value("select lead_slack_id from core.dim_teams where team_id = $id", id=team_id)

    def team_of(self, developer_id: str) -> str | None:
        """A developer's team."""
        return self._value("select team_id from core.dim_developers where developer_id = $id", id=developer_id)

    def slack_id_of(self, developer_id: str) -> str | None:
        """A developer's Slack member id."""
        return self._value("select slack_id from core.dim_developers where developer_id = $id", id=developer_id)

    def name_of(self, scope: str, scope_id: str) -> str:
        """What people call it."""
        table = {"developer": "core.dim_developers", "team": "core.dim_teams"}.get(scope)
        if table is None:
            return "The organisation"
        return self._value(f"select name from {table} where {scope}_id = $id", id=scope_id) or scope_id

    def current_cap(self, scope: str, scope_id: str, month: date) -> tuple[int | None, object]:
        """The token cap and the USD cap of a month."""
        sql = """
            select cap_tokens, cap_usd from plan.caps_effective
            where scope = $scope and scope_id = $scope_id and month = $month"""
        found = self._rows(sql, scope=scope, scope_id=scope_id, month=month)
        return (found[0]["cap_tokens"], found[0]["cap_usd"]) if found else (None, None)

    def latest_plan(self, month: date) -> tuple[str, datetime] | None:
        """Stage and time of issue of a month's last plan."""
        sql = "select stage, issued_at from plan.issued_plans where plan_month = $month order by issued_at desc limit 1"
        found = self._rows(sql, month=month)
        return (found[0]["stage"], found[0]["issued_at"]) if found else None

    def proposals(self, month: date, issued_at: datetime, scope: str, scope_id: str) -> list[dict]:
        """What one issue proposed to a team and its developers, or to the organisation and its teams."""
        at = issued_at.replace(tzinfo=None)
        return self._rows(PROPOSALS, month=month, issued_at=at, scope=scope, scope_id=scope_id)

    def _value(self, sql: str, **given: object) -> Any:
        found = self._rows(sql, **given)
        return next(iter(found[0].values())) if found else None

    def _rows(self, sql: str, **given: object) -> list[dict]:
        with read_warehouse(self._settings.warehouse_file) as db:
            cursor = db.execute(sql, given)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Answer clicks until SIGTERM or Ctrl-C. Raises alerts._socket.SocketRefused when Slack refuses the app token."""
    from alerts._actions import Desk
    from alerts._socket import serve as listen

    ledger = alerts.open_ledger(settings.ledger_url)
    token = settings.slack_app_token
    desk = Desk(ledger, Facts(settings), utc_now, lambda: settings.as_of + timedelta(days=1))

    def refresh(key: str) -> None:
        alerts.refresh(due_alerts(settings), slack_settings(settings), ledger, key)

    with _stopped_by_signals() as stop:
        listen(
            token.get_secret_value().strip() if token else "",
            slack_settings(settings),
            desk,
            refresh=refresh,
            refresh_plan=refresh,
            stop=stop,
            say=say,
        )


@contextmanager
def _stopped_by_signals():
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *about: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
