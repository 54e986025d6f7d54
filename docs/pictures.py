"""The picture of the README: a team's month against its cap, drawn as the monthly plan draws it.

`python -m docs.pictures` draws it from the warehouse in PACELINE_DATA_DIR, as it stands the example company's.
"""

from alerts import _charts
from docs.answers import ask
from pipelines.publish import read_warehouse
from pipelines.settings import ROOT, load_settings

PICTURE = ROOT / "docs" / "images" / "month_end.png"
PATH = """
    select
        usage_date, case when is_past then projected_tokens end as used_tokens, projected_tokens, projected_p10_tokens,
        projected_p90_tokens
    from plan.month_end_path
    where scope = 'team' and scope_id = 'payments'
    order by usage_date"""
CAP = """
    select cap_tokens, as_of_date from plan.cap_utilization
    where month = date_trunc('month', as_of_date) and scope = 'team' and scope_id = 'payments'"""


def draw() -> bytes:
    """The chart as PNG. Raises ValueError where the warehouse is not the example company's."""
    with read_warehouse(load_settings().warehouse_file) as db:
        names, rows = ask(db, PATH)
        _, caps = ask(db, CAP)
    if not rows or not caps:
        raise ValueError("there is no team 'payments' in this warehouse: make one of the example company")
    path = [dict(zip(names, row, strict=True)) for row in rows]
    ((cap_tokens, as_of_date),) = caps
    png = _charts.use(path, cap_tokens, as_of_date, "Team payments, November 2026: will it last?")
    if png is None:
        raise ValueError("there is nothing to draw")
    return png


if __name__ == "__main__":
    PICTURE.write_bytes(draw())
