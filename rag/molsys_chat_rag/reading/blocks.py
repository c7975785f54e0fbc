"""HTML elements read into blocks, with the marks of where sections and objects begin and end."""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from lxml.etree import _Element as Element

from molsys_chat_rag.reading.ansi import without_ansi
from molsys_chat_rag.reading.inline import (
    classes,
    fold_space,
    image_text,
    inline_piece,
    inline_text,
    is_skipped,
    math_source,
    plain_text,
)
from molsys_chat_rag.reading.marks import Heading, Marker, ObjectEnd, SectionEnd, SectionStart
from molsys_chat_rag.reading.sections import Block, BlockKind
from molsys_chat_rag.reading.signatures import OPTION, read_object, signature_text
from molsys_chat_rag.reading.tables import cell_texts, read_table, table_rows
from molsys_chat_rag.reading.tabs import TAB_CLASS

OUTPUT_LINES = 8
"""Lines of a notebook cell's output that are kept."""
OUTPUT_CHARACTERS = 600
"""Characters of a notebook cell's output that are kept."""

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCK_TAGS = _HEADINGS | {
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "header", "hr", "li", "main", "ol", "p",
    "pre", "section", "summary", "table", "ul", "video", "audio",
}  # fmt: skip
_OUTPUT_CLASSES = {"cell_output", "nboutput", "output_area", "sphx-glr-script-out"}
_HTML_OUTPUT = {"rendered_html", "text_html", "jp-RenderedHTMLCommon"}
_DROPPED_OUTPUT = {"traceback", "stderr"}
_NOTE_CLASSES = {"admonition", "versionadded", "versionchanged", "versionremoved", "deprecated"}
_NOT_OBJECTS = {"field-list", "footnote", "citation", "option-list", "docinfo"}
_LANGUAGES = {
    **dict.fromkeys(("default", "none", "text"), ""),
    **dict.fromkeys(("ipython", "ipython2", "ipython3", "python3", "py"), "python"),
    "pycon3": "pycon",
}


def read_blocks(main: Element) -> Iterator[Marker]:
    """Yield an element's blocks in order, with the marks of sections and objects around them."""
    yield from _container(main)


def _container(element: Element) -> Iterator[Marker]:
    """Yield what stands in an element: blocks, and paragraphs made of the running text between."""
    run = [element.text or ""]
    for child in element:
        if not is_skipped(child):
            if _is_block(child):
                yield from _flush(run)
                run = []
                yield from _block(child)
            else:
                run.append(inline_piece(child))
        run.append(child.tail or "")
    yield from _flush(run)


def _flush(run: list[str]) -> Iterator[Block]:
    if text := fold_space("".join(run)):
        yield Block(BlockKind.PARAGRAPH, text)


def _is_block(element: Element) -> bool:
    if element.tag in _BLOCK_TAGS:
        return True
    return any(isinstance(d.tag, str) and d.tag in _BLOCK_TAGS for d in element.iterdescendants())


def _block(element: Element) -> Iterator[Marker]:
    tag, own = element.tag, classes(element)
    if tag == "section" or (tag == "div" and "section" in own):
        yield from _section(element)
    elif tag in _HEADINGS:
        yield _heading(element)
    elif tag == "p":
        yield from _paragraph(element, own)
    elif tag in ("ul", "ol"):
        yield from _list(element)
    elif tag == "dl":
        yield from _definitions(element, own)
    elif tag == "table":
        yield from _table(element, own)
    elif tag == "pre":
        yield from _code(plain_text(element), "")
    elif tag == "div":
        yield from _division(element, own)
    elif tag == "figcaption" or tag == "summary":
        yield from _flush([inline_text(element).rstrip("#¶")])
    else:
        yield from _container(element)


def _section(element: Element) -> Iterator[Marker]:
    if not element.get("id"):
        yield from _container(element)
        return
    yield SectionStart(element.get("id", ""))
    yield from _container(element)
    yield SectionEnd()


def _heading(element: Element) -> Heading:
    around = element.getparent()
    in_section = around is not None and (
        (around.tag == "section" or "section" in classes(around)) and bool(around.get("id"))
    )
    targets = takewhile(lambda each: each.tag == "span", element.itersiblings(preceding=True))
    aliases = tuple(target.get("id", "") for target in targets if target.get("id"))
    text = inline_text(element).replace("`", "").rstrip("#¶").strip()
    return Heading(text, int(element.tag[1]), element.get("id", ""), in_section, aliases)


def _paragraph(element: Element, own: set[str]) -> Iterator[Marker]:
    if any(_is_block(child) for child in element if isinstance(child.tag, str)):
        yield from _container(element)
        return
    image = element.find(".//img")
    text = inline_text(element)
    if not text or own & _OUTPUT_CLASSES:  # sphinx-gallery's "Out:"
        return
    if own & {"rubric", TAB_CLASS}:
        yield Block(BlockKind.RUBRIC, text)
    elif image is not None and text == image_text(image):
        yield Block(BlockKind.IMAGE, text)
    else:
        yield Block(BlockKind.PARAGRAPH, text)


def _list(element: Element, depth: int = 0) -> Iterator[Marker]:
    for item in element.iterchildren("li"):
        yield from _item(item, depth)


def _item(item: Element, depth: int) -> Iterator[Marker]:
    """Yield a list item: its first running text as the item, what else stands in it after."""
    indent = "  " * depth
    named = False
    for marker in _item_content(item, depth):
        if not named and isinstance(marker, Block) and marker.kind is BlockKind.PARAGRAPH:
            yield Block(BlockKind.ITEM, indent + marker.text)
            named = True
        else:
            yield marker


def _item_content(item: Element, depth: int) -> Iterator[Marker]:
    run = [item.text or ""]
    for child in item:
        if not is_skipped(child):
            if not _is_block(child):
                run.append(inline_piece(child))
            else:
                yield from _flush(run)
                run = []
                nested = child.tag in ("ul", "ol")
                yield from _list(child, depth + 1) if nested else _block(child)
        run.append(child.tail or "")
    yield from _flush(run)


def _definitions(element: Element, own: set[str]) -> Iterator[Marker]:
    for terms, bodies in _term_groups(element):
        anchored = [t for t in terms if t.get("id")]
        if "field-list" in own:
            yield from _field(terms, bodies)
        elif "footnote" in own:  # "[1]" means a source in our answers
            yield from _containers(bodies)
        elif anchored and own.isdisjoint(_NOT_OBJECTS):
            yield from _object(terms, anchored, bodies)
        elif any("sig" in classes(t) for t in terms):
            yield from (Block(BlockKind.SIGNATURE, signature_text(t)) for t in terms)
            yield from _containers(bodies)
        else:
            yield from _definition(terms, bodies)


def _object(
    terms: list[Element], anchored: list[Element], bodies: list[Element]
) -> Iterator[Marker]:
    beginning = read_object(terms, anchored)
    described = list(_containers(bodies))
    yield beginning
    yield from described
    yield ObjectEnd()
    if not described and beginning.role == OPTION and _text_follows([*terms, *bodies][-1]):
        yield Block(BlockKind.RUBRIC, beginning.title)  # Django describes it behind, not inside


def _text_follows(last: Element) -> bool:
    """Return whether a paragraph stands behind the list that ends with an element."""
    around = last.getparent()
    following = around.getnext() if around is not None and last.getnext() is None else None
    return following is not None and following.tag == "p" and "rubric" not in classes(following)


def _term_groups(element: Element) -> Iterator[tuple[list[Element], list[Element]]]:
    terms: list[Element] = []
    bodies: list[Element] = []
    for child in element.iter("dt", "dd"):
        if _list_around(child) is not element:
            continue
        if child.tag == "dt" and bodies:
            yield terms, bodies
            terms, bodies = [], []
        (terms if child.tag == "dt" else bodies).append(child)
    if terms or bodies:
        yield terms, bodies


def _list_around(element: Element) -> Element | None:
    return next(element.iterancestors("dl"), None)


def _containers(elements: Iterable[Element]) -> Iterator[Marker]:
    for element in elements:
        yield from _container(element)


def _definition(terms: list[Element], bodies: list[Element]) -> Iterator[Marker]:
    term = ", ".join(filter(None, (inline_text(t) for t in terms)))
    for marker in _containers(bodies):
        if term and isinstance(marker, Block) and marker.kind is BlockKind.PARAGRAPH:
            yield Block(BlockKind.ITEM, f"{term}: {marker.text}")
            term = ""
        else:
            if term:
                yield Block(BlockKind.ITEM, term)
                term = ""
            yield marker
    if term:
        yield Block(BlockKind.ITEM, term)


def _field(terms: list[Element], bodies: list[Element]) -> Iterator[Marker]:
    label = ", ".join(fold_space(plain_text(t)).rstrip(":").strip() for t in terms)
    for marker in _containers(bodies):
        if isinstance(marker, Block) and marker.kind in (BlockKind.PARAGRAPH, BlockKind.ITEM):
            yield Block(BlockKind.FIELD, marker.text.strip(), label)
        else:
            yield marker


def _table(element: Element, own: set[str]) -> Iterator[Marker]:
    if "highlighttable" in own:  # code with line numbers beside it
        yield from _highlighted(element, "")
    elif "hlist" in own:  # a list in columns
        yield from _containers(cell for row in table_rows(element) for cell in row)
    else:
        caption = element.find("caption")
        if caption is not None:
            yield from _flush([inline_text(caption).rstrip("#¶")])
        yield from (Block(BlockKind.ROW, text) for text in read_table(element))


def _division(element: Element, own: set[str]) -> Iterator[Marker]:
    language = next((c for c in own if c.startswith("highlight-")), "")
    if own & _OUTPUT_CLASSES:
        yield from _output(element)
    elif language or "highlight" in own:
        yield from _highlighted(element, language.removeprefix("highlight-"))
    elif own & _NOTE_CLASSES:
        yield from _note(element, own)
    elif "math" in own:
        yield from _math(element)
    elif "line-block" in own or "line" in own:
        yield from _flush([inline_text(element)])
    else:
        yield from _container(element)


def _highlighted(element: Element, language: str) -> Iterator[Marker]:
    caption = element.find(".//div[@class='code-block-caption']")
    if caption is not None:
        yield from _flush([inline_text(caption)])
    for pre in element.iter("pre"):
        if not any(is_skipped(a) for a in pre.iterancestors() if a is not element):
            yield from _code(plain_text(pre), language)


def _code(text: str, language: str) -> Iterator[Marker]:
    lines = without_ansi(text).strip("\n").splitlines()
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    if text.lstrip().startswith(">>> "):
        language = "pycon"
    if text.strip():
        yield Block(BlockKind.CODE, text, _LANGUAGES.get(language, language))


def _math(element: Element) -> Iterator[Marker]:
    if source := math_source(element):
        mixed = "$" in source.replace("\\$", "")  # a notebook's LaTeX: text with formulas in it
        yield Block(BlockKind.PARAGRAPH if mixed else BlockKind.MATH, source)


def _note(element: Element, own: set[str]) -> Iterator[Marker]:
    title = element.find("p[@class='admonition-title']")
    label = inline_text(title) if title is not None else ""
    if title is not None:
        element.remove(title)
    kinds = own - {"admonition", "docutils", "container"}
    label = label or next(iter(sorted(kinds)), "note").capitalize()
    named = False
    for marker in _container(element):
        if not named and isinstance(marker, Block) and marker.kind is BlockKind.PARAGRAPH:
            yield Block(BlockKind.ADMONITION, marker.text, "" if _says_so(marker.text) else label)
            named = True
        else:
            yield marker


def _says_so(text: str) -> bool:
    # "Added in version 1.2: …" names its kind itself.
    return re.match(r"(New|Added|Changed|Deprecated|Removed|Since)\b.*version", text) is not None


def _output(element: Element) -> Iterator[Marker]:
    """Yield a notebook cell's output, cut; tracebacks and warnings are left out."""
    for dropped in [d for d in element.iter("div") if classes(d) & _DROPPED_OUTPUT]:
        _detach(dropped)
    yield from _output_parts(element, is_html=bool(classes(element) & _HTML_OUTPUT))


def _output_parts(element: Element, *, is_html: bool) -> Iterator[Marker]:
    """Yield an output's tables and texts cut, and what it displays of formulas and prose whole.

    :param is_html: whether a program wrote the HTML: its running text is mostly a widget's.
    """
    if not is_html and not any(_is_block(child) for child in element if not is_skipped(child)):
        yield from _container(element)
        return
    for child in element:
        if is_skipped(child):
            continue
        own = classes(child)
        if child.tag == "table":
            yield from _cut_output("\n".join(" | ".join(c).strip("| ") for c in cell_texts(child)))
        elif child.tag == "pre":
            yield from _cut_output(plain_text(child))
        elif "math" in own or own & _NOTE_CLASSES or (child.tag != "div" and not is_html):
            yield from _block(child)
        else:
            yield from _output_parts(child, is_html=is_html or bool(own & _HTML_OUTPUT))


def _detach(element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _cut_output(text: str) -> Iterator[Block]:
    if "Traceback (most recent call last)" in text:
        return
    lines = [line.rstrip()[:200] for line in without_ansi(text).strip().splitlines()]
    kept = "\n".join(lines[:OUTPUT_LINES])[:OUTPUT_CHARACTERS]
    if len(kept) < len("\n".join(lines)):
        kept += "\n…"
    if kept.strip("…\n "):
        yield Block(BlockKind.OUTPUT, kept)
