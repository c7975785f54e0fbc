"""Stems from many threads at once: a service searches in several."""

import sys
from concurrent.futures import ThreadPoolExecutor

from molsys_chat_rag.text.stemming import snowball_stem

WORDS = ("generalizations", "communications", "hopefulness", "selecting", "oscillators", "trying")


def test_threads_do_not_spoil_each_other_s_words() -> None:
    alone = [snowball_stem("english", word) for word in WORDS]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            found = threads.map(
                lambda _: [snowball_stem("english", word) for word in WORDS], range(300)
            )
            assert all(each == alone for each in found)
    finally:
        sys.setswitchinterval(before)


def test_languages() -> None:
    assert snowball_stem("english", "selections") == "select"
    assert snowball_stem("spanish", "selecciones") == "seleccion"
