"""Numbers on the command line: read, and held within their bounds."""

import argparse
from collections.abc import Callable


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number within bounds, both included."""

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return number


def share(text: str) -> float:
    """Return a share from 0 to 1.

    :raises argparse.ArgumentTypeError: if it is none.
    """
    return bounded(text, 0.0, 1.0, "share from 0 to 1, such as 0.8")


def gibibytes(text: str) -> float:
    """Return a memory size in GiB.

    :raises argparse.ArgumentTypeError: if it is none.
    """
    return bounded(text, 0.0, 10_000.0, "memory size in GiB, such as 11")


def bounded(text: str, least: float, most: float, what: str) -> float:
    """Return a number within bounds, both included.

    :param what: what it should have been, for the message.
    :raises argparse.ArgumentTypeError: if it is not.
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
    return number
