"""Tabs: each panel's label is put before what the panel holds.

Themes and extensions keep labels apart from panels, since a script shows one panel at a time. Read
one after the other, the panels would mix the instructions for different systems.
"""

from collections.abc import Iterator

from lxml import html
from lxml.etree import _Element as Element

from molsys_chat_rag.reading.inline import classes, fold_space, plain_text

TAB_CLASS = "molsys-chat-tab"
"""The class of the paragraph that carries a panel's label."""

_TAGS = ("label", "button", "a", "li", "div", "span")
"""Elements that are labels."""
_OLD_NAME = "sphinx-data-tab-"


def label_panels(main: Element) -> None:
    """Move each tab's label into its panel, as the panel's first paragraph."""
    labels = [each for each in main.iter(*_TAGS) if _is_label(each)]
    if not labels:
        return
    panels = _Panels(main)
    for label, panel in [(label, panels.of(label)) for label in labels]:
        text = fold_space(plain_text(label))
        if panel is not None and text:
            label.drop_tree()
            _put_first(panel, text)


def _is_label(element: Element) -> bool:
    if "tab" in (element.get("role"), element.get("data-toggle"), element.get("data-bs-toggle")):
        return True  # ARIA, as sphinx-tabs writes it, and Bootstrap
    own = element.get("class") or ""
    if element.tag == "label":  # sphinx-design, sphinx-inline-tabs, sphinx-panels
        return "tab" in own
    if element.tag == "li":  # sphinx-code-tabs
        return "tabbutton" in own
    return _OLD_NAME in own and "item" in classes(element)  # sphinx-tabs before its version 2


def _put_first(panel: Element, text: str) -> None:
    paragraph = html.Element("p", {"class": TAB_CLASS})
    paragraph.text = text if text.endswith(":") else f"{text}:"
    paragraph.tail, panel.text = panel.text, None
    panel.insert(0, paragraph)


class _Panels:
    """The panels of a page, by the names that lead to them."""

    def __init__(self, main: Element) -> None:
        self._by_name: dict[str, Element] = {}
        for panel in main.iter("div", "section", "pre"):
            for name in _panel_names(panel):
                self._by_name.setdefault(name, panel)

    def of(self, label: Element) -> Element | None:
        """Return the panel that a label belongs to."""
        if label.tag == "label":
            following = label.getnext()
            return following if following is not None and following.tag == "div" else None
        for name in _label_names(label):
            if name in self._by_name:
                return self._by_name[name]
        return _same_place(label)


def _panel_names(panel: Element) -> Iterator[str]:
    yield from filter(None, (panel.get("id"), panel.get("aria-labelledby")))
    own = classes(panel)
    if "item" not in own:
        yield from (name for name in own if name.startswith(_OLD_NAME))


def _label_names(label: Element) -> Iterator[str]:
    attributes = ("aria-controls", "data-target", "data-bs-target", "href", "id")
    yield from (value.removeprefix("#") for name in attributes if (value := label.get(name)))
    yield from (name for name in classes(label) if name.startswith(_OLD_NAME))


def _same_place(label: Element) -> Element | None:
    """Return the panel whose place among the panels is the label's among the labels."""
    for bar in label.iterancestors():
        if panels := [each for each in bar.itersiblings("div") if _is_panel(each)]:
            place = [each for each in bar.iter(*_TAGS) if _is_label(each)].index(label)
            return panels[place] if place < len(panels) else None
    return None


def _is_panel(element: Element) -> bool:
    return any("tab" in name or "panel" in name for name in classes(element))
