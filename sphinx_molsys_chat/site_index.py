"""The index at the end of an HTML build (``molsys_chat_build_index``)."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from logging import WARNING, getLogger
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.application import Sphinx
from sphinx.util import logging

from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.config import read_config, site_project, site_version
from sphinx_molsys_chat.exclusion import is_excluded
from sphinx_molsys_chat.extras import missing_from, remedy
from sphinx_molsys_chat.foreign_names import foreign_names
from sphinx_molsys_chat.messages import warn
from sphinx_molsys_chat.pages import site_pages

if TYPE_CHECKING:
    from molsys_chat_rag.build import BuildReport

logger = logging.getLogger(__name__)

FOLDER = "_chat"
"""Where the index lies in the output folder."""
COMMIT_VARIABLES = ("READTHEDOCS_GIT_COMMIT_HASH", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
"""Where Read the Docs, GitHub, GitLab and Jenkins name the commit that they build."""


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write or update the index when an HTML build has succeeded."""
    if exception or not writes_site(app.builder) or not read_config(app.config).build_index:
        return
    if missing := missing_from("search"):
        warn(
            f"no index was written: {', '.join(missing)} not installed; run {remedy('search')}"
            " or set molsys_chat_build_index = False",
            "index",
        )
        return
    _warn_of_single_page(app)
    _build(app)


def _build(app: Sphinx) -> None:
    with _quiet_libraries():
        from molsys_chat_rag.build import BuildSettings, build_index
        from molsys_chat_rag.errors import RagError

    target = Path(app.outdir, FOLDER)
    chat = read_config(app.config)
    folder = chat.vector_cache
    settings = BuildSettings(
        project=site_project(app.config),
        version=site_version(app.config),
        base_url=app.config.html_baseurl,
        commit=source_commit(Path(app.confdir)),
        pages=site_pages(app),
        foreign=foreign_names(app),
        cache=Path(app.confdir) / Path(folder).expanduser() if folder else None,
        cache_mb=chat.vector_cache_mb,
    )
    try:
        with _quiet_libraries():
            report = build_index(Path(app.outdir), target, settings, progress=SphinxProgress())
    except (RagError, OSError) as error:
        warn(f"no index was written to {target}: {error}", "index")
        return
    _tell(report, target)


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep what libraries say of their own loading out of the build's output.

    A dependency of furo and pydata-sphinx-theme, accessible-pygments, opens the root logger for
    everybody when it is imported.
    """
    root = getLogger()
    level = root.level
    root.setLevel(max(level, WARNING))
    try:
        yield
    finally:
        root.setLevel(level)


def _tell(report: "BuildReport", target: Path) -> None:
    for message in report.warnings:
        warn(message, "index")
    held = f"{report.pages} pages, {report.sections} sections in {target}"
    if report.unchanged:
        logger.info("chat index is up to date: %s", held)
    else:
        work = f"{report.embedded} texts embedded"
        if report.cached:
            work += f", {report.cached} from the cache"
        logger.info("chat index written: %s (%s)", held, work)


class SphinxProgress:
    """Tells Sphinx's log how far the index is, a line for every tenth of a stage."""

    def __init__(self) -> None:
        self._said: tuple[str, int] = ("", 0)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of ``done`` of ``total`` steps of a stage."""
        tenth = 10 * done // total if total else 10
        if (stage, tenth) != self._said:
            self._said = (stage, tenth)
            logger.info("chat index: %s [%3d%%]", stage, 10 * tenth)


def source_commit(folder: Path) -> str:
    """Return the commit that a folder is checked out at; empty outside a repository."""
    for variable in COMMIT_VARIABLES:
        if commit := os.environ.get(variable):
            return commit
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(folder), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _warn_of_single_page(app: Sphinx) -> None:
    """Warn where all documents are one page, which cannot be left out in parts."""
    if app.builder.name != "singlehtml":
        return
    excluded = sorted(name for name in app.env.found_docs if is_excluded(app, name))
    if excluded:
        warn(
            f"singlehtml writes one page, so the index holds {', '.join(excluded)} too;"
            " build the index with html or dirhtml to keep them out",
            "index",
        )
