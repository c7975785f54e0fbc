"""``molsys-chat report`` and ``molsys-chat records``."""

import csv
import io
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from lxml import html

from molsys_chat_lab.reports.clusters import cluster_questions, cluster_vectors
from molsys_chat_lab.reports.figures import MOST_BARS, spans, times
from molsys_chat_lab.reports.plots import Series, draw_bars, draw_lines
from molsys_chat_lab.reports.questions import distinct_questions
from molsys_chat_rag.embedding.models import load_embedder
from molsys_chat_server.records.answers import AnswerRecord, KeptAnswer, Vote, hour
from molsys_chat_server.records.opening import open_store
from sphinx_molsys_chat.command import main

NOW = datetime.now(UTC)
HOSTILE = "</h4><script>alert(1)</script> & \"x\" 'y' <img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://evil.example", "click")'
RECORD = AnswerRecord(
    id="0" * 32, at=hour(NOW), project="Lion", version="1.2", source_commit="", page="select.html",
    question="How do I select the CA atoms?", turn=1, kind="generated", answer="So [1].",
    sources=("select.html#alpha-carbons", "convert.html#lion.convert"),
    cited=("select.html#alpha-carbons",), confidence=0.9, retrieve_ms=10.0, first_token_ms=200.0,
    total_ms=900.0, model="llama", prompt_tokens=1000, answer_tokens=100,
)  # fmt: skip
UNDOCUMENTED = replace(RECORD, kind="not_documented", model="", cited=(), sources=("index.html",))
ASKED = (
    RECORD,
    replace(RECORD, question="how do i select the ca atoms", at=hour(NOW - timedelta(days=2))),
    replace(RECORD, question="select CA atoms of a protein", invented=("unknown_name",)),
    replace(UNDOCUMENTED, question="How do I bake bread?"),
    replace(UNDOCUMENTED, question="How do I bake bread?", page=""),
    replace(UNDOCUMENTED, question=HOSTILE, page=HOSTILE, project=HOSTILE, version="<b>1</b>"),
    replace(RECORD, question="Which units?", answer=HOSTILE, model=HOSTILE, cited=(HOSTILE,)),
    replace(RECORD, question=FORMULA, kind="abandoned", cited=(), total_ms=0.0),
    replace(RECORD, question="An old question?", at=hour(NOW - timedelta(days=40))),
)


def answer_id(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A store with answers and votes."""
    path = str(tmp_path / "records.sqlite")
    with closing(open_store(path)) as store:
        store.add_answers([replace(each, id=answer_id(n)) for n, each in enumerate(ASKED)])
        store.add_vote(Vote(answer_id(0), "up", "", hour(NOW), passing=True))
        store.add_vote(Vote(answer_id(6), "down", HOSTILE, hour(NOW), passing=True))
    return path


def text(node: html.HtmlElement) -> str:
    return " ".join(" ".join(node.itertext()).split())


def read(path: Path) -> html.HtmlElement:
    return html.document_fromstring(path.read_text(encoding="utf-8"))


@pytest.fixture
def report(place: str, index_folder: Path, tmp_path: Path) -> html.HtmlElement:
    """The page on the store, with the index."""
    path = tmp_path / "report.html"
    assert main(["report", place, "-o", str(path), "--index", str(index_folder)]) == 0
    return read(path)


def part(report: html.HtmlElement, heading: str) -> str:
    """Return the text below a heading, up to the next one."""
    (title,) = [each for each in report.iter("h2") if text(each).startswith(heading)]
    below = []
    for each in title.itersiblings():
        if each.tag == "h2":
            break
        below.append(text(each))
    return " ".join(below)


def test_the_report_s_parts(report: html.HtmlElement) -> None:
    assert "9, 7 different ones" in text(report.find(".//dl"))
    assert "1 helpful, 1 unhelpful" in text(report.find(".//dl"))
    again = part(report, "What is asked again and again")
    assert "asked 3 times · 1 helpful, 0 unhelpful" in again
    assert "select CA atoms of a protein" in again
    assert "How do I bake bread? 2 times" in part(report, "Not documented (2)")
    assert "Which units?" in part(report, "Unhelpful (1)")
    assert "Selecting atoms" in part(report, "By page")
    assert "not told" in part(report, "By page")
    assert "Alpha carbons" in part(report, "Most cited sections")
    assert "a name that the documentation does not have 1" in part(report, "Inventions that")
    assert "llama 4 0.01 0.01 0.20 0.20 0.90 0.90" in part(report, "How long readers waited")
    assert "llama 5 1 – 1 – – 5,000 500 0.20 s" in part(report, "By model")


def test_sections_that_nobody_reached(report: html.HtmlElement) -> None:
    never = part(report, "Never reached")
    assert "select.html" in never
    assert "Alpha carbons" not in never
    assert "index.html" not in never


def test_links_of_the_contents_lead_to_headings(report: html.HtmlElement) -> None:
    targets = [link.get("href").removeprefix("#") for link in report.findall(".//nav//a")]
    assert [each.get("id") for each in report.iter("h2")] == targets
    assert len(targets) >= 10


def test_hostile_words_stay_words(report: html.HtmlElement) -> None:
    assert not list(report.iter("script", "img"))
    assert not [each for each in report.iter() for name in each.attrib if name.startswith("on")]
    assert "<script>alert(1)</script>" in part(report, "Not documented")
    assert "<img src=x onerror=alert(1)>" in part(report, "Unhelpful")
    links = {link.get("href") for link in report.iter("a")}
    assert all(each.startswith(("#", "./")) for each in links)
    (policy,) = report.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")


def test_without_an_index_nothing_is_linked(place: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert main(["report", place, "-o", str(path)]) == 0
    assert not [a for a in read(path).iter("a") if not a.get("href").startswith("#")]


def test_days_and_project(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "report.html")
    assert main(["report", place, "-o", path, "--days", "7", "--project", "Lion"]) == 0
    assert capsys.readouterr().out == "7 questions, 2 not documented, 1 helpful, 1 unhelpful\n"
    assert main(["report", place, "-o", path, "--project", "Tiger"]) == 1
    assert "holds no answer of that time and project" in capsys.readouterr().err


def test_the_store_of_the_settings(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "chat.toml"
    config.write_text('records_db = "records.sqlite"\n', encoding="utf-8")
    out = str(tmp_path / "report.html")
    assert main(["report", "--config", str(config), "-o", out]) == 0
    config.write_text('records_db = "none.sqlite"\n', encoding="utf-8")
    assert main(["report", "--config", str(config), "-o", out]) == 1
    assert "none.sqlite: there is no such file" in capsys.readouterr().err
    assert not (tmp_path / "none.sqlite").exists()


def test_export_as_json_lines(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["records", "export", place]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == len(ASKED)
    by_id = {line["id"]: line for line in lines}
    assert by_id[answer_id(6)]["comment"] == HOSTILE
    assert by_id[answer_id(0)]["sources"] == list(RECORD.sources)
    assert by_id[answer_id(0)]["vote"] == "up"


def test_export_as_a_table_runs_nothing(place: str, tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    assert main(["records", "export", place, "--format", "csv", "-o", str(path)]) == 0
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert len(rows) == len(ASKED)
    by_id = {row["id"]: row for row in rows}
    assert by_id[answer_id(7)]["question"] == "'" + FORMULA
    assert by_id[answer_id(0)]["question"] == RECORD.question
    assert json.loads(by_id[answer_id(0)]["sources"]) == list(RECORD.sources)
    dangerous = ("=", "+", "-", "@", "\t", "\r")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(dangerous)]


def test_deleting_by_id(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [answer_id(0), answer_id(6)]
    assert main(["records", "delete", *ids, "--store", place]) == 0
    assert capsys.readouterr().out == "2 removed\n"
    with closing(open_store(place)) as store:
        left = {kept.record.id for kept in store.read()}
    assert left == {answer_id(n) for n in range(len(ASKED))} - set(ids)
    stored = b"".join(each.read_bytes() for each in Path(place).parent.glob("records.sqlite*"))
    assert b"Which units" not in stored
    assert main(["records", "delete", ids[0], "--store", place]) == 1
    assert f"nothing is kept under {ids[0]}" in capsys.readouterr().err


def test_what_is_no_id(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["records", "delete", "1 OR 1=1", "--store", place])
    assert "no answer's id" in capsys.readouterr().err


@pytest.mark.parametrize("with_index", [False, True])
def test_questions_go_through_the_retrieval_gate(
    place: str, index_folder: Path, tmp_path: Path, with_index: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """They are a file of questions; given their gold, they are scored like any others."""
    path, ranked = tmp_path / "open.jsonl", str(tmp_path / "ranked.jsonl")
    index = ["--index", str(index_folder)]
    assert main(["records", "questions", place, "-o", str(path), *(index * with_index)]) == 0
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [(line["question"], line["type"], line["asked"], line["gold"]) for line in lines]
    assert found == [
        ("How do I bake bread?", "not_documented", 2, []),
        (HOSTILE, "not_documented", 1, []),
        ("Which units?", "unhelpful", 1, []),
    ]
    assert lines[0]["candidates"] == ["index.html"] or with_index
    capsys.readouterr()
    gate = ["eval", "retrieval", *index, "--questions", str(path), "--out", ranked]
    assert main(gate) == 0
    assert "0 questions with gold" in capsys.readouterr().out
    lines[2]["gold"] = lines[2]["candidates"][:1]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main(gate) == 0
    assert "1 questions with gold" in capsys.readouterr().out


def test_where_nothing_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "records.sqlite")
    with closing(open_store(place)) as store:
        store.add_answers([RECORD])
    assert main(["records", "questions", place, "-o", str(tmp_path / "open.jsonl")]) == 1
    assert "no question was left unanswered" in capsys.readouterr().err


def kept(question: str = "x", **fields: object) -> KeptAnswer:
    return KeptAnswer(replace(RECORD, question=question, **fields))


def test_questions_that_differ_in_spelling_alone_are_one() -> None:
    asked = distinct_questions(kept(each) for each in ("What?", "what", " WHAT ?", "Why?", "¿What"))
    assert [(each.question, len(each.answers)) for each in asked] == [("What?", 3), ("Why?", 1),
                                                                     ("¿What", 1)]  # fmt: skip


def test_clusters_of_vectors() -> None:
    """Three directions; of the first one, the middle vector is like all others."""
    degrees = np.array([0, 40, 80, 180, 185, 270], dtype=np.float32) * np.pi / 180
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    clusters = cluster_vectors(vectors)
    assert [(each.centre, each.members) for each in clusters] == [
        (1, (1, 0, 2)),
        (3, (3, 4)),
        (5, (5,)),
    ]
    assert cluster_vectors(np.zeros((0, 2), dtype=np.float32)) == ()


def test_clusters_of_questions() -> None:
    questions = ["How do I convert a PDB file?", "convert a pdb file", "Is it free software?",
                 "how to convert PDB files"]  # fmt: skip
    clusters = cluster_questions(questions, load_embedder())
    assert [sorted(each.members) for each in clusters] == [[0, 1, 3], [2]]
    assert clusters == cluster_questions(questions, load_embedder())
    assert cluster_questions([], load_embedder()) == ()


def test_spans_of_a_long_time_are_weeks() -> None:
    short = [kept(at=hour(NOW - timedelta(days=days))) for days in (0, 3)]
    over, step = spans(short)
    assert (len(over), step) == (4, 1)
    assert [sum(span.kinds.values()) for span in over] == [1, 0, 0, 1]
    over, step = spans([*short, kept(at=hour(NOW - timedelta(days=400)))])
    assert step == 7
    assert len(over) == 58 <= MOST_BARS
    assert sum(span.prompt_tokens for span in over) == 3000


def test_median_and_95th_percentile_by_nearest_rank() -> None:
    found = times([float(value) for value in range(100, 0, -1)])
    assert (found.median, found.p95) == (50.0, 95.0)
    assert times([7.0]).p95 == 7.0
    assert times([]).median == 0.0


def test_plots_say_in_words_what_they_show() -> None:
    days = [date(2026, 11, day) for day in (1, 2, 3)]
    bars = draw_bars("Questions a day", "questions", days, [
        Series("quoted", "kind-quoted", (1.0, 0.0, 2.0)),
        Series("not documented", "kind-not_documented", (1.0, 0.0, 0.0)),
    ])  # fmt: skip
    titles = [each.text for each in bars.iter("title")]
    assert titles == [
        "Questions a day",
        "2026-11-01: quoted 1, not documented 1",
        "2026-11-03: quoted 2",
    ]
    assert bars.find("svg").get("aria-label") == (
        "Questions a day. Questions a day: 4 questions in all, 2 at most."
    )
    lines = draw_lines("Seconds", "s", days, [Series("p50", "first-p50", (0.5, -1.0, 12_000.0))])
    assert len(list(lines.iter("circle"))) == 2
    assert lines.find("svg/desc").text == "p50: 12k s at most."


def test_the_report_stands_on_a_shared_database(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "postgresql://127.0.0.1:1/chat", "-o", str(tmp_path / "r.html")]) == 1
    assert "postgresql://127.0.0.1:1/chat cannot be used" in capsys.readouterr().err
