"""The plot of a report: how many questions are found among the first ``k`` results."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from molsys_chat_lab.reports.markup import Element, element

WIDTH, HEIGHT = 440, 280
"""Size of the drawing in its own units; it is shown as wide as there is room."""
LEFT, RIGHT, TOP, BOTTOM = 50, 430, 12, 232
"""Edges of the plot's area."""
MARKS = (1, 2, 5, 10, 20, 50)
"""The ``k`` that are written at the axis."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the plot."""

    name: str
    """What the legend says."""
    style: str
    """The class by which the style sheet draws it."""
    shares: tuple[float, ...]
    """The share of the questions, 0 to 1, that is found among the first 1, 2, 3, … results."""


def draw_plot(lines: Sequence[Line]) -> Element:
    """Return the plot with its legend."""
    depth = max(len(line.shares) for line in lines)
    return element(
        "figure",
        element("figcaption", *(_legend_entry(line) for line in lines), class_="legend"),
        element(
            "svg",
            element("title", "Share of the questions found among the first k results", id="plot"),
            element("desc", _in_words(lines), id="plot-in-words"),
            *(_level(step / 5) for step in range(6)),
            *(_mark(k, depth) for k in MARKS if k <= depth),
            *_axis_labels(),
            *(_curve(line, depth) for line in lines),
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_labelledby="plot plot-in-words",
        ),
    )


def _x(k: int, depth: int) -> float:
    """Return where ``k`` stands; logarithmic, for what matters happens among the first ten."""
    return LEFT + (RIGHT - LEFT) * log(k) / log(max(depth, 2))


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _curve(line: Line, depth: int) -> Element:
    points = (f"{_x(k, depth):.1f},{_y(share):.1f}" for k, share in enumerate(line.shares, 1))
    return element("polyline", points=" ".join(points), class_=f"curve {line.style}")


def _level(share: float) -> Element:
    y = f"{_y(share):.1f}"
    return element(
        "g",
        element("line", x1=str(LEFT), x2=str(RIGHT), y1=y, y2=y, class_="grid"),
        element("text", f"{share:.1f}", x=str(LEFT - 6), y=y, dy="0.32em", text_anchor="end"),
    )


def _mark(k: int, depth: int) -> Element:
    x = f"{_x(k, depth):.1f}"
    return element(
        "g",
        element("line", x1=x, x2=x, y1=str(TOP), y2=str(BOTTOM), class_="grid"),
        element("text", str(k), x=x, y=str(BOTTOM + 16), text_anchor="middle"),
    )


def _axis_labels() -> tuple[Element, Element]:
    across, down = (LEFT + RIGHT) // 2, (TOP + BOTTOM) // 2
    return (
        element(
            "text", "first k results (logarithmic)", x=str(across), y=str(BOTTOM + 38),
            text_anchor="middle",
        ),
        element(
            "text", "share of the questions found", text_anchor="middle",
            transform=f"translate(14 {down}) rotate(-90)",
        ),
    )  # fmt: skip


def _legend_entry(line: Line) -> Element:
    sample = element("polyline", points="0,5 30,5", class_=f"curve {line.style}")
    return element(
        "span", element("svg", sample, viewBox="0 0 30 10", aria_hidden="true"), line.name
    )


def _in_words(lines: Sequence[Line]) -> str:
    return " ".join(
        f"By {line.name}: "
        + ", ".join(f"{line.shares[k - 1]:.3f} at {k}" for k in MARKS if k <= len(line.shares))
        + "."
        for line in lines
    )
