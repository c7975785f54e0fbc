"""Documented objects: their names and signatures, from the ``dt`` elements that carry them."""

import re

from lxml.etree import _Element as Element

from molsys_chat_rag.reading.inline import classes, fold_space, plain_text
from molsys_chat_rag.reading.marks import ObjectStart

_OPTIONS = {"std:option", "std:cmdoption"}
"""Roles of command line options: several spellings of one thing, and no name of an API."""


def read_object(terms: list[Element], anchored: list[Element]) -> ObjectStart:
    """Return the beginning of a documented object.

    :param terms: its ``dt`` elements, one a signature.
    :param anchored: those of them that have an id, at least one.
    """
    anchors = tuple(t.get("id", "") for t in anchored)
    signatures = tuple(filter(None, (signature_text(t) for t in terms)))
    first = anchored[0]
    names = _elements(first, "descname")
    role = _role((terms[0].getparent().get("class") or "").split())
    is_option = role in _OPTIONS
    is_api = ("sig" in classes(first) or bool(names)) and not is_option
    symbol = _symbol(first) if is_api else ""
    title = symbol or (signatures[0] if signatures else anchors[0])
    if is_option and names:
        title = ", ".join(fold_space(plain_text(name)) for name in names)
    return ObjectStart(
        anchors=anchors,
        symbol=symbol,
        title=title[:120],
        signature=_parameters(first, signatures[0]) if is_api and signatures else "",
        signatures=signatures,
        role=role,
    )


def _role(own: list[str]) -> str:
    return ":".join([c for c in own if c not in ("simple", "glossary", "docutils")][:2])


def _elements(element: Element, name: str) -> list[Element]:
    found: list[Element] = element.xpath(f".//*[contains(concat(' ', @class, ' '), ' {name} ')]")
    return found


def _named(element: Element, name: str) -> str:
    return fold_space("".join(plain_text(f) for f in _elements(element, name)))


def _symbol(term: Element) -> str:
    name = _named(term, "descname")
    anchor = term.get("id", "")
    if anchor.endswith(name) and "." in anchor:
        return str(anchor)
    full = _named(term, "descclassname") + name
    return full.strip().rstrip(".")


def signature_text(term: Element) -> str:
    """Return a signature as it is printed, on one line."""
    text = fold_space(plain_text(term)).rstrip("¶#").strip()
    return re.sub(r" ?\[source\]$", "", text)


def _parameters(term: Element, signature: str) -> str:
    """Return what stands after the name: ``(a, b=1)``, and what follows it."""
    name = _named(term, "descclassname") + _named(term, "descname")
    at = signature.find(name)
    return signature[at + len(name) :].strip() if name and at >= 0 else ""
