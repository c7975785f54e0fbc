"""Texts that chat templates give a meaning of their own.

A model's server puts messages into its chat template and reads the result with the model's
tokenizer. Most tokenizers take a text such as ``<|eot_id|>`` for the control token that ends a
message, whoever wrote it: a reader, or a page of the documentation, could begin a message of the
system's. Such texts are changed so that they mean what they look like.
"""

import re

_NAMES = (
    r"s|bos|eos|pad|unk|mask|sep|cls|start_of_turn|end_of_turn|start_of_image|end_of_image|image"
    r"|think|thinking|reasoning|answer|tool_call|tool_calls|tool_response|tools|function_calls?"
    r"|fim_prefix|fim_middle|fim_suffix|fim_pad|file_sep|repo_name|unused_?\d+|reserved_?\d+"
    r"|extra_id_\d+|sop|eop|end_of_utterance|turn|turn_end"
)
_BRACKETED = (
    r"INST|SYSTEM_PROMPT|SYS|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|CALL_ID|ARGS"
    r"|THINK|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|PREFIX|MIDDLE|SUFFIX|CLS|SEP|PAD|MASK|UNK"
    r"|BOS|EOS|gMASK|sMASK|sop|eop|control_\d+"
)
_CONTROL = re.compile(
    rf"[<\N{{FULLWIDTH LESS-THAN SIGN}}\N{{SMALL LESS-THAN SIGN}}]"
    rf"(?=[|\N{{FULLWIDTH VERTICAL LINE}}]|/?(?i:{_NAMES})>|</?SYS>>)"
    rf"|\[(?=/?(?:{_BRACKETED})\])"
)
"""Where one begins. Sources: the special tokens in ``tokenizer_config.json`` of Llama 2 to 4, Qwen,
Mistral, Gemma, Phi, DeepSeek, Command R, Granite, OLMo, GLM, StarCoder, T5 and BERT."""


def without_control_tokens(text: str) -> str:
    """Return a text that no tokenizer takes for more than a text: with a space in each of them."""
    return _CONTROL.sub(lambda match: f"{match[0]} ", text)
