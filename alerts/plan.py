"""The message of kind `plan`: the caps that are recommended for a month, to a team or to the organisation.

A row of `alerts.plans_due` holds: alert_key, kind, audience ('channel', 'lead'), scope ('team', 'org'), scope_id,
scope_name, team_id, team_name, month (the planned one), stage ('draft', 'final'), issued_at, as_of_date, slack_channel,
lead_slack_id, shares_developers and query;
the recommendation: baseline_tokens, baseline_days, growth_ratio, expected_tokens, buffer_ratio, recommended_cap_tokens,
recommended_cap_usd, current_cap_tokens, current_cap_usd, change_ratio, reason, change_reason, members_count,
members_raised, members_lowered, members_new, members and proposals ([{scope, scope_id, name, recommended_cap_tokens,
recommended_cap_usd, current_cap_tokens, current_cap_usd, change_ratio, reason}]; members is None where the channel
is not to read of developers);
the month before the planned one, this_month, with this_month_ in front: cap_tokens, cap_usd, used_tokens, used_usd,
projected_tokens, projected_usd, projected_ratio, probability_over, projected_p10_tokens, projected_p90_tokens,
planned_tokens, difference_ratio; and daily_path, monthly_totals and model_mix as `alerts/_charts.py` draws them,
complete_months (how many of the totals are); of the team's pool, or of all teams' together:
pool_recommended_tokens, pool_recommended_usd, pool_of_caps_ratio, pool_chance_ratio, pool_current_tokens,
pool_used_tokens, pool_backtest_months, pool_blocked_tokens, pool_covered_tokens; cache_read_ratio, cache_saved_usd,
cache_saved_of_bill_ratio, cache_target_ratio, cache_target_saves_usd; routing_moved_cost_usd, routing_saved_usd,
routing_rules ([{task_type, to_model, share_ratio, saved_usd, quality_risk}]); gpu_demand_tokens, gpu_api_usd,
gpu_best_break_even_tokens, gpu_best_model, gpu_best_gpu, gpu_prudent_break_even_tokens, gpu_staff_hours.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from alerts import _charts
from alerts import _message as m

Row = Mapping[str, Any]

_SHOWN = 15  # members, those with the largest change first
_MARK = "\U0001f5d3\ufe0f"  # calendar
_MONTHS_OF_A_RANGE = 3  # complete ones; a line through two points misses none of them
_LIST_LIMIT = 2700  # characters of a section's list, so that its title and "and 12 more" have room


def message(row: Row) -> m.Message:
    """The words, charts and CSV for one row of `alerts.plans_due`. Raises ValueError for a row without a cap."""
    if m.number(row.get("recommended_cap_tokens")) is None:
        raise ValueError("the row has no recommended cap")
    csv_name = _csv_name(row)
    charts = _charts_of(row)
    recommended = m.section(
        f"*Recommended cap:* {_cap(row)}",
        *([f"*Expected:* {words}"] if (words := _expected(row)) else []),
        f"*Why:* {m.escape(row.get('reason') or 'No reason is given.', limit=400)}",
        f"*{'This month' if not _is_over(row) else 'The month before'}:* {_this_month(row)}",
        f"*Since the last plan:* {m.escape(row.get('change_reason') or 'First plan.', limit=400)}",
    )
    savings = [words for words in (_pool(row), _cache(row), _routing(row), _own_gpus(row)) if words]
    blocks = [
        m.header(f"{_MARK} {_title(row)}: {m.plain(row.get('scope_name'))}"),
        recommended,
        m.section(f"*Next step:* {step(row)}"),
        *_image(charts, "use.png"),
        *_members(row),
        *_image(charts, "growth.png"),
        *([m.section(words)] if (words := _models(row)) else []),
        *_image(charts, "models.png"),
        *([m.section(*savings)] if savings else []),
    ]
    if query := m.code(str(row.get("query") or "")):
        blocks.append(m.section(f"*Where the numbers come from:*\n{query}"))
    blocks.append(m.context(f"Measured through {m.day(row.get('as_of_date'))}. {_small_print(row)}"))
    text = f"{_essence(row)} (measured through {m.day(row.get('as_of_date'))})."
    images = {name: png for name, (png, _) in charts.items()}
    return m.Message(str(row["alert_key"]), text, blocks, images, {csv_name: _csv(row)})


def _image(charts: Mapping[str, tuple[bytes, str]], name: str) -> list[dict[str, Any]]:
    return [m.image(name, charts[name][1])] if name in charts else []


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return f"{_MARK} {_essence(row, name_limit=30)}."


def step(row: Row) -> str:
    """What can be done about it."""
    month = m.as_date(row["month"])
    accept = (
        "approve below, change single caps or reject; what nobody decides carries over."
        if row.get("has_buttons")
        else f"to accept, have the first five columns of {m.escape(_csv_name(row), limit=150)} (in the thread; in the"
        f" outbox beside this text) put into caps.csv for {month:%Y-%m}; what is not put there carries over."
    )
    return f"say what does not fit before {m.day(month)}; {accept}" if row.get("stage") == "draft" else accept


def _title(row: Row) -> str:
    return f"{'Draft plan' if row.get('stage') == 'draft' else 'Plan'} for {m.month_name(row['month'])}"


def _essence(row: Row, name_limit: int = 80) -> str:
    return f"{_title(row)}, {m.escape(row.get('scope_name'), limit=name_limit)}: {_cap(row)}"


def _cap(row: Row) -> str:
    usd = m.number(row.get("recommended_cap_usd"))
    about = f", about {m.usd(usd)}" if usd is not None else ""
    return f"{m.tokens(row.get('recommended_cap_tokens'))}{about}{_change(row)}"


def _expected(row: Row) -> str:
    """What the planned month will probably use, and cost at the price that the cap is told at."""
    tokens, cap = m.number(row.get("expected_tokens")), m.number(row.get("recommended_cap_tokens"))
    usd = m.number(row.get("recommended_cap_usd"))
    if tokens is None or not cap:
        return ""
    about = f", about {m.usd(tokens * usd / cap)}" if usd is not None else ""
    return f"{m.tokens(tokens)}{about}, before the buffer"


def _change(row: Row) -> str:
    now, ratio = m.number(row.get("current_cap_tokens")), m.number(row.get("change_ratio"))
    usd = m.number(row.get("current_cap_usd"))
    if ratio is None or (now is None and usd is None):
        return " (none is set now)"
    way = "unchanged" if ratio == 0 else f"{'up' if ratio > 0 else 'down'} {m.percent(abs(ratio))}"
    return f" ({way} from {m.amount(now) if now is not None else m.usd(usd)})"


def _is_over(row: Row) -> bool:
    month, as_of = m.as_date(row.get("this_month")), m.as_date(row.get("as_of_date"))
    return month is not None and as_of is not None and as_of >= m.next_month(month) - timedelta(days=1)


def _this_month(row: Row) -> str:
    """What was planned, and what happened."""
    ends = m.number(row.get("this_month_projected_tokens"))
    if ends is None:
        return "nothing was measured yet"
    verb, usd = "came to" if _is_over(row) else "is heading for", m.number(row.get("this_month_projected_usd"))
    words = f"{m.month_name(row.get('this_month'), year=False)} {verb} {m.tokens(ends)}"
    words += f", about {m.usd(usd)}" if usd is not None else ""
    words += f" ({likely})" if (likely := _range(row)) else ""
    planned, apart = m.number(row.get("this_month_planned_tokens")), m.number(row.get("this_month_difference_ratio"))
    if planned:
        words += f"; {m.amount(planned)} were planned"
        words += f", so {m.percent(abs(apart))} {'more' if apart > 0 else 'less'}" if apart else ""
    used, caps = {"tokens": ends, "usd": usd}, []
    for measure, say in (("tokens", m.tokens), ("usd", m.usd)):
        if cap := m.number(row.get(f"this_month_cap_{measure}")):
            share = "" if (spent := used[measure]) is None else f" ({m.percent(spent / cap)} of it)"
            caps.append(f"{say(cap)}{share}")
    if not caps:
        return f"{words}; there is no cap"
    words += f"; the cap is {' and '.join(caps)}"
    chance = m.number(row.get("this_month_probability_over"))
    return words if chance is None or _is_over(row) else f"{words}, chance of reaching it {m.percent(chance)}"


def _range(row: Row) -> str:
    low, high = (m.number(row.get(f"this_month_projected_{end}_tokens")) for end in ("p10", "p90"))
    is_range = low is not None and high is not None and low < high
    return f"80 % range {m.amount(low)} to {m.amount(high)}" if is_range else ""


def _members(row: Row) -> list[dict[str, Any]]:
    """The largest movers, or only how many where the channel is not to read of developers."""
    what = "Teams" if row.get("scope") == "org" else "Developers"
    members, count = _list(row, "members"), m.number(row.get("members_count"))
    if members:
        lines = [
            f"\u2022 {m.escape(one.get('name'))}: {m.amount(one.get('recommended_cap_tokens'))}{_change(one)}"
            f"{', raised to the floor' if one.get('is_at_floor') else ''}"
            for one in members[:_SHOWN]
        ]
        while sum(map(len, lines)) > _LIST_LIMIT:
            lines.pop()
        rest = [f"and {len(members) - len(lines)} more"] if len(members) > len(lines) else []
        return [m.section(f"*{what}, largest change in tokens first:*", *lines, *rest)]
    if not count:
        return []
    ways = [(m.number(row.get(f"members_{way}")) or 0, way) for way in ("raised", "lowered", "new")]
    told = ", ".join(f"{number} {'without a cap now' if way == 'new' else way}" for number, way in ways if number)
    where = "the lead has the list" if row.get("lead_slack_id") else "the list is in plan.cap_recommendations"
    return [m.section(f"*{what}:* {count} cap{'' if count == 1 else 's'} ({told or 'unchanged'}); {where}.")]


def _models(row: Row) -> str | None:
    named = [one for one in _list(row, "model_mix") if one.get("model") is not None][:3]
    if not named:
        return None
    shares = [
        f"{m.escape(one['model'], limit=60)} {m.percent(one.get('token_ratio'))} of tokens"
        f" and {m.percent(one.get('cost_ratio'))} of cost"
        for one in named
    ]
    return f"*Models in {_month(row)}:* {'; '.join(shares)}."


def _pool(row: Row) -> str | None:
    """Of a team its own pool, of the organisation the pools of its teams together."""
    pool, now = m.number(row.get("pool_recommended_tokens")), m.number(row.get("pool_current_tokens"))
    used, usd = m.number(row.get("pool_used_tokens")), m.number(row.get("pool_recommended_usd"))
    title, each, they, a_pool = "Pool", "", "it is", "a pool"
    if row.get("scope") == "org":
        title, each, they, a_pool = "Pools of the teams", "each ", "they are", "pools"
    today = "" if now is None else f"now {they} {m.amount(now)}"
    today += f", {m.amount(used)} of it used in {_month(row)}" if now is not None and used is not None else ""
    if pool is None:
        return f"*{title}:* too little history to recommend a size; {today}." if today else None
    words = f"*{title}:* {m.tokens(pool)}{'' if usd is None else f', about {m.usd(usd)},'} beyond the caps of people"
    words += f" ({m.percent(row.get('pool_of_caps_ratio'))} of these)"
    chance = m.number(row.get("pool_chance_ratio"))
    if chance is not None:
        words += f", {each}enough in {m.percent(1 - chance)} of months as far as past ones tell"
    words += f"; {today}." if today else "."
    months, blocked = m.number(row.get("pool_backtest_months")), m.number(row.get("pool_blocked_tokens"))
    if months and blocked:
        words += (
            f" In {months} past month{'' if months == 1 else 's'} {a_pool} of that share would have covered"
            f" {m.amount(row.get('pool_covered_tokens'))} of {m.amount(blocked)} tokens beyond caps."
        )
    if pool != now:
        words += (
            " Approving caps does not set a pool: who keeps teams.csv does, by monthly_pool_tokens or"
            " monthly_pool_usd of each team."
        )
    return words


def _cache(row: Row) -> str | None:
    read, saved = m.number(row.get("cache_read_ratio")), m.number(row.get("cache_saved_usd"))
    if read is None or saved is None:
        return None
    words = f"*Cache:* {m.percent(read)} of the input of {_month(row)} was read from a cache. At list prices that "
    if saved < 0:
        words += f"cost {m.usd(-saved)} more than it saved, for writing a cache costs too"
    else:
        words += f"saved {m.usd(saved)}, {m.percent(row.get('cache_saved_of_bill_ratio'))} of the bill without it"
    target, could = m.number(row.get("cache_target_ratio")), m.number(row.get("cache_target_saves_usd"))
    if target is not None and could is not None and read < target and could > saved:
        words += f"; with {m.percent(target)} it would be up to {m.usd(could)} (assumed: writing costs nothing)"
    return f"{words}."


def _routing(row: Row) -> str | None:
    saved, moved = m.number(row.get("routing_saved_usd")), m.number(row.get("routing_moved_cost_usd"))
    rules = _list(row, "routing_rules")
    if not saved or not rules:
        return None
    told = [
        f"{m.percent(one.get('share_ratio'))} of {m.escape(one.get('task_type'), limit=40)}"
        f" to {m.escape(one.get('to_model'), limit=60)}: {m.usd(one.get('saved_usd'))}"
        + (f" (risk: {m.escape(one['quality_risk'], limit=80)})" if one.get("quality_risk") else "")
        for one in rules[:3]
    ]
    part = "" if row.get("scope") == "org" else ", the team's part by its tokens"
    more = f"; and {len(rules) - 3} more rules" if len(rules) > 3 else ""
    return (
        f"*Routing:* the rules of routing_rules.csv would have saved about {m.usd(saved)} on work that"
        f" cost {m.usd(moved)} in {_month(row)} (at list prices, with as many tokens{part}). {'; '.join(told)}{more}."
    )


def _own_gpus(row: Row) -> str | None:
    demand, best = m.number(row.get("gpu_demand_tokens")), m.number(row.get("gpu_best_break_even_tokens"))
    prudent, hours = m.number(row.get("gpu_prudent_break_even_tokens")), m.number(row.get("gpu_staff_hours"))
    if row.get("scope") != "org" or demand is None:
        return None
    words = f"*Own GPUs:* at best {m.tokens(demand)} a month could run on them ({m.usd(row.get('gpu_api_usd'))} by API)"
    if best is None:
        return f"{words}; at the assumed prices and use they pay at no volume."
    where = f"{m.escape(row.get('gpu_best_model'), limit=60)} on {m.escape(row.get('gpu_best_gpu'), limit=60)}"
    words += f"; they pay from {m.amount(best)} a month at best ({where}, low price, nobody's time counted)"
    staff = f"{hours.normalize():f} hours of staff, " if hours else "staff, "
    if prudent is not None:
        words += f", from {m.amount(prudent)} with {staff}the high price and medium use"
    verdict = "not yet" if demand < best else "perhaps" if prudent is None or demand < prudent else "yes"
    return f"{words}: {verdict}. Whether an open model is good enough is not in these numbers."


def _small_print(row: Row) -> str:
    words = f"This is sent once as a draft and once as the final plan of {m.month_name(row['month'])}"
    if row.get("audience") != "lead":
        return f"{words}."
    reads = "reads the same" if row.get("shares_developers") else "reads it without developers"
    return f"{words}, to you as the team's lead; the channel {reads}."


def _month(row: Row) -> str:
    """The month that the numbers are about, and that it runs where it does."""
    return m.month_name(row.get("this_month"), year=False) + ("" if _is_over(row) else " so far")


def _list(row: Row, name: str) -> list[Row]:
    value = row.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _charts_of(row: Row) -> dict[str, tuple[bytes, str]]:
    """Each chart that there is enough data for, by name, with what it says in words."""
    month, cap = m.month_name(row.get("this_month"), year=False), m.number(row.get("this_month_cap_tokens"))
    ends = f"{month} {'came to' if _is_over(row) else 'heads for'} {m.amount(row.get('this_month_projected_tokens'))}"
    path, totals, mix = _list(row, "daily_path"), _list(row, "monthly_totals"), _list(row, "model_mix")
    plan = row["month"], row.get("expected_tokens"), row.get("recommended_cap_tokens")
    title = f"{ends} of {m.amount(cap)}" if cap is not None else f"{ends} tokens"
    drawn = {
        "use.png": (_charts.use(path, cap, row.get("as_of_date"), title), _use_in_words(row)),
        "growth.png": (
            _charts.growth(totals, *plan, f"Tokens a month, and the plan{_no_range(row, chr(10) + '({})')}"),
            _growth_in_words(row, totals),
        ),
        "models.png": (_charts.model_mix(mix, f"Models in {month}"), _mix_in_words(row, mix)),
    }
    return {name: (png, words) for name, (png, words) in drawn.items() if png is not None}


def _use_in_words(row: Row) -> str:
    used, ends = row.get("this_month_used_tokens"), row.get("this_month_projected_tokens")
    cap = m.number(row.get("this_month_cap_tokens"))
    words = (
        f"Line chart of {m.month_name(row.get('this_month'))}: {m.tokens(used)} used by {m.day(row.get('as_of_date'))}"
    )
    if not _is_over(row):
        words += (
            f", {m.amount(ends)} expected by the end of the month{f' ({likely})' if (likely := _range(row)) else ''}"
        )
    return f"{words}; {'no cap in tokens' if cap is None else f'the cap is {m.amount(cap)}'}."


def _growth_in_words(row: Row, totals: list[Row]) -> str:
    told = []
    for one in totals:
        used, ends, cap = (m.number(one.get(f"{name}_tokens")) for name in ("used", "projected", "cap"))
        if used is None:
            continue
        words = f"{m.month_name(one.get('month'))} {m.amount(used)}"
        if ends is not None and ends > used:
            words = f"{m.month_name(one.get('month'))} {m.amount(ends)} expected, {m.amount(used)} used so far"
        words += "" if one.get("is_measured_whole") else " measured in part"
        told.append(words if cap is None else f"{words} (cap {m.amount(cap)})")
    expected = m.number(row.get("expected_tokens"))
    if expected is not None:
        cap = m.amount(row.get("recommended_cap_tokens"))
        told.append(f"{m.month_name(row['month'])} {m.amount(expected)} planned (cap {cap})")
    return f"Bar chart of tokens a month: {'; '.join(told)}.{_no_range(row, ' Growth of {}.')}"


def _no_range(row: Row, words: str) -> str:
    """That growth has no range yet, in the place of {}; empty once it has."""
    months = m.number(row.get("complete_months"))
    if months is None or months >= _MONTHS_OF_A_RANGE:
        return ""
    return words.format(f"{('no month', 'one month', 'two months')[int(months)]}: no range yet")


def _mix_in_words(row: Row, mix: list[Row]) -> str:
    told = []
    for one in mix:
        others = f"{m.number(one.get('models')) or 'the'} others"
        name = m.plain(one["model"], limit=60) if one.get("model") is not None else others
        cost = m.number(one.get("cost_ratio"))
        told.append(
            f"{name} {m.percent(one.get('token_ratio'))} of tokens"
            + ("" if cost is None else f" and {m.percent(cost)} of cost")
        )
    return f"Bar chart of models in {m.month_name(row.get('this_month'))}: {'; '.join(told)}."


def _csv_name(row: Row) -> str:
    scope_id = re.sub(r"[^A-Za-z0-9.-]+", "_", str(row.get("scope_id")))[:60]
    return f"caps_{m.as_date(row['month']):%Y-%m}_{row.get('scope')}_{scope_id}.csv"


def _csv(row: Row) -> bytes:
    """The proposals as rows of caps.csv, with what a person wants to see beside them in the columns behind.

    A proposal states what is stated now: tokens, USD or both; tokens where nothing is.
    """
    sheet = io.StringIO(newline="")
    write = csv.writer(sheet, lineterminator="\n").writerow
    write(
        ["scope", "scope_id", "month", "cap_tokens", "cap_usd"]
        + ["name", "current_cap_tokens", "current_cap_usd", "change_ratio", "reason"]
    )
    for one in _list(row, "proposals"):
        now_tokens, now_usd = m.number(one.get("current_cap_tokens")), m.number(one.get("current_cap_usd"))
        tokens, usd = m.number(one.get("recommended_cap_tokens")), m.number(one.get("recommended_cap_usd"))
        in_usd = now_usd is not None and usd is not None
        cells = [one.get("scope"), "" if one.get("scope") == "org" else one.get("scope_id")]
        write(
            [_cell(cell) for cell in cells]
            + [f"{m.as_date(row['month']):%Y-%m}", _plain(None if in_usd and now_tokens is None else tokens)]
            + [_plain(usd if in_usd else None), _cell(one.get("name")), _plain(now_tokens), _plain(now_usd)]
            + [_plain(m.number(one.get("change_ratio"))), _cell(one.get("reason"))]
        )
    return sheet.getvalue().encode("utf-8", "replace")


def _plain(number: Any) -> str:
    return "" if number is None else f"{number.normalize():f}"


def _cell(text: Any) -> str:
    """Text for a cell: one line, and nothing that a spreadsheet would take for a formula."""
    return m.as_cell("" if text is None else " ".join(str(text).split()))
