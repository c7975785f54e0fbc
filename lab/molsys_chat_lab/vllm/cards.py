"""Graphics cards: their memory and what they can compute."""

import difflib
import re
from dataclasses import dataclass

from molsys_chat_lab.errors import PlanError

Capability = tuple[int, int]
"""NVIDIA's compute capability, such as ``(7, 5)``."""

VISIBLE_SHARE = 0.977
"""The part of a card's memory that CUDA programs see, the rest being the driver's.

PyTorch reports 10.75 GiB of the 11,264 MiB of an RTX 2080 Ti ("10.75 GiB total capacity" in its
out-of-memory messages). Other cards show 97 to 99%, so this is the cautious end for them.
"""

_MIB_A_GIB = 1024


@dataclass(frozen=True, slots=True)
class Card:
    """One graphics card."""

    name: str
    """What it is called."""
    memory_gib: float
    """Its memory, as ``nvidia-smi`` gives it."""
    capability: Capability
    """Its compute capability."""
    in_use_gib: float = 0.0
    """Memory that others use, such as a desktop."""

    @property
    def visible_gib(self) -> float:
        """The memory that a CUDA program sees, used or not."""
        return self.memory_gib * VISIBLE_SHARE


def _card(name: str, memory_mib: int, major: int, minor: int) -> Card:
    return Card(name, memory_mib / _MIB_A_GIB, (major, minor))


KNOWN_CARDS = (
    _card("GTX 1080 Ti", 11178, 6, 1),
    _card("V100 16 GB", 16384, 7, 0),
    _card("V100 32 GB", 32768, 7, 0),
    _card("T4", 15360, 7, 5),
    _card("RTX 2070", 8192, 7, 5),
    _card("RTX 2080", 8192, 7, 5),
    _card("RTX 2080 Ti", 11264, 7, 5),
    _card("TITAN RTX", 24576, 7, 5),
    _card("Quadro RTX 6000", 24576, 7, 5),
    _card("Quadro RTX 8000", 49152, 7, 5),
    _card("A30", 24576, 8, 0),
    _card("A100 40 GB", 40960, 8, 0),
    _card("A100 80 GB", 81920, 8, 0),
    _card("RTX 3060", 12288, 8, 6),
    _card("RTX 3080", 10240, 8, 6),
    _card("RTX 3090", 24576, 8, 6),
    _card("A10", 23028, 8, 6),
    _card("A10G", 23028, 8, 6),
    _card("A40", 46068, 8, 6),
    _card("RTX A4000", 16376, 8, 6),
    _card("RTX A5000", 24564, 8, 6),
    _card("RTX A6000", 49140, 8, 6),
    _card("RTX 4070", 12282, 8, 9),
    _card("RTX 4080", 16376, 8, 9),
    _card("RTX 4090", 24564, 8, 9),
    _card("L4", 23034, 8, 9),
    _card("L40", 46068, 8, 9),
    _card("L40S", 46068, 8, 9),
    _card("RTX 6000 Ada", 49140, 8, 9),
    _card("H100 80 GB", 81559, 9, 0),
    _card("H100 NVL", 95830, 9, 0),
    _card("H200", 143771, 9, 0),
    _card("B200", 183359, 10, 0),
    _card("RTX 5080", 16303, 12, 0),
    _card("RTX 5090", 32607, 12, 0),
)
"""Cards by name: MiB as ``nvidia-smi`` shows them (other drivers: a few MiB more or less), and
the compute capability from NVIDIA's table, https://developer.nvidia.com/cuda-gpus."""

_SHORT_NAMES = {"v100": "V100 16 GB", "a100": "A100 40 GB", "h100": "H100 80 GB"}
"""Names that leave the memory open mean the smaller card."""

_FILLERS = re.compile(
    r"\b(?:nvidia|geforce|tesla|quadro|rtx|gtx|pcie|sxm\d?|hbm\d\w?|generation)\b"
)


def find_card(name: str) -> Card:
    """Return the card of a name as people or ``nvidia-smi`` write it.

    :raises PlanError: if it is not known; the message lists those that are.
    """
    wanted = _key(_SHORT_NAMES.get(_key(name), name))
    for card in KNOWN_CARDS:
        if _key(card.name) == wanted:
            return card
    names = [card.name for card in KNOWN_CARDS]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise PlanError(
        f"there is no card {name!r} in the table{hint}: give its memory and capability, such as"
        f" --gpu-memory 11 --compute-capability 7.5, or one of {', '.join(names)}"
    )


def _key(name: str) -> str:
    bare = _FILLERS.sub(" ", re.sub(r"[-_/]|(?<=\d) *gb\b", " ", name.lower()))
    return re.sub(r"\W", "", bare) or re.sub(r"\W", "", name.lower())


def parse_capability(text: str) -> Capability:
    """Return the compute capability that ``7.5`` stands for.

    :raises ValueError: if the text is none.
    """
    if not re.fullmatch(r"\d{1,2}\.\d", text):
        raise ValueError(f"{text!r} is no compute capability, such as 7.5")
    major, minor = text.split(".")
    return int(major), int(minor)


def format_capability(capability: Capability) -> str:
    """Return a compute capability as NVIDIA writes it."""
    return f"{capability[0]}.{capability[1]}"
