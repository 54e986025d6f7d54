"""The questions of docs/queries.md; that each answers as it stands there is in test_docs.py and test_bills.py."""

import re

from docs.answers import QUERIES, answered
from tests.runs import paceline

TEXT = QUERIES.read_text()


def test_there_are_thirty_questions_and_each_has_an_answer():
    _, *questions = re.split(r"^### (?=\d+\.)", TEXT, flags=re.MULTILINE)
    tables = [[one["table"] for one in answered(question) if one["table"]] for question in questions]

    assert [int(question.partition(".")[0]) for question in questions] == list(range(1, 31))
    assert [len(each) for each in tables] == [1] * 30
    assert all(len(table.splitlines()) > 2 for (table,) in tables)


def test_a_query_can_be_pasted_into_a_shell_between_double_quotes_and_into_duckdb():
    for one in answered(TEXT):
        assert not set('"$`!\\') & set(one["sql"]), one["sql"]
        assert one["sql"].count(";") == 1 and one["sql"].endswith(";\n"), one["sql"]


def test_a_query_of_several_lines_runs_in_the_command(example):
    first = next(one["sql"] for one in answered(TEXT) if one["table"])

    done = paceline(example, "query", first, "--format", "csv")

    assert done.stdout.splitlines() == [
        "developer,used_tokens,cap_tokens,used,month_end,status",
        "dev-03,3212639,2480000,1.3,1.59,drawing_from_pool",
        "dev-02,427817,502000,0.85,1.01,near",
    ]
