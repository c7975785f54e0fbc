"""The forms in which models write reasoning and control tokens into their answers.

Sources: the chat templates and special tokens of DeepSeek, Qwen, Mistral, Kimi, Seed, Command A,
Granite, Sky-T1, MedGemma, Llama, Phi, Gemma and gpt-oss (the "harmony" format); the tags that
instructed models use by themselves.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

LONGEST_MARK = 64
"""Characters of a mark at most."""


class Kind(StrEnum):
    """What a mark does; the name of its group in :data:`MARKS`."""

    OPEN = "open"
    """Reasoning begins, wherever it stands."""
    LINE_OPEN = "line_open"
    """Reasoning begins, where it stands at a line's begin."""
    CLOSE = "close"
    """Reasoning ends; alone, all before it was reasoning that the prompt had begun."""
    LINE_CLOSE = "line_close"
    """Likewise, where a line ends behind it or another mark follows."""
    WRAP = "wrap"
    """The answer itself is wrapped in it."""
    UNWRAP = "unwrap"
    """The wrap ends."""
    HEADER = "header"
    """A message of the harmony format begins; ``<|message|>`` ends its header."""
    ROLE = "role"
    """A message begins; the role's name follows."""
    BEGIN = "begin"
    """A token before the answer."""
    END = "end"
    """The answer ends, and what follows is not a part of it."""
    WEAK_END = "weak_end"
    """Likewise, where nothing but other marks follows: in HTML it means something else."""
    FINAL = "final"
    """The answer begins, in the harmony format whose special tokens were left out."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to mark reasoning."""

    opens: str
    """What begins it, a regular expression."""
    closes: str
    """What ends it."""
    anywhere: bool = True
    """Whether it begins in the middle of a line too."""


_XML = (
    r"thoughts?|thought_process|reasoning|reflection|scratchpad|analysis|rationale"
    r"|(?:inner|internal)_(?:monologue|thoughts?)"
)
_TOOLS = r"tool_calls?|function_calls?|[a-z]+:tool_calls?"

FORMS = (
    Form(
        r"<(?:[a-z]{1,16}[:_])?think(?:ing)?(?:_[a-z]{1,16})?>",
        r"</(?:[a-z]{1,16}[:_])?think(?:ing)?(?:_[a-z]{1,16})?>",
    ),
    Form(rf"<(?:{_XML})>", rf"</(?:{_XML})>", anywhere=False),
    Form(r"\[THINK\]", r"\[/THINK\]"),
    Form("◁think▷", "◁/think▷"),
    Form(r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    Form(r"<\|START_(?:THINKING|ACTION)\|>", r"<\|END_(?:THINKING|ACTION)\|>"),
    Form(r"<unused94>", r"<unused95>"),
    Form(rf"<(?:{_TOOLS})>", rf"</(?:{_TOOLS})>", anywhere=False),
    Form(r"<\|tool_calls?(?:_begin|_start)?\|>", r"<\|tool_calls?(?:_end)\|>"),
    Form(r"<\|python_tag\|>|\[TOOL_CALLS\]", r"<\|eo[mt]_id\|>"),
)

_WRAPS = r"answer|response|final|final_answer|output|solution"
_BAR = "[|\N{FULLWIDTH VERTICAL LINE}]"


def _token(*names: str) -> str:
    return rf"<{_BAR}(?:{'|'.join(names)}){_BAR}>"


ONLY_ENDS = frozenset({Kind.END, Kind.WEAK_END, Kind.BEGIN, Kind.ROLE, Kind.UNWRAP})
"""Marks that follow an answer, one behind the other."""

_PARTS = {
    Kind.OPEN: "|".join(form.opens for form in FORMS if form.anywhere),
    Kind.LINE_OPEN: "|".join(form.opens for form in FORMS if not form.anywhere),
    Kind.CLOSE: "|".join(form.closes for form in FORMS[:7] if form.anywhere),
    Kind.LINE_CLOSE: FORMS[1].closes,
    Kind.WRAP: rf"<(?:{_WRAPS})>|" + _token("begin_of_solution", "START_RESPONSE", "START_TEXT"),
    Kind.UNWRAP: rf"</(?:{_WRAPS})>|" + _token("end_of_solution", "END_RESPONSE", "END_TEXT"),
    Kind.HEADER: _token("start", "channel"),
    Kind.ROLE: _token("im_start", "start_header_id", "start_of_role") + "|<start_of_turn>",
    Kind.BEGIN: _token(
        "assistant", "model", "chatbot_token", "start_of_turn_token", "begin_of_text", "bos",
        r"begin[_▁]of[_▁]sentence", "startoftext", "end_header_id", "end_of_role", "message",
        "im_sep",
    ) + r"|<s>|<bos>|<sop>|\[gMASK\]|\[/INST\]",
    Kind.END: _token(
        "eot_id", "eom_id", "eot", "eos", "eod", "im_end", "end", "endoftext", "end_of_text",
        r"end[_▁]of[_▁]sentence", "end_of_turn", "end_of_turn_token", "return", "call", "user",
        "human", "system", "observation", "user_token", "system_token",
    ),
    Kind.WEAK_END: r"</s>|<eos>|<eot>|<end_of_turn>|<end_of_utterance>|\[INST\]|<pad>",
    Kind.FINAL: "assistantfinal",
}  # fmt: skip

MARKS = re.compile(
    r"(?=[<\[◁]|assistantf)(?:"
    + "|".join(f"(?P<{kind}>{part})" for kind, part in _PARTS.items())
    + ")",
    re.IGNORECASE,
)
"""Every mark, in a group of its kind's name."""

MARK_BEGUN = re.compile(
    rf"(?:</?[\w:▁ ]{{0,40}}|<{_BAR}[^<>|\N{{FULLWIDTH VERTICAL LINE}}\s]{{0,40}}{_BAR}?"
    r"|\[/?[A-Za-z_]{0,16}|◁/?\w{0,8})\Z",
    re.IGNORECASE,
)
"""What may become a mark with the next piece."""

MESSAGE = re.compile(_token("message"), re.IGNORECASE)
"""The end of a header in the harmony format."""

HARMONY_BEGINS = re.compile(_token("start", "channel"), re.IGNORECASE)
"""What begins one."""

HARMONY_ENDS = re.compile(_token("end", "return", "call", "start", "channel"), re.IGNORECASE)
"""What ends a message in the harmony format."""

STRIPPED_FINAL = re.compile("assistantfinal")
"""What ends reasoning in the harmony format whose special tokens were left out."""

SPOKEN_RESPONSE = re.compile(r"here(?:'s| is) my (?:response|answer):", re.IGNORECASE)
"""What ends reasoning that begins with :data:`SPOKEN_THOUGHTS`."""

SPOKEN_THOUGHTS = re.compile(r"here(?:'s| is) my thought process:", re.IGNORECASE)

STRIPPED_CHANNEL = re.compile(
    r"(?:assistant)?(?:analysis|commentary)"
    r"(?=(?:We|The|User|I|I'm|I'll|It|You|They|This|That|There|Need|Let|Let's|Okay|Ok|So|First"
    r"|Looking|Based|From|To|In|Answer|Question|Provide|Must|Should|Given|According|Sources?"
    r"|Just|Simple|Check|According|Likely|Need|Use|Search|Maybe|Probably|What|How)\b)"
)
"""Reasoning in that format: its channel's name runs into the first word."""

CHANNELS = ("assistantanalysis", "assistantcommentary", "analysis", "commentary")
STARTS = (*CHANNELS, "here is my thought process:", "here's my thought process:")
"""How reasoning without any mark begins, in lower case."""


def closing_of(opening: str) -> re.Pattern[str]:
    """Return what ends the reasoning that an opening mark begins."""
    for form in FORMS:
        if re.fullmatch(form.opens, opening, re.IGNORECASE):
            return re.compile(form.closes, re.IGNORECASE)
    raise ValueError(opening)
