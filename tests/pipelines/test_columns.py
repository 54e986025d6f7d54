"""Columns: where the values of each come from, traced through compiled SQL."""

import pytest

from pipelines.columns import trace_queries

TYPES = {
    "raw.calls": {"id": "VARCHAR", "input": "BIGINT", "output": "BIGINT", "tags": "VARCHAR[]"},
    "raw.bills": {"id": "VARCHAR", "usd": "DECIMAL"},
    "core.made": {"id": "VARCHAR", "total": "BIGINT", "usd": "DECIMAL", "tag": "VARCHAR", "n": "BIGINT"},
}
INPUT, OUTPUT, USD = ("raw.calls", "input"), ("raw.calls", "output"), ("raw.bills", "usd")


@pytest.mark.parametrize(
    ("query", "column", "expected"),
    [
        ("select id, input + output as total from raw.calls where id > ''", "total", [INPUT, OUTPUT]),
        ('select input as total from "warehouse"."raw"."calls"', "total", [INPUT]),
        ("with a as (select * from raw.calls), b as (from a) select sum(output) as total from b", "total", [OUTPUT]),
        ("select c.id, b.usd from raw.calls as c join raw.bills as b using (id)", "usd", [USD]),
        ("select input as total from raw.calls union all select output from raw.calls", "total", [INPUT, OUTPUT]),
        (
            "select id, input as total from raw.calls union all by name select usd, id, output as total "
            "from raw.calls cross join (select usd from raw.bills)",
            "total",
            [INPUT, OUTPUT],
        ),
        ("select id from raw.calls union all by name select id, usd from raw.bills", "usd", [USD]),
        ("select (select max(usd) from raw.bills) as usd from raw.calls", "usd", [USD]),
        ("select id, unnest(tags) as tag from raw.calls", "tag", [("raw.calls", "tags")]),
        (
            "with recursive r as (select input as n from raw.calls union all select n + 1 from r where n < 9) "
            "select n from r",
            "n",
            [INPUT],
        ),
        ("select 1 as n from raw.calls", "n", []),
    ],
)
def test_a_column_is_traced_to_the_columns_that_its_value_is_made_of(query, column, expected):
    assert trace_queries({"core.made": query}, TYPES)["core.made"][column] == expected


def test_a_query_that_cannot_be_read_costs_no_other_its_columns():
    traced = trace_queries({"core.broken": "select from where", "core.made": "select id from raw.calls"}, TYPES)

    assert traced == {"core.made": {"id": [("raw.calls", "id")]}}
