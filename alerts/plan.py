"""The message of kind `plan`: the caps that are recommended for a month, to a team or to the organisation.

A row of `alerts.plans_due` holds: alert_key, kind, scope ('team', 'org'), scope_id, scope_name, team_id, team_name,
month (the planned one), stage ('draft', 'final'), as_of_date, slack_channel, baseline_tokens, baseline_days,
growth_ratio, expected_tokens, buffer_ratio, recommended_cap_tokens, recommended_cap_usd, current_cap_tokens,
current_cap_usd, change_ratio, reason, change_reason, this_month, this_month_cap_tokens, this_month_cap_usd,
this_month_projected_tokens, this_month_projected_ratio, this_month_planned_tokens, members ([{name,
recommended_cap_tokens, current_cap_tokens, current_cap_usd, change_ratio, reason}]) and query.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from alerts import _message as m

Row = Mapping[str, Any]

_SHOWN = 15  # members, those with the largest change first


def message(row: Row) -> m.Message:
    """The words for one row of `alerts.plans_due`. Raises ValueError for a row without a cap."""
    if m.number(row.get("recommended_cap_tokens")) is None:
        raise ValueError("the row has no recommended cap")
    draft = "Draft plan" if row["stage"] == "draft" else "Plan"
    title = f"{draft} for {m.month_name(row['month'])}"
    facts = [
        f"*Recommended cap:* {_cap(row)}",
        f"*Why:* {m.escape(row['reason'], limit=400)}",
        f"*This month:* {_this_month(row)}",
        f"*Since the last plan:* {m.escape(row.get('change_reason') or 'First plan.', limit=400)}",
    ]
    blocks = [m.header(f"{title}: {m.plain(row['scope_name'])}"), m.section(*facts)]
    if members := _members(row):
        blocks.append(
            m.section(f"*{'Teams' if row['scope'] == 'org' else 'Developers'}, largest change first:*", *members)
        )
    blocks.append(m.section(f"*Next step:* {_next_step(row)}"))
    if query := m.code(str(row.get("query") or "")):
        blocks.append(m.section(f"*Where the numbers come from:*\n{query}"))
    blocks.append(m.context(f"Measured through {m.day(row.get('as_of_date'))}. {_small_print(row)}"))
    text = f"{title}, {m.escape(row['scope_name'])}: {_cap(row)} (measured through {m.day(row.get('as_of_date'))})."
    return m.Message(str(row["alert_key"]), text, blocks)


def _cap(row: Row) -> str:
    usd = m.number(row.get("recommended_cap_usd"))
    return (
        f"{m.tokens(row['recommended_cap_tokens'])}{f', about {m.usd(usd)}' if usd is not None else ''}{_change(row)}"
    )


def _change(row: Row) -> str:
    now, ratio = m.number(row.get("current_cap_tokens")), m.number(row.get("change_ratio"))
    usd = m.number(row.get("current_cap_usd"))
    if ratio is None or (now is None and usd is None):
        return " (none is set now)"
    way = "unchanged" if ratio == 0 else f"{'up' if ratio > 0 else 'down'} {m.percent(abs(ratio))}"
    return f" ({way} from {m.amount(now) if now is not None else m.usd(usd)})"


def _this_month(row: Row) -> str:
    ends, ratio = m.number(row.get("this_month_projected_tokens")), m.number(row.get("this_month_projected_ratio"))
    if ends is None:
        return "nothing was measured yet"
    month, as_of = m.as_date(row["this_month"]), m.as_date(row.get("as_of_date"))
    is_over = as_of is not None and as_of >= m.next_month(month) - timedelta(days=1)
    words = f"{m.month_name(month, year=False)} {'came to' if is_over else 'is heading for'} {m.tokens(ends)}"
    planned = m.number(row.get("this_month_planned_tokens"))
    if planned:
        words += f"; {m.amount(planned)} were planned"
    tokens, usd = m.number(row.get("this_month_cap_tokens")), m.number(row.get("this_month_cap_usd"))
    caps = " and ".join([*([m.tokens(tokens)] if tokens else []), *([m.usd(usd)] if usd else [])])
    share = f" ({m.percent(ratio)} of it)" if ratio is not None else ""
    return f"{words}; the cap is {caps}{share}" if caps else f"{words}; there is no cap"


def _members(row: Row) -> list[str]:
    members = list(row.get("members") or [])
    lines = [
        f"\u2022 {m.escape(one.get('name'))}: {m.amount(one.get('recommended_cap_tokens'))}{_change(one)}"
        for one in members[:_SHOWN]
    ]
    return [*lines, f"and {len(members) - _SHOWN} more"] if len(members) > _SHOWN else lines


def _next_step(row: Row) -> str:
    month = m.as_date(row["month"])
    accept = f"to accept, put the caps into caps.csv for {month:%Y-%m}; what is not put there carries over."
    return f"say what does not fit before {m.day(month)}; {accept}" if row["stage"] == "draft" else accept


def _small_print(row: Row) -> str:
    return f"This is sent once as a draft and once as the final plan of {m.month_name(row['month'])}."


def line(row: Row) -> str:
    """The same in one line of mrkdwn."""
    return message(row).text
