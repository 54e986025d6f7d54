"""The report in a browser: with 14 people, with 5,000, and on the first day."""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import duckdb
import pytest

from alerts import _format
from pipelines.assets.outcome import WAREHOUSE
from pipelines.assets.report import report
from pipelines.report import exhibits
from pipelines.report.exhibits import UNTOLD, WORDS, all_exhibits, answer, as_json
from pipelines.report.pages import html
from pipelines.resources import Deployment
from tests.pages import DESKTOP, PHONE, UNFOLD, barriers, shown
from tests.runs import paceline

EXHIBITS = all_exhibits()
READ = {table for exhibit in EXHIBITS for table in re.findall(r"\b((?:core|plan|ops)\.\w+)", exhibit.sql)}
# 14 people times 357 are 4,998, in 3 teams times 67.
COPIES, TEAM_COPIES = 357, 67


class Written(NamedTuple):
    """A page in a file, and what stands in it for its script."""

    file: Path

    @property
    def text(self) -> str:
        """The file."""
        return self.file.read_text()

    @property
    def data(self) -> dict:
        """The rows."""
        return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', self.text)[1])


def write(folder: Path, warehouse: Path, *statements: str) -> Written:
    """The page of a copy of a warehouse in which something was changed."""
    folder.mkdir(exist_ok=True)
    copy = shutil.copyfile(warehouse, folder / "warehouse.duckdb")
    copy.chmod(0o600)
    with duckdb.connect(str(copy)) as db:
        for statement in statements:
            db.execute(statement)
        (folder / "report.html").write_text(html(db, datetime(2026, 11, 23, 5, tzinfo=UTC), "UTC"))
    return Written(folder / "report.html")


def columns(warehouse: Path) -> dict[str, list[str]]:
    """The columns of every published table."""
    with duckdb.connect(str(warehouse), read_only=True) as db:
        return dict(
            db.execute("""
            select schema_name || '.' || table_name, list(column_name) from duckdb_columns()
            where not internal and schema_name in ('core', 'plan', 'ops')
                and table_name in (select table_name from duckdb_tables()) group by all""").fetchall()
        )


def multiplied(table: str, names: list[str]) -> str:
    """A statement that gives a table so many people and teams: each copy has a number."""
    scope = "scope" if "scope" in names else "'developer'" if "developer_id" in names else "'team'"
    person = "dimension = 'developer'" if "dimension" in names else f"{scope} = 'developer'"
    swaps = {
        "developer_id": "developer_id || '-' || n",
        "team_id": f"team_id || '-' || n % {TEAM_COPIES}",
        "scope_id": f"case {scope} when 'org' then scope_id when 'developer' then scope_id || '-' || n "
        f"else scope_id || '-' || n % {TEAM_COPIES} end",
        "member": f"if({person}, member || '-' || n, member)",
    }
    replaced = ", ".join(f"{swap} as {name}" for name, swap in swaps.items() if name in names)
    count = f"if({person}, {COPIES}, if({scope} = 'org', 1, {TEAM_COPIES}))"
    return f"""
        create table many as select one.* replace ({replaced}) from {table} as one, range({COPIES}) as numbers (n)
        where n < {count};
        delete from {table}; insert into {table} from many; drop table many;"""


@pytest.fixture(scope="module")
def small(example) -> Written:
    """The page that the run on the example company wrote."""
    return Written(example / "report.html")


@pytest.fixture(scope="module")
def large(example, tmp_path_factory) -> Written:
    """The page of a company with 5,000 people in 201 teams, many of the same name."""
    warehouse = example / "warehouse.duckdb"
    known = {table: names for table, names in columns(warehouse).items() if table in READ}
    with_people = {table: names for table, names in known.items() if {"developer_id", "team_id", "scope_id"} & {*names}}
    statements = [multiplied(table, names) for table, names in with_people.items()]
    return write(tmp_path_factory.mktemp("large"), warehouse, *statements)


@pytest.fixture(scope="module")
def empty(example, tmp_path_factory) -> Written:
    """The page of a warehouse in which nothing is known."""
    warehouse = example / "warehouse.duckdb"
    return write(tmp_path_factory.mktemp("empty"), warehouse, *(f"delete from {table}" for table in columns(warehouse)))


@pytest.fixture(params=["small", "large", "empty"])
def written(request) -> Written:
    """Each of them."""
    return request.getfixturevalue(request.param)


# ---- what is written ----


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_every_exhibit_has_what_it_lists_and_reads_published_tables_only(example, exhibit):
    warehouse = example / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as db:
        found = answer(db, exhibit)

    assert UNTOLD not in found.findings.values()
    assert set(exhibit.columns) <= set(found.fields)
    assert (exhibit.filter == "none") == ("team_id" not in found.fields)
    read = set(re.findall(r"\b((?:core|plan|ops|alerts|intermediate|raw|staging)\.\w+)", exhibit.sql))
    assert read <= set(columns(warehouse))
    assert exhibit.remedy.endswith(".") and not exhibit.missing.endswith(".")


def test_the_page_shows_the_rows_of_the_warehouse(small, example):
    teams = small.data["exhibits"]["20_month_end"]
    found = {team: dict(zip([name for name, *_ in teams["tiles"]], tiles, strict=True))
             for team, _, tiles in teams["findings"]}  # fmt: skip

    # 4,863,288 of 6,221,000 tokens are 78.17 %.
    assert found["mobile"]["used_tokens"] == 4863288
    assert found["mobile"]["used_ratio"] == 0.7817
    assert found[None]["cap_tokens"] is None


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_a_missing_number_is_said_in_every_finding(example, exhibit):
    with duckdb.connect(str(example / "warehouse.duckdb"), read_only=True) as db:
        (finding, _) = duckdb.extract_statements(exhibit.sql)
        db.execute(finding.query)
        dummies = {"NUMBER": -2, "STRING": "x", "DATE": date(2026, 11, 22), "bool": True}
        full = {name: dummies.get(str(kind), 2) for name, kind, *_ in db.description} | {"team_id": None}
    words = WORDS.from_string(exhibit.finding)
    for team in (None, "mobile"):
        for missing in [{name} for name in full] + [set(full)]:
            row = full | {name: None for name in missing} | {"team_id": team}
            assert "None" not in words.render(row), missing


def test_an_hour_that_costs_nothing_is_said(example, tmp_path):
    nothing = """
        update plan.return_on_spend
        set developer_usd_per_hour = 0, value_usd = 0, return_ratio = 0, minutes_saved_needed_per_task = null"""

    page = write(tmp_path / "nulls", example / "warehouse.duckdb", nothing)

    found = {name: exhibit["findings"] for name, exhibit in page.data["exhibits"].items()}
    assert found["75_return"][0][1].endswith("cannot be told: an hour is assumed to cost nothing")


def test_a_sentence_that_fails_is_its_exhibit_s_own():
    exhibit = replace(
        EXHIBITS[0], sql="select null as team_id, 'x' as n; select 1 as one", finding="{{ n + 1 }}", tiles={}
    )

    with duckdb.connect() as db:
        found = answer(db, exhibit)

    assert (found.findings, found.rows) == ({None: UNTOLD}, [[1]])


def test_services_are_no_people_and_what_belongs_to_nobody_is_no_member():
    exhibit = next(one for one in EXHIBITS if one.name == "40_developers")
    first = exhibit.sql.partition(";")[0]

    with duckdb.connect() as db:
        db.execute("create schema plan; create schema core")
        db.execute("create table plan.cap_utilization as select date '2026-11-01' as month")
        db.execute("create table core.dim_developers as select 'd2' as developer_id, 'Dora' as name")
        # 'd1' is nobody's; of the twelve others ten take 0.08 each, the last two 0.02.
        db.execute("""
            create table plan.usage_patterns as
            select
                date '2026-11-01' as month, 'org' as scope, 'org' as scope_id, 'developer' as dimension,
                if(n = 1, 'unattributed', 'd' || n) as member, n as rank_by_cost,
                case when n = 1 then 0.16 when n <= 11 then 0.08 else 0.02 end as cost_ratio
            from range(1, 14) as numbers (n)""")
        found = answer(db, replace(exhibit, sql=f"{first}; select 1 as one"))

    assert " ".join(found.findings[None].split()) == (
        "Ten of 12 developers and services take 80 % of this month's cost; Dora alone takes 8 %"
    )


def test_no_share_is_rounded_up_to_all_of_it():
    assert as_json(0.999999) == 0.9999
    assert as_json(1.0) == 1
    assert as_json(float("nan")) is None


def test_the_command_writes_the_page_again(example, small):
    before = small.data
    small.file.unlink()

    done = paceline(example, "report")

    assert done.returncode == 0, done.stderr
    assert str(small.file) in done.stdout
    assert small.data == before
    assert small.file.stat().st_mode & 0o077 == 0


def test_without_a_warehouse_the_command_says_what_to_do(tmp_path):
    done = paceline(tmp_path, "report")

    assert done.returncode == 1
    assert "paceline run" in done.stderr


def test_a_page_that_cannot_be_written_fails_neither_the_run_nor_what_comes_after_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PACELINE_DATA_DIR", str(tmp_path))
    page = tmp_path / "report.html"
    page.write_text("of yesterday")

    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [report, dg.AssetSpec(WAREHOUSE)], instance=instance, resources={"deployment": Deployment()}
        )

    assert done.success
    (check,) = done.get_asset_check_evaluations()
    assert not check.passed
    assert "warehouse.duckdb" in check.description
    assert page.read_text() == "of yesterday"


def test_its_size_is_bounded(small, large, empty):
    # Of these 0.83 MB are libraries.
    assert empty.file.stat().st_size < 0.95e6
    assert small.file.stat().st_size < 1.05e6
    assert large.file.stat().st_size < 4e6


def test_of_more_rows_than_a_page_holds_the_first_are_shown_and_it_says_so(example, tmp_path, monkeypatch):
    monkeypatch.setattr(exhibits, "MOST_ROWS", 5)

    page = write(tmp_path / "short", example / "warehouse.duckdb")

    assert [len(exhibit["rows"]) for exhibit in page.data["exhibits"].values() if len(exhibit["rows"]) > 5] == []
    assert "Here are the first 5 rows; the query gives all." in page.text


def test_on_the_first_day_every_part_says_what_is_missing_and_how_to_get_it(browser, empty):
    with shown(browser, empty.file) as seen:
        assert seen.texts(".finding") == [exhibit.missing for exhibit in EXHIBITS]
        assert seen.texts(".remedy") == [exhibit.remedy for exhibit in EXHIBITS]
        assert seen.texts("table, svg, dd") == []
        assert "Nothing is measured yet" in seen.page.inner_text(".asof")


# ---- what is seen ----


def test_the_page_loads_nothing_and_complains_about_nothing(browser, written):
    with shown(browser, written.file) as seen:
        assert seen.asked == [written.file.as_uri()]
        assert seen.complaints == []


def test_every_chart_is_drawn(browser, small):
    drawn = {exhibit.name for exhibit in EXHIBITS if exhibit.chart} - {"60_bills"}  # the example has no bills
    with shown(browser, small.file) as seen:
        marks = seen.page.evaluate("""Object.fromEntries([...document.querySelectorAll('[data-exhibit]')]
            .filter((each) => each.querySelector('svg'))
            .map((each) => [each.dataset.exhibit, each.querySelectorAll('svg path, svg line').length]))""")
        assert set(marks) == drawn
        assert min(marks.values()) > 3, marks


@pytest.mark.parametrize(("width", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_nothing_has_to_be_scrolled_sideways(browser, written, width, scheme):
    with shown(browser, written.file, width, scheme) as seen:
        assert seen.is_within_its_width
        seen.page.evaluate(UNFOLD)
        assert seen.is_within_its_width


@pytest.mark.parametrize(
    ("page", "width", "scheme"), [("small", DESKTOP, "light"), ("small", PHONE, "dark"), ("empty", DESKTOP, "dark")]
)
def test_there_are_no_barriers(browser, request, page, width, scheme):
    with shown(browser, request.getfixturevalue(page).file, width, scheme) as seen:
        assert barriers(seen.page) == {}


def test_a_team_is_chosen_by_keyboard_and_everything_is_about_it(browser, small):
    with shown(browser, small.file) as seen:
        seen.page.focus("#team")
        seen.page.keyboard.type("Pay")

        people = seen.page.locator("[data-exhibit='22_developers'] tbody tr")
        assert set(people.locator("td:nth-child(2)").all_inner_texts()) == {"payments"}
        assert people.count() == 5
        assert seen.texts("[data-exhibit='20_month_end'] .finding") == [
            "Payments is more likely than not to pass the cap on 30 Nov 2026 (chance 53\u00a0%) and to end "
            "November at 17.1\u00a0M tokens ($24.15)"
        ]
        assert seen.page.is_visible("[data-exhibit='74_own_gpus'] .whole")
        assert seen.page.url.endswith("#team=payments")
        labels = seen.page.locator("[data-exhibit='22_developers'] svg").text_content()
        assert "Developer 05" in labels and "Developer 03" not in labels
        assert seen.complaints == []


def test_a_link_can_name_the_team(browser, small):
    with shown(browser, small.file, anchor="#team=mobile") as seen:
        assert seen.page.input_value("#team") == "0"
        [words] = seen.texts("[data-exhibit='21_teams'] .finding")
        assert words == "The team is more likely than not to pass its cap this month"


def test_a_link_that_was_typed_wrong_shows_all_teams(browser, small):
    with shown(browser, small.file, anchor="#team=%") as seen:
        assert seen.page.input_value("#team") == ""
        assert seen.complaints == []


def test_tables_are_paged_searched_and_sorted(browser, large):
    with shown(browser, large.file) as seen:
        table = seen.page.locator("[data-exhibit='22_developers'] .rows")
        assert table.locator("tbody tr").count() == 10
        assert table.get_by_role("status").inner_text() == "1\u201310 of 4,998"  # 14 x 357
        table.get_by_role("button", name="Next").press("Enter")
        assert table.get_by_role("status").inner_text() == "11\u201320 of 4,998"

        table.get_by_role("searchbox").fill("payments-7")
        assert table.get_by_role("status").inner_text() == "1\u201310 of 30"  # 5 people, copies 7, 74 ... 342
        # Of one name are six each; their ids tell them apart.
        assert len({*table.locator("tbody td:first-child").all_inner_texts()}) == 10
        table.get_by_role("button", name="used", exact=True).press("Enter")
        assert table.locator("th[aria-sort=descending]").inner_text().startswith("used")
        # Of the five the fullest: 990,344 of 1,305,000.
        assert table.locator("tbody tr").first.locator("td").nth(3).inner_text() == "75 %"


def test_numbers_are_written_as_in_messages(browser, small):
    counts = [0, 1, 950, 999, 1000, 9994, 9995, 99950, 999499, 999500, 3212639, 99949999, 2663927922]
    sums = [0, 0.004, 0.005, 12.3, 1234.565, -9.77, -0.001]
    shares = [0, 0.0001, 0.01, 0.29, 0.57, 0.996, 1, 1.295418, -0.2]
    with shown(browser, small.file) as seen:
        for kind, values, ours in (
            ("tokens", counts, _format.amount),
            ("usd", sums, _format.usd),
            ("ratio", shares, _format.percent),
            ("date", ["2026-11-02"], _format.day),
        ):
            written = seen.page.evaluate(
                "([kind, values]) => values.map((value) => write(value, kind))", [kind, values]
            )
            assert written == [ours(value) for value in values]


def test_no_script_runs_but_the_page_s_own(browser, small, tmp_path):
    page = small.text.replace("</main>", "<script>document.title = 'foreign'</script></main>")
    (tmp_path / "page.html").write_text(page)
    with shown(browser, tmp_path / "page.html") as seen:
        assert seen.page.title() == "AI capacity report, 22 Nov 2026"
        assert any("Content Security Policy" in complaint for complaint in seen.complaints)
        assert seen.page.evaluate("fetch('data:,x').then(() => 'fetched', () => 'refused')") == "refused"


def test_bills_are_shown_where_there_are_any(browser, example, tmp_path):
    bill = """
        insert into core.reconciliation_monthly by name
        select date '2026-10-01' as month, 'anthropic' as provider, 950 as observed_tokens, 1000 as billed_tokens,
            50 as unobserved_tokens, 0 as bypass_tokens, 50 as remaining_tokens, 0.95 as coverage_ratio,
            9 as billed_usd, 10 as list_usd, 0.9 as price_ratio, 0.05 as apart_ratio, true as is_closed,
            true as is_apart"""
    page = write(tmp_path / "billed", example / "warehouse.duckdb", bill)

    with shown(browser, page.file) as seen:
        assert seen.texts("[data-exhibit='60_bills'] .finding") == [
            "Bill and gateway disagree in 1 closed month; the gateway saw 95 % of what anthropic bills for October "
            "2026, at 90 % of the list price".replace(" %", "\u00a0%")
        ]
        assert seen.page.locator("[data-exhibit='60_bills'] svg").is_visible()
        assert seen.complaints == []
