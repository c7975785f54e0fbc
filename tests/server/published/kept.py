"""What tests of published indexes do to a site, and look at in what was fetched."""

import json
import shutil
from pathlib import Path
from typing import Any

from molsys_chat_rag.storage.manifest import check_files, read_manifest
from molsys_chat_server.indexes.fetching_errors import Trouble
from molsys_chat_server.indexes.published import PublishedIndex

from .site import PublishedSite

FILES = ["manifest.json", "store.sqlite", "vectors.faiss"]
"""What a published index consists of, in the order in which it is asked for."""


def publish(web: PublishedSite, new: Path) -> None:
    """Put other files into the site's folder."""
    for path in new.iterdir():
        shutil.copyfile(path, web.folder / path.name)


def rewrite(web: PublishedSite, **changed: Any) -> None:
    """Change the published manifest."""
    path = web.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def version_kept(index: PublishedIndex) -> str:
    """Return the version that is kept, its files checked."""
    manifest = read_manifest(index.folder)
    check_files(manifest, index.folder)
    return manifest.version


def leftovers(index: PublishedIndex) -> set[str]:
    """Return what lies beside the kept index."""
    return {path.name for path in index.folder.parent.iterdir()} - {"index"}


def assert_kept(index: PublishedIndex, trouble: Trouble, *told: str) -> None:
    """Check that a look failed with a reason, and left what was fetched before."""
    for each in told:
        assert each in index.state.problem
    assert "stays in service" in index.state.problem
    assert index.state.errors[trouble] >= 1
    assert version_kept(index) == "1.9"
    assert leftovers(index) == {"lock", "fetched.json"}
