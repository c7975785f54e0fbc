"""Questions that ask only for what is written down of one name: its arguments, a default, …

A question is one where the whole of it has the form of one; whatever else it holds, such as what
the reader wants to do, makes it a question of another kind.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from molsys_chat_rag.text.words import plain


class Wanted(StrEnum):
    """What is asked of a name."""

    SIGNATURE = "signature"
    ARGUMENTS = "arguments"
    DEFAULT = "default"
    MEANING = "meaning"
    """What an argument means, or which values it takes."""
    RETURNS = "returns"
    RAISES = "raises"
    PLACE = "place"
    """Where it is documented."""
    PURPOSE = "purpose"
    """What it does."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question for what is written down."""

    wanted: Wanted
    """What is asked."""
    name: str
    """The name that it is asked of, as the reader writes it."""
    parameters: tuple[str, ...]
    """The arguments that it is about; empty where it is about none."""
    spanish: bool
    """Whether it is asked in Spanish."""


_PARTS = {
    "en": {
        "NOUN": r"(?:function|method|class|callable|attribute|property|exception|constructor)",
        "ITEM": r"(?:arguments?|parameters?|args?|params?|kwargs?|keywords?|options?|inputs?)",
        "OF": r"(?:of|in|for|to|from)",
        "X": r"(?:the )?(?P<noun>{NOUN} )?(?P<x>[\w.]+)(?P<call>\(\))?(?: (?P<noun2>{NOUN}))?",
        "P": r"(?:the )?(?:{ITEM} )?"
        r"(?P<p>\w+(?: \w+){0,2}?(?:(?:, and|,| and) \w+(?: (?!and\b)\w+)?)*)(?: {ITEM})?",
        "ASK": r"(?:(?:please|hi|hello|hey),? )?(?:(?:can|could) you )?"
        r"(?:(?:tell|show|give|remind) me |list |i (?:want|need|would like) to (?:know|see) )?",
    },
    "es": {
        "NOUN": r"(?:funcion|metodo|clase|atributo|propiedad|excepcion)",
        "ITEM": r"(?:argumentos?|parametros?|opcion|opciones|entradas?)",
        "OF": r"(?:de la|de el|del|de|en la|en el|en|para)",
        "X": r"(?:(?:el|la) )?(?P<noun>{NOUN} )?(?P<x>[\w.]+)(?P<call>\(\))?",
        "P": r"(?:(?:el|la|los|las) )?(?:{ITEM} )?(?P<p>\w+(?:(?:,| y) \w+)*)",
        "ASK": r"(?:(?:por favor|hola),? )?"
        r"(?:(?:dime|muestrame|dame|me puedes decir|quiero saber) )?",
    },
}
"""What the forms of ``lookups.txt`` are made of, by language; ``ASK`` may stand before any."""

_VAGUE = {Wanted.PURPOSE, Wanted.PLACE}
"""What is asked of things and ideas as well: there, only what looks like a name is one."""
_CODE_LIKE = re.compile(r"\w\.\w|\w_\w|[a-z0-9][A-Z]|[A-Z][a-z]+[A-Z]")
_PUNCTUATION = re.compile(r"[`\"'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}]")
_LISTED = re.compile(r", and | and | y |, ?")
_ITEM_WORD = re.compile(rf"(?:{_PARTS['en']['ITEM']}|{_PARTS['es']['ITEM']}|the|values?|default)\Z")
_HEADING = re.compile(r"\[(\w+) (\w+)\]")
LONGEST = 200
"""Characters of a question that is looked at; a longer one tells more than it asks."""


@cache
def _forms() -> tuple[tuple[str, Wanted, re.Pattern[str]], ...]:
    """Return language, what is asked, and the form, those of ``lookups.txt`` in order."""
    text = files("molsys_chat_server.answer").joinpath("lookups.txt").read_text(encoding="utf-8")
    forms: list[tuple[str, Wanted, re.Pattern[str]]] = []
    language, wanted = "", Wanted.PURPOSE
    for line in text.splitlines():
        if heading := _HEADING.fullmatch(line):
            language, wanted = heading[1], Wanted(heading[2])
        elif line and not line.startswith("#"):
            forms.append((language, wanted, re.compile(_filled("{ASK}" + line, language))))
    return tuple(forms)


def _filled(form: str, language: str) -> str:
    """Return a form with its parts put in; a part may hold others."""
    for name in ("ASK", "X", "P", "OF", "ITEM", "NOUN"):
        form = form.replace(f"{{{name}}}", _PARTS[language][name])
    return form


def read_lookups(question: str) -> Iterator[Lookup]:
    """Yield what a question can ask to be looked up, the likeliest first; mostly nothing."""
    text = _normal(question)
    if len(text) > LONGEST:
        return
    written = dict(_as_written(question))
    for language, wanted, form in _forms():
        match = form.fullmatch(text)
        if match is None:
            continue
        groups = match.groupdict()
        name = written.get(groups["x"], groups["x"])
        sure = bool(groups.get("noun") or groups.get("noun2") or _is_marked(question, name))
        if wanted in _VAGUE and not sure:
            continue
        parameters = _parameters(groups.get("p") or "")
        yield Lookup(wanted, name, parameters, language == "es")


def _normal(question: str) -> str:
    """Return a question without case, accents, quotation marks and end marks."""
    text = _PUNCTUATION.sub(" " if "'" in question else "", plain(question))
    text = re.sub(r"[\N{INVERTED QUESTION MARK}\N{INVERTED EXCLAMATION MARK}]", "", text)
    return " ".join(text.split()).strip(" ?!.:;")


def _as_written(question: str) -> Iterator[tuple[str, str]]:
    """Yield the words of a question without case and as the reader writes them."""
    for word in re.findall(r"[\w.]+", question):
        yield plain(word.strip(".")), word.strip(".")


def _is_marked(question: str, name: str) -> bool:
    """Whether a name shows by its form, or by what stands around it, that it is one."""
    around = re.search(rf"`{re.escape(name)}(?:\(\))?`|{re.escape(name)}\(", question)
    return around is not None or _CODE_LIKE.search(name) is not None


def _parameters(text: str) -> tuple[str, ...]:
    words = (word.strip() for word in _LISTED.split(text))
    return tuple(word.replace(" ", "_") for word in words if word and not _ITEM_WORD.match(word))
