"""Names in code that cannot be parsed: dotted chains, by their spelling alone."""

import re
from collections.abc import Mapping

from molsys_chat_rag.names.code_names import Use

_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*")
_CHAIN = re.compile(r"(?<![\w.)\]])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)")


def spelled_uses(code: str, scope: Mapping[str, str]) -> list[Use]:
    """Return the dotted names in code that begin with a bound name; arguments are not read."""
    uses = []
    for first, rest in _CHAIN.findall(_STRING.sub(" ", code)):
        if first in scope:
            uses.append(Use(scope[first] + rest, first + rest))
    return uses
