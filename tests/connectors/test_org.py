"""The org folder: what loads, and what a person reads when a row is wrong."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._errors import SourceRefused
from connectors.org import SCHEMAS, Mistake, OrgMistakes, header, read_org

DEVELOPERS = "developer_id,email,name,team_id,valid_from,valid_to,role\n"
IDENTITIES = "kind,value,developer_id,valid_from,valid_to\n"
CAPS = "scope,scope_id,month,cap_tokens,cap_usd\n"
PRICES = "provider,model,valid_from,valid_to,input_usd_per_mtok,output_usd_per_mtok\n"

EXAMPLE = {
    "teams": """\
team_id,name,slack_channel,lead_slack_id,monthly_pool_tokens,monthly_pool_usd
platform,Platform,#ai-capacity-platform,U50F8EDD6B,1377000,
payments,Payments,#ai-capacity-payments,UEED4E646C,2796000,
mobile,Mobile,#ai-capacity-mobile,U82007EB42,933000,
""",
    "developers": DEVELOPERS
    + """\
dev-04,dev-04@example.test,Developer 04,platform,2026-01-01,,human
dev-05,dev-05@example.test,Developer 05,platform,2026-01-01,2026-10-14,human
dev-05,dev-05@example.test,Developer 05,payments,2026-10-15,,human
dev-09,dev-09@example.test,Developer 09,payments,2026-01-01,2026-10-02,human
dev-12,dev-12@example.test,Developer 12,mobile,2026-10-05,,
svc-ci,ci@example.test,CI service,platform,2026-01-01,,service
""",
    "identities": IDENTITIES
    + """\
email,Dev-05@Example.test,dev-05,2026-01-01,
user_id,dev-05,dev-05,2026-01-01,
key_alias,dev-05-agent,dev-05,2026-01-01,
email,dev-09@example.test,dev-09,2026-01-01,2026-10-02
provider_api_key_id,apikey_dev-09_console,dev-09,2026-01-01,2026-10-02
provider_api_key_id,apikey_dev-09_console,dev-12,2026-10-05,
key_alias,ci-bot,svc-ci,2026-01-01,
""",
    "caps": CAPS
    + """\
developer,dev-05,2026-09,1292000,
developer,dev-05,2026-10-01,2860000,
developer,svc-ci,2026-09,,
team,platform,2026-09,4951000,6.98
org,,2026-09,,1200
""",
    "price_overrides": """\
provider,model,valid_from,valid_to,input_usd_per_mtok,cache_read_usd_per_mtok,output_usd_per_mtok,note
anthropic,Claude-Opus-4,2026-01-01,2026-06-30,4.5,0.45,,contract 7
anthropic,claude-opus-4,2026-07-01,,4,0,20.000001,
""",
    "model_aliases": "raw_model,provider,model,note\nclaude-latest,,claude-opus-4,\nbedrock/x,bedrock,,\n",
    "assumptions": "name,value,unit,valid_from,note\ngrowth_per_month,-0.05,share,2026-01-01,\n",
    "holidays": "holiday_date,name\n2026-12-25,Christmas Day\n",
    "scenarios": """\
scenario,scope,scope_id,month,developers,tasks_per_day,tokens_per_task,working_days
plan,org,,2026-09,10,30,50000,22
ask,org,,2026-09,2.5,30,50000,
""",
    "routing_rules": """\
task_type,to_provider,to_model,share_ratio,quality_risk
docs,anthropic,Claude-Haiku-4-5,0.8,low
""",
    "gpu_catalog": """\
gpu,memory_gb,usd_per_hour_low,usd_per_hour_high,source
A100-80GB,80,1.75,,contract 12
our-h100,80,2.10,2.60,contract 12
""",
    "model_shapes": """\
model,parameters_b,active_parameters_b,weight_bits,layers,kv_heads,head_dim,kv_bits,source
Our-Coder-32B,32.8,,4.5,64,8,128,8,config.json
""",
    "gpu_throughput": """\
gpu,model,input_tokens,output_tokens,concurrency,gpus,output_tokens_per_second,first_token_ms,inter_token_ms,source
our-h100,our-coder-32b,16000,300,8,1,310.5,900,40,our own test
our-h100,our-coder-32b,16000,300,,1,520,,,our own test
""",
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder = folder / "org"
    folder.mkdir(exist_ok=True)
    for table, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{table}.csv").write_bytes(data)
    return folder


def mistakes(folder: Path, files: dict[str, str | bytes]) -> list[str]:
    with pytest.raises(OrgMistakes) as raised:
        read_org(write(folder, files))
    return [str(mistake) for mistake in raised.value.mistakes]


# ---- what loads ----


def test_the_example_org_loads_whole(tmp_path):
    org = read_org(write(tmp_path, EXAMPLE))
    assert {table: len(frame) for table, frame in org.items()} == {
        "teams": 3, "developers": 6, "identities": 7, "caps": 5,
        "price_overrides": 2, "model_aliases": 2, "assumptions": 1, "holidays": 1, "scenarios": 2, "routing_rules": 1,
        "gpu_catalog": 2, "model_shapes": 1, "gpu_throughput": 2,
    }  # fmt: skip
    assert all(list(frame.columns) == list(SCHEMAS[table]) for table, frame in org.items())
    assert org["teams"].iloc[0].to_dict() == {
        "team_id": "platform", "name": "Platform", "slack_channel": "#ai-capacity-platform",
        "lead_slack_id": "U50F8EDD6B", "monthly_pool_tokens": "1377000", "monthly_pool_usd": None,
        "shares_developers": None, "note": None,
    }  # fmt: skip


def test_a_person_changing_team_is_two_rows(tmp_path):
    people = read_org(write(tmp_path, EXAMPLE))["developers"]
    moves = people[people.developer_id == "dev-05"][["team_id", "valid_from", "valid_to"]].values.tolist()
    assert moves == [["platform", "2026-01-01", "2026-10-14"], ["payments", "2026-10-15", None]]


def test_values_are_stored_in_one_spelling(tmp_path):
    org = read_org(write(tmp_path, EXAMPLE))
    assert org["developers"].role.tolist() == ["human"] * 5 + ["service"]
    assert org["identities"].value[0] == "dev-05@example.test"
    assert org["caps"].month.tolist() == ["2026-09-01", "2026-10-01", "2026-09-01", "2026-09-01", "2026-09-01"]
    assert org["price_overrides"].model.tolist() == ["claude-opus-4"] * 2


@pytest.mark.parametrize("files", [EXAMPLE, {}], ids=["example", "empty folder"])
def test_every_table_casts_in_duckdb_to_its_schema_without_loss(tmp_path, files):
    for table, frame in read_org(write(tmp_path, files)).items():
        columns = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in SCHEMAS[table].items())
        result = duckdb.connect().register("frame", frame).sql(f"select {columns} from frame")
        assert dict(zip(result.columns, map(str, result.types), strict=True)) == SCHEMAS[table]
        assert len(result.fetchall()) == len(frame)


@pytest.mark.parametrize("folder", [None, ""])
def test_no_folder_gives_every_table_with_zero_rows(folder):
    org = read_org(folder)
    assert {table: list(frame.columns) for table, frame in org.items()} == {table: header(table) for table in SCHEMAS}
    assert not any(len(frame) for frame in org.values())


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_file_with_only_the_header_of_its_table_has_zero_rows(tmp_path, table):
    assert len(read_org(write(tmp_path, {table: ",".join(header(table))}))[table]) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfteam_id,name\na,A\n",
        b"team_id,name\r\na,A\r\n",
        b"team_id,name\ra,A",
        b"\n\nteam_id,name\n\n  \na,A\n,\n\n",
        b" team_id , name \n\ta ,  A\xc2\xa0\n",
        b'team_id, name\n"a", "A"\n',
        b"name,team_id\nA,a\n",
    ],
    ids=["byte order mark", "crlf", "cr", "blank lines", "spaces", "quotes after spaces", "other column order"],
)
def test_what_spreadsheets_do_to_a_file_is_accepted(tmp_path, content):
    assert read_org(write(tmp_path, {"teams": content}))["teams"][["team_id", "name"]].values.tolist() == [["a", "A"]]


def test_a_team_says_whether_its_channel_may_name_its_developers(tmp_path):
    teams = read_org(write(tmp_path, {"teams": "team_id,shares_developers\na,true\nb,FALSE\nc,\n"}))["teams"]
    assert teams.shares_developers.tolist() == ["true", "false", None]


def test_any_table_may_have_notes(tmp_path):
    caps = read_org(write(tmp_path, {"caps": 'scope,month,cap_usd,note\norg,2026-09,5,"two\nlines, quoted"\n'}))["caps"]
    assert caps.note.tolist() == ["two\nlines, quoted"]


def test_the_same_key_may_pass_from_one_person_to_the_next(tmp_path):
    rows = "cursor,k,a,2026-03-31,2026-03-31\ncursor,k,b,2026-04-01,\ngithub,k,c,2026-01-01,\n"
    assert len(read_org(write(tmp_path, {"identities": IDENTITIES + rows}))["identities"]) == 3


def test_ids_are_only_looked_up_in_files_that_are_there(tmp_path):
    files = {"developers": DEVELOPERS + "d,,,anywhere,2026-01-01,,\n", "caps": CAPS + "team,nowhere,2026-09,1,\n"}
    assert len(read_org(write(tmp_path, files))["caps"]) == 1


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (write(tmp_path, {"birthdays": b"\xff;"}) / "README.md").write_text("about us")
    assert len(read_org(tmp_path / "org")["teams"]) == 0


# ---- what is refused, and in which words ----

REFUSED = [
    # cells
    ("teams", "team_id,name\n,A", "org/teams.csv line 2: team_id is empty, expected a value"),
    ("teams", "team_id,monthly_pool_tokens\na,-1", "line 2: monthly_pool_tokens is '-1', expected a whole number"),
    ("teams", "team_id,shares_developers\na,yes", "line 2: shares_developers is 'yes', expected true or false"),
    ("teams", "team_id,monthly_pool_usd\na,$5", "line 2: monthly_pool_usd is '$5', expected USD like 12.50, 0 or more"),
    ("developers", DEVELOPERS + "d,,,,,,", "org/developers.csv line 2: valid_from is empty, expected a real date like"),
    ("developers", DEVELOPERS + ",,,,2026-01-01,,", "line 2: developer_id is empty, expected a value"),
    ("developers", DEVELOPERS + "d,,,,2026-02-30,,", "line 2: valid_from is '2026-02-30', expected a real date"),
    ("developers", DEVELOPERS + "d,,,,20260201,,", "line 2: valid_from is '20260201', expected a real date"),
    ("developers", DEVELOPERS + "d,,,,01.02.2026,,", "line 2: valid_from is '01.02.2026', expected a real date"),
    ("developers", DEVELOPERS + "d,,,,2026-01-01,0000-01-01,", "line 2: valid_to is '0000-01-01', expected a real"),
    ("developers", DEVELOPERS + "d,,,,2026-01-01,,robot", "line 2: role is 'robot', expected one of human, service"),
    ("identities", IDENTITIES + "mail,a@b,d,2026-01-01,", "line 2: kind is 'mail', expected one of email, user_id, "),
    ("identities", IDENTITIES + "email,,d,2026-01-01,", "org/identities.csv line 2: value is empty, expected a value"),
    ("identities", IDENTITIES + "email,a@b,,2026-01-01,", "line 2: developer_id is empty, expected a value"),
    ("identities", IDENTITIES + "email,a@b,d,,", "line 2: valid_from is empty, expected a real date"),
    ("caps", CAPS + "org,,2026-13,1,", "org/caps.csv line 2: month is '2026-13', expected a month like 2026-11"),
    ("caps", CAPS + "org,,2026-11-02,1,", "line 2: month is '2026-11-02', expected a month like 2026-11"),
    ("caps", CAPS + "org,,Nov 2026,1,", "line 2: month is 'Nov 2026', expected a month like 2026-11"),
    ("caps", CAPS + "company,,2026-11,1,", "line 2: scope is 'company', expected one of developer, team, org"),
    ("caps", CAPS + "team,,2026-11,1,", "line 2: scope_id is empty, expected the team_id that the row is for"),
    ("caps", CAPS + 'org,,2026-11,"1,000",', "line 2: cap_tokens is '1,000', expected a whole number above 0 like"),
    ("caps", CAPS + "org,,2026-11,1_000,", "cap_tokens is '1_000', expected a whole number above 0 like 1292000 (dig"),
    ("caps", CAPS + "org,,2026-11,2.5e6,", "line 2: cap_tokens is '2.5e6', expected a whole number above 0"),
    ("caps", CAPS + "org,,2026-11,1292000.0,", "line 2: cap_tokens is '1292000.0', expected a whole number above 0"),
    ("caps", CAPS + "org,,2026-11,0,", "line 2: cap_tokens is '0', expected a whole number above 0"),
    ("caps", CAPS + "org,,2026-11,٣,", "line 2: cap_tokens is '٣', expected a whole number above 0"),
    ("caps", CAPS + f"org,,2026-11,{'9' * 19},", f"line 2: cap_tokens is '{'9' * 19}', expected a whole number"),
    ("caps", CAPS + "org,,2026-11,,0.00", "line 2: cap_usd is '0.00', expected USD like 12.50, above 0"),
    ("caps", CAPS + 'org,,2026-11,,"1,000.5"', "no thousands separator"),
    ("caps", CAPS + "org,,2026-11,,nan", "line 2: cap_usd is 'nan', expected USD like 12.50, above 0"),
    ("caps", CAPS + f"org,,2026-11,,{'9' * 13}", f"line 2: cap_usd is '{'9' * 13}', expected USD"),
    ("price_overrides", PRICES + "p,m,2026-01-01,,-1,", "line 2: input_usd_per_mtok is '-1', expected USD like 12.50"),
    ("price_overrides", PRICES + "p,m,2026-01-01,,,0.0000001", "line 2: output_usd_per_mtok is '0.0000001', expected"),
    ("assumptions", "name,value,valid_from\nGrowth,1,2026-01-01", "line 2: name is 'Growth', expected a snake_case"),
    ("assumptions", "name,value,valid_from\ng,5%,2026-01-01", "line 2: value is '5%', expected a number like 0.25"),
    # rows and what they say together
    ("developers", DEVELOPERS + "d,,,,2026-02-01,2026-01-31,",
     "line 2: valid_to is '2026-01-31', expected valid_from (2026-02-01) or a later day"),
    ("developers", DEVELOPERS + "d,,,,2026-10-14,,\nd,,,,2026-01-01,2026-10-14,",
     "line 2: developer_id is 'd', expected it once at a time: line 3 has it too from 2026-01-01 to 2026-10-14"),
    ("identities", IDENTITIES + "email,A@b.c,d,2026-01-01,\n\nemail,a@B.c,d,2026-05-01,",
     "line 4: kind + value is 'email a@b.c', expected it once at a time: line 2 has it too from 2026-01-01 on"),
    ("price_overrides", PRICES + "p,M,2026-01-01,,,\np,m,2026-01-01,,,",
     "line 3: provider + model is 'p m', expected it once at a time: line 2"),
    ("teams", "team_id,name\na,A\nb,B\na,C", "line 4: team_id is 'a', expected it once: line 2 has it too"),
    ("caps", CAPS + "team,a,2026-09,1,\nteam,a,2026-09-01,,2",
     "line 3: scope + scope_id + month is 'team a 2026-09-01', expected it once: line 2 has it too"),
    ("caps", CAPS + "org,,2026-09,1,\norg,,2026-09,2,", "line 3: scope + scope_id + month is 'org  2026-09-01'"),
    ("model_aliases", "raw_model,model\nGPT,x\ngpt,y", "line 3: raw_model is 'gpt', expected it once: line 2"),
    ("model_aliases", "raw_model,provider,model\ngpt,,", "line 2: model is empty, expected a provider or a model"),
    ("assumptions", "name,value,valid_from\ng,1,2026-01-01\ng,2,2026-01-01",
     "line 3: name + valid_from is 'g 2026-01-01', expected it once: line 2"),
    # the header
    ("teams", "team_id,slack_chanel\n", "teams.csv line 1: unknown column 'slack_chanel', expected 'slack_channel'"),
    ("teams", "team_id,zzzz\n", "line 1: unknown column 'zzzz', expected one of team_id, name, slack_channel"),
    ("teams", "team_id,\na,b", "line 1: unknown column '', expected one of team_id"),
    ("teams", "\nname\nA", "org/teams.csv line 2: no column 'team_id', expected it in the header"),
    ("caps", "scope,month\norg,2026-09", "line 1: no column 'cap_tokens' or 'cap_usd', expected at least one"),
    ("teams", "team_id,name,name\na,b,c", "line 1: column 'name' twice, expected each column once"),
    ("teams", "team_id;name\na;b", "org/teams.csv line 1: separated by ';', expected ','"),
    ("teams", "team_id\tname\na\tb", r"org/teams.csv line 1: separated by '\t', expected ','"),
    ("teams", "", "org/teams.csv line 1: an empty file, expected the header team_id,name,"),
    ("teams", b"\xef\xbb\xbf\n \n", "org/teams.csv line 1: an empty file"),
    # the bytes and the cells that they make
    ("teams", "team_id,name\na\n", "line 2: 1 cells, expected 2 as in the header"),
    ("teams", "team_id,monthly_pool_tokens\na,1,000\n", "line 2: 3 cells, expected 2 as in the header; a value with a"),
    ("teams", b"team_id,name\na,A\nb,J\xf6rg\n", "org/teams.csv line 3: byte 0xf6 after 'b,J', expected text in UTF-8"),
    ("teams", "team_id,name\na,A\n".encode("utf-16"), "org/teams.csv: binary (or UTF-16), expected a CSV file"),
    ("teams", 'team_id,name\na,A\nb,"B\nc,C\n', "org/teams.csv line 3: a quote that is never closed, expected quotes"),
    ("teams", 'team_id,name\n\na,"A"x\n', "org/teams.csv line 3: not CSV ("),
    ("teams", "team_id,name\na," + "A" * 200_000, "org/teams.csv line 2: not CSV (field larger"),
    ("caps", "scope,month,cap_usd,note\r\n\r\norg,2026-09,1,\"a\r\nb\r\n\"\r\norg,2026-10,x,\"c\nd\"\r\n",
     "org/caps.csv line 6: cap_usd is 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "content", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_a_mistake_is_named_by_file_line_value_and_expectation(tmp_path, table, content, message):
    found = mistakes(tmp_path, {table: content})
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teams": "team_id\nplatform\npayments\n"},
         ["org/developers.csv line 6: team_id is 'mobile', expected a team_id of teams.csv"]),
        ({"developers": DEVELOPERS + "dev-05,,,,2026-01-01,,\nsvc-ci,,,,2026-01-01,,\n"}, [
            "org/identities.csv line 5: developer_id is 'dev-09', expected a developer_id of developers.csv",
            "org/identities.csv line 6: developer_id is 'dev-09', expected a developer_id of developers.csv",
            "org/identities.csv line 7: developer_id is 'dev-12', expected a developer_id of developers.csv",
        ]),
        ({"caps": CAPS + "developer,Dev-05,2026-09,1,\nteam,dev-05,2026-09,1,\norg,anything,2026-09,1,\n"}, [
            "org/caps.csv line 2: scope_id is 'Dev-05', expected a developer_id of developers.csv",
            "org/caps.csv line 3: scope_id is 'dev-05', expected a team_id of teams.csv",
        ]),
    ],
)  # fmt: skip
def test_an_id_that_its_file_does_not_have_is_a_mistake(tmp_path, change, message):
    assert mistakes(tmp_path, EXAMPLE | change) == message


def test_a_long_range_overlaps_all_that_start_within_it_and_not_only_the_next(tmp_path):
    rows = "d,,,,2026-03-01,,\nd,,,,2026-01-01,2026-12-31,\nd,,,,2026-02-01,2026-02-02,\n"
    clash = "developer_id is 'd', expected it once at a time: line 3 has it too from 2026-01-01 to 2026-12-31"
    assert mistakes(tmp_path, {"developers": DEVELOPERS + rows}) == [
        f"org/developers.csv line 2: {clash}",
        f"org/developers.csv line 4: {clash}",
    ]


def test_a_file_that_could_not_be_read_in_full_does_not_make_its_ids_unknown(tmp_path):
    teams = EXAMPLE["teams"].replace("mobile,Mobile,", "mobile,")
    found = mistakes(tmp_path, EXAMPLE | {"teams": teams})
    assert found == ["org/teams.csv line 4: 5 cells, expected 6 as in the header"]


def test_a_row_that_comes_again_word_for_word_is_one_row(tmp_path):
    rows = "org,,2026-09,10,\norg,,2026-10,20,\n"

    read = read_org(write(tmp_path, {"caps": CAPS + rows + rows}))

    assert read["caps"]["cap_tokens"].tolist() == ["10", "20"]


def test_all_mistakes_of_all_files_are_reported_at_once_by_file_and_line(tmp_path):
    files = {
        "caps": CAPS + "org,,2026-13,0,x\nteam,b,2026-09,1,\n",
        "teams": "team_id,nam\na,A\na,B\n",
        "developers": "developer_id;valid_from\n",
    }
    assert [line.split(", expected")[0] for line in mistakes(tmp_path, files)] == [
        "org/caps.csv line 2: month is '2026-13'",
        "org/caps.csv line 2: cap_tokens is '0'",
        "org/caps.csv line 2: cap_usd is 'x'",
        "org/caps.csv line 3: scope_id is 'b'",
        "org/developers.csv line 1: separated by ';'",
        "org/teams.csv line 1: unknown column 'nam'",
        "org/teams.csv line 3: team_id is 'a'",
    ]


def test_the_message_shows_twenty_mistakes_counts_the_rest_and_says_what_it_means(tmp_path):
    with pytest.raises(SourceRefused) as raised:
        read_org(write(tmp_path, {"caps": CAPS + "".join(f"org,{n},2026-09,x,\n" for n in range(23))}))
    lines = str(raised.value).splitlines()
    assert lines[0] == "The org files have 23 mistakes:"
    assert lines[1].startswith("- org/caps.csv line 2: cap_tokens is 'x', expected a whole number above 0")
    assert lines[20].startswith("- org/caps.csv line 21: ")
    assert lines[21:] == ["- and 3 more", "Nothing is published until they are mended."]
    assert len(raised.value.mistakes) == 23
    assert raised.value.mistakes[0][:4] == ("org/caps.csv", 2, "cap_tokens", "x")


def test_one_mistake_is_told_in_the_singular_and_survives_pickling():
    error = pickle.loads(pickle.dumps(OrgMistakes([Mistake("org/caps.csv", 3, "month", "x" * 500, "a month")])))
    first, second, last = str(error).splitlines()
    assert first == "The org files have 1 mistake:"
    assert second.endswith("xxx..., expected a month") and len(second) < 150
    assert last == "Nothing is published until it is mended."


# ---- the folder ----


def test_a_file_name_in_another_case_is_a_mistake_and_not_a_missing_file(tmp_path):
    assert mistakes(tmp_path, {"Caps": CAPS}) == ["org/Caps.csv: named in another case, expected caps.csv"]


def test_a_folder_in_place_of_a_file_is_a_mistake(tmp_path):
    (write(tmp_path, {}) / "caps.csv").mkdir()
    assert mistakes(tmp_path, {}) == ["org/caps.csv: not a file, expected a CSV file in UTF-8"]


def test_a_file_that_may_not_be_read_is_a_mistake(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # file modes do not stop root
    expected = "org/caps.csv: cannot be read (Permission denied), expected a file that Paceline may read"
    assert mistakes(tmp_path, {"caps": CAPS}) == [expected]


@pytest.mark.parametrize("made", [False, True], ids=["missing", "a file"])
def test_a_folder_that_is_not_there_is_a_mistake(tmp_path, made):
    if made:
        (tmp_path / "org").write_text("")
    with pytest.raises(OrgMistakes, match="org: cannot be listed .*, expected a folder"):
        read_org(tmp_path / "org")


# ---- anything at all ----

PIECES = [*',,\n\n\r" ;aA1\x00\xffé=', "2026-01-01", "2026-13", "team", "email", "org", "1e5", "NaN", "None"]
LINES = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(max_examples=150, deadline=None)
@given(
    table=st.sampled_from(list(SCHEMAS)),
    content=st.binary(max_size=200) | LINES.map(lambda text: text.encode("latin-1")) | LINES.map(str.encode),
    headed=st.booleans(),
)
def test_no_bytes_make_it_crash(table, content, headed):
    start = f"{','.join(header(table))}\n".encode() if headed else b""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{table}.csv").write_bytes(start + content)
        try:
            assert list(read_org(folder)) == list(SCHEMAS)
        except OrgMistakes as error:
            assert f"{table}.csv" in str(error)


ODD = ["2026-01-01", "2026-02", "0.5", "-7", "000", "9" * 12, "9" * 18, "9" * 19, "9" * 12 + ".9999999", "1e5", ".5"]


@settings(max_examples=100, deadline=None)
@given(table=st.sampled_from(list(SCHEMAS)), data=st.data())
def test_a_cell_that_is_accepted_casts_cleanly(table, data):
    columns = header(table)
    sample = EXAMPLE[table].splitlines()
    row = dict(zip(sample[0].split(","), sample[1].split(","), strict=True))
    text = st.text(st.characters(codec="utf-8", exclude_characters='",\r\n\0'), max_size=8)
    row[data.draw(st.sampled_from(columns))] = data.draw(st.sampled_from(ODD) | text)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{table}.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}", "utf-8")
        try:
            frame = read_org(folder)[table]
        except OrgMistakes:
            return
    casts = ", ".join(f"cast({column} as {kind})" for column, kind in SCHEMAS[table].items())
    assert len(duckdb.connect().register("frame", frame).sql(f"select {casts} from frame").fetchall()) == 1


def test_importing_the_module_does_not_import_pandas_or_pandera():
    code = "import sys, connectors.org; print(sorted({'pandas', 'pandera', 'dagster', 'duckdb'} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[2]
    assert subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout == "[]\n"


def test_an_email_address_belongs_to_one_developer_at_a_time(tmp_path):
    header = "developer_id,email,name,team_id,valid_from,valid_to,role\n"
    one = "dev-01,one@example.test,,,2026-01-01,2026-06-30,human\n"
    (tmp_path / "developers.csv").write_text(header + one + "dev-02,ONE@example.test,,,2026-06-30,,human\n")

    with pytest.raises(OrgMistakes, match=r"developers\.csv line 3: email is 'ONE@example\.test'.*line 2 has it too"):
        read_org(tmp_path)

    (tmp_path / "developers.csv").write_text(header + one + "dev-02,one@example.test,,,2026-07-01,,human\n")
    assert len(read_org(tmp_path)["developers"]) == 2
