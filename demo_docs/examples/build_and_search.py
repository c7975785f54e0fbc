from pathlib import Path

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.index import Index

report = build_index(Path("docs/_build/html"), Path("index"), BuildSettings())
print(f"{report.sections} sections, {report.embedded} texts embedded")

index = Index.open(Path("index"))
retrieval = index.search("How do I remove the solvent?", k=3)
for hit in retrieval.hits:
    print(f"{hit.score:.2f}  {hit.section.address}")
index.close()
