"""A few threads at a time, in the order in which they came."""

import threading
import time

import pytest

from molsys_chat_rag.search.turns import Turns


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("places", [1, 2])
def test_no_more_threads_than_said_are_in_it_and_the_first_comes_first(places):
    turns, order, inside, most = Turns(places), [], set(), []
    leave = threading.Event()

    def visit(number):
        with turns:
            inside.add(number)
            order.append(number)
            most.append(len(inside))
            leave.wait(10)
            inside.discard(number)

    threads = []
    for number in range(6):
        thread = threading.Thread(target=visit, args=(number,))
        thread.start()
        threads.append(thread)
        wait_until(lambda: len(order) + len(turns._waiting) == number + 1)  # noqa: B023
    assert order == list(range(places))
    leave.set()
    for thread in threads:
        thread.join(10)

    assert sorted(order) == list(range(6))
    assert order == sorted(order) or places > 1
    assert max(most) == places


def test_an_error_inside_gives_the_turn_back():
    turns = Turns(1)
    with pytest.raises(ValueError, match="inside"), turns:
        raise ValueError("inside")
    with turns:
        pass
