"""Reading code that an agent wrote: every form of it, line by line, and what cannot be told."""

import pytest

from molsys_chat_rag.index import Index
from molsys_chat_server.web.mcp import snippets
from molsys_chat_server.web.mcp.snippets import Snippet, check_snippet

DOCSTRING = '"""\n' + "    A line of it.\n" * 60 + '    """'


def check(index: Index, code: str) -> Snippet:
    return check_snippet(code, index.names, 10)


def found(index: Index, code: str) -> list[tuple[int, str]]:
    """Return line and name of each problem."""
    snippet = check(index, code)
    assert not snippet.ended
    return [(each.line, each.finding.argument or each.finding.written) for each in snippet.problems]


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("import orbit as ob\nob.selekt(1)", [(2, "ob.selekt")]),
        ("from orbit import select, Selekt", [(1, "orbit.Selekt")]),
        ("from orbit import (\n    select,\n    Selekt,\n)", [(3, "orbit.Selekt")]),
        # what is imported may be a module, which this documentation does not list
        ("from orbit import selekt\nselekt(1)", [(2, "selekt")]),
        ("import orbit\norbit.select(\n    catalogue,\n    nome='x',\n)", [(4, "nome")]),
        ("import orbit\norbit.select(1, 2, 3, 4)", [(2, "orbit.select")]),
        ("import orbit\n(orbit\n  .selekt(1))", [(3, "orbit.selekt")]),
        ("ob.selekt(1)", [(1, "ob.selekt")]),
        # the same mistake at two lines is told twice, at one line once
        ("ob.selekt(1)\nob.selekt(2); ob.selekt(3)", [(1, "ob.selekt"), (2, "ob.selekt")]),
        # in functions and classes, whatever stands before
        (f"def f():\n    {DOCSTRING}\n    return ob.selekt(1)", [(64, "ob.selekt")]),
        ("class A:\n    @property\n    def b(self):\n        ob.selekt()", [(4, "ob.selekt")]),
        ("@ob.selekt\ndef f(): pass", [(1, "ob.selekt")]),
        (
            "if x:\n    pass\nelse:\n    ob.selekt()\nob.selekt2()",
            [(4, "ob.selekt"), (5, "ob.selekt2")],
        ),
        ("async def f():\n    async with ob.selekt() as x: pass", [(2, "ob.selekt")]),
        ("[ob.selekt(s) for s in x if ob.propagat(s)]", [(1, "ob.propagat"), (1, "ob.selekt")]),
        # what is no plain Python around it
        (">>> import orbit as o\n>>> o.selekt(1)\n[1, 2]\n", [(2, "o.selekt")]),
        ("In [1]: ob.selekt(1)\nOut[1]: 3", [(1, "ob.selekt")]),
        ("```python\nob.selekt(1)\n```", [(2, "ob.selekt")]),
        ("%matplotlib inline\n!pip install orbit\n%time ob.selekt(1)", [(3, "ob.selekt")]),
        ("    ob.select(1)\n    ob.selekt(1)", [(2, "ob.selekt")]),
        ("broken (\n\nob.selekt(1)", [(3, "ob.selekt")]),
        ("x = ob.select(<catalogue>, ...)\nob.selekt(<your value>)", [(2, "ob.selekt")]),
        ("def f(:\n    return ob.selekt(1)", [(2, "ob.selekt")]),
        # one that nearly is a documented name
        ("propagated = propagat(s)", [(1, "propagat")]),
        ("propagatte(s)", [(1, "propagatte")]),
        ("def propagatte(s): ...\npropagatte(s)", []),
        ("run()\ndef run():\n    propagatte(1)", []),
        # nothing to blame
        ("", []),
        ("import numpy as np\nnp.no_such_thing()", []),
        ("select = 3\nselect.foo()", []),
        ("ob.select.__doc__", []),
    ],
)
def test_problems_and_their_lines(index, code, problems) -> None:
    assert sorted(found(index, code)) == sorted(problems)


@pytest.mark.parametrize(
    ("code", "name", "why"),
    [
        ("thing.use()", "thing.use", "the code does not say what it begins with"),
        ("helper(1)", "helper", "the code does not say what it begins with"),
        ("x = open('f')\nx.spin()", "x.spin", "nothing is known of what it is used on"),
        (
            "x = ob.select(1)\nx.spin()",
            "x.spin",
            "the type of what it is used on is not documented",
        ),
    ],
)
def test_what_cannot_be_judged_is_told(index, code, name, why) -> None:
    unjudged = check(index, code).unjudged[name]
    assert unjudged.why == why
    assert unjudged.line == code.count("\n") + 1


def test_own_names_and_builtins_are_no_open_questions(index) -> None:
    code = "def own(a):\n    return a\nprint(len(own(1)))\nown(2)\n"
    assert check(index, code).unjudged == {}


def test_a_deep_or_huge_line_is_unread_and_not_fatal(index) -> None:
    code = f"{'(' * 5000}\n{'-' * 5000}1\nx{'.a' * 5000}\nob.selekt(1)"
    snippet = check(index, code)
    assert snippet.unread
    assert [each.line for each in snippet.problems] == [4]


def test_the_time_for_a_call_is_bounded(index) -> None:
    code = "ob.selekt(1)\n" * 20
    snippet = check_snippet(code, index.names, -1.0)
    assert snippet.problems == []
    assert snippet.lines == 0
    assert snippet.ended == "the time for one call was up"


def test_after_many_problems_the_rest_is_not_read(index, monkeypatch) -> None:
    monkeypatch.setattr(snippets, "MOST_FINDINGS", 3)
    snippet = check(index, "".join(f"ob.zork{n}()\n" for n in range(9)))
    assert [each.line for each in snippet.problems] == [1, 2, 3]
    assert snippet.lines == 3
    assert snippet.ended == "3 problems were found before"


def test_a_function_too_long_to_be_parsed_at_once_is_read_by_lines(index, monkeypatch) -> None:
    monkeypatch.setattr(snippets, "LONGEST_BLOCK", 40)
    code = "def f(a):\n    x = ob.select(a,\n        nome=1)\n    return ob.selekt(x)\n"
    assert found(index, code) == [(3, "nome"), (4, "ob.selekt")]
