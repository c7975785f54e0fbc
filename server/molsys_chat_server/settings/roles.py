"""The part of the settings that says which model does what: ``[roles.…]`` in the file."""

from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator


def check_url(value: str) -> str:
    """Return a model server's base URL; an address without a path gets ``/v1``.

    :raises ValueError: if it is no whole HTTP address.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give a whole address, such as http://127.0.0.1:8000/v1")
    return value.rstrip("/") if parts.path.strip("/") else value.rstrip("/") + "/v1"


def check_urls(value: object) -> object:
    """Return the base URLs of a list, or of a text with commas."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        return value
    urls = [check_url(url.strip()) if isinstance(url, str) else url for url in given]
    if len(set(urls)) < len(urls):
        raise ValueError("an address stands there twice")
    return urls


Urls = Annotated[tuple[str, ...], BeforeValidator(check_urls)]
Share = Annotated[float, Field(ge=0, le=1)]


class RoleSettings(BaseModel):
    """How one model is asked; what is left out is that of the answer role."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    urls: Urls = Field(default=(), description="Base URLs of its servers, one for each replica.")
    model: str = Field(default="", description="The model to ask; the first that the server lists.")
    api_key: SecretStr = Field(default=SecretStr(""), description="Key for its servers.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="Sampling temperature.")
    top_p: float | None = Field(
        default=None, gt=0, le=1, description="Share of the likeliest tokens that are sampled from."
    )
    seed: int | None = Field(default=None, description="Seed of the sampling.")
    max_tokens: int | None = Field(
        default=None, ge=1, le=32768, description="Longest answer of the model, in tokens."
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="More members of the request, as the server takes them (`top_k`, ...).",
    )
    concurrency: int | None = Field(
        default=None, ge=1, le=10000, description="Answers that one replica writes at once."
    )
    connect_timeout_s: float | None = Field(
        default=None, gt=0, le=60, description="Seconds in which a server takes a connection."
    )
    first_token_timeout_s: float | None = Field(
        default=None, gt=0, le=600, description="Seconds in which the first piece of text comes."
    )
    token_timeout_s: float | None = Field(
        default=None, gt=0, le=600, description="Seconds between two pieces of text."
    )
    timeout_s: float | None = Field(
        default=None, gt=0, le=3600, description="Seconds in which the whole answer comes."
    )
    context_length: int | None = Field(
        default=None,
        ge=0,
        le=10_000_000,
        description="Tokens that prompt and answer may have together; 0 asks the server.",
    )
    tokenizer: str | None = Field(
        default=None, description="How its tokens are counted, as the setting `tokenizer` says it."
    )


class VariantSettings(RoleSettings):
    """A second model for a share of the conversations, beside the role's own."""

    name: str = Field(min_length=1, max_length=80, description="How its answers are labelled.")
    share: Share = Field(description="The share of conversations that it answers, 0 to 1.")


class AnswerSettings(RoleSettings):
    """Who writes answers."""

    name: str = Field(
        default="", max_length=80, description="How its answers are labelled; the model's name."
    )
    variants: tuple[VariantSettings, ...] = Field(
        default=(), description="Models beside this one, for comparison."
    )

    @model_validator(mode="after")
    def _check_variants(self) -> Self:
        names = [variant.name for variant in self.variants] + [self.name]
        if len(set(names)) < len(names):
            raise ValueError("two variants have one name: name each differently")
        if sum(variant.share for variant in self.variants) > 1:
            raise ValueError("the variants' shares add up to more than 1: lower them")
        return self


class RouterSettings(RoleSettings):
    """Who is asked whether the sources found suffice, where retrieval is not sure."""

    unsure_from: Share = Field(
        default=0.3, description="Confidence of retrieval from which it is asked."
    )
    unsure_to: Share = Field(
        default=0.7, description="Confidence of retrieval up to which it is asked."
    )


class RolesSettings(BaseModel):
    """Which model does what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: AnswerSettings = Field(default=AnswerSettings(), description="Writes the answers.")
    long_context: RoleSettings | None = Field(
        default=None, description="Writes the answers whose prompt is too long for `answer`."
    )
    router: RouterSettings | None = Field(
        default=None, description="Says in doubt whether the sources answer the question."
    )
    validator: RoleSettings | None = Field(
        default=None, description="Says whether the sources support a sentence of the answer."
    )
