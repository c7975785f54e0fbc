"""Footnotes: each is put where the text refers to it.

Sphinx leaves a footnote where its source stands, which often is the end of the page, and MyST puts
all of them behind the last section: far from what they explain, or outside every section.
"""

from collections.abc import Iterator

from lxml import html
from lxml.etree import _Element as Element

from molsys_chat_rag.reading.inline import classes

_REFERENCES = ".//a[contains(concat(' ', @class, ' '), ' footnote-reference ')]"
_HOLDING = {"li", "dd"}
"""Elements that take a footnote in; it stands behind all others."""
_PLACES = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "dl"} | _HOLDING


def place_footnotes(main: Element) -> None:
    """Move the footnotes of other sections to where they are first referred to.

    What no text refers to and stands outside every section goes to the end of the section before.
    """
    references = _first_references(main)
    last: dict[Element, Element] = {}
    for name, parts in list(_footnotes(main)):
        reference = references.get(name)
        home = _home(parts[0], main)
        if reference is not None and _home(reference, main) is not home:
            _put(_taken_out(parts), _place(reference, main), last)
        elif reference is None and home is main:
            _append_to_section(parts)
    _remove_empty_lists(main)


def _first_references(main: Element) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for reference in main.xpath(_REFERENCES):
        found.setdefault((reference.get("href") or "").removeprefix("#"), reference)
    return found


def _footnotes(main: Element) -> Iterator[tuple[str, list[Element]]]:
    """Yield the id and the elements of each footnote, as docutils has written them."""
    for element in main.iter("aside", "dl", "table"):
        if "footnote" not in classes(element):
            continue
        if element.tag == "dl":
            yield from _of_list(element)
        elif element.get("id"):
            yield element.get("id", ""), [element]


def _of_list(element: Element) -> Iterator[tuple[str, list[Element]]]:
    for term in element.iterchildren("dt"):
        body = term.getnext()
        if term.get("id") and body is not None and body.tag == "dd":
            yield term.get("id", ""), [body, term]


def _is_section(element: Element) -> bool:
    return element.tag == "section" or (element.tag == "div" and "section" in classes(element))


def _home(element: Element, main: Element) -> Element:
    """Return the section or the documented object that an element stands in."""
    for each in element.iterancestors():
        if each is main or _is_section(each) or (each.tag == "dd" and "sig" in _term(each)):
            return each
    return main


def _term(body: Element) -> set[str]:
    term = body.getprevious()
    return classes(term) if term is not None else set()


def _place(reference: Element, main: Element) -> Element:
    """Return what a footnote goes behind or into: a table counts as a whole, a term's list too."""
    place: Element | None = None
    for each in reference.iterancestors():
        if each is main or _is_section(each):
            return place if place is not None else each
        if each.tag == "table" or (each.tag in _PLACES and place is None):
            place = each
    return main


def _put(footnote: Element, place: Element, last: dict[Element, Element]) -> None:
    if place in last:
        last[place].addnext(footnote)
    elif place.tag in _HOLDING or place.tag not in _PLACES:
        place.append(footnote)
    else:
        footnote.tail, place.tail = place.tail, None
        place.addnext(footnote)
    last[place] = footnote


def _taken_out(parts: list[Element]) -> Element:
    """Return a footnote's text as an element that stands nowhere."""
    body = parts[0]
    for part in parts:
        part.drop_tree()
    if body.tag == "aside":
        return body
    footnote = html.Element("aside", {"class": "footnote"})
    cells = list(body.iter("td"))[1:] if body.tag == "table" else [body]
    for cell in cells:
        cell.tag = "div"
        footnote.append(cell)
    return footnote


def _append_to_section(parts: list[Element]) -> None:
    around = parts[0]
    while (parent := around.getparent()) is not None and "footnote" in " ".join(classes(parent)):
        around = parent
    sections = [each for each in around.itersiblings(preceding=True) if _is_section(each)]
    if sections:
        sections[0].append(_taken_out(parts))


def _remove_empty_lists(main: Element) -> None:
    """Remove what has held footnotes, and the title that stands over nothing any more."""
    lists = [e for e in main.iter("aside", "dl") if classes(e) & {"footnote-list", "footnote"}]
    for element in lists:
        if len(element) or (element.text or "").strip():
            continue
        title = element.getprevious()
        if title is not None and "rubric" in classes(title) and element.getnext() is None:
            title.drop_tree()
        element.drop_tree()
