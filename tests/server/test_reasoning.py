"""Reasoning and control tokens go, however they come; the documentation's own text stays."""

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from molsys_chat_server.checking.reasoning import ReasoningFilter, without_reasoning
from molsys_chat_server.checking.reasoning_forms import FORMS

ANSWER = "Call `orbit.select` [1].\n\n```python\norbit.select(c)\n```\nThat is all."
THOUGHT = "Let me see `x. The user asks about analysis; 1 < 2 [maybe]."

FORMS_OF_REASONING = [
    "<think>{}</think>\n\n",
    "<thinking>\n{}\n</thinking>\n",
    "<THINK>{}</THINK>",
    "{}</think>\n",
    "{}\n</thinking>\n\n",
    "<think>{}<think>again</think>and again</think>",
    "<thought>{}</thought>\n",
    "<reasoning>\n{}\n</reasoning>\n",
    "{}</reasoning>\n",
    "<reflection>{}</reflection>",
    "<seed:think>{}</seed:think>",
    "<longcat_think>{}</longcat_think>\n",
    "[THINK]{}[/THINK]",
    "◁think▷{}◁/think▷",
    "{}◁/think▷",
    "<|begin_of_thought|>{}<|end_of_thought|>\n",
    "<|START_THINKING|>{}<|END_THINKING|>",
    "<unused94>thought\n{}<unused95>",
    "Here is my thought process: {} Here is my response: ",
    "Here's my thought process:\n\n{}\n\nHere's my response:\n",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|start|>assistant<|channel|>analysis<|message|>{}<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.x<|constrain|>json<|message|>{{}}<|call|>"
    "<|start|>assistant<|channel|>final<|message|>",
    "{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel|>final<|message|>",
    "analysisThe user asks. {} assistantfinal",
    "analysisWe need this. {}assistantcommentaryWe look.assistantanalysisWe go on.assistantfinal",
    "analysis\n{}assistantfinal",
    '<tool_call>\n{{"name": "x", "arguments": {{}}}}\n</tool_call>\n',
    "",
]
WRAPS = [
    "{}",
    "<answer>{}</answer>",
    "<answer>\n{}\n</answer>\n",
    "<response>{}</response>",
    "<|begin_of_solution|>\n{}<|end_of_solution|>",
    "<|START_RESPONSE|>{}<|END_RESPONSE|>",
]
ENDS = [
    "",
    "<|eot_id|>",
    "<|im_end|>",
    "<|im_end|>\n",
    "</s>",
    " </s>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "<end_of_turn>",
    "<end_of_turn>\n<eos>",
    "[/INST]",
    "\n[INST]",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhat now?",
    "<|im_end|>\n<|im_start|>user\nWhat now?<|im_end|>",
    "<|endoftext|>Human: and what is next?",
    "</s><s>[INST] And now? [/INST] That.",
    "<end_of_turn>\n<start_of_turn>user\nWhat now?",
    "\n<|user|>\nWhat now?",
]
BEGINS = [
    "",
    "\n",
    "<s>",
    "<|begin_of_text|>",
    "<|assistant|>\n",
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<start_of_turn>model\n",
    "[/INST] ",
    "<s>[/INST]",
    "<\uff5cAssistant\uff5c>",
]


def shown(*pieces: str) -> str:
    """Return what a reader has at the end of a text that comes in pieces."""
    reasoning = ReasoningFilter()
    text = ""
    for new, withdrawn in [*map(reasoning.feed, pieces), reasoning.finish()]:
        text = new if withdrawn else text + new
    return text.lstrip()


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("form", FORMS_OF_REASONING)
def test_every_form_of_reasoning_goes(form: str, size: int) -> None:
    text = form.format(THOUGHT) + ANSWER
    assert shown(*cut(text, size)).strip() == ANSWER


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("form", ["<think>{}</think>", "<reasoning>{}</reasoning>\n", ""])
def test_what_wraps_an_answer_goes(form: str, wrap: str) -> None:
    text = form.format(THOUGHT) + wrap.format(ANSWER)
    assert {shown(*cut(text, size)).strip() for size in (1, 5, 10_000)} == {ANSWER}


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("end", ENDS)
def test_control_tokens_around_an_answer_go(begin: str, end: str) -> None:
    text = begin + ANSWER + end
    assert {shown(*cut(text, size)).strip() for size in (1, 5, 10_000)} == {ANSWER}


@pytest.mark.parametrize("end", ENDS[:13])
def test_control_tokens_at_the_end_of_code_go(end: str) -> None:
    code = "```python\norbit.select(c)"
    assert shown(code + end).strip() == code
    assert shown(f"{code}\n```{end}").strip() == f"{code}\n```"


@pytest.mark.parametrize("form", [form for form in FORMS_OF_REASONING if form.strip("{}")])
def test_reasoning_alone_leaves_nothing(form: str) -> None:
    text = form.format(THOUGHT)
    reasoning = ReasoningFilter()
    reasoning.feed(text)
    reasoning.finish()
    assert shown(text).strip() == ""
    assert reasoning.has_reasoning or "final<|message|>" in form


@pytest.mark.parametrize(
    "begun",
    [
        "<think>so", "[THINK]so", "◁think▷so", "<seed:think>so", "<reasoning>so",
        "<|channel|>analysis<|message|>so", "analysisWe need to see.", "<unused94>thought so",
        "Here is my thought process: so", "<|begin_of_thought|>so", "<|python_tag|>so()",
    ],
)  # fmt: skip
def test_reasoning_without_an_end_is_not_shown(begun: str) -> None:
    assert {shown(*cut(begun, size)) for size in (1, 4, 100)} == {""}


@pytest.mark.parametrize(
    "text",
    [
        "analysis of trajectories begins with `orbit.load` [1].",
        "analysis",
        "Analysis: it is so.",
        "analysis.rst lists the steps.",
        "analysisRMSD computes the deviation [1].",
        "commentary is kept beside the record.",
        "The assistantfinal marker is no word.",
        "analysis is done in `assistantfinal` mode.",
        "Put the result in <answer> tags, and the steps in <reasoning> tags.",
        "Use <reasoning> and </reasoning>\nto mark it.",
        "The tags `<think>` and `</think>` mark reasoning.",
        "Close it with `</think>`.",
        "Write ``<think>` `` so.",
        "A row ends with `</s>`, a message with `<|eot_id|>` or `<|im_end|>`.",
        "The token <|eot_id|> ends a message.",
        "Struck: <s>old</s> and new.",
        "```html\n<p><s>old</s> new</p>\n```\n",
        "```html\n<answer>42</answer>\n```\nThat is it.",
        "```text\n<think>\nso\n</think>\n<answer>42</answer>\n<|im_end|>\n```\nThat is it.",
        "- ```xml\n  <reasoning>so</reasoning>\n  ```\n- more",
        "`<answer>` tags hold the answer.",
        "<answer> tags hold the answer.",
        "Reasoning: see [THINK about it] and [1].",
        "a < b, `x <| f |> y`, List<int> and a[/1]",
        "The response: [INST] is a token of Llama 2.",
        "Here is my answer: it is so.",
        "It ends here: 1 <",
        "Use `[` and",
    ],
)
def test_the_documentations_own_text_stays(text: str) -> None:
    assert {shown(*cut(text, size)) for size in (1, 3, 10_000)} == {text}
    assert without_reasoning(text) == text


def test_going_on_in_code_knows_that_it_is_code() -> None:
    reasoning = ReasoningFilter("Do this:\n\n```html\n<p>")
    text, withdrawn = reasoning.feed("<answer>1</answer> </s> </think-x>\n```\n")
    assert (text + reasoning.finish()[0], withdrawn) == (
        "<answer>1</answer> </s> </think-x>\n```\n",
        False,
    )


PARTS = [
    *(part for form in FORMS_OF_REASONING for part in form.split("{}")),
    *(part for wrap in WRAPS for part in wrap.split("{}")),
    *ENDS, *BEGINS, "`", "``", "```", "~~~", "\n", "\n\n", " ", "a", "so.", "<", "</", "<|", "|>",
    "[", "analysis", "We ", "assistant", "final", "- ", "\\", "<s>", "x" * 90, " " * 250,
]  # fmt: skip


@example("</reflection>assistantfinal", Random(1))
@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.randoms())
def test_pieces_make_no_difference(text: str, random) -> None:
    cuts = sorted(random.sample(range(len(text) + 1), min(len(text), 8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert shown(*pieces) == shown(text) == shown(*text)


@pytest.mark.parametrize(
    "part",
    ["<", "</s>", "<|", "[", "`<|end|>", "analysis", "<think>", "</think>x", " ", "<answer>", "`",
     "x <|eot_id|> y ", "```\n</s>\n"],
)  # fmt: skip
def test_long_texts_are_read_to_their_end(part: str) -> None:
    """What takes more than linear time here would not come to an end."""
    text = part * (50_000 // len(part)) + "<think>so</think>\n\nThe end."
    assert shown(text).endswith("The end.") or part in {"<think>", "`<|end|>", "x <|eot_id|> y "}
    assert shown(*cut(text[:20_000], 3)) == shown(text[:20_000])


def test_little_is_held_back() -> None:
    reasoning = ReasoningFilter()
    passed = reasoning.feed("The function ")[0] + reasoning.feed("returns")[0]
    assert passed == "The function returns"
    passed = "".join(reasoning.feed(piece)[0] for piece in cut(" `</s> and so on" * 40, 3))
    assert len(passed) > 16 * 40 - 300
    assert all(len(form.opens) for form in FORMS)
