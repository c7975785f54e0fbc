"""Running text of HTML elements: code in backticks, mathematics as source, no ornaments."""

import re
from collections.abc import Iterator

from lxml.etree import _Element as Element

SKIPPED_TAGS = frozenset(
    {"script", "style", "noscript", "nav", "button", "form", "svg", "template", "iframe", "input"}
)
SKIPPED_CLASSES = frozenset(
    {
        "headerlink",
        "viewcode-link",
        "viewcode-back",
        "footnote-reference",
        "footnote-backref",
        "copybtn",
        "linenos",
        "lineno",
        "sphinx-hidden",
        "visually-hidden",
        "prev-next-area",
        "related",
        "sphinxsidebar",
        "bd-toc",
        "related-pages",
        "rst-footer-buttons",
        "prompt",
        "eqno",
        "sd-hide-link-text",
        "molsys-chat",
    }
)
"""Classes of navigation and ornaments in Sphinx's themes and the extensions seen in the wild."""

_TEXT_TAGS = ("section", "div", "pre", "table", "dl", "h1", "h2", "h3", "h4", "h5", "h6")
"""Elements that no list of links holds; of ``div``, those that are sections."""

_SPACE = re.compile(r"\s+")
_CODE_TAGS = {"code", "tt", "kbd", "samp"}


def classes(element: Element) -> set[str]:
    """Return the classes of an element."""
    return set((element.get("class") or "").split())


def is_skipped(element: Element) -> bool:
    """Return whether an element is not documentation text: comments, scripts, navigation."""
    if not isinstance(element.tag, str) or element.tag in SKIPPED_TAGS:
        return True
    if element.get("role") in ("navigation", "search"):
        return True
    own = classes(element)
    if "contents" in own and own & {"topic", "local"}:
        return True
    if "label" in own and "footnote" in classes(element.getparent()):
        return True
    if "toctree-wrapper" in own and not _holds_text(element):
        return True
    return not own.isdisjoint(SKIPPED_CLASSES)


def _holds_text(element: Element) -> bool:
    """Return whether there is more than a list of links: "singlehtml" puts whole pages there."""
    if any(e.tag != "div" or "section" in classes(e) for e in element.iter(*_TEXT_TAGS)):
        return True
    return any("caption" not in classes(p) for p in element.iter("p"))


def inline_text(element: Element) -> str:
    """Return an element's running text with white space folded; code stands in backticks."""
    return fold_space("".join(_pieces(element)))


def plain_text(element: Element) -> str:
    """Return an element's text as it is, ornaments left out; code is not marked."""
    return "".join(_plain_pieces(element))


def fold_space(text: str) -> str:
    """Return a text with every run of white space made one space."""
    return _SPACE.sub(" ", text.replace("\u200b", "")).strip()


def _plain_pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if not is_skipped(child):
            yield from _plain_pieces(child)
        yield child.tail or ""


def inline_piece(element: Element) -> str:
    """Return one inline element's text, its tail left out."""
    if is_skipped(element):
        return ""
    if element.tag == "br":
        return " "
    if element.tag == "img":
        return image_text(element)
    if element.tag in _CODE_TAGS:
        code = fold_space(plain_text(element))
        return f"`{code}`" if code and "`" not in code else code
    own = classes(element)
    if "math" in own:
        return f" {math_source(element)} "
    if "classifier" in own:  # numpydoc: the type of a parameter
        return f" ({fold_space(plain_text(element)).lstrip(': ')})"
    return "".join(_pieces(element))


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        yield inline_piece(child)
        yield child.tail or ""


def math_source(element: Element) -> str:
    r"""Return the TeX source of a formula, without the ``\(``, ``\[`` or ``$`` around it."""
    image = element.find(".//img")
    text = image.get("alt", "") if image is not None else plain_text(element)
    text = fold_space(text)
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")):
        if text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)].strip()
    return f"${text}$" if element.tag == "span" and text else text


def image_text(element: Element) -> str:
    """Return an image's alternative text, or nothing where it is only a file's name."""
    alt = fold_space(element.get("alt", ""))
    source = element.get("src", "")
    if not alt or alt == source or re.fullmatch(r"\S*\.(png|jpe?g|gif|svg|webp)", alt):
        return ""
    return alt
