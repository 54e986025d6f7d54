"""Approved caps as LiteLLM's budgets: what would change, and, where told so, the change, read back and written down."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import alerts
from connectors._errors import SourceError, SourceUnavailable
from connectors.litellm_budgets import MONTHLY, Budget, Budgets, Kind
from pipelines.publish import read_warehouse
from pipelines.settings import Settings, utc_now

# A cap in tokens becomes USD at the price that the plan measured for the same person or team.
CAPS = """
    select
        caps.scope, caps.scope_id, caps.cap_source, caps.cap_tokens, caps.cap_usd, priced.usd_per_mtok,
        coalesce(caps.cap_usd, caps.cap_tokens * priced.usd_per_mtok / 1000000)::decimal(18, 2) as budget_usd,
        users.user_ids,
        coalesce(teams.monthly_pool_tokens, teams.monthly_pool_usd) is not null as has_pool
    from plan.caps_effective as caps
    left join plan.cap_recommendations as priced using (scope, scope_id)
    left join (
        select developer_id, list(distinct value order by value) as user_ids
        from intermediate.int_identities_dated
        where kind = 'user_id' and $day between valid_from and valid_to
        group by developer_id
    ) as users on caps.scope = 'developer' and caps.scope_id = users.developer_id
    left join core.dim_developers as developers on users.developer_id = developers.developer_id
    left join core.dim_teams as teams on developers.team_id = teams.team_id
    where caps.month = $month and caps.scope in ('developer', 'team')
    order by array_position(['team', 'developer'], caps.scope), caps.scope_id"""


@dataclass(frozen=True)
class Push:
    """One cap and the budget that it makes. `state`: planned, pushed, in step, failed, or not tried after a failure;
    `problem` says what is wrong and who must act, `note` what else to know."""

    scope: str
    scope_id: str
    kind: Kind
    name: str | None
    budget_usd: Decimal | None
    basis: str
    state: str = "planned"
    old: Budget | None = None
    problem: str | None = None
    note: str | None = None


def running_month(as_of: date) -> date:
    """The month that runs now: that of the day after the last one included."""
    return (as_of + timedelta(days=1)).replace(day=1)


def push_caps(settings: Settings, month: date, apply: bool) -> list[Push]:
    """Compare the approved caps of a month with LiteLLM's budgets; with `apply`, set those that differ.

    What was pushed before stays in step when its cap is decided anew. Every change is an action in the ledger.
    """
    ledger = alerts.open_ledger(settings.ledger_url)
    pushed = {row["subject"] for row in ledger.actions(["push"], ["begun", "done"])}
    budgets, done, is_down = Budgets(settings.environ), [], False
    for cap in _caps(settings, month):
        if cap["cap_source"] != "approved" and _subject(cap["scope"], cap["scope_id"]) not in pushed:
            continue
        push = _wanted(cap)
        if is_down:
            push = replace(push, state="not tried")
        elif (name := push.name) is not None and (budget_usd := push.budget_usd) is not None:
            try:
                push = _compared(push, budgets.read(push.kind, name))
                if apply and push.state == "planned":
                    ledger.act(_action(push, month, "begun"))
                    push = _written(push, budgets, name, budget_usd)
                    ledger.act(_action(push, month, "done" if push.state == "pushed" else "refused"))
            except SourceUnavailable as error:
                push, is_down = replace(push, state="failed", problem=str(error)), True
            except SourceError as error:
                push = replace(push, state="failed", problem=str(error))
        done.append(push)
    return done


def _caps(settings: Settings, month: date) -> list[dict]:
    with read_warehouse(settings.warehouse_file) as db:
        cursor = db.execute(CAPS, {"month": month, "day": max(month, settings.as_of)})
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _wanted(cap: dict) -> Push:
    scope, scope_id = cap["scope"], cap["scope_id"]
    basis = "USD cap" if cap["cap_usd"] is not None else "no cap"
    if cap["cap_usd"] is None and cap["cap_tokens"] is not None:
        basis = f"{cap['cap_tokens']:,} tokens at ${cap['usd_per_mtok'] or 0:.4f} per million"
    name, problem, note = scope_id, None, None
    if scope == "developer":
        ids = cap["user_ids"] or []
        name = ids[0] if len(ids) == 1 else None
        if name is None:
            found = f"has {len(ids)} rows" if ids else "has no row"
            problem = f"{scope_id} {found} of kind user_id in identities.csv; LiteLLM's budgets need exactly one"
        if cap["has_pool"]:
            note = "LiteLLM stops this developer at the cap although the team's pool may have room"
    if cap["budget_usd"] is None and basis == "no cap":
        note = "there is no cap any more: lift the budget in LiteLLM by hand"
    elif cap["budget_usd"] is None:
        problem = f"there is no measured price yet to make USD of {scope_id}'s tokens: set cap_usd"
    state = "failed" if problem else "planned" if cap["budget_usd"] is not None else "in step"
    kind: Kind = "user" if scope == "developer" else "team"
    return Push(scope, scope_id, kind, name, cap["budget_usd"], basis, state, None, problem, note)


def _compared(push: Push, old: Budget | None) -> Push:
    if old is None:
        where = "kind user_id in identities.csv" if push.kind == "user" else "team_id in teams.csv"
        problem = f"LiteLLM knows no {push.kind} '{push.name}': correct {where}, or make the {push.kind} in LiteLLM"
        return replace(push, state="failed", problem=problem)
    note = push.note
    if not old.is_applied:
        note = "all keys of this user belong to teams, and LiteLLM applies only the budgets of teams to those"
    return replace(push, old=old, note=note, state="in step" if _agrees(push, old) else "planned")


def _written(push: Push, budgets: Budgets, name: str, budget_usd: Decimal) -> Push:
    budgets.write(push.kind, name, budget_usd)
    found = budgets.read(push.kind, name)
    if found is not None and _agrees(push, found):
        return replace(push, state="pushed")
    problem = f"LiteLLM took the budget of {push.kind} '{push.name}' and shows {budget_words(found)}: look at its log"
    return replace(push, state="failed", problem=problem)


def _agrees(push: Push, budget: Budget) -> bool:
    if budget.max_usd is None or push.budget_usd is None:
        return False
    same = abs(budget.max_usd - push.budget_usd) < Decimal("0.005")
    return same and budget.duration == MONTHLY


def _subject(scope: str, scope_id: str) -> str:
    return f"budget/{scope}/{scope_id}"


def _action(push: Push, month: date, outcome: str) -> dict:
    now = utc_now()
    detail = {"month": f"{month:%Y-%m}", push.kind: push.name, "old": budget_words(push.old), "basis": push.basis}
    return {
        "action_key": f"push/{push.scope}/{push.scope_id}/{now.isoformat()}",
        "acted_at": now,
        "slack_user": "paceline",
        "action": "push",
        "subject": _subject(push.scope, push.scope_id),
        "outcome": outcome,
        "detail": json.dumps(detail | {"new": str(push.budget_usd)}, ensure_ascii=False),
    }


def budget_words(budget: Budget | None) -> str:
    """A budget for people: "$12.00 1mo", "none"."""
    if budget is None or budget.max_usd is None:
        return "none"
    return f"${budget.max_usd:,.2f} {budget.duration or 'for ever'}"
