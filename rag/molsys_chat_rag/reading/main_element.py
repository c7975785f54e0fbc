"""Where a page's documentation stands among its theme's header, sidebars and footer."""

from lxml.etree import _Element as Element

from molsys_chat_rag.reading.inline import classes, is_skipped

_MAIN = (
    "//article[contains(concat(' ', @class, ' '), ' bd-article ')]",  # pydata, book
    "//article[@id='furo-main-content']",
    "//div[@itemprop='articleBody']",  # Read the Docs
    "//div[contains(concat(' ', @class, ' '), ' body ')]",  # alabaster, python_docs_theme, classic
    "//*[@role='main']",
)
"""What themes mark as the main element and nothing else."""

_AROUND = ("//main", "//article", "//body")
"""What may hold a header, breadcrumbs and links to other pages as well."""

_SECTIONS = ("section", "div")
_ANCHORS = ("h1", "h2", "h3", "dt")
_ORNAMENTAL = {"header", "footer", "nav", "aside"}


def find_main(root: Element) -> Element:
    """Return the element of a page that holds the documentation, and as little else as possible.

    Where the theme marks none, it is the smallest that holds every section with an id, or, on a
    page without sections, every heading and documented object with an id.
    """
    for path in _MAIN:
        if found := root.xpath(path):
            return found[0]
    around = next((found[0] for path in _AROUND if (found := root.xpath(path))), root)
    smallest = (_smallest_around(around, tags) for tags in (_SECTIONS, _ANCHORS))
    return next((element for element in smallest if element is not None), around)


def _smallest_around(element: Element, tags: tuple[str, ...]) -> Element | None:
    """Return the smallest element, ``element`` at most, around all that have such a tag and an id.

    Of ``div``, those that are sections count.
    """
    common: list[Element] = []
    for each in element.iter(*tags):
        if not each.get("id") or (each.tag == "div" and "section" not in classes(each)):
            continue
        around = _line(each, element)
        if any(a.tag in _ORNAMENTAL or is_skipped(a) for a in around):
            continue
        common = _shared(common, around) if common else around
    return common[-1] if common else None


def _line(element: Element, top: Element) -> list[Element]:
    """Return what stands around an element, from ``top`` down; a term's list belongs to it."""
    around: list[Element] = []
    for each in element.iterancestors():
        if each.tag != "dl":
            around.append(each)
        if each is top:
            break
    return around[::-1]


def _shared(one: list[Element], other: list[Element]) -> list[Element]:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a is not b:
            break
        count += 1
    return one[:count]
