"""What a click in Slack means: who may do it, what is written to the ledger, and what everybody is shown. No network.

Payloads: https://docs.slack.dev/reference/interaction-payloads (block_actions, view_submission).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from alerts import _buttons as b
from alerts import _message as m

if TYPE_CHECKING:
    from alerts._ledger import Ledger

_FROM_THEN = "It counts from the next run on."
_DONE = {b.APPROVE: "approved", b.REJECT: "rejected", b.CHANGE: "changed"}


class Facts(Protocol):
    """What the desk has to know of the company, as of now."""

    owners: Sequence[str]  # Slack member ids of those who decide for the organisation

    def lead_of(self, team_id: str) -> str | None:
        """Slack member id of a team's lead."""

    def team_of(self, developer_id: str) -> str | None:
        """A developer's team."""

    def slack_id_of(self, developer_id: str) -> str | None:
        """A developer's Slack member id."""

    def name_of(self, scope: str, scope_id: str) -> str:
        """What people call it."""

    def current_cap(self, scope: str, scope_id: str, month: date) -> tuple[int | None, Any]:
        """The token cap and the USD cap of a month."""

    def latest_plan(self, month: date) -> tuple[str, datetime] | None:
        """Stage and time of issue of a month's last plan."""

    def proposals(self, month: date, issued_at: datetime, scope: str, scope_id: str) -> list[dict[str, Any]]:
        """What one issue of a plan proposed to a team (itself and its developers) or to the organisation (itself and
        its teams): scope, scope_id, name, recommended_cap_tokens, recommended_cap_usd, current_cap_tokens,
        current_cap_usd. Always in the same order."""


@dataclass(frozen=True)
class Note:
    """A message of our own: to a channel or a member, or, with `ts`, in place of the one that was sent there."""

    channel: str
    text: str
    blocks: list[dict[str, Any]]
    ts: str | None = None


@dataclass(frozen=True)
class Answer:
    """What follows from a click: `text` only the one who clicked sees, `view` is opened, `notes` are sent,
    `refresh` (incident keys) and `refresh_plans` (alert keys) name messages that now say something else. `said` is
    for the log: ids only."""

    text: str | None = None
    view: dict[str, Any] | None = None
    notes: tuple[Note, ...] = ()
    refresh: tuple[str, ...] = ()
    refresh_plans: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Click:
    """One click or one submitted form. `key` is the same when Slack sends it twice."""

    key: str
    user: str
    verb: str
    about: Any  # an incident_key, or what `value` or the form held
    channel: str = ""
    ts: str = ""
    choice: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_form: bool = False


class _Refused(Exception):
    """Not allowed, or not possible; the message is for the one who clicked."""


def click_of(payload: Mapping[str, Any]) -> Click | None:
    """The click behind a payload of Socket Mode; None for anything else."""
    user = str((payload.get("user") or {}).get("id") or "")
    if payload.get("type") == "view_submission":
        view = payload["view"]
        about = json.loads(view.get("private_metadata") or "{}")
        key = f"{user}/{view['id']}/{view.get('hash', '')}"
        where = {"channel": str(about.get("channel") or ""), "ts": str(about.get("ts") or "")}
        return Click(key, user, view["callback_id"], about, **where, fields=b.fields_of(view), is_form=True)
    actions = payload.get("actions") or []
    if payload.get("type") != "block_actions" or not actions:
        return None
    action, container = actions[0], payload.get("container") or {}
    about = str(action.get("value") or b.incident_of(str(action.get("block_id") or "")))
    return Click(
        key=f"{user}/{action.get('action_ts', '')}/{action['action_id']}",
        user=user,
        verb=str(action["action_id"]),
        about=json.loads(about) if about.startswith("{") else about,
        channel=str(container.get("channel_id") or (payload.get("channel") or {}).get("id") or ""),
        ts=str(container.get("message_ts") or ""),
        choice=str((action.get("selected_option") or {}).get("value") or ""),
    )


def form_errors(payload: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a submitted form, by field: Slack shows it there and keeps the form open."""
    click = click_of(payload)
    if click is None or not click.is_form:
        return {}
    cap, wrong = b.typed_cap(click.fields)
    if wrong:
        return {"amount": wrong}
    if click.verb == b.REQUEST:
        for name in ("cap_tokens", "cap_usd"):
            now = m.number(click.about.get(f"now_{name}"))
            if cap[name] is not None and now is not None and cap[name] <= now:
                return {"amount": f"That is not more than the cap is now: {b.cap_words(click.about, 'now_')}."}
    return {}


class Desk:
    """Decides. `now` is the time in UTC, `today` the day in the company's zone."""

    def __init__(self, ledger: Ledger, facts: Facts, now: Callable[[], datetime], today: Callable[[], date]) -> None:
        self.ledger, self.facts, self.now, self.today = ledger, facts, now, today
        self._verbs = {
            b.ACKNOWLEDGE: self._acknowledge,
            b.SNOOZE: self._snooze,
            b.REQUEST: self._request,
            b.APPROVE: self._approve,
            b.CHANGE: self._change,
            b.REJECT: self._reject,
            b.GRANT: self._grant,
            b.GRANT_OTHER: self._grant,
            b.DENY: self._deny,
        }

    def handle(self, payload: Mapping[str, Any]) -> Answer:
        """Do what a click says, once; everything that was done or refused is a row of the ledger.

        The same payload a second time changes nothing. Raises for a payload or a warehouse nobody can read.
        """
        click = click_of(payload)
        if click is None or click.verb not in self._verbs or (click.is_form and form_errors(payload)):
            return Answer()
        try:
            return self._verbs[click.verb](click)
        except _Refused as refused:
            return self._write(click, _subject(click), "refused", Answer(str(refused)), detail=str(refused))

    # --- Alerts ------------------------------------------------------------------------------------------------------

    def _acknowledge(self, click: Click) -> Answer:
        incident = self._incident(click)
        self._must(click.user, self._carers(incident, own=True), incident)
        key = incident["incident_key"]
        if incident["state"] in ("acknowledged", "resolved"):
            return self._write(click, key, "unchanged", self._as_it_is(incident))
        change = {"incident_key": key, "state": "acknowledged", "snoozed_until": None}
        done = Answer("Acknowledged. You hear of it again only if it gets worse.", refresh=(key,))
        return self._write(click, key, "done", done, incident=change)

    def _snooze(self, click: Click) -> Answer:
        incident = self._incident(click)
        self._must(click.user, self._carers(incident), incident)
        key, until = incident["incident_key"], self._until(click.choice)
        if incident["state"] == "resolved" or (
            incident["state"] == "snoozed" and m.as_date(incident["snoozed_until"]) == until
        ):
            return self._write(click, key, "unchanged", self._as_it_is(incident))
        change = {"incident_key": key, "state": "snoozed", "snoozed_until": until}
        done = Answer(f"Snoozed until {m.day(until)}.", refresh=(key,))
        return self._write(click, key, "done", done, detail=str(until), incident=change)

    def _as_it_is(self, incident: Mapping[str, Any]) -> Answer:
        # Who sees a button that has no use any more has an old message before them.
        return Answer(f"Nothing to do. {b.state_line(incident)}", refresh=(incident["incident_key"],))

    def _until(self, choice: str) -> date:
        if choice not in b.SNOOZES:
            raise _Refused("That is no time to snooze for.")
        if choice == "month":
            return m.next_month(self.today())
        return self.today() + timedelta(days={"1d": 1, "3d": 3, "1w": 7}[choice])

    def _incident(self, click: Click) -> dict[str, Any]:
        key = click.about["incident_key"] if isinstance(click.about, dict) else click.about
        incident = self.ledger.incident(str(key))
        if incident is None:
            raise _Refused("This alert is not in Paceline's ledger, so nothing can be done about it here.")
        return incident

    def _carers(self, incident: Mapping[str, Any], own: bool = False) -> list[str] | None:
        """Who may care for an incident besides the owners; None: everybody who sees it."""
        if incident["scope"] == "pipeline":
            return None
        who = self._leads(str(incident["scope"]), str(incident["scope_id"]), incident.get("team_id"))
        if own and incident["scope"] == "developer":
            who = [*who, self.facts.slack_id_of(str(incident["scope_id"]))]
        return [one for one in who if one]

    # --- Plans -------------------------------------------------------------------------------------------------------

    def _approve(self, click: Click) -> Answer:
        plan = self._plan(click)
        decisions = self.ledger.decisions(plan["month"])
        left = b.undecided(plan["proposals"], decisions, plan["issued_at"])
        if not left:
            return self._write(click, plan["key"], "unchanged", self._already(plan, decisions))
        return self._decide(click, plan, [(one, _proposed_cap(one)) for one in left])

    def _reject(self, click: Click) -> Answer:
        plan = self._plan(click)
        decisions = self.ledger.decisions(plan["month"])

        def is_open(one: Mapping[str, Any]) -> bool:
            last = decisions.get((one["scope"], one["scope_id"]))
            # An increase that was granted is no part of the plan.
            return last is None or last["decision"] not in ("rejected", "increased")

        left = [one for one in plan["proposals"] if is_open(one)]
        if not left:
            return self._write(click, plan["key"], "unchanged", self._already(plan, decisions))
        return self._decide(click, plan, [(one, {"cap_tokens": None, "cap_usd": None}) for one in left])

    def _change(self, click: Click) -> Answer:
        plan = self._plan(click)
        if not click.is_form:
            about = {**click.about, "channel": click.channel}
            return Answer(view=b.change_form(about, plan["proposals"]), said=f"{click.verb} {plan['key']}: form")
        place = click.fields.get("cap", "")
        if not place.isdigit() or int(place) >= len(plan["proposals"]):
            raise _Refused("Choose one of the caps of this plan.")
        one, (cap, _) = plan["proposals"][int(place)], b.typed_cap(click.fields)
        last = self.ledger.decisions(plan["month"]).get((one["scope"], one["scope_id"]))
        if last and last["decision"] == "changed" and _same_cap(last, _beside(last, cap)):
            return self._write(
                click, plan["key"], "unchanged", self._already(plan, {(one["scope"], one["scope_id"]): last})
            )
        return self._decide(click, plan, [(one, _beside(last, cap))])

    def _plan(self, click: Click) -> dict[str, Any]:
        """The plan a click is about, with its proposals. Refuses who may not, and what is over or replaced."""
        key, issued_at = str(click.about["plan"]), b.utc(click.about["issued_at"])
        _, month, stage, scope, scope_id = key.split("/", 4)
        month = date.fromisoformat(f"{month}-01")
        about = {"scope": scope, "scope_id": scope_id}
        self._must(click.user, self._leads(scope, scope_id), about)
        if self.today() >= m.next_month(month):
            raise _Refused(f"{m.month_name(month)} is over; its caps can no longer be decided.")
        latest = self.facts.latest_plan(month)
        if latest is None or b.utc(latest[1]) != issued_at:
            newer = f"A newer one was issued on {m.day(b.utc(latest[1]))}: decide on that." if latest else ""
            raise _Refused(f"This plan for {m.month_name(month)} no longer counts. {newer}".strip())
        proposals = self.facts.proposals(month, issued_at, scope, scope_id)
        if click.about.get("alone"):
            proposals = [one for one in proposals if (one["scope"], one["scope_id"]) == (scope, scope_id)]
        return {"key": key, "month": month, "stage": stage, "issued_at": issued_at, "proposals": proposals, **about}

    def _decide(
        self, click: Click, plan: Mapping[str, Any], caps: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
    ) -> Answer:
        rows = [
            {
                "decision": _DONE[click.verb],
                "scope": one["scope"],
                "scope_id": one["scope_id"],
                "month": plan["month"],
                **cap,
                "plan_stage": plan["stage"],
                "plan_issued_at": plan["issued_at"],
            }
            for one, cap in caps
        ]
        count = "1 cap" if len(rows) == 1 else f"{len(rows)} caps"
        words = f"{_DONE[click.verb].capitalize()}: {count} of {m.month_name(plan['month'])}"
        if click.verb == b.CHANGE:
            words += f", {m.escape(caps[0][0].get('name') or caps[0][0]['scope_id'])} to {b.cap_words(caps[0][1])}"
        words += f". {_FROM_THEN}" if click.verb != b.REJECT else ". The caps in force carry over."
        done = Answer(words, refresh_plans=_posts(plan, [one for one, _ in caps]))
        detail = "; ".join(f"{row['scope']} {row['scope_id']}: {b.cap_words(row)}" for row in rows)
        return self._write(click, plan["key"], "done", done, detail=detail, decisions=rows)

    def _already(self, plan: Mapping[str, Any], decisions: b.Decisions) -> Answer:
        made = [decisions.get((one["scope"], one["scope_id"])) for one in plan["proposals"]]
        last = max((one for one in made if one), key=lambda one: one["decision_id"], default=None)
        words = f"already {_decided(last)}" if last else "this plan proposes no cap"
        return Answer(f"Nothing to do: {words}.", refresh_plans=_posts(plan, plan["proposals"]))

    # --- Requests ----------------------------------------------------------------------------------------------------

    def _request(self, click: Click) -> Answer:
        incident = self._incident(click)
        key, scope, scope_id = incident["incident_key"], str(incident["scope"]), str(incident["scope_id"])
        self._must(click.user, self._carers(incident, own=True), incident)
        month = m.as_date(incident["month"])
        if month is None or scope not in ("developer", "team") or self.today() >= m.next_month(month):
            raise _Refused("The month of this alert is over, or it is about no cap of its own.")
        name = self.facts.name_of(scope, scope_id)
        if not click.is_form:
            tokens, usd = self.facts.current_cap(scope, scope_id, month)
            now = {"now_cap_tokens": tokens, "now_cap_usd": b.in_json(usd)}
            about = {"incident_key": key, "month": str(month), "channel": click.channel, **now}
            return Answer(view=b.request_form(about, name), said=f"{click.verb} {key}: form")
        # Nobody decides what they ask for themselves: a team's lead asks the owners.
        leads = [lead for lead in self._leads(scope, scope_id, incident.get("team_id")) if lead != click.user]
        to = leads if leads and scope == "developer" else list(self.facts.owners)
        if not to:
            raise _Refused(f"There is nobody to ask. {self._nobody(incident)}")
        cap, _ = b.typed_cap(click.fields)
        request = {
            "id": click.key,
            "by": click.user,
            "scope": scope,
            "scope_id": scope_id,
            "name": m.plain(name),
            "month": str(month),
            **{column: b.in_json(value) for column, value in cap.items()},
            **{column: click.about.get(column) for column in ("now_cap_tokens", "now_cap_usd")},
            "reason": m.plain(click.fields.get("reason") or "none given", limit=b.REASON_LIMIT),
        }
        notes = tuple(Note(lead, *b.request_message(request)) for lead in to[:1])
        done = Answer(f"Asked <@{to[0]}> for {b.cap_words(cap)}.", notes=notes)
        return self._write(click, key, "done", done, detail=json.dumps(request, ensure_ascii=False))

    def _grant(self, click: Click) -> Answer:
        request, cap = self._asked(click)
        if click.verb == b.GRANT_OTHER and not click.is_form:
            form = b.grant_form(request, click.channel, click.ts)
            return Answer(view=form, said=f"{click.verb} {_subject(click)}: form")
        if before := self._answered(click):
            return self._write(click, _subject(click), "unchanged", Answer(before))
        month = date.fromisoformat(request["month"])
        last = self.ledger.decisions(month).get((request["scope"], request["scope_id"]))
        row = {"decision": "increased", "scope": request["scope"], "scope_id": request["scope_id"], "month": month}
        row |= {**_beside(last, cap), "plan_stage": None, "plan_issued_at": None}
        what = f"{b.cap_words(cap)} for {m.escape(request['name'])} in {m.month_name(request['month'])}"
        shown = f"Approved by <@{click.user}> on {m.day(self.now())}: {b.cap_words(cap)}."
        notes = (
            Note(click.channel, *b.request_message(request, shown), ts=click.ts),
            _told(request["by"], f"<@{click.user}> approved your request: {what}. {_FROM_THEN}"),
        )
        done = Answer(f"Approved: {what}. {_FROM_THEN}", notes=notes)
        return self._write(click, _subject(click), "done", done, detail=b.cap_words(cap), decisions=[row])

    def _deny(self, click: Click) -> Answer:
        request, _ = self._asked(click)
        if before := self._answered(click):
            return self._write(click, _subject(click), "unchanged", Answer(before))
        what = f"{b.cap_words(request)} for {m.escape(request['name'])} in {m.month_name(request['month'])}"
        shown = f"Denied by <@{click.user}> on {m.day(self.now())}. The cap stays as it is."
        notes = (
            Note(click.channel, *b.request_message(request, shown), ts=click.ts),
            _told(request["by"], f"<@{click.user}> denied your request: {what}. The cap stays as it is."),
        )
        return self._write(click, _subject(click), "done", Answer(f"Denied: {what}.", notes=notes))

    def _asked(self, click: Click) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """The request a click is about, and the cap that would be granted."""
        request = click.about["request"] if click.is_form else click.about
        self._must(click.user, self._leads(request["scope"], request["scope_id"]), request)
        if click.user == request["by"] and click.user not in self.facts.owners:
            raise _Refused("Nobody decides what they asked for themselves.")
        if self.today() >= m.next_month(date.fromisoformat(request["month"])):
            raise _Refused(f"{m.month_name(request['month'])} is over; its caps can no longer be decided.")
        if click.is_form:
            return request, b.typed_cap(click.fields)[0]
        return request, {"cap_tokens": request["cap_tokens"], "cap_usd": m.number(request["cap_usd"])}

    def _answered(self, click: Click) -> str | None:
        """What was answered to the request before, by another click."""
        verbs = {b.GRANT: "approved", b.GRANT_OTHER: "approved", b.DENY: "denied"}
        for row in self.ledger.actions(verbs):
            if row["subject"] == _subject(click) and row["action_key"] != click.key:
                by = f"<@{row['slack_user']}> on {m.day(row['acted_at'])}"
                return f"Nothing to do: already {verbs[row['action']]} by {by}."
        return None

    # --- Who may -----------------------------------------------------------------------------------------------------

    def _leads(self, scope: str, scope_id: str, team_id: Any = None) -> list[str]:
        if scope == "org":
            return []
        lead = self.facts.lead_of(self._team(scope, scope_id, team_id) or "")
        return [lead] if lead else []

    def _team(self, scope: str, scope_id: str, team_id: Any = None) -> str | None:
        return (self.facts.team_of(scope_id) or team_id) if scope == "developer" else scope_id

    def _must(self, user: str, who: Sequence[str] | None, about: Mapping[str, Any]) -> None:
        if who is None or user in who or user in self.facts.owners:
            return
        may = [f"<@{one}>" for one in dict.fromkeys([*who, *self.facts.owners])]
        only = f"Only {', '.join(may[:5])} may do that." if may else f"Nobody may do that yet. {self._nobody(about)}"
        raise _Refused(f"{only} Ask there.") if may else _Refused(only)

    def _nobody(self, about: Mapping[str, Any]) -> str:
        """Which row or setting to fill in where nobody may decide."""
        owners = "set SLACK_ORG_OWNERS"
        if about["scope"] == "org":
            return f"To change that, {owners}."
        team = self._team(str(about["scope"]), str(about["scope_id"]), about.get("team_id"))
        return f"To change that, fill in lead_slack_id of team {m.escape(team)} in teams.csv, or {owners}."

    # --- The ledger --------------------------------------------------------------------------------------------------

    def _write(
        self,
        click: Click,
        subject: str,
        outcome: str,
        answer: Answer,
        detail: str | None = None,
        decisions: Sequence[Mapping[str, Any]] = (),
        incident: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Write the click down with what follows from it. One that was written before is answered with nothing new,
        but for messages that may not have been brought up to date the first time."""
        action = {
            "action_key": click.key,
            "acted_at": self.now(),
            "slack_user": click.user,
            "action": click.verb,
            "subject": subject,
            "outcome": outcome,
            "detail": detail,
        }
        is_new = self.ledger.act(action, decisions, incident)
        said = f"{click.verb} {m.plain(subject, limit=200)} by {m.plain(click.user)}: "
        if is_new:
            return replace(answer, said=said + outcome)
        return Answer(refresh=answer.refresh, refresh_plans=answer.refresh_plans, said=said + "repeated")


def _subject(click: Click) -> str:
    about = click.about
    if not isinstance(about, dict):
        return str(about)
    if "plan" in about:
        return str(about["plan"])
    if "incident_key" in about:
        return str(about["incident_key"])
    request = about.get("request", about)
    return f"request/{request['scope']}/{request['scope_id']}/{request['month'][:7]}/{request['id']}"


def _posts(plan: Mapping[str, Any], changed: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The posts that show these caps: the plan's own; a team's cap stands in its own and in the organisation's."""
    posts = {(plan["scope"], plan["scope_id"])}
    posts |= {("team", one["scope_id"]) for one in changed if one["scope"] == "team"}
    posts |= {("org", "org") for one in changed if one["scope"] in ("team", "org")}
    return tuple(sorted(b.plan_key(plan["month"], plan["stage"], *post) for post in posts))


def _proposed_cap(one: Mapping[str, Any]) -> dict[str, Any]:
    """What approving a proposal sets: the measures that have a cap now, tokens where there is none."""
    tokens, usd = m.number(one.get("current_cap_tokens")), m.number(one.get("current_cap_usd"))
    proposed_usd = m.number(one.get("recommended_cap_usd"))
    in_usd = usd is not None and proposed_usd is not None
    return {
        "cap_tokens": None if tokens is None and in_usd else one["recommended_cap_tokens"],
        "cap_usd": proposed_usd if in_usd else None,
    }


def _beside(last: Mapping[str, Any] | None, cap: Mapping[str, Any]) -> dict[str, Any]:
    """The caps of a new decision in one measure: what was decided in the other one before stays."""
    if last is None or last["decision"] == "rejected":
        return dict(cap)
    return {column: last[column] if value is None else value for column, value in cap.items()}


def _same_cap(decision: Mapping[str, Any], cap: Mapping[str, Any]) -> bool:
    return all(m.number(decision[column]) == m.number(cap[column]) for column in ("cap_tokens", "cap_usd"))


def _decided(decision: Mapping[str, Any]) -> str:
    return f"{decision['decision']} by <@{decision['decided_by']}> on {m.day(decision['decided_at'])}"


def _told(user: str, text: str) -> Note:
    return Note(user, text, [m.section(text)])
