"""How things are said: words of one meaning, opposites, and what must match to the letter."""

import re
from functools import cache

from molsys_chat_rag.text.unspaced import separated
from molsys_chat_rag.text.words import plain, stem

_SAME = """
    argument parameter option keyword
    return give yield output result
    begin start
    show display draw
    select choose pick
    join concatenate combine glue merge
    several multiple many
    write save store keep
    folder directory
    need require must
    omit exclude skip
    whole entire
    function method
    get obtain retrieve
    calculate compute
    call invoke
    say tell state
    permit allow
    create make build
    change modify
    initial first
    identical same equal
    pass supply provide specify
    newer recent
    error exception
    publish release
    position coordinate
    kind type
    name call
    group set
    angstrom angstroms å
    nanometer nanometers nanometre nm
    kilometer kilometre km
    meter metre
    picosecond ps
    structure frame snapshot conformation
    index indices indexes
    superpose align fit
    serialize serialise
    minimize minimise
    licence license
    finished complete
    colour color
    centre center
    behaviour behavior
    grey gray
    forbid prohibit
    refuse reject
    delete remove
    low lower
"""
_GENERIC = """
    use used using take takes want give gives given return call called mean means write written
    case way kind thing something need allow let help make makes made possible default value
    argument function method class object work works example simply also just only same both each
    every
    different particular certain several many first one two set unless otherwise without instead
    currently available suitable say like name
    contain hold include do go come become keep put turn those over other others such than then upon
    until while during per via onto about through well word understand denote refer correspond
    support run full simple more less back out off down up whose cases look know see read written
    pueden debe deben dice dicen misma mismo cada segun asi aunque indica indicar permite devuelve
    devolver usa utiliza utilizar sirve cualquier otra otro otros otras cuyo donde vale ese aquel
    whose count somebody someone anyone anything everything often too twice once besides left ever
    even still yet far little few enough rather quite much around present exist happen meant
    whether either since till so as please note remember that it there here
    debes puedes hay haya estan ser sido tambien ademas solo basta
"""
_OPPOSITES = """
    include:exclude enable:disable before:after minimum:maximum minimal:maximal lowest:highest
    first:last always:never optional:required ascending:descending same:different upper:lower
    lossy:lossless increase:decrease older:newer short:long small:large fast:slow single:multiple
    inside:outside above:below horizontal:vertical public:private read:write open:close
    start:stop local:global internal:external absolute:relative another:same
    add:drop shorter:longer less:greater fewer:more
    ignore:error
"""
_UNITS = "degree:radian angstrom:nanometer kilometer:meter kelvin:celsius"
"""Units that are taken for each other."""
_NEGATOR = re.compile(
    r"(?:\b(?:not|no|never|none|neither|nor|without|cannot|nothing|lacks?|nunca|ning[uú]n\w*|sin)\b"
    r"|n['\N{RIGHT SINGLE QUOTATION MARK}]t\b)([^,;:.()]*)",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\b(?:more|longer|less|only|than|until|just|necessarily)\b", re.IGNORECASE)
_COUNTS = {
    "zero": "0", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "hundred": "100",
    "third": "3", "fourth": "4", "fifth": "5", "sixth": "6", "seventh": "7", "eighth": "8",
    "cero": "0", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7",
    "ocho": "8", "nueve": "9", "diez": "10",
}  # fmt: skip
_COUNT_WORD = re.compile(rf"\b(?:{'|'.join(_COUNTS)})\b", re.IGNORECASE)
_FROM_ZERO = re.compile(
    r"\b(?:zero|0)[- ](?:based|indexed)|\b(?:start|begin)\w* (?:at|from|with) (?:zero|0)\b|"
    r"\b(?:empie\w+|comien\w+) (?:en|por|con|desde) (?:cero|0)\b",
    re.IGNORECASE,
)
_FROM_ONE = re.compile(
    r"\b(?:one|1)[- ](?:based|indexed)|\b(?:start|begin)\w* (?:at|from|with) (?:one|1)\b|"
    r"\b(?:empie\w+|comien\w+) (?:en|por|con|desde) (?:uno|1)\b",
    re.IGNORECASE,
)
FIRST_INDEX_ONE = "firstindexone"
"""What stands for "begins at one" in the words of a text."""
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)*(?=\D|$)")
_CODE = re.compile(r"`([^`\n]+)`")
_QUOTED = re.compile(
    r"(?<!\w)['\"\N{LEFT SINGLE QUOTATION MARK}\N{LEFT DOUBLE QUOTATION MARK}]([^'\"\n]{1,40}?)"
    r"['\"\N{RIGHT SINGLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}](?!\w)"
)
_NAME = re.compile(
    r"(?<![\w.])(?:[A-Za-z]\w*(?:\.\w+)+|\w*[a-z]_\w+|\w*[a-z0-9][A-Z]\w*|[A-Z][A-Z0-9]+)\b"
)
_PROPER = re.compile(r"(?<=[\w,;:)] )[A-Z][a-z]+\b")
_IDENTIFIER = re.compile(
    r"--[\w-]+|[^\W\d]\w*(?:-[^\W\d]\w*)+|[^\W\d]\w*|[^\w\s'\"()\[\]{},.:]{2,}"
)
_KEYWORDS = frozenset(
    (
        "true",
        "false",
        "none",
        "self",
        "import",
        "as",
        "in",
        "and",
        "or",
        "not",
        "if",
        "for",
        "print",
    )
)


@cache
def _groups() -> dict[str, str]:
    groups: dict[str, str] = {}
    for line in _SAME.strip().splitlines():
        words = [stem(word) for word in line.split()]
        for word in words:
            groups.setdefault(word, groups.get(words[0], words[0]))
    return groups


@cache
def _generic() -> frozenset[str]:
    return frozenset(canonical(stem(word)) for word in _GENERIC.split())


@cache
def _pairs(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in text.split():
        one, other = (canonical(stem(word)) for word in pair.split(":"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


def canonical(term: str) -> str:
    """Return the stem that stands for all of a stem's meaning."""
    return _groups().get(term, term)


def is_generic(term: str) -> bool:
    """Return whether a term says little: every sentence about software holds such ones."""
    return term in _generic()


def opposites(term: str) -> frozenset[str]:
    """Return the terms that mean the contrary."""
    return _pairs(_OPPOSITES).get(term, frozenset())


def other_units(term: str) -> frozenset[str]:
    """Return the units that are taken for one."""
    return _pairs(_UNITS).get(term, frozenset())


def denials(text: str) -> list[str]:
    """Return what stands behind each negation of a text, to its clause's end.

    "No longer than" and the like limit more than they deny, and are left out.
    """
    found: list[str] = _NEGATOR.findall(joined_counts(text))
    return [clause for clause in found if not _COMPARED.search(clause[:40])]


def denies(text: str) -> bool:
    """Return whether a text denies anything."""
    return _NEGATOR.search(text) is not None


def joined_counts(text: str) -> str:
    """Return a text with its counting words as digits, and its first index as one word."""
    text = _FROM_ZERO.sub("firstindexzero", separated(text))
    text = _FROM_ONE.sub(FIRST_INDEX_ONE, text)
    return _COUNT_WORD.sub(lambda match: _COUNTS[match.group().lower()], text)


def numbers(text: str) -> frozenset[str]:
    """Return a text's numbers, thousands unseparated, counting words among them."""
    found = _NUMBER.findall(joined_counts(text))
    return frozenset(re.sub(r"[.,](?=\d{3}(?:\D|$))", "", number) for number in found)


def exact_words(text: str) -> frozenset[str]:
    """Return the names and literals of a text in lower case: what code holds, and proper names."""
    told = joined_counts(text)
    found = {token for code in _CODE.findall(told) for token in _IDENTIFIER.findall(code)}
    found.update(t for quoted in _QUOTED.findall(told) for t in _IDENTIFIER.findall(quoted))
    outside = _CODE.sub(" ", told)
    for pattern in (_NAME, _PROPER):
        found.update(t for name in pattern.findall(outside) for t in name.split("."))
    words = {plain(word).lstrip(".") for word in found}
    return frozenset(word for word in words if word and word not in _KEYWORDS)
