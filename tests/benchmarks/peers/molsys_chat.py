"""This software, as it ships."""

from collections.abc import Sequence
from pathlib import Path

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.index import Index
from peers.job import Built, Job

PACKAGES = ("sphinx-molsys-chat", "sentence-transformers", "torch", "faiss-cpu")


def build(job: Job) -> Built:
    """Write an index folder from nothing and open it, as building and serving do."""
    folder = Path(job.work, "index")
    report = build_index(Path(job.html_dir), folder, BuildSettings(model=job.model))
    index = Index.open(folder)

    def search(question: str, k: int) -> Sequence[str]:
        return [hit.section.address for hit in index.search(question, k=k).hits]

    return Built(report.chunks, search)


VARIANTS = {"as it ships": build}
