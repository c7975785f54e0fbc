"""Names in answers: what is blamed, what is verified, and what is left alone."""

from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.foreign import ForeignName, ForeignNames, write_foreign
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.names.taught import Taught, Teaching
from molsys_chat_server.checking.names.checker import CodeState, NameChecker
from molsys_chat_server.checking.names.verdict import FindingKind, Verdict

DOCUMENTED = {
    "mol": ("py:module", ""),
    "mol.structure": ("py:module", ""),
    "mol.basic.convert": ("py:function", "(system, to_form='mol.System', **kwargs)"),
    "mol.basic.select": ("py:function", "(system, selection='all', element='atom', *, syntax='M')"),
    "mol.basic.get": ("py:function", "(system, element='atom', **kwargs)"),
    "mol.basic.load_pdb": ("py:function", "(path)"),
    "mol.structure.get_distances": ("py:function", "(system, selection='all', pbc=True)"),
    "mol.structure.get_rmsd": ("py:function", "(system, reference)"),
    "mol.System": ("py:class", "(path)"),
    "mol.System.copy": ("py:method", "(deep=False)"),
    "mol.System.rename": ("py:method", "(name)"),
    "mol.System.atoms": ("py:attribute", ""),
}


def use(name: str, how: Teaching = Teaching.USE, value: str = "") -> Taught:
    return Taught(how, name, value, 3, "guide.html#start")


TAUGHT = [
    use("msm", Teaching.ALIAS, "mol"),
    use("np", Teaching.ALIAS, "numpy"),
    use("mol.convert"),
    use("mol.select"),
    use("mol.get"),
    use("mol.forgotten"),
    use("mol.load_pdb", Teaching.RESULT, "mol.System"),
    use("mol.basic.load_pdb", Teaching.RESULT, "mol.System"),
]
KNOWN = KnownNames(
    [Symbol(n, kind, sig, f"api.html#{n}") for n, (kind, sig) in DOCUMENTED.items()], TAUGHT
)


def check_code(code: str, label: str = "python", **of_answer: object) -> Verdict:
    checker = NameChecker(KNOWN, **of_answer)
    return checker.check_code(code, checker.begin(), label)[0]


def check_prose(sentence: str, code: str = "", **of_answer: object) -> Verdict:
    checker = NameChecker(KNOWN, **of_answer)
    _, state = checker.check_code(code, checker.begin())
    return checker.check_prose(sentence, state)


def blamed(verdict: Verdict) -> list[str]:
    return [f"{f.written}({f.argument})" if f.argument else f.written for f in verdict.findings]


def verified(verdict: Verdict) -> dict[str, str]:
    return {each.written: each.name for each in verdict.verified}


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("msm.get_atoms(a)", "msm.get_atoms"),
        ("import mol\nmol.get_atoms(a)", "mol.get_atoms"),
        ("import mol as m\nm.get_atoms(a)", "m.get_atoms"),
        ("from mol import get_atoms", "mol.get_atoms"),
        ("import mol.analysis", "mol.analysis"),
        ("from mol import structure as s\ns.get_angles(a)", "s.get_angles"),
        ("msm.get_distances(a)", "msm.get_distances"),
        ("x = [msm.get_atoms(b) for b in a]", "msm.get_atoms"),
        ("print(msm.structure.rmsd)", "msm.structure.rmsd"),
        ("if msm.get_atoms(a):", "msm.get_atoms"),
        ("s = msm.System('a')\ns.dance()", "s.dance"),
        ("msm.System('a').dance()", "msm.System(…).dance"),
        ("s = msm.load_pdb('a')\ns.dance()", "s.dance"),
        ("f(a, msm.get_atoms(b, ...", "msm.get_atoms"),
        ("msm.get_atoms(a) returns atoms", "msm.get_atoms"),
        ("msm.get_atoms(a).names()\nb = msm.get_atoms(c)\nb.names", "msm.get_atoms"),
        (">>> msm.get_atoms(a)\n[1, 2]", "msm.get_atoms"),
        ("%time msm.get_atoms(a)", "msm.get_atoms"),
        ("msm.select(a, frames=3)", "msm.select(frames)"),
        ("msm.select(\n    a,\n    frames=3,\n)", "msm.select(frames)"),
        ("from mol import select\nselect(a, frames=3)", "select(frames)"),
        ("s = msm.System('a')\ns.copy(fast=True)", "s.copy(fast)"),
        ("msm.structure.get_rmsd(a, b, c)", "msm.structure.get_rmsd"),
        ("s = msm.System('a')\ns.rename('b', 'c')", "s.rename"),
        ("d = get_distance(a)", "get_distance"),
    ],
)
def test_what_is_not_documented_is_blamed(code, wrong):
    assert blamed(check_code(code)) == [wrong]


@pytest.mark.parametrize(
    "code",
    [
        "msm.convert(a, anything=1)",
        "msm.select(a, 'x', 'y', syntax='M')",
        "msm.forgotten(1, 2, x=3)",
        "np.invented(a)",
        "import os\nos.invented()",
        "helper(a)\nresult.invented()",
        "def get_distance(a):\n    pass\nget_distance(a)",
        "def f(a):\n    return get_distance(a)",
        "get_distances(a)\nlinspace(0, 1)",
        "traj.invented()",
        "def msm():\n    pass\nmsm.get_atoms()",
        "msm = other()\nmsm.get_atoms()",
        "def f(msm):\n    return msm.get_atoms()",
        "a = msm.convert(b)\na.invented()",
        "s = msm.System('a')\ns.append(1)\ns.shape",
        "s = msm.System('a')\ns.atoms.invented()",
        "for s in msm.System('a'):\n    s.invented()",
        "msm.__version__\nmsm._private()",
        "msm.DEBUG",
        "msm.System.rename(s, 'b')",
        "msm.select(*a, **b)",
        "# msm.get_atoms(a)",
        "x = 'msm.get_atoms(a)'",
        "!msm.get_atoms",
        "%matplotlib inline",
        "try:\n    import mol\nexcept ImportError as mol:\n    mol.get_atoms()",
    ],
)
def test_what_may_be_right_is_not_blamed(code):
    assert blamed(check_code(code)) == []


def test_right_names_are_verified_where_they_are_documented():
    verdict = check_code("import mol as m\na = m.select(b)\nm.structure.get_rmsd(a, b)\nnp.mean(a)")
    assert verified(verdict) == {
        "mol": "mol",
        "m.select": "mol.basic.select",
        "m.structure.get_rmsd": "mol.structure.get_rmsd",
    }
    assert verdict.verified[1].address == "api.html#mol.basic.select"


def test_a_finding_says_what_to_use_instead():
    (finding,) = check_code("msm.get_distances(a)").findings
    assert finding.kind is FindingKind.UNKNOWN_NAME
    assert finding.nearest[0].name == "mol.structure.get_distances"
    assert finding.message.startswith(
        "`msm.get_distances` is not documented; the nearest documented names are "
        "`mol.structure.get_distances(system, selection='all', pbc=True)`"
    )


def test_a_finding_about_an_argument_shows_the_signature():
    (finding,) = check_code("msm.select(a, selction='x')").findings
    assert finding.kind is FindingKind.UNKNOWN_ARGUMENT
    assert finding.argument == "selction"
    assert finding.nearest[0].name == "mol.select"
    assert "(perhaps `selection`)" in finding.message
    (finding,) = check_code("msm.structure.get_rmsd(a, b, c)").findings
    assert finding.kind is FindingKind.TOO_MANY_ARGUMENTS
    assert finding.message == (
        "`msm.structure.get_rmsd` takes fewer than 3 arguments by position: "
        "`mol.structure.get_rmsd(system, reference)`"
    )


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("python", 1), ("Python", 1), ("py", 1), ("pycon", 1), ("ipython3", 1), ("", 1),
        ("bash", 0), ("text", 0), ("toml", 0), ("console", 0),
    ],
)  # fmt: skip
def test_only_python_is_read(label, found):
    assert len(check_code("msm.get_atoms(a)", label).findings) == found


def test_a_block_without_a_language_must_be_python():
    assert blamed(check_code("msm.get_atoms(a) returns atoms", "")) == []
    assert blamed(check_code("msm.get_atoms(a) returns atoms", "python")) == ["msm.get_atoms"]


# A line at a time


def test_a_statement_of_several_lines_is_judged_at_its_end():
    checker = NameChecker(KNOWN)
    state = checker.open_code(checker.begin(), "python")
    said = []
    for line in ("a = msm.select(", "    b,", "    frames=3,", ")", "msm.convert(a)"):
        verdict, state = checker.check_line(line, state)
        said.append((verdict.complete, blamed(verdict)))
    assert said == [
        (False, []), (False, []), (False, []), (True, ["msm.select(frames)"]), (True, [])
    ]  # fmt: skip


def test_a_statement_is_not_waited_for_without_end():
    checker = NameChecker(KNOWN)
    state = checker.open_code(checker.begin(), "python")
    held = 0
    verdict, state = checker.check_line("msm.get_atoms(a,", state)
    while not verdict.complete:
        held += 1
        verdict, state = checker.check_line("    b,", state)
    assert held == 19
    assert blamed(verdict) == ["msm.get_atoms"]


def test_what_a_block_leaves_open_is_judged_when_it_closes():
    checker = NameChecker(KNOWN)
    state = checker.open_code(checker.begin(), "python")
    verdict, state = checker.check_line("msm.get_atoms(a", state)
    assert not verdict.complete
    verdict, state = checker.close_code(state)
    assert blamed(verdict) == ["msm.get_atoms"]
    assert checker.close_code(state)[0] == Verdict()


def test_a_line_that_is_taken_back_leaves_nothing_behind():
    checker = NameChecker(KNOWN)
    state = checker.open_code(checker.begin(), "python")
    before: CodeState = state
    _, after = checker.check_line("msm = np", state)
    assert blamed(checker.check_line("msm.get_atoms(a)", after)[0]) == []
    assert blamed(checker.check_line("msm.get_atoms(a)", before)[0]) == ["msm.get_atoms"]


def test_later_blocks_and_sentences_know_the_imports_of_earlier_ones():
    checker = NameChecker(KNOWN)
    _, state = checker.check_code("from mol import structure as st", checker.begin())
    assert blamed(checker.check_code("st.angles(a)", state)[0]) == ["st.angles"]
    assert blamed(checker.check_prose("Then call `st.angles()`.", state)) == ["st.angles"]


# Prose


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("Use `msm.get_atoms()` for this [1].", ["msm.get_atoms"]),
        ("Use `mol.get_atoms` for this.", ["mol.get_atoms"]),
        ("Call mol.get_atoms(system) or msm.select.", ["mol.get_atoms"]),
        ("Pass `msm.select(a, frames=3)` the frames.", ["msm.select(frames)"]),
        ("``msm.structure.rmsd`` does it.", ["msm.structure.rmsd"]),
        ("The method `mol.System.dance()` exists.", ["mol.System.dance"]),
        ("Do not forget `msm.get_atoms()`.", ["msm.get_atoms"]),
        ("Then call `get_distance()`.", ["get_distance"]),
        # left alone
        ("Use `get_atoms()` or `traj.get_atoms()`.", []),
        ("Use `np.get_atoms()` or `torch.load`.", []),
        ("See mol.org, https://mol.readthedocs.io/mol.get_atoms and the file mol.yaml.", []),
        ("Install `mol` with `pip install mol.tools`.", []),
        ("See [the guide](guide.html#mol.get_atoms).", []),
        ("The form `'mol.Unheard'` is a string.", []),
        ("There is no function `msm.get_atoms` in the documentation.", []),
        ("`msm.get_atoms` is not documented.", []),
        ("`msm.get_atoms` does not exist.", []),
        ("No existe `msm.get_atoms`.", []),
        ("", []),
    ],
)
def test_names_in_prose(sentence, wrong):
    assert blamed(check_prose(sentence)) == wrong


def test_names_in_prose_are_verified():
    verdict = check_prose("Use `msm.select`, `get_rmsd()` and mol.convert, not `copy`.")
    assert verified(verdict) == {
        "msm.select": "mol.basic.select",
        "get_rmsd": "mol.structure.get_rmsd",
        "mol.convert": "mol.basic.convert",
    }


# What the question and the sources use


def test_what_the_sources_use_is_documented_by_that():
    code = "import mol as q\nq.get_atoms(a)\nq.select(a, frames=1)"
    verdict = check_code("msm.get_atoms(b)\nmsm.select(b, frames=2)", sources_code=[code])
    assert blamed(verdict) == []
    assert blamed(check_code("msm.get_bonds(b)", sources_code=[code])) == ["msm.get_bonds"]


def test_what_the_question_asks_for_may_be_named():
    question = "Does get_atoms take frames?"
    assert blamed(check_prose("`msm.get_atoms` takes frames.", question=question)) == []
    assert blamed(check_code("msm.get_atoms(a)", question=question)) == ["msm.get_atoms"]
    shown = "Why does `msm.get_atoms(a)` fail?"
    assert blamed(check_code("msm.get_atoms(a)", question=shown)) == []


# Other projects


def test_names_of_other_projects_are_checked_where_their_inventory_is_known(tmp_path):
    path = tmp_path / "foreign.sqlite"
    url = "https://numpy.example/reference.html#"
    kinds = {"numpy": "py:module", "numpy.mean": "py:function", "numpy.linalg.norm": "py:function"}
    write_foreign([ForeignName(n, kind, url + n) for n, kind in kinds.items()], path)
    with closing(ForeignNames(path)) as foreign:
        checker = NameChecker(KnownNames(KNOWN.documented, TAUGHT, foreign))
        code = "np.mean(a, b, c=1)\nnp.maen(a)\nnp.norm(a)\nnp.PI\nnp.mean(a).maen()\nos.maen()"
        verdict, _ = checker.check_code(code, checker.begin())
    assert blamed(verdict) == ["np.maen"]
    assert verdict.findings[0].nearest[0].name == "numpy.mean"
    assert verified(verdict) == {"np.mean": "numpy.mean"}
    assert verdict.verified[0].address == url + "numpy.mean"


# Any input


FRAGMENTS = st.sampled_from(
    ["msm.", "mol.get_atoms(", "select", "(", ")", "[", "'", '"', '"""', "\\", "\n", "    ", ":",
     "=", ",", "...", "…", "`", ">>> ", "def f(", "import mol as ", "from mol import *", "lambda ",
     "for a in ", "s = msm.System(a)", "s.", "#", "{", "0x", "1if", "f'{", "@", "é", "\x00", "%"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS | st.text(max_size=6), max_size=30).map("".join))
def test_any_text_is_judged(text):
    check_code(text)
    check_code(text, "")
    check_prose(text)
    NameChecker(KNOWN, sources_code=[text], question=text)


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "msm" + ".a" * 3 * n,
        lambda n: "msm.select(" * (n // 4),
        lambda n: "`" * 3 * n,
        lambda n: "`a`b" * n,
        lambda n: "not " * n + "`x`",
        lambda n: "mol.a" * n,
        lambda n: "msm.select(a, " + "b=1, " * n + ")",
        lambda n: "'" * n,
        lambda n: "a = " * n,
        lambda n: "[" * n + "]" * n,
        lambda n: "\n".join(["msm.select(a,"] * (n // 10)),
        lambda n: "-" * n + "msm",
    ],
)
def test_long_texts_take_time_by_their_length(text, growth):
    def check(size):
        check_code(text(size))
        check_prose(text(size))

    assert growth(check, 5_000) < 8
