"""What a maintainer is warned of before a site is indexed: each a line with the remedy."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from molsys_chat_rag.embedding.languages import model_languages
from molsys_chat_rag.embedding.models import EmbeddingModel
from molsys_chat_rag.reading.documents import known_documents, leftover_pages
from molsys_chat_rag.reading.heads import is_sphinx_site, site_generator, site_language
from molsys_chat_rag.reading.inventory import Inventory
from molsys_chat_rag.reading.site import PageFile

NAMED = 3
"""Pages that a warning names."""


def site_warnings(
    html_dir: Path, files: Sequence[PageFile], inventory: Inventory, model: EmbeddingModel
) -> Iterator[str]:
    """Yield what is doubtful about a site: who built it, what is left over in it, its language."""
    paths = [file.path for file in files]
    if not is_sphinx_site(html_dir, paths):
        generator = site_generator(paths)
        made = (
            f"was built by {generator}, not by Sphinx" if generator else "was not built by Sphinx"
        )
        yield (
            f"{html_dir} {made}: its text is indexed, but names of its API may be missing and links"
            " may lead to whole pages; if the folder holds a Sphinx site as well, name that one's"
            " root"
        )
    yield from _leftover(html_dir, [file.name for file in files], inventory)
    known = model_languages(model.id, model.folder)
    language = site_language(paths)
    if language and known and language not in known:
        yield (
            f"the pages are in the language {language!r}, but the embedding model {model.id} was"
            f" made for {', '.join(sorted(known))}: few questions are answered by their meaning;"
            " name a multilingual model with molsys-chat index --model"
        )


def _leftover(html_dir: Path, names: Sequence[str], inventory: Inventory) -> Iterator[str]:
    left = leftover_pages(html_dir, names, known_documents(html_dir, inventory))
    if left:
        named = ", ".join(left[:NAMED]) + (", …" if len(left) > NAMED else "")
        yield (
            f"{len(left)} of the pages ({named}) have no document in the site's search index any"
            " more: build the documentation into an empty folder, or leave them out with --exclude"
        )
