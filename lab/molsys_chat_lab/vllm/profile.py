"""Profiles: models that are known to suit, with the settings to run them."""

import difflib
import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.architecture import Architecture, Dtype
from molsys_chat_lab.vllm.cards import Capability, parse_capability
from molsys_chat_lab.vllm.quantization import Method, Quantization

DEFAULT_PROFILE = "llama-3.1-8b-instruct-awq"
"""The profile that is meant where none is named."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardClass(_Table):
    """The least card that a profile's settings are for."""

    memory_gib: float = Field(gt=0, description="Its memory, as `nvidia-smi` gives it, in GiB.")
    compute_capability: Capability = Field(description="The least compute capability.")

    @field_validator("compute_capability", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return parse_capability(value) if isinstance(value, str) else value


class Serving(_Table):
    """How vLLM runs it."""

    dtype: Dtype | None = Field(None, description="What to compute in; by default vLLM chooses.")
    context: int = Field(gt=0, description="Longest sequence, prompt and answer, in tokens.")
    utilization: float = Field(gt=0, le=1, description="Part of the card's memory for vLLM.")
    eager: bool = Field(description="Without CUDA graphs.")
    prefix_caching: bool = Field(True, description="Keep what begins alike.")
    max_sequences: int = Field(gt=0, description="Answers at once at most.")
    step_tokens: int = Field(2048, gt=0, description="Tokens read in one step.")


class Sampling(_Table):
    """How the next word is chosen."""

    temperature: float = Field(ge=0, le=2, description="Low keeps to the sources.")
    top_p: float = Field(1.0, gt=0, le=1, description="Share of the likeliest tokens.")
    top_k: int = Field(0, ge=0, description="How many of the likeliest tokens; 0: all.")
    repetition_penalty: float = Field(1.0, gt=0, description="Above 1 against repetition.")

    def differing(self) -> dict[str, float]:
        """Return the values that are not those of no special choice, by vLLM's names."""
        return self.model_dump(exclude_defaults=True)


class Reasoning(_Table):
    """What happens to text that is thought and no answer: it is never shown."""

    handling: Literal["none", "off", "parsed"] = Field(
        description=(
            "`none`: the model writes no such text. `off`: its chat template is told to leave it "
            "out. `parsed`: vLLM's parser takes it out of the answer."
        )
    )
    parser: str = Field("", description="vLLM's `--reasoning-parser`.")
    template: dict[str, bool] = Field({}, description="Arguments for the chat template.")


class Packing(_Table):
    """How the weights are kept."""

    method: Method = Field(description="The quantisation.")
    bits: int = Field(16, gt=0, le=16, description="Bits of one weight.")
    group_size: int = Field(0, ge=0, description="Weights that share a scale; 0: a whole row.")
    zero_points: bool = Field(False, description="Whether groups have zero points.")


class Shape(_Table):
    """The architecture's sizes, from the checkpoint's `config.json`."""

    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    kv_heads: int = Field(gt=0)
    head_dim: int = Field(gt=0)
    hidden: int = Field(gt=0)
    intermediate: int = Field(gt=0)
    vocab: int = Field(gt=0)
    positions: int = Field(gt=0)
    tied_embeddings: bool = False
    dtype: Dtype = "float16"
    window: int = Field(0, ge=0)
    windowed_layers: int = Field(0, ge=0)


class Source(_Table):
    """Where the facts come from."""

    text: str = Field(min_length=1, description="What was read.")
    checked: bool = Field(description="Whether the repository's own files were read.")
    weights_gib: float | None = Field(None, gt=0, description="Size of the published files.")


class Profile(_Table):
    """One model for one class of card."""

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="The hub's repository.")
    released: str = Field(pattern=r"^\d{4}-\d{2}$", description="Year and month.")
    license: str = Field(min_length=1, description="The weights' licence.")
    about: str = Field(min_length=1, description="What it is good for, in a sentence.")
    card: CardClass
    serving: Serving
    sampling: Sampling
    reasoning: Reasoning
    quantization: Packing
    architecture: Shape
    source: Source

    @property
    def shape(self) -> Architecture:
        """The sizes that the plan counts with."""
        return Architecture(**self.architecture.model_dump())

    @property
    def packing(self) -> Quantization:
        """How the weights are kept."""
        return Quantization(**self.quantization.model_dump())

    @property
    def arguments(self) -> tuple[str, ...]:
        """What ``vllm serve`` is told of this model: its reasoning, and how words are chosen.

        The sampling becomes the server's default, for what a request does not say itself.
        """
        parser = ("--reasoning-parser", self.reasoning.parser)
        template = ("--default-chat-template-kwargs", json.dumps(self.reasoning.template))
        return (
            *(parser * bool(self.reasoning.parser)),
            *(template * bool(self.reasoning.template)),
            *("--override-generation-config", json.dumps(self.sampling.differing())),
        )


@cache
def profile_names() -> tuple[str, ...]:
    """Return the names of all profiles, the default one first."""
    folder = files("molsys_chat_lab.vllm") / "profiles"
    names = sorted(
        path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml")
    )
    return (DEFAULT_PROFILE, *(name for name in names if name != DEFAULT_PROFILE))


@cache
def load_profile(name: str) -> Profile:
    """Return a profile.

    :raises PlanError: if there is none of that name, or its file is wrong.
    """
    if name not in profile_names():
        close = difflib.get_close_matches(name, profile_names(), n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise PlanError(
            f"there is no profile {name!r}{hint}: one of {', '.join(profile_names())}; for another"
            " model give its folder with --model"
        )
    path = files("molsys_chat_lab.vllm") / "profiles" / f"{name}.toml"
    return parse_profile(name, tomllib.loads(path.read_text(encoding="utf-8")))


def parse_profile(name: str, values: dict[str, Any]) -> Profile:
    """Return the profile that a file's values are.

    :raises PlanError: if a value is wrong; the message names it.
    """
    try:
        return Profile(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise PlanError(f"profile {name}: {where}: {problem['msg']}") from error
