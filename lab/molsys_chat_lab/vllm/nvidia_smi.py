"""The cards of this machine, as ``nvidia-smi`` tells them."""

import shutil
import subprocess

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.cards import Card, parse_capability

TIMEOUT_S = 20.0
"""How long ``nvidia-smi`` may take; it is slow where the driver is not loaded yet."""

_FIELDS = "name,memory.total,memory.used,compute_cap"


def read_cards() -> tuple[Card, ...]:
    """Return the machine's cards; none where there is no ``nvidia-smi``.

    :raises PlanError: if ``nvidia-smi`` is there and fails, or tells something else.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    query = [program, f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(  # noqa: S603
            query, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        )
    except subprocess.SubprocessError as error:
        raise PlanError(
            f"nvidia-smi fails: {error}; see that the driver's kernel module is loaded"
        ) from error
    return parse_cards(answer.stdout)


def parse_cards(table: str) -> tuple[Card, ...]:
    """Return the cards of a table with the columns name, MiB in all, MiB in use, capability.

    :raises PlanError: if it is no such table.
    """
    try:
        return tuple(_parse_line(line) for line in table.splitlines() if line.strip())
    except ValueError as error:
        raise PlanError(
            f"nvidia-smi tells {table.strip()!r} instead of {_FIELDS} ({error}): name the card"
            " with --gpu"
        ) from error


def _parse_line(line: str) -> Card:
    name, total, used, capability = (part.strip() for part in line.rsplit(",", 3))
    return Card(name, float(total) / 1024, parse_capability(capability), float(used) / 1024)
