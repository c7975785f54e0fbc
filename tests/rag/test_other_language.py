"""C++ reference beside a Python project's guide."""

from pathlib import Path

import numpy as np
import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.index import Index
from molsys_chat_rag.search.other_language import asks_other_language, other_language


def symbol(name: str, kind: str) -> Symbol:
    return Symbol(name, kind, "", "a.html")


PYTHON = symbol("demo.align", "py:function")
CPP = symbol("demo::align", "cpp:function")


@pytest.mark.parametrize(
    ("roles", "symbols", "marked"),
    [
        (["", "py:function", "cpp:class", "c:function", "cpp:page"], [PYTHON], [0, 0, 1, 1, 1]),
        (["", "cpp:class", "cpp:page"], [CPP], [0, 0, 0]),
        (["cpp:class"] * 11, [PYTHON, CPP], [0] * 11),
        (["", "js:function"], [PYTHON], [0, 0]),
        ([], [], []),
    ],
)
def test_reference_of_another_language_is_known_by_its_role(roles, symbols, marked):
    assert np.array_equal(other_language(roles, symbols), marked)


@pytest.mark.parametrize(
    ("question", "named", "asks"),
    [
        ("How do I align molecules?", [], False),
        ("How do I align molecules in C++?", [], True),
        ("how to use the cpp interface", [], True),
        ("What does RDKit::ROMol hold?", [], True),
        ("Which header declares the atom?", [], True),
        ("What is in Atom.h?", [], True),
        ("Is there a C API?", [], True),
        ("What is vitamin c good for?", [], False),
        ("Read a .csv file", [], False),
        ("demo.align", [PYTHON], False),
        ("align", [PYTHON, CPP], False),
        ("align", [CPP], True),
    ],
)
def test_a_question_says_that_it_is_about_it(question, named, asks):
    assert asks_other_language(question, named) is asks


TEXT = "Aligning a molecule to another molecule needs the positions of the atoms of both."


def test_a_guide_comes_before_a_doxygen_page(tmp_path: Path, embedder: Embedder):
    head = '<meta name="generator" content="Doxygen 1.9.4"/>'
    name = '<dl class="py function"><dt class="sig" id="demo.x">demo.x()</dt><dd><p>Do it.</p></dd>'
    pages = {
        "guide.html": f"<main><h1>Molecules</h1><p>{TEXT} Use align for that.</p></main>",
        "cpp/align_8h.html": f"<head>{head}</head><body><h1>Align molecules</h1><p>{TEXT}</p>",
        "api.html": f"<main><h1>API</h1>{name}</dl></main>",
    }
    for page, text in pages.items():
        path = tmp_path / page
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    build_index(tmp_path, tmp_path / "index", BuildSettings())
    index = Index.open(tmp_path / "index", embedder=embedder)
    first = [index.search(q).hits[0].section.page for q in ("align molecules", "align in C++")]
    assert first == ["guide.html", "cpp/align_8h.html"]
    index.close()
