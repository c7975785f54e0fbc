"""The figures of ``molsys-chat eval answers`` in the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from molsys_chat_lab.evaluation.scores import (
    AnswerFigures,
    Scored,
    group_by_writer,
    sum_up,
)

TITLES = (
    "answers",
    "facts",
    "citations right",
    "claims cited",
    "claims supported",
    "inventing before",
    "after",
    "first token ms",
    "tokens",
)


def cells(figures: AnswerFigures) -> tuple[str, ...]:
    """Return the figures under :data:`TITLES` as they are shown."""
    shares = (
        figures.facts,
        figures.precision,
        figures.recall,
        figures.supported,
        figures.inventing_before,
        figures.inventing_after,
    )
    return (
        str(figures.answers),
        *("–" if share is None else f"{share:.3f}" for share in shares),
        _whole(figures.first_token_ms),
        _whole(figures.tokens),
    )


def in_words(figures: AnswerFigures) -> str:
    """Return what does not stand in the table: refusals, kinds, the judge."""
    wrong, answerable = figures.refused_wrongly
    right, others = figures.refused_rightly
    kinds = ", ".join(f"{number} {kind}" for kind, number in figures.kinds.items())
    told = (
        f"refused: {wrong} of {answerable} answerable questions (wrongly),"
        f" {right} of {others} others (rightly); kinds: {kinds}"
    )
    return told if figures.right is None else f"{told}; judged right: {figures.right:.1%}"


def show_figures(scored: Sequence[Scored]) -> None:
    """Print the figures of answers, those of each writer in a row."""
    table = Table(title=f"{len(scored)} answers", box=box.SIMPLE, title_justify="left")
    table.add_column("written by")
    for name in TITLES:
        table.add_column(name, justify="right")
    groups = group_by_writer(scored)
    for writer, answers in groups.items():
        table.add_row(writer, *cells(sum_up(answers)))
    if len(groups) > 1:
        table.add_row("all", *cells(sum_up(scored)))
    console = Console(highlight=False)
    console.width = max(console.width, 140)
    console.print(table)
    console.print(in_words(sum_up(scored)), soft_wrap=True)


def _whole(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.0f}"
