"""Question files, and the figures made from rankings."""

import json
from pathlib import Path

import pytest

from molsys_chat_lab.evaluation.questions import (
    Question,
    QuestionFileError,
    Ranking,
    count_answerable,
    find_misses,
    group_by_type,
    missing_gold,
    parse_question,
    rank,
    read_questions,
    score_pages,
    score_sections,
    score_sections_within,
)
from molsys_chat_rag.hits import Hit, Retrieval
from molsys_chat_rag.reading.sections import Section, SectionKind

LINE = {"id": "q1", "question": "How?", "gold": ["a.html#x"]}


def section(address: str, *path: str) -> Section:
    page, _, anchor = address.partition("#")
    return Section(page, anchor, path[-1], path, SectionKind.HEADING, ())


SECTIONS = {
    "a.html#x": section("a.html#x", "A", "X"),
    "a.html#old-x": section("a.html#x", "A", "X"),
    "a.html#x-1": section("a.html#x-1", "A", "X", "One"),
    "b.html#y": section("b.html#y", "B", "Y"),
}


def ranked(
    gold: tuple[str, ...], *results: str, answerable: bool = True
) -> tuple[Question, Ranking]:
    return Question("q", "?", gold), Ranking("q", results, (1.0,) * len(results), answerable)


def write(folder: Path, *lines: object) -> Path:
    path = folder / "questions.jsonl"
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_reads_questions(tmp_path: Path) -> None:
    other = {"id": "q2", "question": "Why?", "gold": [], "type": "why", "key_facts": ["42"]}
    assert read_questions(write(tmp_path, LINE, "", other)) == (
        Question("q1", "How?", ("a.html#x",)),
        Question("q2", "Why?", (), "why", ("42",)),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: no JSON: Expecting property name"),
        ("[]", "line 2: expected a JSON object, found list"),
        ({**LINE, "id": ""}, "line 2: \"id\" must be a text that is not empty, found ''"),
        ({"id": "q2", "gold": []}, 'line 2: "question" must be a text'),
        ({"id": "q2", "question": "?"}, 'line 2: "gold" must be a list of texts, found None'),
        ({**LINE, "gold": "a.html"}, "line 2: \"gold\" must be a list of texts, found 'a.html'"),
        ({**LINE, "id": "q2", "key_facts": [1]}, 'line 2: "key_facts" must be a list of texts'),
        ({**LINE, "question": "\ud83d"}, "line 2: half a character"),
    ],
)
def test_names_the_line_that_is_wrong(tmp_path: Path, line: object, message: str) -> None:
    with pytest.raises(QuestionFileError) as error:
        read_questions(write(tmp_path, LINE, line))
    assert message in str(error.value)


def test_wordings_of_one_question_may_share_its_id(tmp_path: Path) -> None:
    wordings = read_questions(write(tmp_path, LINE, {**LINE, "question": "In what way?"}))
    assert [each.question for each in wordings] == ["How?", "In what way?"]


def test_refuses_a_file_without_questions(tmp_path: Path) -> None:
    with pytest.raises(QuestionFileError, match="holds no question"):
        read_questions(write(tmp_path, ""))


def test_refuses_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"id": "é"}'.encode("latin-1"))
    with pytest.raises(QuestionFileError, match="not UTF-8"):
        read_questions(path)


def test_a_ranking_names_addresses_best_first() -> None:
    hits = tuple(Hit(SECTIONS[name], 0.5, name, "", 0.4) for name in ("b.html#y", "a.html#x"))
    result = rank(Question("q", "?", ()), Retrieval(hits, answerable=False, confidence=0.1))
    assert json.loads(json.dumps(result.to_json())) == {
        "id": "q",
        "results": ["b.html#y", "a.html#x"],
        "scores": [0.5, 0.5],
        "answerable": False,
    }


def test_recall_is_the_share_of_the_gold_and_found_asks_for_any() -> None:
    one = ranked(("a.html#x", "b.html#y"), "c.html", "b.html#y")
    scores = score_sections([one], SECTIONS.get)
    assert scores.recall == {1: 0.0, 5: 0.5, 10: 0.5}
    assert scores.found == {1: 0.0, 5: 1.0, 10: 1.0}
    assert scores.mrr == 0.5


def test_a_gold_may_name_another_anchor_of_its_section() -> None:
    one = ranked(("a.html#old-x", "a.html#x"), "a.html#x")
    assert score_sections([one], SECTIONS.get).recall[1] == 1.0


def test_a_result_inside_a_gold_section_hits_where_that_is_asked_for() -> None:
    one = ranked(("a.html#x",), "a.html#x-1")
    assert score_sections([one], SECTIONS.get).mrr == 0.0
    assert score_sections_within([one], SECTIONS.get).mrr == 1.0


def test_a_section_around_the_gold_does_not_hit() -> None:
    one = ranked(("a.html#x-1",), "a.html#x")
    assert score_sections_within([one], SECTIONS.get).mrr == 0.0


def test_pages_count_once() -> None:
    one = ranked(("a.html#x",), "c.html#1", "c.html#2", "c.html#3", "a.html#other")
    assert score_pages([one]).mrr == 0.5


def test_mrr_looks_ten_deep() -> None:
    one = ranked(("a.html#x",), *(f"c.html#{n}" for n in range(10)), "a.html#x")
    assert score_sections([one], SECTIONS.get).mrr == 0.0


def test_questions_without_gold_do_not_count_for_recall() -> None:
    both = [ranked(("a.html#x",), "a.html#x"), ranked((), "b.html#y")]
    assert score_sections(both, SECTIONS.get).recall[1] == 1.0


def test_no_question_with_gold_gives_zeros() -> None:
    assert score_sections([ranked(())], SECTIONS.get).mrr == 0.0


def test_a_follow_up_question_carries_what_was_asked_before() -> None:
    line = '{"id": "a", "question": "and those?", "gold": [], "history": ["Which atoms?", "Why?"]}'
    assert parse_question(line).history == ("Which atoms?", "Why?")
    with pytest.raises(ValueError, match='"history" must be a list of texts'):
        parse_question(line.replace('["Which atoms?", "Why?"]', '"Which atoms?"'))


def test_counts_both_errors_about_answerable() -> None:
    counts = count_answerable(
        [
            ranked(("a.html#x",), answerable=False),
            ranked((), answerable=True),
            ranked((), answerable=False),
        ]
    )
    assert (counts.answerable, counts.refused, counts.unanswerable, counts.answered) == (1, 1, 2, 1)
    assert counts.right == pytest.approx(1 / 3)


def test_names_gold_that_the_index_lacks() -> None:
    questions = [Question("q", "?", ("a.html#x", "gone.html#x"))]
    assert missing_gold(questions, SECTIONS.get) == ("gone.html#x",)


def test_found_can_be_told_at_any_depth() -> None:
    scores = score_sections(
        [
            ranked(("a.html#x",), "c.html", "b.html#y", "a.html#x"),
            ranked(("a.html#x",), "c.html"),
            ranked((), "a.html#x"),
        ],
        SECTIONS.get,
    )
    assert scores.first == (3, None)
    assert [scores.found_at(depth) for depth in (1, 2, 3, 50)] == [0.0, 0.0, 0.5, 0.5]


def test_misses_are_the_questions_with_no_gold_to_a_depth() -> None:
    first = ranked(("a.html#x",), "a.html#x-1")
    late = ranked(("a.html#x", "b.html#y"), "c.html", "b.html#y", "a.html#x")
    never = ranked(("a.html#x-1",), "a.html#x")
    each = (first, late, never, ranked((), "c.html"))
    misses = find_misses(each, SECTIONS.get, depth=1)
    assert [(miss.question, miss.ranking, miss.first) for miss in misses] == [
        (*late, 2),
        (*never, None),
    ]
    assert [miss.first for miss in find_misses(each, SECTIONS.get, depth=2)] == [None]
    assert [miss.first for miss in find_misses(each, SECTIONS.get, depth=0)] == [1, 2, None]


def test_groups_by_type_and_keeps_the_order_within() -> None:
    def of(name: str, sort: str) -> tuple[Question, Ranking]:
        return Question(name, "?", (), sort), Ranking(name, (), (), answerable=True)

    groups = group_by_type([of("1", "howto"), of("2", ""), of("3", "api"), of("4", "howto")])
    assert {sort: [question.id for question, _ in group] for sort, group in groups.items()} == {
        "": ["2"],
        "api": ["3"],
        "howto": ["1", "4"],
    }
    assert list(groups) == ["", "api", "howto"]
