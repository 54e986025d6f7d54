"""The questions of docs/queries.md: each query runs as it stands there and gives the answer that stands there."""

import re

from pipelines.publish import read_warehouse
from tests.queries import PAGE, answer, questions
from tests.runs import paceline


def test_every_question_has_the_answer_that_stands_below_it(example):
    with read_warehouse(example / "warehouse.duckdb") as db:
        wrong = {
            one.number: found
            for one in questions()
            if not one.with_bills and (found := answer(db, one.sql)) != one.answer
        }

    assert wrong == {}, "written anew by: python -m tests.queries"


def test_there_are_thirty_questions_and_each_is_read():
    headings = re.findall(r"^### (\d+)\.", PAGE.read_text(), re.MULTILINE)

    assert [one.number for one in questions()] == list(map(int, headings)) == list(range(1, 31))
    assert all(one.answer and len(one.answer.splitlines()) > 2 for one in questions())


def test_a_query_can_be_pasted_into_a_shell_between_double_quotes_and_into_duckdb():
    for one in questions():
        assert not set('"$`!\\') & set(one.sql), one.number
        assert one.sql.count(";") == 1 and one.sql.endswith(";\n"), one.number


def test_a_query_of_several_lines_runs_in_the_command(example):
    done = paceline(example, "query", questions()[0].sql, "--format", "csv")

    assert done.stdout.splitlines() == [
        "developer,used_tokens,cap_tokens,used,month_end,status",
        "dev-03,3212639,2480000,1.3,1.59,drawing_from_pool",
        "dev-02,427817,502000,0.85,1.01,near",
    ]
