"""Anchors inside a section's text, which mean that section: modules, tokens, labels, spellings."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lxml.etree import _Element as Element

from molsys_chat_rag.reading.inline import classes

_TAGS = ("span", "p", "a", "strong", "em", "code", "div", "li", "dl", "ul", "ol", "figure")
_AUTOMATIC = re.compile(r"(?:id|index-|r[0-9a-f]{8,}-)-?\d+|(?:tab|panel|sd-tab)-.*|.*[0-9a-f]{8}")
"""Ids that nobody chose: those of footnotes, of the index, of tabs, of widgets."""
_GRAMMAR = "grammar-token-"
_NO_ANCHORS = {"footnote", "citation", "cell_output", "nboutput", "output_area"}


def find_targets(main: Element) -> Mapping[str, Sequence[str]]:
    """Return, by the anchor of a section or a documented object, the further ids inside of it."""
    found: dict[str, list[str]] = defaultdict(list)
    for element in main.iter(*_TAGS):
        name = element.get("id")
        if not name or _is_section(element) or _AUTOMATIC.fullmatch(name):
            continue
        anchor = _anchor_around(element, main)
        if anchor is not None and anchor != name:
            found[anchor].append(name)
    return found


def _is_section(element: Element) -> bool:
    return element.tag == "section" or (element.tag == "div" and "section" in classes(element))


def _anchor_around(element: Element, main: Element) -> str | None:
    """Return the anchor that an id belongs to, the page's own being empty; None for no anchor."""
    if following := _section_behind(element):
        return following
    is_token = (element.get("id") or "").startswith(_GRAMMAR)
    below = element
    for each in element.iterancestors():
        if each is main:
            return ""
        if classes(each) & _NO_ANCHORS or (each.tag == "pre" and not is_token):
            return None
        if each.get("id") and (_is_section(each) or each.tag == "dt"):
            return str(each.get("id"))
        if below.tag == "dd" and (anchor := _term_anchor(below)):
            return anchor
        below = each
    return None


def _section_behind(element: Element) -> str:
    """Return the id of the section that an empty target stands before."""
    following: Element | None = element
    while following is not None and following.tag == "span":
        if "".join(following.itertext()).strip() or (following.tail or "").strip():
            return ""
        following = following.getnext()
    return (following.get("id") or "") if following is not None and _is_section(following) else ""


def _term_anchor(body: Element) -> str:
    """Return the anchor of the object that a ``dd`` describes: its first with an id."""
    anchor = ""
    for each in body.itersiblings("dt", "dd", preceding=True):
        if each.tag == "dd":
            break
        anchor = each.get("id") or anchor
    return anchor
