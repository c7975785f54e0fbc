"""HTML built as a tree, so that no text can become markup."""

import re
from xml.etree import ElementTree

Element = ElementTree.Element
Child = Element | str
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that HTML does not allow (HTML Standard, 13.2.3.5), a carriage return excepted."""


def element(tag: str, *children: Child, **attributes: str) -> Element:
    """Return an element with its children, texts among them.

    :param attributes: an underscore stands for a hyphen, and one at the end for nothing, as in
        ``class_``.
    """
    names = {name.rstrip("_").replace("_", "-"): _clean(attributes[name]) for name in attributes}
    made = Element(tag, names)
    for child in children:
        if isinstance(child, str):
            _append_text(made, _clean(child))
        else:
            made.append(child)
    return made


def render_document(root: Element) -> str:
    """Return a whole page as it is written to a file."""
    return "<!DOCTYPE html>\n" + ElementTree.tostring(root, encoding="unicode", method="html")


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
