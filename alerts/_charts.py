"""The charts of the monthly plan: PNG images that say the same as the words beside them.

Each function gives the PNG's bytes, or None where fewer than two points would be drawn. Missing numbers (None, NaN) are
left out. The same data gives the same bytes on one machine. Titles are ours; names from outside are drawn as they are,
never as mathematics.

A chart is read in a channel at about 360 px of width, on a light or a dark page: so it is an opaque light card of
1600 x 900 px with few and large words, in colours that colour-blind people tell apart (Okabe and Ito).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from alerts import _format as f

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ft2font import FT2Font

Rows = Sequence[Mapping[str, Any]]

WIDTH_PX, HEIGHT_PX = 1600, 900
_DPI = 200
_FONT = "DejaVu Sans"  # comes with matplotlib, so that no machine draws another one
_CARD, _EDGE, _INK, _QUIET, _GRID = "#ffffff", "#d0d5da", "#1d1c1d", "#56585c", "#e4e6e8"
_USED, _CAP, _PLANNED = "#0072b2", "#d55e00", "#009e73"
_NAME_LIMIT = 22
_UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "k"))


def use(path: Rows, cap_tokens: Any, as_of_date: Any, title: str) -> bytes | None:
    """Tokens used since the first of the month, what is expected with its 80 % range, and the cap.

    `path` holds {usage_date, used_tokens, projected_tokens, projected_p10_tokens, projected_p90_tokens}, summed from
    the first of the month; used_tokens is None for days to come.
    """
    days = [day for day in path if _date(day.get("usage_date")) and _value(day.get("projected_tokens")) is not None]
    if len(days) < 2:
        return None
    cap, as_of = _value(cap_tokens), _date(as_of_date)
    points = [(f.as_day(day["usage_date"]).day, _known(day["projected_tokens"])) for day in days]
    used = [
        (f.as_day(day["usage_date"]).day, _known(day["used_tokens"]))
        for day in days
        if _value(day.get("used_tokens")) is not None
    ]
    now = used[-1] if used else None
    fan = [
        (day, low, high)
        for (day, _), low, high in zip(
            points,
            [_value(day.get("projected_p10_tokens")) for day in days],
            [_value(day.get("projected_p90_tokens")) for day in days],
            strict=True,
        )
        if low is not None and high is not None and (now is None or day >= now[0])
    ]
    last, ends = points[-1]
    highest = max([ends, cap or 0, *(high for _, _, high in fan), *(value for _, value in used)])
    size, unit = _unit(highest)

    def draw(axes: Axes) -> None:
        ahead = [point for point in points if now is None or point[0] >= now[0]]
        if len(fan) > 1:
            axes.fill_between(
                [day for day, _, _ in fan],
                [low / size for _, low, _ in fan],
                [high / size for _, _, high in fan],
                color=_USED,
                alpha=0.22,
                linewidth=0,
            )
        if len(ahead) > 1:
            axes.plot([day for day, _ in ahead], [value / size for _, value in ahead], "--", color=_USED, linewidth=3)
        if used:
            axes.plot([day for day, _ in used], [value / size for _, value in used], color=_USED, linewidth=4.5)
        if cap is not None:
            axes.plot([1, last], [cap / size] * 2, color=_CAP, linewidth=3.5)
            is_crossed_early = any(day < 10 and value > 0.85 * cap for day, value in points)
            x, y, ha, va = (last, -0.02, "right", "top") if is_crossed_early else (1, 0.025, "left", "baseline")
            _text(
                axes,
                x,
                cap / size + y * highest / size,
                f"cap {f.amount(cap)}",
                color=_CAP,
                weight="bold",
                ha=ha,
                va=va,
            )
        if now is not None and now[0] < last:
            axes.plot([now[0]], [now[1] / size], "o", color=_USED, markersize=11)
            if last - now[0] > 4:  # later it would run into what stands at the end
                label = f"{f.amount(now[1])}\nby {f.day(as_of)[:-5]}" if as_of else f.amount(now[1])
                up, va = (0.04, "bottom") if now[1] < 0.25 * highest else (-0.04, "top")
                _text(axes, now[0] + 0.6, (now[1] + highest * up) / size, label, va=va)
        # Low ends have no room below them.
        lift = 0.3 * highest if ends < 0.25 * highest else 0
        _text(axes, last + 0.6, (ends + lift) / size, f.amount(ends), color=_USED, va="center", weight="bold")
        if len(fan) > 1 and fan[-1][2] > fan[-1][1]:
            likely = f"80 % range\n{f.amount(fan[-1][1])}\nto {f.amount(fan[-1][2])}"
            _text(axes, last + 0.6, (ends + lift - highest * 0.05) / size, likely, color=_USED, va="top", size=14.5)
        axes.set_xlim(0.5, last + 7)
        axes.set_ylim(0, highest * 1.14 / size or 1)
        ticks = range(1, last + 1, 7)
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set_xlabel(f"day of {f.month_name(days[0]['usage_date'], year=False)}", loc="left")
        axes.set_ylabel(f"{unit}tokens, summed")
        _grid(axes, "y")

    return _png(title, draw)


def growth(months: Rows, planned_month: Any, planned_tokens: Any, planned_cap_tokens: Any, title: str) -> bytes | None:
    """Tokens per month as bars, the rest that is expected of the running one, the planned month, and each month's cap.

    `months` holds {month, used_tokens, projected_tokens, cap_tokens, is_measured_whole}, oldest first.
    """
    bars = [bar for bar in months if _date(bar.get("month")) and _value(bar.get("used_tokens")) is not None]
    planned, planned_cap, month = _value(planned_tokens), _value(planned_cap_tokens), _date(planned_month)
    is_planned = planned is not None and month is not None
    if len(bars) + is_planned < 2:
        return None
    used = [_known(bar["used_tokens"]) for bar in bars]
    totals = [max(_value(bar.get("projected_tokens")) or 0, one) for bar, one in zip(bars, used, strict=True)]
    caps = [_value(bar.get("cap_tokens")) for bar in bars]
    highest = max([*totals, *(cap or 0 for cap in caps), planned or 0, (planned_cap or 0) if is_planned else 0])
    size, unit = _unit(highest)

    def draw(axes: Axes) -> None:
        for place, (bar, one, total, cap) in enumerate(zip(bars, used, totals, caps, strict=True)):
            axes.bar(place, one / size, width=0.68, color=_USED, alpha=1 if bar.get("is_measured_whole") else 0.45)
            if total > one:
                axes.bar(
                    place, (total - one) / size, bottom=one / size, width=0.68, color=_CARD, edgecolor=_USED,
                    linewidth=2.5, linestyle="--",
                )  # fmt: skip
            if cap is not None:
                axes.plot([place - 0.42, place + 0.42], [cap / size] * 2, color=_CAP, linewidth=3.5)
        if is_planned:
            place = len(bars)
            axes.bar(place, planned / size, width=0.68, color=_PLANNED)
            if planned_cap is not None:
                axes.plot([place - 0.42, place + 0.42], [planned_cap / size] * 2, color=_CAP, linewidth=3.5)
                _text(
                    axes, place, (planned_cap + highest * 0.025) / size, f"cap {f.amount(planned_cap)}", color=_CAP,
                    weight="bold", ha="center",
                )  # fmt: skip
        tops = [*zip(totals, caps, strict=True), *([(planned, planned_cap)] if is_planned else [])]
        for place, (top, cap) in enumerate(tops):
            if len(tops) > 7 and place < len(tops) - 2:
                continue  # no room for all
            is_capped = cap is not None and top <= cap < top + highest * 0.12
            y, va = ((top - highest * 0.03) / size, "top") if is_capped else ((top + highest * 0.02) / size, "bottom")
            is_dark = is_capped and (place == len(bars) or totals[place] == used[place])
            _text(axes, place, y, _short(top, size), ha="center", va=va, color=_CARD if is_dark else _INK, size=16)
        notes = [
            "expected" if total > one else "" if bar.get("is_measured_whole") else "in part"
            for bar, one, total in zip(bars, used, totals, strict=True)
        ]
        names = [
            f"{f.month_name(bar['month'])[:3]}\n{note if len(tops) <= 7 else ''}"
            for bar, note in zip(bars, notes, strict=True)
        ]
        names += [f"{f.month_name(month)[:3]}\nplanned"] if is_planned else []
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.6, max(len(names), 4) - 0.3)
        axes.set_ylim(0, highest * 1.16 / size or 1)
        axes.set_ylabel(f"{unit}tokens a month")
        _grid(axes, "y")

    return _png(title, draw)


def model_mix(models: Rows, title: str) -> bytes | None:
    """Each model's share of the tokens and of the cost, as two bars.

    `models` holds {model, models, token_ratio, cost_ratio}; model is None for the others together, which `models`
    counts.
    """
    shown = [one for one in models if _value(one.get("token_ratio")) is not None]
    if len(shown) < 2:
        return None
    widest = max([0.01, *(_value(one.get(name)) or 0 for one in shown for name in ("token_ratio", "cost_ratio"))])

    def draw(axes: Axes) -> None:
        for place, one in enumerate(reversed(shown)):
            tokens, cost = _value(one["token_ratio"]), _value(one.get("cost_ratio"))
            for share, up, color in ((tokens, 0.2, _USED), (cost, -0.2, _CAP)):
                if share is not None:
                    axes.barh(place + up, share * 100, height=0.36, color=color)
                    _text(
                        axes,
                        share * 100 + widest,
                        place + up,
                        f.percent(share).replace("under ", "<"),
                        va="center",
                        size=15,
                    )
        axes.set_yticks(range(len(shown)), [_model_name(one) for one in reversed(shown)])
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.set_xlim(0, 114 * widest)
        axes.set_xlabel("% of the month", loc="left")
        _grid(axes, "x")
        for x, color, what in ((0.84, _USED, "tokens"), (0.985, _CAP, "cost")):
            axes.figure.text(x, 0.045, f"\u25a0 {what}", color=color, ha="right", size=17, weight="bold", family=_FONT)

    return _png(title, draw)


def _png(title: str, draw: Callable[[Axes], None]) -> bytes:
    # matplotlib takes half a second to load, which only plans should wait for. A Figure of its own: pyplot keeps
    # every figure and is not made for threads.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.14)
    figure = Figure(
        figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI, facecolor=_CARD, edgecolor=_EDGE, linewidth=4,
        layout=engine,
    )  # fmt: skip
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=_CARD)
    figure.suptitle(title, x=0.02, ha="left", size=20, weight="bold", color=_INK, family=_FONT, parse_math=False)
    draw(axes)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_QUIET)
    axes.tick_params(colors=_INK, labelsize=16, length=0, labelfontfamily=_FONT)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(size=16, color=_QUIET, family=_FONT)
    png = io.BytesIO()
    figure.savefig(png, format="png", facecolor=_CARD, edgecolor=_EDGE, metadata={"Software": None})
    return png.getvalue()


def _text(axes: Axes, x: float, y: float, words: str, **style: Any) -> None:
    given: dict[str, Any] = {"color": _INK, "size": 17, "family": _FONT} | style
    axes.text(x, y, words, parse_math=False, **given)


def _grid(axes: Axes, which: Literal["x", "y"]) -> None:
    axes.grid(axis=which, color=_GRID, linewidth=1.5)
    axes.set_axisbelow(True)
    axes.locator_params(axis=which, nbins=5)
    (axes.yaxis if which == "y" else axes.xaxis).set_major_formatter("{x:g}")


def _unit(highest: float) -> tuple[int, str]:
    """What to divide by, and the unit's letter with a space behind it."""
    return next(((size, f"{letter} ") for size, letter in _UNITS if highest >= size), (1, ""))


def _short(value: float, size: int) -> str:
    """A number in the axis's unit: its three digits say enough over a bar."""
    return f"{value / size:.3g}" if value / size < 999.5 else f"{value / size:.0f}"


def _known(number: Any) -> float:
    """The value of a number that is known to have one."""
    value = _value(number)
    if value is None:
        raise ValueError(f"{number!r} cannot be drawn")
    return value


def _value(number: Any) -> float | None:
    exact = f.number(number)
    return float(exact) if exact is not None and 0 <= exact < 10**18 else None  # anything else is a mistake


def _date(value: Any) -> date | None:
    try:
        return f.as_date(value)
    except ValueError:
        return None


def _model_name(model: Mapping[str, Any]) -> str:
    if model.get("model") is None:
        count = f.number(model.get("models"))
        return "the others" if count is None else f"{count} other{'' if count == 1 else 's'}"
    from matplotlib.font_manager import findfont, get_font

    name = f.plain(str(model["model"]).rsplit("/", 1)[-1], limit=_NAME_LIMIT)
    return _drawable(name, get_font(findfont(_FONT)))


def _drawable(name: str, font: FT2Font) -> str:
    """The name with a question mark for each letter that the font has not."""
    return "".join(letter if font.get_char_index(ord(letter)) else "?" for letter in name)
