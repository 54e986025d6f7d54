"""The example company day by day through the real pipeline, and the alerts that its people would have got.

No Slack: the outbox and the ledger count. `python -m benchmarks.alert_replay [FOLDER]`: a folder keeps the days that
were run, so that a second call goes on or only prints.
"""

import importlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import duckdb

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 22)
ALONE = {
    "SLACK_ORG_CHANNEL": "#ai-capacity",
    "SLACK_OPS_CHANNEL": "#ai-capacity-ops",
    "SLACK_BOT_TOKEN": "",
    "PACELINE_LAKE": "",
    "PACELINE_ORG_DIR": "",
    "PACELINE_LEDGER_URL": "",
    "PACELINE_TIMEZONE": "",
    "LITELLM_PUSH_BUDGETS": "",
}
DELIVERY = ("alert_key", "incident_key", "kind", "level", "scope", "scope_id", "recipient", "role", "message_key")
INCIDENT = ("incident_key", "kind", "level", "scope", "scope_id", "state", "times_opened")


def replay(folder: Path) -> list[dict]:
    """Run the days that the folder has not; returns all of them: day, findings, what was told, incidents after it."""
    log = folder / "days.jsonl"
    log.touch()
    known = [json.loads(line) for line in log.read_text().splitlines()]
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    missing = days[len(known) :]
    if missing:
        _stand_alone(folder / "data")
    for day in missing:
        known.append(json.loads(json.dumps(_one_day(day), default=str)))
        with log.open("a") as out:
            out.write(json.dumps(known[-1]) + "\n")
        print(f"{day} done", file=sys.stderr, flush=True)
    return known


def _stand_alone(data_dir: Path) -> None:
    """Nothing but the examples, and nobody's Slack. Exits where a source is configured."""
    os.environ.update(ALONE, PACELINE_DATA_DIR=str(data_dir), PACELINE_AS_OF=str(LAST))
    from pipelines.settings import load_settings

    if not load_settings().uses_examples:
        sys.exit("the replay is of the example company: unset the variables of your sources (environment and .env)")
    importlib.import_module("pipelines.definitions")  # Dagster's days end with the as-of date of this moment


def _one_day(day: date) -> dict:
    import alerts
    from pipelines.jobs import DAILY, REPLAN
    from pipelines.publish import read_warehouse, rows_of
    from pipelines.run_context import RunChoices
    from pipelines.running import run_job
    from pipelines.schedules import month_to_plan
    from pipelines.settings import load_settings, utc_now

    settings, started, said = load_settings(PACELINE_AS_OF=day), utc_now(), []
    planned = month_to_plan(day + timedelta(days=1), set())
    choices = RunChoices(plan_month=f"{planned:%Y-%m}" if planned else "")
    if not run_job(settings, REPLAN if planned else DAILY, choices, said.append):
        sys.exit("\n".join(said))
    with read_warehouse(settings.warehouse_file) as db:
        found = rows_of(db, "from alerts.alerts_due order by alert_key")
    ledger = alerts.open_ledger(settings.ledger_url)
    told = [one for one in ledger.records().values() if one["first_attempt_at"] >= started]
    return {
        "day": day,
        "findings": found,
        "told": [{name: one[name] for name in DELIVERY} for one in told],
        "incidents": [{name: one[name] for name in INCIDENT} for one in ledger.incidents().values()],
    }


@dataclass(frozen=True)
class Told:
    """One message: the day that its data end with, its form, its recipient and its alerts (with their findings)."""

    day: str
    recipient: str
    form: str
    alerts: tuple[dict, ...]

    @property
    def sent_on(self) -> str:
        """The morning after."""
        return _morning_after(self.day)


def messages(days: list[dict]) -> list[Told]:
    """Everything that was told, in order."""
    found = []
    for day in days:
        rows = {row["alert_key"]: row for row in day["findings"]}
        told = sorted(day["told"], key=lambda one: (one["recipient"], one["message_key"], one["alert_key"]))
        for (recipient, key), group in groupby(told, key=lambda one: (one["recipient"], one["message_key"])):
            alerts = tuple(one | rows.get(one["alert_key"], {}) for one in group)
            found.append(Told(day["day"], recipient, _form(key, alerts[0]), alerts))
    return found


def _morning_after(day: str) -> str:
    return str(date.fromisoformat(day) + timedelta(days=1))


def _form(message_key: str, alert: dict) -> str:
    first = message_key.split("/")[0]
    if first in ("digest", "summary", "plan"):
        return first
    form = "at once" if alert.get("urgency") == "immediate" else "alone"
    return form + (" (again, higher)" if alert["role"] == "reply" else "")


def replies(days: list[dict]) -> list[tuple[str, str, str]]:
    """What only a thread gets, in Slack: (day, incident, 'resolved' or 'open again')."""
    found, before, own = [], {}, set()
    for day in days:
        own |= {one["incident_key"] for one in day["told"] if one["role"] == "message"}
        for one in day["incidents"]:
            key, was = one["incident_key"], before.get(one["incident_key"])
            is_over = key.split("/")[3][:7] < _morning_after(day["day"])[:7]
            if was and was != one["state"] and key in own and not is_over:
                found.append((day["day"], key, "resolved" if one["state"] == "resolved" else "open again"))
            before[key] = one["state"]
    return found


def ends(folder: Path) -> dict[tuple[str, str, str], dict]:
    """How each month stood on the last day, by scope, scope_id and month."""
    sql = """
        select caps.scope, caps.scope_id, caps.month::varchar as month, caps.used_ratio, caps.binding_measure,
            caps.probability_over, min(crossings.crossed_on)::varchar as reached_on
        from plan.cap_utilization as caps
        left join plan.cap_crossings as crossings
            on caps.scope = crossings.scope and caps.scope_id = crossings.scope_id
            and caps.month = crossings.month and crossings.level = 100
        where caps.used_ratio is not null
        group by all order by all"""
    with duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True) as db:
        cursor = db.execute(sql)
        names = [column[0] for column in cursor.description]
        return {row[:3]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def main() -> None:
    """Run what is missing, and print the history in Markdown."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        days = replay(folder)
        told, came = messages(days), ends(folder)
    _print_counts(told, days)
    _print_messages(told)
    warnings = _warnings(told)
    _print_breaches(warnings, came)
    _print_false_alarms(warnings, came)


def _print_counts(told: list[Told], days: list[dict]) -> None:
    recipients = sorted({one.recipient for one in told})
    print("## Messages per day and recipient\n\nEach cell: messages (alerts in them).\n")
    _row("sent on", *recipients)
    _row(*["---"] * (len(recipients) + 1))
    for sent_on, of_day in groupby(told, key=lambda one: one.sent_on):
        of_day = list(of_day)
        mine = [[one for one in of_day if one.recipient == recipient] for recipient in recipients]
        _row(
            _weekday(sent_on), *(f"{len(one)} ({sum(len(each.alerts) for each in one)})" if one else "" for one in mine)
        )
    totals = [[one for one in told if one.recipient == recipient] for recipient in recipients]
    _row("messages", *map(len, totals))
    _row("at once", *(sum(one.form.startswith(("at once", "summary")) for one in mine) for mine in totals))
    _row("days with any", *(len({one.day for one in mine}) for mine in totals))
    in_threads = replies(days)
    resolved = sum(what == "resolved" for *_, what in in_threads)
    print(
        f"\n{len(days)} days, {len(told)} messages, {_alerts_in(told)} alerts. With Slack also, in the threads of "
        f"these messages only: {resolved} times that it is over, {len(in_threads) - resolved} times that it is back."
    )


def _alerts_in(told: list[Told]) -> int:
    return sum(len(one.alerts) for one in told)


def _print_messages(told: list[Told]) -> None:
    print("\n## Every message\n")
    _row("sent on", "to", "form", "alerts")
    _row(*["---"] * 4)
    for one in told:
        _row(_weekday(one.sent_on), one.recipient, one.form, "<br>".join(_alert(alert) for alert in one.alerts))


def _alert(one: dict) -> str:
    key = one["alert_key"]
    facts = {
        "used": one.get("used_ratio"),
        "forecast": one.get("projected_ratio") if one["kind"] in ("cap_forecast", "burn_rate") else None,
        "probability": one.get("probability_over") if one["kind"] in ("cap_forecast", "burn_rate") else None,
        "in the window": one.get("cap_share_ratio") if one["kind"] in ("burn_rate", "spike") else None,
    }
    told = ", ".join(f"{name} {float(value):.0%}" for name, value in facts.items() if value is not None)
    return f"`{key}`" + (f" ({told})" if told else "")


def _warnings(told: list[Told]) -> dict[tuple[str, str, str], list[tuple[str, dict]]]:
    """What was told about each cap, oldest first: (day, alert)."""
    found: dict[tuple[str, str, str], list[tuple[str, dict]]] = {}
    for message in told:
        for alert in message.alerts:
            if alert["kind"] in ("cap_level", "cap_forecast", "burn_rate", "spike") and alert.get("month"):
                known = found.setdefault((alert["scope"], alert["scope_id"], alert["month"]), [])
                if alert["alert_key"] not in [one["alert_key"] for _, one in known]:
                    known.append((message.day, alert))
    return found


def _print_breaches(warnings: dict, came: dict) -> None:
    print("\n## Lead time of each breach\n")
    _row("cap", "reached on", "first warning (of data through)", "lead, days", "80 % alone, days")
    _row(*["---"] * 5)
    for key, end in came.items():
        reached = end["reached_on"]
        if reached is None or reached < str(FIRST) or key[2] < str(FIRST):
            continue
        known = [(day, alert) for day, alert in warnings.get(key, []) if day <= reached]
        fixed = [day for day, alert in known if alert["kind"] == "cap_level"]
        first = f"{known[0][0]} {_short(known[0][1])}" if known else "none before"
        leads = [_lead(min(ones, default=reached), reached) for ones in ([day for day, _ in known], fixed)]
        _row(_cap(key), reached, first, *leads)


def _print_false_alarms(warnings: dict, came: dict) -> None:
    print("\n## Warned, and not reached\n")
    _row("cap", "warned (of data through)", "known then", "what came")
    _row(*["---"] * 4)
    for key, known in sorted(warnings.items()):
        end = came.get(key)
        known = [(day, alert) for day, alert in known if alert["kind"] != "spike"]  # says nothing about the month
        if not known or key[2] < str(FIRST) or end is None or end["reached_on"]:
            continue
        is_over = key[2] < str(LAST.replace(day=1))
        probability = "" if end["probability_over"] is None else f", probability {float(end['probability_over']):.0%}"
        came_then = (
            f"ended at {end['used_ratio']:.0%}" if is_over else f"{LAST}: at {end['used_ratio']:.0%}{probability}"
        )
        _row(
            _cap(key),
            "<br>".join(f"{day} {_short(alert)}" for day, alert in known),
            "<br>".join(_alert(alert).partition(" (")[2].rstrip(")") for _, alert in known),
            came_then,
        )


def _lead(day: str, reached: str) -> int:
    return (date.fromisoformat(reached) - date.fromisoformat(day)).days


def _cap(key: tuple[str, str, str]) -> str:
    return f"{key[0]} {key[1]}, {key[2][:7]}"


def _short(alert: dict) -> str:
    return alert["kind"] + (f" {alert['level']}" if alert["level"] else "")


def _weekday(day: str) -> str:
    return f"{date.fromisoformat(day):%a} {day}"


def _row(*cells: object) -> None:
    print(f"| {' | '.join(str(cell) for cell in cells)} |")


if __name__ == "__main__":
    main()
