"""Documented objects: their names and signatures, from the ``dt`` elements that carry them."""

import re

from lxml.etree import _Element as Element

from molsys_chat_rag.reading.inline import classes, fold_space, plain_text
from molsys_chat_rag.reading.marks import ObjectStart

OPTION = "std:option"
"""The role of what a command line takes."""
_OPTIONS = {OPTION, "std:cmdoption"}
"""Roles of command line options: several spellings of one thing, and no name of an API."""
_OPTION = re.compile(r"(?:--?|\+)[\w?@#]")
"""How an option's name begins, whatever a project calls such objects."""


def read_object(terms: list[Element], anchored: list[Element]) -> ObjectStart:
    """Return the beginning of a documented object.

    :param terms: its ``dt`` elements, one a signature.
    :param anchored: those of them that have an id, at least one.
    """
    anchors = tuple(t.get("id", "") for t in anchored)
    signatures = tuple(filter(None, (signature_text(t) for t in terms)))
    first = anchored[0]
    names = [fold_space(plain_text(name)) for name in _elements(first, "descname")]
    role = _role(first)
    options = tuple(filter(_OPTION.match, names)) if names and _OPTION.match(names[0]) else ()
    is_api = ("sig" in classes(first) or bool(names)) and role not in _OPTIONS and not options
    symbol = _symbol(first) if is_api else ""
    title = symbol or (signatures[0] if signatures else anchors[0])
    if names and role.startswith("rst:"):  # as it is written: ".. name::", ":name:"
        title = names[0]
    elif names and not is_api:
        title = ", ".join(options or names)
    return ObjectStart(
        anchors=anchors,
        symbol=symbol,
        title=title[:120],
        signature=_parameters(first, signatures[0]) if is_api and signatures else "",
        signatures=signatures,
        role=OPTION if options else role,
    )


def _role(term: Element) -> str:
    parent = term.getparent()
    own = (parent.get("class") or "").split() if parent is not None else []
    return ":".join([c for c in own if c not in ("simple", "glossary", "docutils")][:2])


def _elements(element: Element, name: str) -> list[Element]:
    found: list[Element] = element.xpath(f".//*[contains(concat(' ', @class, ' '), ' {name} ')]")
    return found


def _symbol(term: Element) -> str:
    """Return an object's full name as its domain spells it."""
    domain = _role(term).partition(":")[0]
    prefix, name = _printed_name(term)
    anchor = term.get("id", "")
    if domain == "rst":
        return _within(term, name.removeprefix(".. ").removesuffix("::").strip(":"), ":")
    if domain == "c" and anchor.startswith("c."):
        return str(anchor.removeprefix("c."))
    if domain == "cpp":
        return _within(term, prefix + name, "::")
    if anchor.endswith(name) and "." in anchor:
        return str(anchor)
    return (prefix + name).strip().rstrip(".")


def _printed_name(term: Element) -> tuple[str, str]:
    """Return the name in a signature, and what is printed before it of a full name.

    A template's parameters carry the same class, and stand before the name.
    """
    names = _elements(term, "descname")
    if not names:
        return "", ""
    is_cpp = _role(term).startswith("cpp:")
    element = names[-1 if is_cpp else 0]
    before = element.getprevious()
    prefix = ""
    if (
        before is not None
        and "descclassname" in classes(before)
        and not (before.tail or "").strip()
    ):
        prefix = fold_space(plain_text(before))
    return prefix, fold_space(plain_text(element))


def _within(term: Element, name: str, separator: str) -> str:
    """Return a name with those of the objects around it, where they are not printed."""
    around = next(term.iterancestors("dd"), None)
    above = around.getprevious() if around is not None else None
    while above is not None and above.tag != "dt":
        above = above.getprevious()
    if above is None or _role(above).partition(":")[0] != _role(term).partition(":")[0]:
        return name
    full = _symbol(above)
    return name if not full or name.startswith(full + separator) else f"{full}{separator}{name}"


def signature_text(term: Element) -> str:
    """Return a signature as it is printed, on one line."""
    text = fold_space(plain_text(term)).rstrip("¶#").strip()
    return re.sub(r" ?\[source\]$", "", text)


def _parameters(term: Element, signature: str) -> str:
    """Return what stands after the name: ``(a, b=1)``, and what follows it."""
    name = "".join(_printed_name(term))
    at = signature.find(name)
    return signature[at + len(name) :].strip() if name and at >= 0 else ""
