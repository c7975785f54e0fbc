"""``molsys-chat eval answers``: scores, the report, and a judge on a socket."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from lxml import html

from molsys_chat_lab.evaluation.facts import says
from molsys_chat_lab.evaluation.judge import tally
from molsys_chat_lab.evaluation.questions import Question
from molsys_chat_lab.evaluation.scores import AnswerScores, Scored, sum_up
from sphinx_molsys_chat.command import main
from sphinx_molsys_chat.command.eval_answers import read_answers
from sphinx_molsys_chat.command.failure import CommandError

PAGES = {
    "index": """
        Lion
        ====

        Lion reads structures of molecules.

        .. toctree::

           select
           convert
        """,
    "select": """
        Selecting atoms
        ===============

        Atoms are selected with a sentence.

        .. py:function:: lion.select(molecule, sentence)

           Return the atoms that a sentence is true of.

        Alpha carbons
        -------------

        Select the CA atoms of a protein with ``atom_name == "CA"``::

            import lion
            lion.select(molecule, "atom_name == 'CA'")
        """,
    "convert": """
        Converting files
        ================

        .. py:function:: lion.convert(item, to_form)

           Convert an item to a file. A name that ends in ``.pdb`` writes a PDB file.

        .. py:function:: lion.read(path)

           Read a file.
        """,
}
QUESTIONS = (
    {
        "id": "ca",
        "question": "How do I select the CA atoms?",
        "type": "howto",
        "gold": ["select.html#alpha-carbons"],
        "key_facts": ["lion.select", "alpha carbons|CA"],
        "history": ["What about carbon?"],
    },
    {
        "id": "pdb",
        "question": "How do I write a PDB file?",
        "type": "howto",
        "gold": ["convert.html#lion.convert"],
        "key_facts": [".pdb"],
    },
    {"id": "bread", "question": "How do I bake sourdough bread?", "type": "out", "gold": []},
)
TRUE = "Select the CA atoms of a protein with `atom_name` [1]."
FALSE = (
    "The atoms are then sent to a printer in Paris [1].\n\n"
    "```python\nimport lion\nlion.convert(molecule, colour=3)\n```\n"
)


class Scripted(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that says what the test's function says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"object": "list", "data": [{"id": "tiny"}]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/chat/completions"):
            self.send_error(404)
            return
        self.server.asked.append(body)
        text = self.server.says("\n".join(one["content"] for one in body["messages"]))
        chunks = [({"role": "assistant", "content": text}, None), ({}, "stop")]
        lines = [
            "data: "
            + json.dumps(
                {
                    "id": "1",
                    "object": "chat.completion.chunk",
                    "created": 1,
                    "model": "tiny",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
                }
            )
            for delta, finish in chunks
        ]
        self._send("text/event-stream", "\n\n".join([*lines, "data: [DONE]", ""]))

    def _send(self, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class ScriptedServer(ThreadingHTTPServer):
    """Keeps what it was asked."""

    daemon_threads = True

    def __init__(self, says: Callable[[str], str]) -> None:
        super().__init__(("127.0.0.1", 0), Scripted)
        self.says = says
        self.asked: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


@pytest.fixture
def model_server() -> Iterator[Callable[[Callable[[str], str]], ScriptedServer]]:
    """Start a server that answers as a function says."""
    servers: list[ScriptedServer] = []

    def start(says: Callable[[str], str]) -> ScriptedServer:
        servers.append(ScriptedServer(says))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def index_folder(
    project_in: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An index of a site that documents all that its guide uses."""
    project = project_in(tmp_path_factory.mktemp("lynx"))
    project.write("conf.py", 'project = "Lion"\nversion = "1.2"\nhtml_theme = "alabaster"\n')
    for name, text in PAGES.items():
        project.write(f"{name}.rst", dedent(text))
    build = project.build("-W")
    assert build.status == 0, build.warnings
    folder = tmp_path_factory.mktemp("index") / "lynx"
    assert main(["index", str(build.outdir), "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def evaluate(index_folder: Path, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Run the command; returns the lines that it wrote."""

    def run(*more: str, status: int = 0) -> list[dict[str, Any]]:
        asked, out = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
        asked.write_text("\n".join(map(json.dumps, QUESTIONS)), encoding="utf-8")
        arguments = ["--index", str(index_folder), "--questions", str(asked), "--out", str(out)]
        assert main(["eval", "answers", *arguments, *more]) == status
        if not out.exists():
            return []
        return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]

    return run


def test_quoted_answers(
    evaluate: Callable[..., list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {answer["id"]: answer for answer in evaluate()}
    shown = capsys.readouterr().out
    assert "3 answers" in shown
    assert "no model" in shown
    assert "(wrongly)" in shown
    scores = answers["ca"]["scores"]
    assert (scores["kind"], scores["facts"], scores["facts_known"]) == ("quoted", 2, 2)
    assert scores["unsupported"] == scores["invented_after"] == []
    assert scores["right_citations"] == scores["citations"] > 0
    assert scores["grade"] == ""


def test_a_model_that_invents(
    evaluate: Callable[..., list[dict[str, Any]]],
    model_server: Callable[[Callable[[str], str]], ScriptedServer],
) -> None:
    server = model_server(lambda _: f"{TRUE} {FALSE}")
    answers = {answer["id"]: answer for answer in evaluate("--model-url", server.url)}
    assert "What about carbon?" in json.dumps(server.asked)
    scores = answers["ca"]["scores"]
    assert scores["invented_before"] == ["lion.convert(colour=)"]
    assert scores["invented_after"] == []
    assert "colour=3" not in answers["ca"]["answer"]


def test_a_model_that_says_what_no_source_says(
    evaluate: Callable[..., list[dict[str, Any]]],
    model_server: Callable[[Callable[[str], str]], ScriptedServer],
    tmp_path: Path,
) -> None:
    false = "The atoms are then sent to a printer in Paris [1]."
    server = model_server(lambda _: f"{TRUE} {false}")
    report = tmp_path / "report.html"
    answers = {
        answer["id"]: answer
        for answer in evaluate("--model-url", server.url, "--report", str(report))
    }
    scores = answers["ca"]["scores"]
    if scores["kind"] == "generated":
        assert scores["model"] == "tiny"
        assert scores["unsupported"] == ["The atoms are then sent to a printer in Paris"]
    page = html.document_fromstring(report.read_text(encoding="utf-8"))
    assert page.findtext(".//h1").startswith("What answers are worth: Lion")
    assert not page.xpath("//script")
    titles = [heading.text_content() for heading in page.iter("h2")]
    assert any(title.startswith("Sentences without support") for title in titles)


def judging(text: str) -> str:
    """Prefer the answer that speaks of atoms, wherever it stands; grade by the same."""
    if "The first answer:" in text:
        first, second = text.partition("The first answer:")[2].split("The second answer:")
        return "first" if "CA atoms" in first else "second" if "CA atoms" in second else "tie"
    return "right" if "CA atoms" in text.partition("The answer to judge:")[2] else "wrong"


def test_a_judge(
    evaluate: Callable[..., list[dict[str, Any]]],
    model_server: Callable[[Callable[[str], str]], ScriptedServer],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    judge = model_server(judging)
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"id": "ca", "answer": "No idea."}), encoding="utf-8")
    answers = evaluate("--judge-url", judge.url, "--against", str(other))
    shown = capsys.readouterr().out
    assert "against other.jsonl: 1 better, 0 worse, 0 alike, of 1" in shown
    assert "judged right: 33.3%" in shown
    assert len(answers) == 3
    assert len(judge.asked) == 5  # three grades, one comparison in both orders
    for body in judge.asked:
        asked = json.dumps(body)
        assert "quoted" not in asked
        assert body["temperature"] == 0


def test_a_judge_that_prefers_a_place_says_nothing(
    evaluate: Callable[..., list[dict[str, Any]]],
    model_server: Callable[[Callable[[str], str]], ScriptedServer],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    judge = model_server(lambda text: "first" if "The first answer:" in text else "partly")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"id": "ca", "answer": "No idea."}), encoding="utf-8")
    evaluate("--judge-url", judge.url, "--against", str(other))
    assert "0 better, 0 worse, 1 alike, of 1" in capsys.readouterr().out


def test_a_judge_that_does_not_judge(
    evaluate: Callable[..., list[dict[str, Any]]],
    model_server: Callable[[Callable[[str], str]], ScriptedServer],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    judge = model_server(lambda _: "I would rather not say.")
    evaluate("--judge-url", judge.url, status=1)
    assert f"the judge at {judge.url} does not judge" in capsys.readouterr().err
    kept = read_answers(tmp_path / "answers.jsonl.partial")
    assert len(kept) == len(QUESTIONS), "the answers are not lost with it"


def test_comparing_needs_a_judge(
    evaluate: Callable[..., list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate("--against", "other.jsonl", status=1)
    assert "--against needs a judge" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "a"}'])
def test_a_file_that_holds_no_answers(tmp_path: Path, line: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(CommandError, match="line 1, is no answer"):
        read_answers(path)


@pytest.mark.parametrize(
    ("fact", "answer", "said"),
    [
        ("closest-heavy", "The default is `closest-heavy` [1].", True),
        ("mode='residue'", 'Pass `mode = "residue"`.', True),
        ("zero-based|starts at 0", "Counting starts at 0.", True),
        ("radians", "The angles are in degrees.", False),
        ("0.14 nm", "The probe has a radius of 0.14 nm.", True),
        ("0.14 nm", "The probe has a radius of 0.28 nm.", False),
        ("selecting atoms", "An atom is selected.", True),
        ("minimum image convention", "By the MINIMUM image\nconvention.", True),
        ("análisis", "Un analisis completo.", True),
        ("|", "Anything.", False),
    ],
)
def test_key_facts(fact: str, answer: str, said: bool) -> None:
    assert says(answer, fact) is said


def scored(kind: str, gold: tuple[str, ...] = (), **given: Any) -> Scored:
    nothing: dict[str, Any] = dict.fromkeys(
        ("facts", "facts_known", "claims", "citing", "citations", "right_citations", "tokens"), 0
    )
    nothing |= dict.fromkeys(("unsupported", "invented_before", "invented_after"), ())
    told = nothing | {"model": "", "first_token_ms": 5.0, "total_ms": 9.0} | given
    return Scored(Question("q", "?", gold), {"answer": ""}, AnswerScores(kind=kind, **told))


def test_figures() -> None:
    figures = sum_up(
        [
            scored("generated", ("a",), facts=1, facts_known=2, citations=4, right_citations=3),
            scored("generated", ("a",), claims=4, citing=2, unsupported=("x",), tokens=10),
            scored("quoted", invented_before=("x",), first_token_ms=7.0),
            scored("not_documented", ("a",)),
            scored("not_documented"),
        ]
    )
    assert (figures.facts, figures.precision, figures.recall) == (0.5, 0.75, 0.5)
    assert figures.supported == 0.75
    assert figures.inventing_before == pytest.approx(1 / 3)
    assert figures.inventing_after == 0.0
    assert figures.refused_wrongly == (1, 3)
    assert figures.refused_rightly == (1, 2)
    assert figures.kinds == {"generated": 2, "not_documented": 2, "quoted": 1}
    assert figures.first_token_ms == 5.0
    assert figures.tokens == 0.0
    assert figures.right is None


def test_figures_of_nothing() -> None:
    assert sum_up([]).facts is None
    assert tally({}) == "0 better, 0 worse, 0 alike, of 0"
