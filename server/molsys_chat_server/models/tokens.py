"""Counting a model's tokens, exactly with its vocabulary or from the text's length without it."""

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tiktoken
from tiktoken.load import load_tiktoken_bpe

from molsys_chat_server.errors import ModelError, ModelStatusError, SettingsError
from molsys_chat_server.events import TokenUsage
from molsys_chat_server.question.prompt import PromptMessage

logger = logging.getLogger(__name__)


ASCII_CHARACTERS_A_TOKEN = 3.0
"""What an estimate takes for one token of ASCII text; every other character counts as one token.

Measured with Llama 3's vocabulary on 28,198 blocks of four Sphinx sites, 40 to a context: the
estimate was 1.01 to 1.59 times the true number (median 1.42), never below it.
"""

TEMPLATE_TOKENS = 32
"""Tokens that a chat template puts before all messages and after them.

Llama 3.1's puts one before them, 25 with its two dates into the system message, and four after
them, where the answer begins; ChatML's puts three after them.
"""

TEMPLATE_TOKENS_A_MESSAGE = 5
"""Tokens that a chat template puts around each message: Llama 3.1's and ChatML's both five."""

_LONGEST_COUNTED = 20_000
"""Characters of a prompt that are counted again after its answer: about 5 ms."""

_SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3 splits text before merging: a part of its format that its file does not hold."""


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts tokens."""

    count: Callable[[str], int]
    """Returns a text's length in tokens."""
    source: str
    """What the counts come from, in words."""
    exact: bool
    """Whether they are the vocabulary's own and no estimate."""


def load_counter(tokenizer: str) -> TokenCounter:
    """Return the counter that the setting ``tokenizer`` names.

    :raises SettingsError: if the vocabulary is not there or cannot be read.
    """
    if not tokenizer:
        return TokenCounter(estimate_tokens, "estimated from the text's length", exact=False)
    path = Path(tokenizer)
    encoding = _read_vocabulary(path) if path.is_file() else _named_encoding(tokenizer)

    def count(text: str) -> int:
        return len(encoding.encode(text, disallowed_special=()))

    return TokenCounter(count, f"counted with {path.name}", exact=True)


class ModelTokens:
    """Counts one model's tokens.

    With its vocabulary every count is exact. Without it the model's server is asked for the length
    of each whole prompt, where it can tell, and what it says corrects the estimate for the parts
    of the next ones.

    :param tokenizer: the vocabulary, as the setting ``tokenizer`` names it; empty for none.
    :param ask: returns the length of messages in the model's tokens, its chat template included.
    :raises SettingsError: if the vocabulary is not there or cannot be read.
    """

    def __init__(
        self, tokenizer: str, ask: Callable[[Sequence[PromptMessage]], Awaitable[int]]
    ) -> None:
        self._counter = load_counter(tokenizer)
        self._ask = ask
        self._asks = not self._counter.exact
        self._answered = False
        self._ratio = 1.0

    @property
    def source(self) -> str:
        """What the counts come from, in words."""
        return "counted by the model server" if self._answered else self._counter.source

    def counter(self) -> Callable[[str], int]:
        """Return what counts a text's tokens, as well as is known now."""
        count, ratio = self._counter.count, self._ratio
        if self._counter.exact:
            return count
        return lambda text: math.ceil(count(text) * ratio)

    def expect(self, messages: Sequence[PromptMessage], count: Callable[[str], int]) -> int:
        """Return the length of messages, the chat template's own tokens included.

        :param count: what :meth:`counter` returned.
        """
        return _around(messages) + sum(count(message["content"]) for message in messages)

    def estimate(self, messages: Sequence[PromptMessage], answer: str) -> TokenUsage:
        """Return what a model read and wrote, where its server did not say.

        This is done on the event loop, so long texts are only measured.
        """
        length = len(answer) + sum(len(message["content"]) for message in messages)
        count = self.counter() if length <= _LONGEST_COUNTED else estimate_tokens
        return TokenUsage(self.expect(messages, count), count(answer), estimated=True)

    async def measure(self, messages: Sequence[PromptMessage]) -> int | None:
        """Return the length of messages as the model's server counts it; None if it cannot tell.

        Later estimates are corrected by it.
        """
        if not self._asks:
            return None
        try:
            told = await self._ask(messages)
        except ModelError as error:
            self._note(error)
            return None
        self._answered = True
        estimate = sum(self._counter.count(message["content"]) for message in messages)
        self._ratio = max(1, told - _around(messages)) / max(1, estimate)
        return told

    def _note(self, error: ModelError) -> None:
        """Ask no more where the server has no such endpoint, or had none to begin with."""
        if isinstance(error, ModelStatusError) and error.status < 500:
            self._asks = self._answered = False
            logger.info("the model's tokens are %s: %s", self._counter.source, error.report)
        else:
            logger.debug("the model server did not count tokens: %s", error.report)


def _around(messages: Sequence[PromptMessage]) -> int:
    return TEMPLATE_TOKENS + TEMPLATE_TOKENS_A_MESSAGE * len(messages)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    others = len(text) - ascii_characters
    return others + -(-ascii_characters // int(ASCII_CHARACTERS_A_TOKEN))


def _read_vocabulary(path: Path) -> tiktoken.Encoding:
    try:
        ranks = load_tiktoken_bpe(str(path))
        return tiktoken.Encoding(
            path.name, pat_str=_SPLIT_PATTERN, mergeable_ranks=ranks, special_tokens={}
        )
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"setting tokenizer = {str(path)!r}: no vocabulary in tiktoken's format ({error}); "
            "give the tokenizer.model of a Llama 3 checkpoint"
        ) from error


def _named_encoding(name: str) -> tiktoken.Encoding:
    if name not in tiktoken.list_encoding_names():
        raise SettingsError(
            f"setting tokenizer = {name!r}: neither a file nor one of tiktoken's encodings "
            f"({', '.join(tiktoken.list_encoding_names())})"
        )
    try:
        return tiktoken.get_encoding(name)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"setting tokenizer = {name!r}: its vocabulary could not be fetched ({error}); "
            "give the path of a vocabulary file, or leave the setting out"
        ) from error
