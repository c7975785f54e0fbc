"""Python that is parsed in many threads at once: a service checks several answers."""

import gc
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from molsys_chat_rag.names.python_code import parse_code

LINES = [
    f"value_{n} = orbit.select(catalogue, name='ISS*', altitude=({n}, [2, [3, [4]]]))"
    for n in range(40)
]


def give_way(*_: object) -> None:
    """Let another thread go on while garbage is collected: in the middle of a tree."""
    time.sleep(0)


def test_threads_parse_beside_each_other() -> None:
    """CPython counts the depth of all threads in one number, and fails where it is wrong."""
    before = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.callbacks.append(give_way)
    gc.set_threshold(5)
    try:
        with ThreadPoolExecutor(8) as threads:
            found = threads.map(lambda _: len(list(parse_code(iter(LINES)))), range(150))
            assert set(found) == {len(LINES)}
    finally:
        sys.setswitchinterval(before[0])
        gc.set_threshold(*before[1])
        gc.callbacks.remove(give_way)
