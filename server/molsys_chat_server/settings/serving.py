"""Which indexes are served, and where."""

from pathlib import Path

from pydantic import BaseModel, Field, field_validator

from molsys_chat_server.settings.lists import Texts, split_list
from molsys_chat_server.settings.urls import is_url, published_url


class ServingSettings(BaseModel):
    """Which indexes are served, and where."""

    indexes: Texts = Field(
        (),
        description=(
            "The indexes to serve: folders, folders that hold index folders, patterns such as "
            "`/srv/indexes/*`, and addresses of published ones."
        ),
    )
    open_indexes_mb: int = Field(
        2000,
        ge=10,
        le=10_000_000,
        description=(
            "Memory that open indexes may take together, in megabytes; what was not asked for "
            "longest is closed for another one."
        ),
    )
    aliases: dict[str, dict[str, str]] = Field(
        {},
        description="Further names of versions, a table a project, besides `latest` and `stable`.",
    )
    groups: dict[str, tuple[str, ...]] = Field(
        {}, description="Projects that are asked together, by a name to ask for."
    )
    docs: Path | None = Field(
        None, description="Folder of built HTML to serve at `/`; none is served without it."
    )
    reranker: str = Field(
        "",
        description=(
            "A cross-encoder of sentence-transformers that looks at the first 30 sections again: a "
            "model hub's name or a folder. Off by default: it takes far longer than the search."
        ),
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8800, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    default_k: int = Field(8, ge=1, le=50, description="Sections found for a question.")
    index_check_s: float = Field(
        5.0,
        ge=0.05,
        le=86400,
        description="Seconds between two looks whether an index was replaced on disk.",
    )
    shutdown_grace_s: float = Field(
        10.0, ge=0, le=600, description="Seconds that running answers get when the service stops."
    )

    @field_validator("indexes", mode="before")
    @classmethod
    def _split_indexes(cls, value: object) -> object:
        entries = split_list(value)
        if not isinstance(entries, list | tuple):
            return entries
        return tuple(str(each) if isinstance(each, Path) else each for each in entries)

    @field_validator("indexes")
    @classmethod
    def _check_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(published_url(each) if is_url(each) else each for each in value)

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, projects in value.items():
            if len({project.casefold() for project in projects}) < 2:
                raise ValueError(f"the group {name!r} needs two projects or more")
        return value

    @field_validator("docs")
    @classmethod
    def _check_docs(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("there is no such folder: give the folder of a built HTML site")
        return value
