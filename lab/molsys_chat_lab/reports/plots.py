"""The plots of a report on what readers asked: bars and lines over days."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from molsys_chat_lab.reports.markup import Element, element

WIDTH, HEIGHT = 720, 240
"""Size of a drawing in its own units; it is shown as wide as there is room."""
LEFT, RIGHT, TOP, BOTTOM = 56, 712, 10, 204
"""Edges of the plot's area."""
_MOST_DATES = 8
_LEVELS = 4
_BAR_SHARE = 0.8
"""The part of its place that a bar fills."""
_WIDEST_BAR = 36.0


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn in one colour."""

    name: str
    """What the legend says."""
    style: str
    """The class by which the style sheet draws it."""
    values: tuple[float, ...]
    """A value for each day or week; negative where there is none."""


def draw_bars(title: str, unit: str, days: Sequence[date], series: Sequence[Series]) -> Element:
    """Return bars, the series stacked in each."""
    totals = [sum(each.values[at] for each in series) for at in range(len(days))]
    top = _rounded_up(max(totals, default=0))
    bars = [_stack(at, days, series, top) for at in range(len(days)) if totals[at]]
    told = f"{title}: {_amount(sum(totals))} {unit} in all, {_amount(max(totals))} at most."
    return _figure(title, told, days, top, series, bars, "bar-sample")


def draw_lines(title: str, unit: str, days: Sequence[date], series: Sequence[Series]) -> Element:
    """Return lines, with a mark at each value."""
    top = _rounded_up(max((value for each in series for value in each.values), default=0))
    lines = [part for each in series for part in _line(each, days, top)]
    told = " ".join(f"{each.name}: {_amount(max(each.values))} {unit} at most." for each in series)
    return _figure(title, told, days, top, series, lines, "line-sample")


def share_bar(part: float, whole: float) -> Element:
    """Return a small bar that shows a part of a whole."""
    share = 50 * part / whole if whole else 0.0
    return element(
        "svg",
        element("rect", width="50", height="6", class_="rest"),
        element("rect", width=f"{share:.1f}", height="6", class_="share"),
        viewBox="0 0 50 6",
        class_="bar",
        aria_hidden="true",
    )


def _figure(
    title: str, told: str, days: Sequence[date], top: float, series: Sequence[Series],
    drawn: Sequence[Element], sample: str,
) -> Element:  # fmt: skip
    """Return a plot with its legend, and what it shows in words."""
    return element(
        "figure",
        element("figcaption", *(_legend_entry(each, sample) for each in series), class_="legend"),
        element(
            "svg",
            element("title", title),
            element("desc", told),
            *(_level(top * step / _LEVELS, top) for step in range(_LEVELS + 1)),
            *_dates(days),
            *drawn,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=f"{title}. {told}",
        ),
        class_="over-days",
    )


def _stack(at: int, days: Sequence[date], series: Sequence[Series], top: float) -> Element:
    """Return the bar of one day, from the bottom up."""
    place = (RIGHT - LEFT) / len(days)
    width = min(place * _BAR_SHARE, _WIDEST_BAR)
    x, below, parts, said = _x(at, len(days)) - width / 2, 0.0, [], []
    for each in series:
        value = each.values[at]
        if value:
            y = _y(below + value, top)
            parts.append(
                element(
                    "rect",
                    x=f"{x:.1f}",
                    y=f"{y:.1f}",
                    width=f"{width:.1f}",
                    height=f"{_y(below, top) - y:.1f}",
                    class_=f"fill {each.style}",
                )
            )
            said.append(f"{each.name} {_amount(value)}")
            below += value
    return element("g", element("title", f"{days[at].isoformat()}: {', '.join(said)}"), *parts)


def _line(series: Series, days: Sequence[date], top: float) -> list[Element]:
    """Return a line through the days that have a value, and a mark at each."""
    known = [at for at, value in enumerate(series.values) if value >= 0]
    points = {at: (_x(at, len(days)), _y(series.values[at], top)) for at in known}
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points.values())
    marks = [
        element(
            "circle",
            element("title", f"{days[at].isoformat()}: {series.name} {_amount(series.values[at])}"),
            cx=f"{x:.1f}",
            cy=f"{y:.1f}",
            r="2.5",
            class_=f"mark {series.style}",
        )
        for at, (x, y) in points.items()
    ]
    return [element("polyline", points=text, class_=f"curve {series.style}"), *marks]


def _x(at: int, count: int) -> float:
    return LEFT + (RIGHT - LEFT) * (at + 0.5) / count


def _y(value: float, top: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * value / top


def _level(value: float, top: float) -> Element:
    y = f"{_y(value, top):.1f}"
    return element(
        "g",
        element("line", x1=str(LEFT), x2=str(RIGHT), y1=y, y2=y, class_="grid"),
        element("text", _amount(value), x=str(LEFT - 6), y=y, dy="0.32em", text_anchor="end"),
    )


def _dates(days: Sequence[date]) -> list[Element]:
    """Return the dates that are written at the axis."""
    step = math.ceil(len(days) / _MOST_DATES)
    return [
        element(
            "text",
            days[at].strftime("%d %b"),
            x=f"{_x(at, len(days)):.1f}",
            y=str(BOTTOM + 20),
            text_anchor="middle",
        )
        for at in range(0, len(days), step)
    ]


def _legend_entry(series: Series, sample: str) -> Element:
    drawn = (
        element("rect", width="12", height="10", x="9", class_=f"fill {series.style}")
        if sample == "bar-sample"
        else element("polyline", points="0,5 30,5", class_=f"curve {series.style}")
    )
    return element("span", element("svg", drawn, viewBox="0 0 30 10", aria_hidden="true"),
                   series.name)  # fmt: skip


def _rounded_up(value: float) -> float:
    """Return a number not below a value that divides into four even steps."""
    if value <= _LEVELS:
        return float(_LEVELS)
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 4, 6, 8, 10) if power * step >= value)


def _amount(value: float) -> str:
    """Return a number as short as it is understood: ``1,200``, ``12k``, ``1.5M``."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= 10 * size or (unit == "M" and value >= size):
            return f"{value / size:.3g}{unit}"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
