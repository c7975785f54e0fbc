"""Tracebacks and code in questions, and pages that must not fill the first hits."""

import numpy as np
import pytest

from molsys_chat_rag.search.pasted import read_pasted
from molsys_chat_rag.search.ranking import CROWDING, spread

PYTHON = """\
why?
Traceback (most recent call last):
  File "/home/ana/run.py", line 3, in <module>
    main()
  File "/home/ana/run.py", line 2, in main
    demo.select(system, 3)
    ^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/site-packages/demo/basic.py", line 80, in select
    return _parse(query)
TypeError: query must be a string"""

NOTEBOOK = """\
---------------------------------------------------------------------------
TypeError                                 Traceback (most recent call last)
Cell In[3], line 2
      1 system = demo.load('a.pdb')
----> 2 demo.select(system, 3)

File ~/env/lib/python3.11/site-packages/demo/basic.py:80, in select(system, query)
     79 # checked here
---> 80 return _parse(query)

TypeError: query must be a string"""


@pytest.mark.parametrize(("pasted", "words"), [(PYTHON, "why?\n"), (NOTEBOOK, "")])
def test_of_a_traceback_the_error_and_the_reader_s_own_line_are_searched(pasted, words):
    wanted = f"{words}TypeError: query must be a string\ndemo.select(system, 3)"
    assert read_pasted(pasted) == wanted


def test_of_chained_tracebacks_the_last_error_is_searched():
    first = PYTHON.replace("why?\n", "").replace("TypeError: query must be a string", "KeyError: 1")
    between = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
    assert read_pasted(first + between + PYTHON) == read_pasted(PYTHON)


def test_words_come_before_code():
    asked = (
        "```python\nimport demo\nfor a in b:\n    demo.f(\n        a)\n```\nIs this while allowed?"
    )
    words, _, code = read_pasted(asked).partition("\n")
    assert words == "Is this while allowed?"
    assert code == "import demo\nfor a in b:\n    demo.f(\n        a)"


@pytest.mark.parametrize("asked", ["How do I load?", "load(x) fails", "-----\n-----", "\n\n"])
def test_what_holds_nothing_pasted_is_left_alone(asked):
    assert read_pasted(asked) == asked


def test_the_third_section_of_a_page_loses_and_the_fourth_more():
    scores = np.array([5.0, 4.0, 3.0, 2.0, 1.0], dtype=np.float32)
    pages = np.array([7, 7, 7, 2, 7], dtype=np.int32)
    lost = scores - spread(scores, pages)
    assert lost == pytest.approx([0, 0, CROWDING, 0, 2 * CROWDING], abs=1e-6)
    assert spread(scores, pages).dtype == np.float32
