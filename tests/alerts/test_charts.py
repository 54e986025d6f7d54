"""The charts of the plan: pictures of the right size where there is something to see, and none where there is not."""

import io
import struct
from datetime import date, timedelta
from decimal import Decimal

import pytest
from matplotlib.image import imread

from alerts import _charts

NAN = float("nan")


def path(days=30, measured=22):
    """100,000 tokens a day, and a range that opens by 10,000 a day."""
    return [
        {
            "usage_date": date(2026, 11, 1) + timedelta(day),
            "used_tokens": 100_000 * (day + 1) if day < measured else None,
            "projected_tokens": 100_000 * (day + 1),
            "projected_p10_tokens": 100_000 * (day + 1) - 10_000 * max(0, day + 1 - measured),
            "projected_p90_tokens": 100_000 * (day + 1) + 10_000 * max(0, day + 1 - measured),
        }
        for day in range(days)
    ]


def months(count=4):
    return [
        {
            "month": date(2026, 12 - count + n, 1),
            "used_tokens": 1_000_000 * (n + 1),
            "projected_tokens": 1_000_000 * (n + 1) + (500_000 if n == count - 1 else 0),
            "cap_tokens": 3_000_000 if n else None,
            "is_measured_whole": n > 0,
        }
        for n in range(count)
    ]


def models(*names):
    return [
        {"model": name, "models": 1, "token_ratio": 1 / len(names), "cost_ratio": 0.5 / len(names)} for name in names
    ]


def use(**changes):
    given = {"path": path(), "cap_tokens": 2_500_000, "as_of_date": date(2026, 11, 22), "title": "November"} | changes
    return _charts.use(**given)


def growth(months, planned=5_000_000, cap=6_000_000):
    return _charts.growth(months, date(2026, 12, 1), planned, cap, "Tokens a month")


def chunks(png):
    """The PNG's parts in order: [(name, content)]."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        found.append((name.decode(), png[at + 8 : at + 8 + size]))
        at += size + 12
    return found


CHARTS = {
    "use": lambda: use(),
    "growth": lambda: growth(months()),
    "models": lambda: _charts.model_mix(models("opus", "haiku"), "Models"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_a_png_of_1600_by_900_that_says_nothing_about_who_made_it_and_when(name):
    parts = chunks(CHARTS[name]())

    assert struct.unpack(">II", parts[0][1][:8]) == (1600, 900)
    assert {part for part, _ in parts} == {"IHDR", "pHYs", "IDAT", "IEND"}


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_data_is_the_same_picture(name):
    assert CHARTS[name]() == CHARTS[name]()


def test_a_chart_is_an_opaque_light_card_so_that_a_dark_page_does_not_shine_through():
    picture = imread(io.BytesIO(use()))

    assert picture[:, :, 3].min() == 1
    assert picture[20, 20].tolist() == [1, 1, 1, 1]


def test_the_range_the_cap_and_the_plan_are_drawn():
    flat = [{**day, "projected_p10_tokens": None, "projected_p90_tokens": None} for day in path()]

    assert len({use(), use(path=flat), use(cap_tokens=None), use(path=flat, cap_tokens=None)}) == 4
    assert growth(months()) != growth(months(), planned=4_000_000) != growth(months(), planned=4_000_000, cap=7_000_000)


@pytest.mark.parametrize(
    "picture",
    [
        lambda: use(path=[]),
        lambda: use(path=path(days=1)),
        lambda: use(path=[{**day, "projected_tokens": NAN} for day in path()]),
        lambda: growth([]),
        lambda: growth(months(1), planned=None),
        lambda: growth([{**month, "used_tokens": None} for month in months()]),
        lambda: _charts.model_mix([], "Models"),
        lambda: _charts.model_mix(models("opus"), "Models"),
        lambda: _charts.model_mix([{"model": "opus", "token_ratio": None}] * 3, "Models"),
    ],
)
def test_there_is_no_chart_of_fewer_than_two_points(picture):
    assert picture() is None


@pytest.mark.parametrize("broken", [None, NAN, "many", Decimal("1e400"), -5, 0])
def test_broken_numbers_are_left_out_and_never_stop_a_chart(broken):
    def and_broken(rows):
        keep = ("usage_date", "month", "model")
        return [*rows, {name: value if name in keep else broken for name, value in rows[-1].items()}]

    assert use(path=and_broken(path(29)), cap_tokens=broken)
    assert growth(and_broken(months()), planned=broken, cap=broken)
    assert _charts.model_mix(and_broken(models("opus", "haiku")), "Models")
    use(path=[{**day, "used_tokens": broken, "projected_tokens": broken} for day in path()])
    growth([{**month, "used_tokens": broken} for month in months()], planned=broken)


def test_broken_dates_are_left_out():
    assert use(path=[*path(), {**path()[0], "usage_date": None}, {**path()[0], "usage_date": "soon"}], as_of_date="now")
    assert growth([*months(), {**months()[0], "month": "soon"}])


def test_a_month_that_is_over_and_one_that_has_just_begun_can_be_drawn():
    assert use(path=path(measured=30), as_of_date=date(2026, 11, 30))
    assert use(path=path(measured=1), as_of_date=date(2026, 11, 1))
    assert use(path=path(measured=0))


@pytest.mark.parametrize("name", ["$x^2$", "$", r"$\frac$", "\u6a21\u578b-7b", "\U0001f525\x00\n", "a" * 999, 7, ""])
def test_names_are_drawn_as_they_are(name, recwarn):
    assert _charts.model_mix(models(name, "opus"), r"$\frac$")
    assert [str(warning.message) for warning in recwarn] == []


def test_one_chart_fits_a_year():
    year = [{**months()[1], "month": date(2026, month, 1)} for month in range(1, 12)]

    assert growth(year)
