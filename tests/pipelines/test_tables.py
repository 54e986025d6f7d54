"""The tables that a run ends with."""

from datetime import date

import duckdb

from pipelines import tables
from pipelines.settings import load_settings


def test_percentages_are_cut_as_in_messages(tmp_path, capsys):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as db:
        db.execute("create schema plan")
        db.execute(
            """
            create table plan.cap_utilization as
            select
                'team' as scope, 'mobile' as scope_id, $month as month, $as_of as as_of_date, 1 as used_tokens,
                2 as cap_tokens, null::decimal as cap_usd, 'set' as cap_source, 0.796::double as used_ratio,
                'usd' as binding_measure,
                0.999::double as projected_ratio_p50, 0.29::double as projected_ratio_p10,
                1.006::double as projected_ratio_p90, 0.796::double as probability_over,
                null::date as crosses_cap_on, 'ok' as status""",
            {"month": date(2026, 11, 1), "as_of": date(2026, 11, 22)},
        )

    tables.print_caps(load_settings(PACELINE_DATA_DIR=tmp_path))

    shown = " ".join(capsys.readouterr().out.split())
    assert "set USD 79 % 99 % 29-100 % 79 % ok" in shown
