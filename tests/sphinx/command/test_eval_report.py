"""``molsys-chat eval retrieval --report``."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from molsys_chat_lab.evaluation.ranks_plot import Line, draw_plot
from molsys_chat_lab.reports.markup import element, render_document
from sphinx_molsys_chat.command import main

HOSTILE = "</h4><script>alert(1)</script> & \"x\" 'y' \x00 <img src=x onerror=alert(1)>"
QUESTIONS = (
    {
        "id": "ca",
        "question": "select CA atoms",
        "type": "howto",
        "gold": ["select.html#alpha-carbons"],
    },
    {"id": "pdb", "question": "lion.convert", "type": "api", "gold": ["convert.html#lion.convert"]},
    {
        "id": "<b>evil</b>",
        "question": HOSTILE,
        "type": "<i>\"kind'</i>",
        "gold": ["javascript:alert(1)", '"><script>alert(2)</script>'],
    },
    {"id": "bread", "question": "How do I bake bread?", "gold": []},
    {"id": "blue", "question": "select CA atoms of a protein", "type": "out", "gold": []},
)


@pytest.fixture(scope="module")
def published(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an index whose site is published."""
    folder = tmp_path_factory.mktemp("published") / "lion"
    url = "https://docs.example.org/en/"
    assert main(["index", str(site), "-o", str(folder), "--base-url", url]) == 0
    return folder


def write_report(index: Path, folder: Path, *questions: dict[str, Any]) -> Path:
    asked, report = folder / "questions.jsonl", folder / "report.html"
    asked.write_text("\n".join(map(json.dumps, questions)), encoding="utf-8")
    arguments = ["--index", str(index), "--questions", str(asked), "--out", str(folder / "ranked")]
    assert main(["eval", "retrieval", *arguments, "--report", str(report)]) == 0
    return report


@pytest.fixture(scope="module")
def report(published: Path, tmp_path_factory: pytest.TempPathFactory) -> html.HtmlElement:
    path = write_report(published, tmp_path_factory.mktemp("report"), *QUESTIONS)
    return html.document_fromstring(path.read_text(encoding="utf-8"))


def text(node: html.HtmlElement) -> str:
    return " ".join(node.text_content().split())


def table(report: html.HtmlElement, label: str) -> dict[str, list[str]]:
    """Return the cells of a table by the head of their row."""
    rows = report.xpath("//table[@aria-label=$label]/tbody/tr", label=label)
    return {text(row[0]): [text(cell) for cell in row[1:]] for row in rows}


def articles(report: html.HtmlElement, title: str) -> list[html.HtmlElement]:
    """Return the questions under a heading."""
    parts = report.xpath("//h2[starts-with(., $title)]/following-sibling::*", title=title)
    ends = [number for number, part in enumerate(parts) if part.tag == "h2"]
    return [part for part in parts[: ends[0] if ends else None] if part.tag == "article"]


def test_the_head_says_what_was_measured(report: html.HtmlElement) -> None:
    facts = {text(name): text(name.getnext()) for name in report.iter("dt")}
    assert facts["Project"] == "Lion"
    assert facts["Version"] == "1.2"
    assert facts["Published at"] == "https://docs.example.org/en/"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", facts["Index built"])
    assert facts["Embedding model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert facts["Questions"] == "5 in questions.jsonl, 3 of them with gold"
    assert "Commit" not in facts


def test_figures_over_all_and_by_kind(report: html.HtmlElement) -> None:
    figures = table(report, "Figures by kind of question")
    assert list(figures) == ["all", "of no kind", "<i>\"kind'</i>", "api", "howto", "out"]
    assert figures["all"][:5] == ["5", "0.667", "0.667", "0.667", "0.667"]
    assert figures["howto"] == ["1", "1.000", "1.000", "1.000", "1.000", "0 of 1", "–"]
    assert figures["<i>\"kind'</i>"][:5] == ["1", "0.000", "0.000", "0.000", "0.000"]
    assert figures["out"] == ["1", "–", "–", "–", "–", "–", "1 of 1"]


def test_a_kind_with_misses_links_to_them(report: html.HtmlElement) -> None:
    targets = report.xpath("//table//a/@href")
    assert len(targets) == 1
    assert [text(part) for part in report.xpath("//*[@id=$id]", id=targets[0][1:])] == [
        "<i>\"kind'</i> (1)"
    ]


def test_figures_by_depth_are_those_of_the_plot(report: html.HtmlElement) -> None:
    figures = table(report, "Figures by depth")
    assert set(figures) == {"section", "section or inside", "page"}
    assert all(row == ["0.667"] * 6 for row in figures.values())
    (plot,) = report.xpath("//figure/svg")
    named = plot.get("aria-labelledby").split()
    words = [text(plot.xpath("*[@id=$id]", id=name)[0]) for name in named]
    assert words[0] == "Share of the questions found among the first k results"
    assert "By page: 0.667 at 1, 0.667 at 2, 0.667 at 5" in words[1]
    assert len(plot.xpath(".//polyline")) == 3


def test_a_miss_shows_what_came_instead(report: html.HtmlElement) -> None:
    (miss,) = articles(report, "Missed")
    assert miss.xpath("string(h4)") == HOSTILE.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    assert text(miss.find_class("facts")[0]).startswith("<b>evil</b> · <i>\"kind'</i> · no gold")
    assert [text(each) for each in miss.xpath("ul/li")] == [
        "javascript:alert(1) (not in the index)",
        '"><script>alert(2)</script> (not in the index)',
    ]
    came = miss.xpath("ol/li")
    assert 1 <= len(came) <= 5
    for each in came:
        assert re.search(r" score -?\d+\.\d{3}$", text(each))


def test_a_wrong_judgement_is_shown(report: html.HtmlElement) -> None:
    (wrong,) = articles(report, "Answered, though there is no gold")
    assert text(wrong.find("h4")) == "select CA atoms of a protein"
    first = wrong.xpath("ol/li[1]//a")[0]
    assert text(first) == "Selecting atoms › Alpha carbons"
    assert first.get("href") == "https://docs.example.org/en/select.html#alpha-carbons"


def test_links_stay_relative_without_a_base_url(index_folder: Path, tmp_path: Path) -> None:
    path = write_report(index_folder, tmp_path, *QUESTIONS)
    links = html.document_fromstring(path.read_text(encoding="utf-8")).xpath("//article//a/@href")
    assert "./select.html#alpha-carbons" in links
    assert all(link.startswith("./") for link in links)


def test_nothing_is_loaded_and_nothing_runs(report: html.HtmlElement) -> None:
    assert not report.xpath("//script | //link | //img | //iframe | //object | //@src | //@style")
    assert not report.xpath("//@*[starts-with(name(), 'on')]")
    assert all(
        re.match(r"https://docs\.example\.org/en/|#", link) for link in report.xpath("//@href")
    )
    (style,) = report.iter("style")
    assert not re.search(r"url\(|@import", style.text)
    assert "prefers-color-scheme: dark" in style.text
    assert report.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0].startswith(
        "default-src 'none';"
    )


def test_a_report_among_the_pages_is_not_indexed(report: html.HtmlElement) -> None:
    assert report.xpath("//meta[@name='molsys-chat']/@content") == ["noindex"]


def test_questions_without_gold_alone_make_a_report(index_folder: Path, tmp_path: Path) -> None:
    path = write_report(index_folder, tmp_path, QUESTIONS[3])
    report = html.document_fromstring(path.read_text(encoding="utf-8"))
    assert table(report, "Figures by kind of question")["all"][:3] == ["1", "–", "–"]
    assert not report.xpath("//figure")
    assert text(report.xpath("//h2[starts-with(., 'Missed')]")[0]).endswith("(0)")


def test_a_report_that_cannot_be_written_is_one_line(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, report = tmp_path / "questions.jsonl", tmp_path / "nowhere" / "report.html"
    asked.write_text(json.dumps(QUESTIONS[0]), encoding="utf-8")
    arguments = ["--index", str(index_folder), "--questions", str(asked)]
    out = ["--out", str(tmp_path / "ranked"), "--report", str(report)]
    assert main(["eval", "retrieval", *arguments, *out]) == 1
    assert capsys.readouterr().err == f"molsys-chat: {report}: No such file or directory\n"


def test_the_plot_draws_shares_at_their_depth() -> None:
    figure = draw_plot([Line("page", "by-page", (0.0, 0.5, 1.0, 1.0, 1.0))])
    (curve,) = figure.findall("svg/polyline[@class='curve by-page']")
    points = [tuple(map(float, point.split(","))) for point in curve.get("points", "").split()]
    marks = {each.text: float(each.get("x", "")) for each in figure.iterfind("svg/g/text")}
    heights = {each.text: float(each.get("y", "")) for each in figure.iterfind("svg/g/text")}
    assert [points[0], points[1], points[4]] == [
        (marks["1"], heights["0.0"]),
        (marks["2"], pytest.approx((heights["0.4"] + heights["0.6"]) / 2)),
        (marks["5"], heights["1.0"]),
    ]


def test_text_stays_text() -> None:
    page = element("p", "1 < 2 & \ud800", element("b", "x"), "<i>", title='"><i>')
    assert render_document(page) == (
        '<!DOCTYPE html>\n<p title="&quot;&gt;<i&gt;">1 &lt; 2 &amp; \N{REPLACEMENT CHARACTER}'
        "<b>x</b>&lt;i&gt;</p>"
    )
