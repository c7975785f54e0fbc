"""What is to be run: a model, the cards, and how."""

from dataclasses import dataclass, field

from molsys_chat_lab.vllm.architecture import Architecture, Dtype
from molsys_chat_lab.vllm.cards import Card
from molsys_chat_lab.vllm.quantization import Quantization
from molsys_chat_lab.vllm.units import GIB
from molsys_chat_lab.vllm.weights import weight_bytes

BFLOAT16_FROM = (8, 0)
"""The compute capability from which a card has bfloat16: ``check_if_supports_dtype`` of vLLM's
``platforms/cuda.py`` (0.32)."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model on cards, as it is asked for; nothing of it is checked yet."""

    model: str
    """A hub's repository or a folder."""
    name: str
    """What the server calls the model."""
    shape: Architecture
    """The model's sizes."""
    packing: Quantization
    """How its weights are kept."""
    card: Card
    """The card; all are alike."""
    cards: int = 1
    """How many cards there are."""
    tensor_parallel: int = 1
    """Over how many of them one replica is spread."""
    context: int = 8192
    """The longest sequence, prompt and answer, in tokens (``--max-model-len``)."""
    utilization: float = 0.9
    """The part of a card's memory that vLLM takes (``--gpu-memory-utilization``)."""
    wanted_dtype: Dtype | None = None
    """What to compute in, where it was said."""
    wanted_quantization: str = ""
    """A quantisation that was asked for, where the checkpoint's own is not meant."""
    eager: bool = False
    """Whether CUDA graphs are left out (``--enforce-eager``)."""
    prefix_caching: bool = True
    """Whether what begins alike is kept."""
    sequences: int = 16
    """Answers at once at most (``--max-num-seqs``)."""
    step: int = 2048
    """Tokens read in one step (``--max-num-batched-tokens``)."""
    request_tokens: int = 4096
    """Tokens of the planned request: its prompt and its answer."""
    measured_weight_bytes: int = 0
    """Bytes of the checkpoint's files; 0 where they are not at hand."""
    extra: tuple[str, ...] = field(default=())
    """More arguments of ``vllm serve``."""

    @property
    def dtype(self) -> Dtype:
        """What is computed in: as asked, else as the checkpoint, else what the card has.

        As vLLM's ``--dtype auto``: 32-bit checkpoints run in float16, and so do bfloat16 ones
        where the card lacks it (vLLM 0.32, ``config/model.py``).
        """
        if self.wanted_dtype is not None:
            return self.wanted_dtype
        if self.shape.dtype == "float32" or self.card.capability < BFLOAT16_FROM:
            return "float16"
        return self.shape.dtype

    @property
    def replicas(self) -> int:
        """Copies of the model that the cards make room for."""
        return self.cards // self.tensor_parallel

    def weight_gib(self, cards: int = 0) -> float:
        """Return the weights on each card.

        :param cards: over how many cards they are spread; as planned by default.
        """
        spread = cards or self.tensor_parallel
        if self.measured_weight_bytes:
            return self.measured_weight_bytes / spread / GIB
        return weight_bytes(self.shape, self.packing, spread) / GIB
