"""Who does what: the models that the settings name, each with everything to ask it by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from molsys_chat_server.settings import Settings
from molsys_chat_server.settings.roles import RoleSettings

_T = TypeVar("_T")

_SHORT_ANSWER_TOKENS = 64
"""Longest answer of a role that chooses and does not write, in tokens."""

_SHORT_TIMEOUT_S = 2.0
"""Seconds that such an answer may take: a reader waits for it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model's next token is chosen."""

    temperature: float
    """0 takes the likeliest one always."""
    max_tokens: int
    """Longest answer, in tokens."""
    top_p: float | None = None
    """Share of the likeliest tokens that are sampled from; None leaves it to the server."""
    seed: int | None = None
    """Seed of the sampling; None leaves it to the server."""

    def to_json(self) -> dict[str, Any]:
        """Return the members of a request."""
        given = {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "top_p": self.top_p,
            "seed": self.seed,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a model server may take for what, in seconds."""

    connect_s: float
    """To take a connection."""
    first_token_s: float
    """From the request to the first piece of text."""
    token_s: float
    """Between two pieces of text."""
    total_s: float
    """For a whole answer."""
    queue_s: float
    """For a place at it to come free."""


@dataclass(frozen=True, slots=True)
class Absence:
    """When a failing server is left out, and when it is tried again."""

    failures: int
    """Failures in a row after which it is left out."""
    pause_s: float
    """Seconds of the first pause; each further one is twice as long."""


@dataclass(frozen=True, slots=True)
class Role:
    """One model and how to ask it; two equal ones are asked in the same way."""

    name: str
    """The role: ``answer``, ``answer/NAME`` for a variant, ``long_context``, …"""
    label: str
    """How its answers are labelled; empty for the model's own name."""
    urls: tuple[str, ...]
    """Base URLs of its servers, one for each replica."""
    model: str
    """The model to ask; empty for the first one that a server lists."""
    api_key: str
    """Key for its servers; empty where they want none."""
    sampling: Sampling
    """How it writes."""
    extra_body: Mapping[str, Any]
    """Further members of each request."""
    waits: Waits
    """How long it may take."""
    absence: Absence
    """When a replica is left out."""
    concurrency: int
    """Answers that one replica writes at once."""
    queue_length: int
    """Answers that wait for a place at most."""
    context_length: int
    """Tokens of prompt and answer together; 0 where the server is to say."""
    tokenizer: str
    """How its tokens are counted; empty leaves it to the server, or to an estimate."""

    def __repr__(self) -> str:
        """Return it without its key."""
        return f"Role({self.name!r}, {self.urls!r}, {self.model!r})"


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of one state of the settings."""

    answer: Role | None
    """Who writes answers; None where they are quoted from the documentation."""
    variants: tuple[tuple[float, Role], ...]
    """Who writes beside it, each with its share of the conversations."""
    long_context: Role | None
    """Who writes where a prompt is too long for the others."""
    router: Role | None
    """Who says in doubt whether the sources suffice."""
    validator: Role | None
    """Who says whether sources support a sentence."""
    unsure: tuple[float, float]
    """The confidence of retrieval between which the router is asked."""

    @property
    def all(self) -> tuple[Role, ...]:
        """Every role that there is, ``answer`` first."""
        variants = (role for _, role in self.variants)
        named = (self.answer, *variants, self.long_context, self.router, self.validator)
        return tuple(role for role in named if role is not None)


def resolve_roles(settings: Settings) -> Roles:
    """Return the roles that settings name, what they leave out filled in."""
    given = settings.roles
    answer = _answer_role(settings)
    variants = tuple(
        (each.share, _changed(answer, each, f"answer/{each.name}", each.name))
        for each in given.answer.variants
        if answer is not None
    )
    router = given.router
    return Roles(
        answer=answer,
        variants=variants,
        long_context=_other(answer, given.long_context, "long_context"),
        router=_deciding(answer, router, "router"),
        validator=_deciding(answer, given.validator, "validator"),
        unsure=(router.unsure_from, router.unsure_to) if router is not None else (1.0, 0.0),
    )


def _answer_role(settings: Settings) -> Role | None:
    given = settings.roles.answer
    urls = given.urls or settings.model_urls
    if not urls:
        return None
    simple = Role(
        name="answer",
        label=given.name,
        urls=urls,
        model=settings.model_name,
        api_key=settings.model_api_key.get_secret_value(),
        sampling=Sampling(settings.temperature, settings.max_answer_tokens),
        extra_body={},
        waits=Waits(
            settings.model_connect_timeout_s,
            settings.model_first_token_timeout_s,
            settings.model_token_timeout_s,
            settings.model_total_timeout_s,
            settings.model_queue_timeout_s,
        ),
        absence=Absence(settings.model_failures, settings.model_rest_s),
        concurrency=settings.model_concurrency,
        queue_length=settings.model_queue,
        context_length=settings.model_context_length,
        tokenizer=settings.tokenizer,
    )
    return _changed(simple, given, "answer", given.name)


def _other(answer: Role | None, given: RoleSettings | None, name: str) -> Role | None:
    return None if answer is None or given is None else _changed(answer, given, name, "")


def _deciding(answer: Role | None, given: RoleSettings | None, name: str) -> Role | None:
    """Return a role that chooses between answers: surely, shortly and quickly by default."""
    if given is None:
        return None
    short = {
        "temperature": 0.0,
        "max_tokens": _SHORT_ANSWER_TOKENS,
        "timeout_s": _SHORT_TIMEOUT_S,
        "first_token_timeout_s": given.timeout_s or _SHORT_TIMEOUT_S,
    }
    missing = {key: value for key, value in short.items() if getattr(given, key) is None}
    return _other(answer, given.model_copy(update=missing), name)


def _changed(base: Role, given: RoleSettings, name: str, label: str) -> Role:
    """Return a role that differs from another in what is given.

    At other servers, neither the model's name nor what is known of its tokens holds any more, and
    they are not told a key that was not given for them.
    """
    waits, sampling = base.waits, base.sampling
    other = bool(given.urls) and given.urls != base.urls
    other_model = other or bool(given.model and given.model != base.model)
    return Role(
        name=name,
        label=label,
        urls=given.urls or base.urls,
        model=given.model or ("" if other else base.model),
        api_key=given.api_key.get_secret_value() or ("" if other else base.api_key),
        sampling=Sampling(
            _either(given.temperature, sampling.temperature),
            _either(given.max_tokens, sampling.max_tokens),
            given.top_p if given.top_p is not None else sampling.top_p,
            given.seed if given.seed is not None else sampling.seed,
        ),
        extra_body={**({} if other_model else base.extra_body), **given.extra_body},
        waits=Waits(
            _either(given.connect_timeout_s, waits.connect_s),
            _either(given.first_token_timeout_s, waits.first_token_s),
            _either(given.token_timeout_s, waits.token_s),
            _either(given.timeout_s, waits.total_s),
            waits.queue_s,
        ),
        absence=base.absence,
        concurrency=_either(given.concurrency, base.concurrency),
        queue_length=base.queue_length,
        context_length=_either(given.context_length, 0 if other_model else base.context_length),
        tokenizer=_either(given.tokenizer, "" if other_model else base.tokenizer),
    )


def _either(given: _T | None, otherwise: _T) -> _T:
    return otherwise if given is None else given
