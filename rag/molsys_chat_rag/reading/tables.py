"""Tables read row by row, each cell with the header above it."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from lxml.etree import _Element as Element

from molsys_chat_rag.reading.inline import inline_text

LARGEST_SPAN = 100
"""Columns or rows that one cell may reach over."""
LONGEST_REPEATED = 200
"""Characters of a cell over several rows that are repeated in each of them."""

_Text = str | None
"""A column's text; None where the cell before reaches over it."""


def read_table(table: Element) -> Iterator[str]:
    """Yield a table's rows as text, ``header: cell | header: cell``; header rows are left out."""
    rows = list(table_rows(table))
    height = _header_height(rows)
    grid = list(_grid(rows, height)) if _has_spans(table) else [_texts(row) for row in rows]
    columns = zip_longest(*grid[:height])
    header = [" ".join(dict.fromkeys(filter(None, column))) for column in columns]
    for row in grid[height:]:
        if any(row):
            yield _row_text(header, row)


def cell_texts(table: Element) -> Iterator[list[str]]:
    """Yield the texts of each row's cells as they stand."""
    for row in table_rows(table):
        yield [inline_text(cell) for cell in row]


def _has_spans(table: Element) -> bool:
    return bool(table.xpath("boolean(.//@rowspan | .//@colspan)"))


def _texts(row: list[Element]) -> list[_Text]:
    return [inline_text(cell) for cell in row]


def table_rows(table: Element) -> Iterator[list[Element]]:
    """Yield the cells of each row; the rows of tables in its cells are theirs."""
    for row in table.iter("tr"):
        if next(row.iterancestors("table"), None) is table:
            yield [cell for cell in row if cell.tag in ("th", "td")]


def _header_height(rows: list[list[Element]]) -> int:
    """Return how many rows at the top are headers; a table of nothing else has none."""
    height = 0
    for row in rows:
        if not row or any(cell.tag != "th" for cell in row):
            break
        height += 1
        if next(row[0].iterancestors("thead"), None) is None:
            break
    return height if height < len(rows) else 0


def _grid(rows: list[list[Element]], header_height: int) -> Iterator[list[_Text]]:
    """Yield each row's texts by column: a cell over several rows stands in each of them."""
    above: dict[int, tuple[int, _Text]] = {}
    for number, row in enumerate(rows):
        texts: list[_Text] = []
        for cell in row:
            _take_above(above, texts)
            text, width = inline_text(cell), _span(cell, "colspan")
            # A header over several columns is each one's, a cell over several is only once there.
            rest = text if number < header_height else None
            spanned = [text] + [rest] * (width - 1)
            if (height := _span(cell, "rowspan")) > 1:
                for column, each in enumerate(spanned, start=len(texts)):
                    above[column] = (
                        height - 1,
                        each if len(each or "") <= LONGEST_REPEATED else "",
                    )
            texts += spanned
        _take_above(above, texts)
        yield texts


def _take_above(above: dict[int, tuple[int, _Text]], texts: list[_Text]) -> None:
    """Add what reaches down from the rows above to a row that has come so far."""
    while (column := len(texts)) in above:
        left, text = above.pop(column)
        texts.append(text)
        if left > 1:
            above[column] = (left - 1, text)


def _span(cell: Element, name: str) -> int:
    value = cell.get(name)
    if value is None or not re.fullmatch("[0-9]{1,5}", value):
        return 1
    return max(1, min(int(value), LARGEST_SPAN))


def _row_text(header: list[str], row: list[_Text]) -> str:
    if len(header) != len(row):
        return " | ".join(cell for cell in row if cell is not None)
    named = ((h, c) for h, c in zip(header, row, strict=True) if c)
    return " | ".join(f"{h}: {c}" if h else c for h, c in named)
