"""The files that are written beside the pages: twins, ``llms.txt`` and ``llms-full.txt``.

The form of ``llms.txt`` (title, summary in a quotation, lists of links under headings) and the
twins' names (``page.html.md``) follow the proposal at https://llmstxt.org.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from molsys_chat_rag.addresses import url_of
from molsys_chat_rag.errors import OutputError
from molsys_chat_rag.reading.page import Page, parse_page
from molsys_chat_rag.reading.site import PageFile, decode_page, find_pages, read_page_file
from molsys_chat_rag.regular_files import reason
from molsys_chat_rag.storage.outputs import beginning_with, check_output, open_output
from molsys_chat_rag.text.unspaced import clip
from molsys_chat_rag.twins.markdown import SOURCE, SUFFIX, render_page, summary

LLMS = "llms.txt"
"""The list of the site's pages."""
LLMS_FULL = "llms-full.txt"
"""All pages in one file."""
NOTE_FULL = "written by sphinx-molsys-chat, like this list"
"""The note on the last link of the list, which tells ours from one that somebody wrote."""
LIST = beginning_with("a list that molsys-chat wrote", NOTE_FULL, within=100_000_000)
"""What may be replaced by ``llms.txt``."""
TWIN = beginning_with("a page that molsys-chat wrote", SOURCE, within=10_000)
"""What may be replaced by a twin or by ``llms-full.txt``."""
LONGEST_NOTE = 200
"""Characters of a page's first paragraph that the list shows."""


@dataclass(frozen=True, slots=True)
class TwinSettings:
    """What is written, and as what."""

    title: str
    """The site's title, with the version."""
    base_url: str = ""
    """Where the site is published, ending in ``/``; empty for addresses relative to its root."""
    pages: bool = True
    """Whether each page gets a twin."""
    lists: bool = True
    """Whether ``llms.txt`` and ``llms-full.txt`` are written."""
    exclude: tuple[str, ...] = ()
    """Globs of pages that are left out, besides those that ask not to be indexed."""
    known: frozenset[str] | None = None
    """Names of the pages that belong to the site; None for all that there are."""
    order: Sequence[str] = ()
    """Names of pages in reading order; others follow by name."""


@dataclass(frozen=True, slots=True)
class TwinReport:
    """What was written."""

    pages: int
    """Pages that were read."""
    files: tuple[str, ...]
    """Names of the written files, relative to the site's root."""
    warnings: tuple[str, ...]
    """One line each: pages that could not be read, files of others that were left alone."""


def write_twins(html_dir: Path, settings: TwinSettings) -> TwinReport:
    """Write a built site's text beside its pages.

    :param html_dir: the root of a site that Sphinx built.
    :raises NoPagesError: if there is no page in it.
    :raises OutputError: if a file cannot be written.
    """
    warnings: list[str] = []
    found = find_pages(html_dir, settings.exclude, settings.known, warn=warnings.append)
    pages = list(_read(_ordered(found, settings.order), warnings))
    texts = {page.name: render_page(page, url_of(page.name, settings.base_url)) for page in pages}
    files: dict[str, str] = {}
    if settings.pages:
        files |= {name + SUFFIX: text for name, text in texts.items()}
    if settings.lists:
        files[LLMS] = _list_pages(pages, settings)
        files[LLMS_FULL] = "\n".join(texts.values())
    written = [name for name, text in files.items() if _write(html_dir / name, text, warnings)]
    return TwinReport(len(pages), tuple(written), tuple(warnings))


def _write(path: Path, text: str, warnings: list[str]) -> bool:
    """Write a file unless somebody else's is there; return whether it was written."""
    kind = LIST if path.name == LLMS else TWIN
    try:
        check_output(path, kind)
    except OutputError as error:
        warnings.append(str(error))
        return False
    with open_output(path, kind) as file:
        file.write(text)
    return True


def _ordered(files: Sequence[PageFile], order: Sequence[str]) -> list[PageFile]:
    places = {name: place for place, name in enumerate(order)}
    return sorted(files, key=lambda file: (places.get(file.name, len(places)), file.name))


def _read(files: Iterable[PageFile], warnings: list[str]) -> Iterable[Page]:
    """Yield the pages that have text and may be shown."""
    for file in files:
        try:
            page = parse_page(decode_page(read_page_file(file.path))[0], file.name)
        except (OSError, ValueError) as error:
            warnings.append(f"{file.path} is left out: {reason(error)}")
            continue
        if page.indexed and any(section.blocks for section in page.sections):
            yield page


def _list_pages(pages: Sequence[Page], settings: TwinSettings) -> str:
    """Return ``llms.txt``: the pages under the folders that they lie in."""
    parts = [f"# {settings.title}"]
    start = next((page for page in pages if page.name == "index.html"), None)
    if start is not None and (told := summary(start)):
        parts.append(f"> {told}")
    titles = {page.name: page.title for page in pages}
    for folder, group in groupby(sorted(pages, key=_is_inner), key=_folder):
        heading = titles.get(f"{folder}/index.html", folder) if folder else "Pages"
        lines = [_list_page(page, settings) for page in group]
        parts.append("\n".join([f"## {heading}", "", *lines]))
    whole = f"- [All pages in one file]({settings.base_url}{LLMS_FULL}): {NOTE_FULL}"
    parts.append(f"## Optional\n\n{whole}")  # the proposal's name for what may be left out
    return "\n\n".join(parts) + "\n"


def _list_page(page: Page, settings: TwinSettings) -> str:
    url = url_of(page.name, settings.base_url) + (SUFFIX if settings.pages else "")
    note = summary(page)
    if len(note) > LONGEST_NOTE:
        note = clip(note, LONGEST_NOTE) + " …"
    title = page.title.replace("[", "(").replace("]", ")")
    return f"- [{title}]({url})" + (f": {note}" if note else "")


def _folder(page: Page) -> str:
    """Return the first folder of a page's path; pages of a folder each count as the site's own."""
    first, _, rest = page.name.partition("/")
    return first if rest and rest != "index.html" else ""


def _is_inner(page: Page) -> tuple[bool, str]:
    folder = _folder(page)
    return bool(folder), folder
