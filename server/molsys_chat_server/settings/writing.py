"""Which models write answers, and how they are asked."""

from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from molsys_chat_server.settings.roles import RolesSettings, check_urls


class WritingSettings(BaseModel):
    """Which models write answers, and how they are asked."""

    model_url: str = Field(
        "",
        description=(
            "Base URL of an OpenAI-compatible model server, such as `http://127.0.0.1:8000/v1`; "
            "several replicas with commas between. Without it answers are quoted from the "
            "documentation."
        ),
    )
    model_name: str = Field(
        "", description="The model to ask; by default the first one that the server lists."
    )
    model_api_key: SecretStr = Field(
        SecretStr(""), description="Key for the model server, where it wants one."
    )
    model_connect_timeout_s: float = Field(
        3.0, gt=0, le=60, description="Seconds in which the model server takes a connection."
    )
    model_first_token_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Seconds in which the model's first piece of text comes."
    )
    model_token_timeout_s: float = Field(
        10.0, gt=0, le=600, description="Seconds between two pieces of the model's text."
    )
    model_total_timeout_s: float = Field(
        120.0, gt=0, le=3600, description="Seconds in which the model's whole answer comes."
    )
    model_rest_s: float = Field(
        10.0,
        ge=0,
        le=600,
        description=(
            "Seconds for which a model server that could not be reached, or failed several times "
            "in a row, is left out; each further time it is twice as long."
        ),
    )
    model_failures: int = Field(
        3,
        ge=1,
        le=1000,
        description="Failures in a row after which a model server is left out for a while.",
    )
    model_check_s: float = Field(
        10.0,
        ge=0.05,
        le=3600,
        description="Seconds between two looks whether the model servers are well.",
    )
    model_concurrency: int = Field(
        16, ge=1, le=10000, description="Answers that one model server writes at once; more wait."
    )
    model_queue: int = Field(
        32,
        ge=0,
        le=10000,
        description="Answers that wait for a model server at most; more are refused with 503.",
    )
    model_queue_timeout_s: float = Field(
        20.0,
        gt=0,
        le=600,
        description="Seconds that an answer waits for a model server; then it is quoted.",
    )
    model_context_length: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description=(
            "Tokens that prompt and answer may have together; 0 takes what the model server says."
        ),
    )
    roles: RolesSettings = Field(
        RolesSettings(),
        description="Which model does what, where one is not enough: `[roles.answer]` and others.",
    )
    temperature: float = Field(
        0.1, ge=0, le=2, description="The model's sampling temperature; low keeps to the sources."
    )
    max_answer_tokens: int = Field(
        700, ge=16, le=32768, description="Longest answer that the model may write, in tokens."
    )
    context_tokens: int = Field(
        2000, ge=100, le=200000, description="Documentation sent to the model, in tokens at most."
    )
    tokenizer: str = Field(
        "",
        description=(
            "How the model's tokens are counted: the path of a `tokenizer.model` in tiktoken's "
            "format, or the name of a tiktoken encoding. Without it the model server is asked "
            "where it can tell (vLLM), else they are estimated from the text's length, on the "
            "safe side."
        ),
    )

    @field_validator("model_url", mode="before")
    @classmethod
    def _check_model_url(cls, value: object) -> object:
        urls = check_urls(value) if value else ()
        return ",".join(map(str, urls)) if isinstance(urls, list | tuple) else value

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        if self.model_url and self.roles.answer.urls:
            raise ValueError("model_url and roles.answer.urls are both set: keep one of them")
        others = {"long_context", "router", "validator"} & self.roles.model_fields_set
        if (others or self.roles.answer.variants) and not self.has_model:
            raise ValueError("roles need an answer model: set model_url or roles.answer.urls")
        return self

    @property
    def model_urls(self) -> tuple[str, ...]:
        """The addresses that ``model_url`` names."""
        return tuple(self.model_url.split(",")) if self.model_url else ()

    @property
    def has_model(self) -> bool:
        """Whether a model is to write answers."""
        return bool(self.model_url or self.roles.answer.urls)
