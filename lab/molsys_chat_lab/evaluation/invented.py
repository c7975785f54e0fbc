"""Names and arguments in a text that the documentation does not know."""

import re
from collections.abc import Sequence

from molsys_chat_lab.evaluation.scores import FindInvented
from molsys_chat_rag.index import Index
from molsys_chat_server.checking.names.checker import NameChecker
from molsys_chat_server.checking.names.verdict import Finding
from molsys_chat_server.checking.reasoning import without_reasoning
from molsys_chat_server.question.passages import Passage
from molsys_chat_server.text.sentences import split_sentences

_BLOCK = re.compile(r"^[ \t]*(`{3,}+|~{3,}+)([\w+.-]*+)[^\n]*+\n(.*?)(?:^[ \t]*\1|\Z)", re.M | re.S)


def invented_in(index: Index, passages: Sequence[Passage], question: str) -> FindInvented:
    """Return what finds invented names in an answer to a question.

    :param passages: the sources of the answer; what their code uses is not invented.
    """
    code = [block[2] for passage in passages for block in _BLOCK.findall(passage.text)]
    checker = NameChecker(index.names, sources_code=code, question=question)

    def find(text: str) -> tuple[str, ...]:
        shown = without_reasoning(text)
        state, at = checker.begin(), 0
        found: list[Finding] = []
        for block in _BLOCK.finditer(shown):
            for sentence in split_sentences(shown[at : block.start()]):
                found += checker.check_prose(sentence, state).findings
            verdict, state = checker.check_code(block[3], state, block[2])
            found += verdict.findings
            at = block.end()
        for sentence in split_sentences(shown[at:]):
            found += checker.check_prose(sentence, state).findings
        return tuple(f"{one.written}({one.argument}=)" if one.argument else one.written
                     for one in found)  # fmt: skip

    return find
