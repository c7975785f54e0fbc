"""Which indexes are served, and where."""

from pathlib import Path

from pydantic import BaseModel, Field, field_validator

from molsys_chat_server.settings.lists import Paths, split_list


class ServingSettings(BaseModel):
    """Which indexes are served, and where."""

    indexes: Paths = Field(
        (), description="Folders of the indexes to serve, one for each project and version."
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
        return split_list(value)

    @field_validator("docs")
    @classmethod
    def _check_docs(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("there is no such folder: give the folder of a built HTML site")
        return value
