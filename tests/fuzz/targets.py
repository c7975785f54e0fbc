"""What is read from outside, each reader as a function of bytes.

A target returns where what it was given could be read, or was refused as documented; anything else
is a fault: another exception, or a broken promise, which is an :exc:`AssertionError`.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import httpx2

from molsys_chat_rag.content import assemble_content
from molsys_chat_rag.errors import IndexUnusableError
from molsys_chat_rag.index import Index
from molsys_chat_rag.reading.inventory import EMPTY, read_inventory
from molsys_chat_rag.reading.page import LONGEST_BLOCK, parse_page
from molsys_chat_rag.reading.site import decode_page
from molsys_chat_rag.storage.manifest import MANIFEST, read_manifest
from molsys_chat_rag.text.unseen import without_unseen
from molsys_chat_server.checking.citations import ProseCheck, check_whole
from molsys_chat_server.errors import ModelError, RequestError
from molsys_chat_server.models.roles import resolve_roles
from molsys_chat_server.models.server import ModelServer
from molsys_chat_server.settings import Settings, load_settings
from molsys_chat_server.text.control_tokens import without_control_tokens
from molsys_chat_server.web.openai.requests import parse_completion
from molsys_chat_server.web.requests import parse_chat, parse_feedback

WINDOW = 256
NUMBERS = frozenset({1, 2})
ADDRESS = "https://orbit.example.org/guide.html#select"


def read_page(data: bytes) -> None:
    """A page of HTML, read, cut into chunks: no section that says something goes missing."""
    text, _ = decode_page(data)
    try:
        page = parse_page(text, "page.html")
    except ValueError:
        return
    assert page.indexed or not page.sections
    assert all(len(block.text) <= LONGEST_BLOCK for s in page.sections for block in s.blocks)
    addresses = [section.address for section in page.sections]
    assert len(addresses) == len(set(addresses))
    content = assemble_content([page], EMPTY, _count, WINDOW)
    chunked = {position for position, _ in content.chunks}
    for position, section in enumerate(content.sections):
        says = any(block.text.replace("`", "").strip() for block in section.blocks)
        assert not says or content.canonical[position] in chunked


def _count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) + len(text) // 6 for text in texts]


def read_names(data: bytes) -> None:
    """An ``objects.inv``."""
    path = _folder() / "objects.inv"
    path.write_bytes(data)
    with suppress(ValueError):
        inventory = read_inventory(path)
        assert all(role and address for role, address in inventory.names.values())


def read_manifest_file(data: bytes) -> None:
    """A ``manifest.json``, and the opening of a folder that holds nothing else."""
    folder = _folder() / "index"
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_bytes(data)
    with suppress(IndexUnusableError):
        read_manifest(folder)
    with suppress(IndexUnusableError):
        Index.open(folder)
        raise AssertionError("a folder without files was opened")


def read_requests(data: bytes) -> None:
    """The bodies of all endpoints."""
    settings = _settings()
    with suppress(RequestError):
        asked = parse_chat(data, settings)
        assert asked.question
        assert len(asked.question) <= settings.max_question_characters
        assert all(each.content == without_unseen(each.content) for each in asked.messages)
    for parse in (parse_feedback, lambda body: parse_completion(body, settings)):
        with suppress(RequestError):
            parse(data)


def read_answer(data: bytes) -> None:
    """A model's answer, in one piece and in many: no citation and no link that was not sent."""
    text = without_unseen(data.decode("utf-8", "replace"))
    whole, cited = check_whole(text, NUMBERS, frozenset({ADDRESS}))
    assert set(cited) <= NUMBERS
    check = ProseCheck(NUMBERS, frozenset({ADDRESS}))
    pieces = "".join(check.feed(text[at : at + 3]) for at in range(0, len(text), 3))
    pieces += check.finish()
    for shown in (whole, pieces):
        again, _ = check_whole(shown, NUMBERS, frozenset({ADDRESS}))
        assert _links(again) <= {ADDRESS}
    plain = without_control_tokens(text)
    assert without_control_tokens(plain) == plain


def _links(text: str) -> set[str]:
    """Return what a text links to for anyone who reads Markdown simply: code left out."""
    outside = "".join(part for n, part in enumerate(text.split("`")) if n % 2 == 0)
    return set(_LINK.findall(outside))


_LINK = re.compile(r"\[[^\[\]\n]*\]\(\s*<?([a-z]+://[^\s)>]*)")


def read_stream(data: bytes) -> None:
    """What a model's server sends as the stream of an answer."""
    asyncio.run(_read_stream(data))


async def _read_stream(data: bytes) -> None:
    headers = {"Content-Type": "text/event-stream"}
    _SENT[0] = httpx2.Response(200, content=_in_pieces(data), headers=headers)
    with suppress(ModelError):
        async for piece in _model_server().write([{"role": "user", "content": "x"}], {}):
            assert isinstance(piece.text, str)


async def _in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 100):
        yield data[at : at + 100]


_SENT = [httpx2.Response(200)]


@cache
def _model_server() -> ModelServer:
    """Return the client of a model's server that answers with whatever is in ``_SENT``."""
    roles = resolve_roles(load_settings(model_url="http://127.0.0.1:1/v1", model_name="m"))
    assert roles.answer is not None
    transport = httpx2.MockTransport(lambda _: _SENT[0])
    return ModelServer("http://127.0.0.1:1/v1", roles.answer, transport)


@cache
def _settings() -> Settings:
    return load_settings(records_db=_folder() / "feedback.sqlite")


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="molsys-chat-fuzz-"))
    _AT_END.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


_AT_END: list[Callable[[], None]] = []


def clean_up() -> None:
    """Remove what the targets wrote."""
    while _AT_END:
        _AT_END.pop()()
    _folder.cache_clear()
    _settings.cache_clear()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "page": read_page,
    "inventory": read_names,
    "manifest": read_manifest_file,
    "requests": read_requests,
    "answer": read_answer,
    "stream": read_stream,
}
