"""A reader's question with the conversation before it, as every way in makes it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from molsys_chat_rag.text.unseen import without_unseen


def clean_text(text: str) -> str:
    """Return text with one kind of line end and without what readers do not see in it."""
    return without_unseen(text.replace("\r\n", "\n").replace("\r", "\n"))


Text = Annotated[str, AfterValidator(clean_text)]
Name = Annotated[str, Field(max_length=500), AfterValidator(clean_text)]


class Body(BaseModel):
    """A JSON body: strict about types, silent about fields that it does not know."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Message(Body):
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    content: Text


class ChatRequest(Body):
    """The body of ``POST /v1/chat``."""

    messages: Annotated[tuple[Message, ...], Field(min_length=1, strict=False)]
    """The conversation, oldest first; the last message is the question."""
    project: Name = ""
    """The project asked about; the first served one where empty."""
    version: Name = ""
    """Its version; the newest one where empty or unknown."""
    page: Name = ""
    """The page that the reader is on, as the index names it."""
    k: Annotated[int, Field(ge=1, le=50)] | None = None
    """Sections to find; the service's default where None."""
    stream: bool = False
    """Whether the answer comes as Server-Sent Events."""

    @property
    def question(self) -> str:
        """The last message's text."""
        return self.messages[-1].content.strip()

    @property
    def history(self) -> tuple[Message, ...]:
        """The conversation before the question, oldest first."""
        return self.messages[:-1]


def ask(question: str, *, k: int | None = None, page: str = "") -> ChatRequest:
    """Return the request that asks one question, without a conversation before it."""
    return ChatRequest(messages=(Message(role="user", content=question),), k=k, page=page)
