"""What a click means: who may, what the ledger holds afterwards, and what everybody is told."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from alerts import _buttons as b
from alerts._actions import Desk, form_errors
from alerts._message import Message, context, section

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TODAY = date(2026, 11, 23)
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
DRAFT, FINAL = datetime(2026, 11, 23, 7, tzinfo=UTC), datetime(2026, 12, 1, 7, tzinfo=UTC)
LEAD, OTHER_LEAD, OWNER, DEVELOPER, STRANGER = "U0LEAD", "U0OTHER", "U0OWNER", "U0DEV3", "U0NOBODY"
KEY = "cap_level/developer/dev-03/2026-11"
PLAN = "plan/2026-12/draft/team/platform"


class Company:
    """Team platform with dev-03 and dev-04, led by LEAD; team mobile, led by OTHER_LEAD."""

    owners = (OWNER,)
    leads = {"platform": LEAD, "mobile": OTHER_LEAD}
    plans = {DECEMBER: ("draft", DRAFT.replace(tzinfo=None))}  # as a warehouse gives it

    def lead_of(self, team_id):
        return self.leads.get(team_id)

    def team_of(self, developer_id):
        return {"dev-03": "platform", "dev-04": "platform"}.get(developer_id)

    def slack_id_of(self, developer_id):
        return {"dev-03": DEVELOPER}.get(developer_id)

    def name_of(self, scope, scope_id):
        return {"team": "Platform", "org": "The organisation"}.get(scope, "Ann <!channel> *B*")

    def current_cap(self, scope, scope_id, month):
        return (4_000_000, None)

    def latest_plan(self, month):
        return self.plans.get(month)

    def proposals(self, month, issued_at, scope, scope_id):
        if scope == "org":
            return [proposal("org", "org", 90), proposal("team", "platform", 50), proposal("team", "mobile", 40)]
        return [
            proposal("team", "platform", 50),
            proposal("developer", "dev-03", 5),
            proposal("developer", "dev-04", 6),
        ]


def proposal(scope, scope_id, millions, **changes):
    return {
        "scope": scope,
        "scope_id": scope_id,
        "name": scope_id,
        "recommended_cap_tokens": millions * 1_000_000,
        "recommended_cap_usd": Decimal(millions),
        "current_cap_tokens": 1_000_000,
        "current_cap_usd": None,
        **changes,
    }


@pytest.fixture
def company():
    return Company()


@pytest.fixture
def clock():
    """The time; a test moves it on."""
    return [NOW]


@pytest.fixture
def desk(ledger, company, clock):
    return Desk(ledger, company, lambda: clock[0], lambda: TODAY)


@pytest.fixture
def incident(ledger):
    """dev-03 reached 80 % on 22 November."""
    ledger.open_incident(opened(KEY, team_id="platform"))


def opened(key, **changes):
    """An incident that was opened on 22 November."""
    kind, scope, scope_id, _ = key.split("/")
    at = NOW - timedelta(days=1)
    about = {"incident_key": key, "kind": kind, "level": 80, "scope": scope, "scope_id": scope_id, "month": NOVEMBER}
    return {**about, "state": "open", "opened_at": at, "changed_at": at, "times_opened": 1, **changes}


def click(verb, about, user=LEAD, at="1.0", choice=None):
    """A block_actions payload as Slack sends it."""
    action = {"action_id": verb, "block_id": "x", "action_ts": at, "type": "button"}
    if choice:
        action |= {"type": "static_select", "selected_option": {"value": choice}, "block_id": f"{about}#1790000000"}
    else:
        action["value"] = json.dumps(about) if isinstance(about, dict) else about
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "someone", "team_id": "T1"},
        "trigger_id": "12.34.ab",
        "container": {"type": "message", "message_ts": "1790000000.000100", "channel_id": "D0LEAD"},
        "channel": {"id": "D0LEAD", "name": "directmessage"},
        "actions": [action],
    }


def submit(form, user=LEAD, view_id="V1", **fields):
    """The view_submission of an opened form."""
    values = {}
    for name, value in fields.items():
        chosen = name in ("cap", "unit")
        given = {"type": "static_select", "selected_option": {"value": value}} if chosen else {"value": value}
        values[name] = {name: given}
    view = {"id": view_id, "hash": "156.abc", "callback_id": form["callback_id"], "state": {"values": values}}
    view["private_metadata"] = form["private_metadata"]
    return {"type": "view_submission", "user": {"id": user}, "view": view}


def plan(key=PLAN, issued_at=DRAFT, alone=False):
    return {"plan": key, "issued_at": issued_at.isoformat(), "alone": alone}


def actions(ledger):
    """(who, verb, outcome) of every action."""
    return [(row["slack_user"], row["action"], row["outcome"]) for row in ledger.export()["alert_actions"]]


def caps(ledger):
    """(scope_id, decision, tokens, usd) of every decision."""
    return [
        (row["scope_id"], row["decision"], row["cap_tokens"], row["cap_usd"])
        for row in ledger.export()["cap_decisions"]
    ]


# --- Alerts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [LEAD, OWNER, DEVELOPER])
def test_the_lead_an_owner_and_the_developer_may_acknowledge(desk, ledger, incident, user):
    answer = desk.handle(click(b.ACKNOWLEDGE, KEY, user))

    now = ledger.incident(KEY)
    assert (now["state"], now["changed_by"], now["changed_at"]) == ("acknowledged", user, NOW)
    assert answer.refresh == (KEY,)
    assert actions(ledger) == [(user, "acknowledge", "done")]
    assert answer.said == f"acknowledge {KEY} by {user}: done"


@pytest.mark.parametrize("user", [OTHER_LEAD, STRANGER])
def test_who_may_not_is_told_who_may_and_it_is_written_down(desk, ledger, incident, user):
    answer = desk.handle(click(b.ACKNOWLEDGE, KEY, user))

    assert answer.text == "Only <@U0LEAD>, <@U0DEV3>, <@U0OWNER> may do that. Ask there."
    assert ledger.incident(KEY)["state"] == "open"
    assert actions(ledger) == [(user, "acknowledge", "refused")]
    assert answer.refresh == ()


def test_a_developer_may_not_snooze_what_the_lead_has_to_see(desk, ledger, incident):
    assert "Only <@U0LEAD>, <@U0OWNER>" in desk.handle(click(b.SNOOZE, KEY, DEVELOPER, choice="1d")).text
    assert ledger.incident(KEY)["state"] == "open"


@pytest.mark.parametrize(
    ("choice", "until"),
    [("1d", date(2026, 11, 24)), ("3d", date(2026, 11, 26)), ("1w", date(2026, 11, 30)), ("month", DECEMBER)],
)
def test_a_snooze_ends_on_its_day(desk, ledger, incident, choice, until):
    answer = desk.handle(click(b.SNOOZE, KEY, choice=choice))

    assert (ledger.incident(KEY)["state"], ledger.incident(KEY)["snoozed_until"]) == ("snoozed", until)
    assert answer.refresh == (KEY,)


def test_everybody_who_sees_an_alert_of_the_pipeline_may_acknowledge_it(desk, ledger):
    key = "source_health/pipeline/litellm__requests/2026-11-22"
    ledger.open_incident(opened(key, level=0))

    desk.handle(click(b.ACKNOWLEDGE, key, STRANGER))

    assert ledger.incident(key)["state"] == "acknowledged"


def test_an_alert_of_the_organisation_is_its_owners(desk, ledger):
    key = "cap_level/org/org/2026-11"
    ledger.open_incident(opened(key))

    assert desk.handle(click(b.ACKNOWLEDGE, key, LEAD)).text == "Only <@U0OWNER> may do that. Ask there."
    desk.handle(click(b.ACKNOWLEDGE, key, OWNER))

    assert ledger.incident(key)["state"] == "acknowledged"


def test_where_nobody_may_the_answer_names_the_row_and_the_setting(desk, company, ledger, incident):
    company.leads, company.owners = {}, ()

    text = desk.handle(click(b.SNOOZE, KEY, choice="1d")).text

    assert "lead_slack_id of team platform in teams.csv" in text and "SLACK_ORG_OWNERS" in text


def test_a_second_click_changes_nothing_and_says_who_was_first(desk, ledger, incident, clock):
    desk.handle(click(b.ACKNOWLEDGE, KEY, DEVELOPER, at="1.0"))
    clock[0] += timedelta(hours=20)

    answer = desk.handle(click(b.ACKNOWLEDGE, KEY, LEAD, at="2.0"))

    assert answer.text == "Nothing to do. Acknowledged by <@U0DEV3> on 23 Nov 2026."
    assert ledger.incident(KEY)["changed_by"] == DEVELOPER
    assert actions(ledger) == [(DEVELOPER, "acknowledge", "done"), (LEAD, "acknowledge", "unchanged")]


def test_a_payload_that_slack_sends_twice_is_one_action(desk, ledger, incident):
    first, again = (desk.handle(click(b.ACKNOWLEDGE, KEY)) for _ in range(2))

    assert first.text and again.text is None
    assert again.refresh == (KEY,)
    assert actions(ledger) == [(LEAD, "acknowledge", "done")]


def test_an_alert_that_the_ledger_does_not_know_is_refused(desk, ledger):
    assert "not in Paceline's ledger" in desk.handle(click(b.ACKNOWLEDGE, "spike/org/org/2020-01-01")).text


def test_what_is_none_of_our_buttons_is_left_alone(desk, ledger):
    assert not desk.handle(click("open_link", "https://example.test")).text
    assert not desk.handle({"type": "view_closed", "user": {"id": LEAD}}).text
    assert actions(ledger) == []


# --- Plans -----------------------------------------------------------------------------------------------------------


def test_approving_sets_every_cap_that_the_plan_proposed(desk, ledger):
    answer = desk.handle(click(b.APPROVE, plan()))

    assert caps(ledger) == [
        ("platform", "approved", 50_000_000, None),
        ("dev-03", "approved", 5_000_000, None),
        ("dev-04", "approved", 6_000_000, None),
    ]
    row = ledger.decisions(DECEMBER)[("developer", "dev-03")]
    assert (row["decided_by"], row["decided_at"], row["plan_stage"]) == (LEAD, NOW, "draft")
    assert row["plan_issued_at"] == DRAFT
    assert answer.text == "Approved: 3 caps of December 2026. It counts from the next run on."
    assert answer.refresh_plans == ("plan/2026-12/draft/org/org", PLAN)


def test_a_channel_that_names_no_developers_approves_the_teams_cap_only(desk, ledger):
    desk.handle(click(b.APPROVE, plan(alone=True)))

    assert caps(ledger) == [("platform", "approved", 50_000_000, None)]


@pytest.mark.parametrize(
    ("current", "set_caps"),
    [
        ({"current_cap_tokens": 1, "current_cap_usd": Decimal(1)}, (5_000_000, Decimal(5))),
        ({"current_cap_tokens": None, "current_cap_usd": Decimal(1)}, (None, Decimal(5))),
        ({"current_cap_tokens": None, "current_cap_usd": None}, (5_000_000, None)),
    ],
)
def test_approving_sets_the_measures_that_have_a_cap(desk, company, ledger, current, set_caps):
    company.proposals = lambda *about: [proposal("developer", "dev-03", 5, **current)]

    desk.handle(click(b.APPROVE, plan()))

    assert caps(ledger) == [("dev-03", "approved", *set_caps)]


def test_approving_again_changes_nothing_and_says_who_was_first(desk, ledger):
    desk.handle(click(b.APPROVE, plan(), LEAD, at="1.0"))

    answer = desk.handle(click(b.APPROVE, plan(), OWNER, at="2.0"))

    assert answer.text == "Nothing to do: already approved by <@U0LEAD> on 23 Nov 2026."
    assert len(caps(ledger)) == 3
    assert actions(ledger) == [(LEAD, "approve", "done"), (OWNER, "approve", "unchanged")]


@pytest.mark.parametrize("user", [OTHER_LEAD, DEVELOPER, STRANGER])
def test_a_teams_plan_is_its_leads_and_the_owners(desk, ledger, user):
    for verb in (b.APPROVE, b.CHANGE, b.REJECT):
        answer = desk.handle(click(verb, plan(), user, at=verb))
        assert answer.text == "Only <@U0LEAD>, <@U0OWNER> may do that. Ask there."
        assert answer.view is None
    assert caps(ledger) == []


def test_the_organisations_plan_is_its_owners_and_sets_its_cap_and_the_teams(desk, ledger):
    org = plan("plan/2026-12/draft/org/org")
    assert desk.handle(click(b.APPROVE, org, LEAD)).text == "Only <@U0OWNER> may do that. Ask there."

    answer = desk.handle(click(b.APPROVE, org, OWNER))

    assert [one[0] for one in caps(ledger)] == ["org", "platform", "mobile"]
    assert "plan/2026-12/draft/team/mobile" in answer.refresh_plans


def test_a_plan_that_was_replaced_cannot_be_decided(desk, company, ledger):
    company.plans = {DECEMBER: ("final", FINAL)}

    answer = desk.handle(click(b.APPROVE, plan()))

    assert answer.text == (
        "This plan for December 2026 no longer counts. A newer one was issued on 1 Dec 2026: decide on that."
    )
    assert caps(ledger) == [] and actions(ledger) == [(LEAD, "approve", "refused")]


def test_a_plan_of_a_month_that_is_over_cannot_be_decided(ledger, company):
    late = Desk(ledger, company, lambda: NOW, lambda: date(2027, 1, 1))

    assert "December 2026 is over" in late.handle(click(b.APPROVE, plan())).text
    assert caps(ledger) == []


def test_rejecting_is_written_down_and_approving_after_it_counts(desk, ledger, clock):
    desk.handle(click(b.REJECT, plan(), at="1.0"))
    assert {one[1:] for one in caps(ledger)} == {("rejected", None, None)}
    assert desk.handle(click(b.REJECT, plan(), at="2.0")).text.startswith("Nothing to do: already rejected")
    clock[0] += timedelta(minutes=1)

    desk.handle(click(b.APPROVE, plan(), OWNER, at="3.0"))

    assert {row["decision"] for row in ledger.decisions(DECEMBER).values()} == {"approved"}
    assert len(caps(ledger)) == 6  # who lost is still there


def test_one_cap_is_changed_in_a_form_and_stays_when_the_others_are_approved(desk, ledger, clock):
    form = desk.handle(click(b.CHANGE, plan(), at="1.0")).view
    options = form["blocks"][0]["element"]["options"]
    assert [one["text"]["text"] for one in options][1] == "dev-03: 5.00 M proposed"

    answer = desk.handle(submit(form, cap="1", amount="7.5", unit="tokens"))
    clock[0] += timedelta(minutes=1)
    desk.handle(click(b.APPROVE, plan(), at="2.0"))

    assert answer.text == "Changed: 1 cap of December 2026, dev-03 to 7.50 M tokens. It counts from the next run on."
    assert caps(ledger) == [
        ("dev-03", "changed", 7_500_000, None),
        ("platform", "approved", 50_000_000, None),
        ("dev-04", "approved", 6_000_000, None),
    ]


def test_a_form_that_is_sent_twice_is_one_decision(desk, ledger):
    form = desk.handle(click(b.CHANGE, plan())).view
    for _ in range(2):
        desk.handle(submit(form, cap="1", amount="12.34", unit="usd"))

    assert caps(ledger) == [("dev-03", "changed", None, Decimal("12.34"))]
    assert actions(ledger) == [(LEAD, "change", "done")]
    again = desk.handle(submit(form, view_id="V2", cap="1", amount="12.34", unit="usd"))
    assert again.text == "Nothing to do: already changed by <@U0LEAD> on 23 Nov 2026."


@pytest.mark.parametrize("amount", ["", "0", "-1", "nan", "inf", "1e99", "lots", "0.0000001"])
def test_what_is_no_amount_is_said_in_the_form(desk, ledger, amount):
    form = desk.handle(click(b.CHANGE, plan())).view
    sent = submit(form, cap="1", amount=amount, unit="tokens")

    assert list(form_errors(sent)) == ["amount"]
    desk.handle(sent)
    assert caps(ledger) == []


def test_a_plan_for_500_developers_fits_into_a_form(desk, company):
    company.proposals = lambda *about: [proposal("developer", f"dev-{number}" * 20, 5) for number in range(500)]

    menu = desk.handle(click(b.CHANGE, plan())).view["blocks"][0]["element"]

    assert [len(group["options"]) for group in menu["option_groups"]] == [100] * 5
    assert all(len(one["text"]["text"]) <= 75 for group in menu["option_groups"] for one in group["options"])


# --- Requests --------------------------------------------------------------------------------------------------------


def asked(desk, user=DEVELOPER, amount="6", reason="a *big* <!channel> `move`\nsoon", at="1.0", view_id="V1"):
    form = desk.handle(click(b.REQUEST, KEY, user, at=at)).view
    return desk.handle(submit(form, user, view_id, amount=amount, unit="tokens", reason=reason))


def value_of(note, verb):
    """What a button of a note carries."""
    (buttons,) = [block for block in note.blocks if block["type"] == "actions"]
    return next(json.loads(one["value"]) for one in buttons["elements"] if one["action_id"] == verb)


def test_a_developer_asks_and_the_lead_hears_why(desk, ledger, incident):
    answer = asked(desk)

    (note,) = answer.notes
    assert answer.text == "Asked <@U0LEAD> for 6.00 M tokens."
    assert (note.channel, note.ts) == (LEAD, None)
    assert note.text == (
        "<@U0DEV3> asks for 6.00 M tokens for Ann ‹!channel› ∗B∗ in November 2026; the cap is 4.00 M tokens."
    )
    words = note.blocks[0]["text"]["text"]
    assert "*Reason:* a ∗big∗ ‹!channel› ˋmoveˋ soon" in words
    assert actions(ledger) == [(DEVELOPER, "request", "done")]
    assert caps(ledger) == []
    assert "move" not in answer.said and "move" not in repr(answer.said)


def test_a_reason_is_clipped_and_no_longer_than_a_button_holds(desk, incident):
    note = asked(desk, reason='"' * 3000).notes[0]

    assert len(value_of(note, b.GRANT)["reason"]) == 300
    assert all(len(one.get("value", "")) <= 2000 for one in note.blocks[-1]["elements"])


def test_nobody_asks_for_somebody_else(desk, ledger, incident):
    answer = desk.handle(click(b.REQUEST, KEY, STRANGER))

    assert answer.view is None and "Only <@U0LEAD>, <@U0DEV3>, <@U0OWNER>" in answer.text


def test_an_increase_has_to_be_one(desk, incident):
    form = desk.handle(click(b.REQUEST, KEY, DEVELOPER)).view

    wrong = form_errors(submit(form, DEVELOPER, amount="4", unit="tokens", reason="x"))

    assert wrong == {"amount": "That is not more than the cap is now: 4.00 M tokens."}


def test_a_granted_increase_is_the_cap_of_its_month_and_the_developer_hears_it(desk, ledger, incident):
    note = asked(desk).notes[0]

    answer = desk.handle(click(b.GRANT, value_of(note, b.GRANT), LEAD, at="2.0"))

    assert caps(ledger) == [("dev-03", "increased", 6_000_000, None)]
    assert set(ledger.decisions(NOVEMBER)) == {("developer", "dev-03")}
    shown, told = answer.notes
    assert (shown.channel, shown.ts) == ("D0LEAD", "1790000000.000100")
    assert shown.blocks[-1]["elements"][0]["text"] == "Approved by <@U0LEAD> on 23 Nov 2026: 6.00 M tokens."
    assert not [block for block in shown.blocks if block["type"] == "actions"]
    assert told.channel == DEVELOPER and told.text.startswith("<@U0LEAD> approved your request: 6.00 M tokens")


def test_an_increase_in_one_measure_leaves_what_was_decided_in_the_other(desk, company, ledger, incident):
    company.plans = {NOVEMBER: ("final", DRAFT)}
    company.proposals = lambda *about: [proposal("developer", "dev-03", 5, current_cap_usd=Decimal(1))]
    desk.handle(click(b.APPROVE, plan("plan/2026-11/final/team/platform"), at="0.5"))
    note = asked(desk).notes[0]

    desk.handle(click(b.GRANT, value_of(note, b.GRANT), LEAD, at="2.0"))

    assert caps(ledger)[1:] == [("dev-03", "increased", 6_000_000, Decimal(5))]


def test_more_is_asked_of_the_measure_that_has_a_cap(desk, company, incident):
    company.current_cap = lambda *about: (None, Decimal("20.00"))

    form = desk.handle(click(b.REQUEST, KEY, DEVELOPER)).view

    units = [block["element"]["options"] for block in form["blocks"] if block.get("block_id") == "unit"]
    assert [one["value"] for one in units[0]] == ["usd"]
    assert "the cap is $20.00" in form["blocks"][0]["text"]["text"]


@pytest.mark.parametrize(("first", "done", "made"), [(b.GRANT, "approved", 1), (b.DENY, "denied", 0)])
@pytest.mark.parametrize("second", [b.GRANT, b.DENY])
def test_a_request_is_answered_once(desk, ledger, incident, first, done, made, second):
    note = asked(desk).notes[0]
    desk.handle(click(first, value_of(note, first), LEAD, at="2.0"))

    again = desk.handle(click(second, value_of(note, second), OWNER, at="3.0"))

    assert again.text == f"Nothing to do: already {done} by <@U0LEAD> on 23 Nov 2026."
    assert again.notes == () and len(caps(ledger)) == made


def test_a_denied_request_changes_no_cap(desk, ledger, incident):
    note = asked(desk).notes[0]

    answer = desk.handle(click(b.DENY, value_of(note, b.DENY), LEAD, at="2.0"))

    assert caps(ledger) == []
    assert answer.notes[0].blocks[-1]["elements"][0]["text"] == (
        "Denied by <@U0LEAD> on 23 Nov 2026. The cap stays as it is."
    )
    assert "denied your request" in answer.notes[1].text


def test_the_lead_may_grant_another_cap(desk, ledger, incident):
    note = asked(desk).notes[0]
    form = desk.handle(click(b.GRANT_OTHER, value_of(note, b.GRANT_OTHER), LEAD, at="2.0")).view

    answer = desk.handle(submit(form, LEAD, "V9", amount="5", unit="tokens"))

    assert caps(ledger) == [("dev-03", "increased", 5_000_000, None)]
    assert (answer.notes[0].channel, answer.notes[0].ts) == ("D0LEAD", "1790000000.000100")


def test_who_asked_does_not_decide(desk, ledger, incident):
    note = asked(desk).notes[0]

    answer = desk.handle(click(b.GRANT, value_of(note, b.GRANT), DEVELOPER, at="2.0"))

    assert answer.text == "Only <@U0LEAD>, <@U0OWNER> may do that. Ask there."
    assert caps(ledger) == []


def test_a_lead_who_asks_is_answered_by_an_owner(desk, ledger, incident):
    note = asked(desk, user=LEAD).notes[0]

    answer = desk.handle(click(b.GRANT, value_of(note, b.GRANT), LEAD, at="2.0"))

    assert note.channel == OWNER
    assert answer.text == "Nobody decides what they asked for themselves."
    assert caps(ledger) == []
    desk.handle(click(b.GRANT, value_of(note, b.GRANT), OWNER, at="3.0"))
    assert len(caps(ledger)) == 1


def test_where_there_is_no_lead_an_owner_is_asked(desk, company, incident):
    company.leads = {}

    assert asked(desk).notes[0].channel == OWNER


# --- Buttons ---------------------------------------------------------------------------------------------------------


def shown(blocks):
    """(action_id, text) of every element, of a message that Slack would take."""
    if blocks:
        Message("key", "text", [section("x"), *blocks])
    return [
        (one["action_id"], (one.get("text") or one["placeholder"])["text"])
        for block in blocks
        for one in block["elements"]
    ]


ALERT = {"kind": "cap_level", "scope": "developer"}


def test_an_alert_can_be_acknowledged_snoozed_and_answered_with_a_request(ledger, incident):
    found = b.for_incident(ledger.incident(KEY), ALERT)

    assert shown(found) == [
        ("acknowledge", "Acknowledge"),
        ("snooze", "Snooze"),
        ("request", "Request an increase"),
    ]
    assert b.incident_of(found[0]["block_id"]) == KEY


@pytest.mark.parametrize(
    ("state", "row", "verbs"),
    [
        ("acknowledged", ALERT, ["snooze", "request"]),
        ("snoozed", ALERT, ["snooze", "request"]),
        ("resolved", ALERT, []),
        ("open", {"kind": "spike", "scope": "developer"}, ["acknowledge", "snooze"]),
        ("open", {"kind": "cap_level", "scope": "pool"}, ["acknowledge", "snooze"]),
    ],
)
def test_a_button_is_there_only_where_it_does_something(ledger, incident, state, row, verbs):
    now = {**ledger.incident(KEY), "state": state}

    assert [verb for verb, _ in shown(b.for_incident(now, row))] == verbs


def test_a_very_long_id_costs_the_menu_only(ledger, incident):
    now = {**ledger.incident(KEY), "incident_key": "cap_level/developer/" + "x" * 300 + "/2026-11"}

    (block,) = b.for_incident(now, ALERT)

    assert [one["action_id"] for one in block["elements"]] == ["acknowledge", "request"]
    assert len(block["block_id"]) <= 255


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "open"}, None),
        ({"state": "acknowledged", "changed_by": "U1"}, "Acknowledged by <@U1> on 22 Nov 2026."),
        ({"state": "snoozed", "changed_by": "U1", "snoozed_until": DECEMBER}, "Snoozed by <@U1> until 1 Dec 2026."),
        ({"state": "resolved"}, "Resolved on 22 Nov 2026."),
    ],
)
def test_the_state_of_an_alert_is_one_line(ledger, incident, changes, words):
    assert b.state_line({**ledger.incident(KEY), **changes}) == words


def plan_row(**changes):
    proposals = [proposal("team", "platform", 50), proposal("developer", "dev-03", 5)]
    about = {"month": DECEMBER, "stage": "draft", "scope": "team", "scope_id": "platform"}
    return {**about, "issued_at": DRAFT.replace(tzinfo=None), "proposals": proposals, **changes}


def test_a_plan_counts_what_is_still_to_be_decided(desk, ledger, clock):
    assert shown(b.for_plan(plan_row()))[0] == ("approve", "Approve all 2")
    desk.handle(submit(desk.handle(click(b.CHANGE, plan())).view, cap="1", amount="7", unit="tokens"))
    assert shown(b.for_plan(plan_row(), ledger.decisions(DECEMBER)))[0] == ("approve", "Approve the other 1")
    desk.handle(click(b.APPROVE, plan(), OWNER, at="2.0"))

    decisions = ledger.decisions(DECEMBER)

    assert [verb for verb, _ in shown(b.for_plan(plan_row(), decisions))] == ["change", "reject"]
    line = b.plan_state_line(plan_row(), decisions)
    assert line == (
        "Caps decided: 1 approved by <@U0OWNER> on 23 Nov 2026; "
        "dev-03 to 7.00 M tokens, changed by <@U0LEAD> on 23 Nov 2026."
    )
    assert context(line)


def test_a_decision_on_the_draft_does_not_decide_the_final_plan(desk, ledger):
    desk.handle(click(b.APPROVE, plan()))

    final = plan_row(stage="final", issued_at=FINAL)

    assert shown(b.for_plan(final, ledger.decisions(DECEMBER)))[0] == ("approve", "Approve all 2")
    assert b.plan_state_line(final, ledger.decisions(DECEMBER)) is None


def test_a_button_of_a_plan_brings_back_what_the_desk_needs(desk, ledger):
    (block,) = b.for_plan(plan_row(proposals=[proposal("team", "platform", 50)]))

    desk.handle(click(b.APPROVE, json.loads(block["elements"][0]["value"])))

    assert block["elements"][0]["text"]["text"] == "Approve the cap"
    assert caps(ledger) == [("platform", "approved", 50_000_000, None)]


def test_a_plan_without_proposals_has_no_buttons():
    assert b.for_plan(plan_row(proposals=[])) == []
