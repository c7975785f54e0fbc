# ruff: noqa: E501, RUF001
"""Scripts without spaces: how their text is cut, counted, and searched."""

from pathlib import Path

import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_rag.index import Index, excerpt
from molsys_chat_rag.reading.chunks import split_section
from molsys_chat_rag.reading.roles import is_stub
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind
from molsys_chat_rag.search.lexical import build_postings
from molsys_chat_rag.search.query import make_query
from molsys_chat_rag.search.spelling import Speller
from molsys_chat_rag.text.unspaced import clip, count_words, separated
from molsys_chat_rag.text.words import content_words, indexed_terms, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("如何选择水分子？", ["选择", "择水", "水分", "分子"]),
        ("使用numpy数组", ["使用", "numpi", "数组"]),
        ("怎么用msm.select()选择CA原子", ["用", "msm", "select", "选择", "ca", "原子"]),
        ("水", ["水"]),
        ("原子を選択する", ["原子", "子を", "を選", "選択", "択す"]),
        ("ｎｕｍｐｙ配列", ["numpi", "配列"]),
        ("ﾄﾗｼﾞｪｸﾄﾘ", ["トラ", "ラジ", "ジェ", "ェク", "クト", "トリ"]),
        ("물 분자만 어떻게 선택하나요?", ["물", "분자", "자만", "선택"]),
        ("เลือก อะตอม", ["เลื", "ลือ", "อก", "อะ", "ะต", "ตอ", "อม"]),
        ("ວິທີ", ["ວິທີ"]),
        ("របៀប", ["របៀ", "បៀប"]),
        ("အက်တမ်", ["အက်", "က်တ", "တမ်"]),
        ("どうすればいいですか", ["どう", "うす"]),
        ("यह हिन्दी", ["यह", "हिनदी"]),
        ("How do I select atoms?", ["select", "atom"]),
    ],
)
def test_text_without_spaces_gives_pairs(text, expected):
    found = terms(text)
    assert found[: len(expected)] == expected


@pytest.mark.parametrize("character", ["水", "분", "択"])
def test_a_lone_character_is_found_in_longer_words(character):
    postings = {p.term: p for p in build_postings([("", f"甲{character}乙。"), ("", "丙丁")])}
    assert [postings[term].rows.tolist() for term in terms(character)] == [[0]]


@pytest.mark.parametrize("text", ["select the atoms", "msm.get_form(x)", "Energía y ácido", "λ=3"])
def test_other_text_is_left_as_it_is(text):
    assert separated(text) is text
    assert indexed_terms(text) == terms(text)
    assert count_words(text) == len(text.split())


def test_names_between_such_characters_are_seen():
    query = make_query("如何用RMSD比较mdTraj轨迹？", (), Speller([]))
    assert query.names == ("RMSD", "mdTraj")
    assert "rmsd" in query.terms


def test_such_words_are_not_taken_for_misspelt_ones():
    speller = Speller([("动力学轨", "动力学轨迹", 3), ("动力", "动力", 3)])
    assert speller.correct("动力学轨道") == "动力学轨道"


def test_content_words_are_the_pairs():
    assert content_words("读取XTC文件") == ("读取", "xtc", "文件")


def section(text: str) -> Section:
    block = Block(BlockKind.PARAGRAPH, text)
    return Section("a.html", "", "T", ("T",), SectionKind.HEADING, (block,))


@pytest.mark.parametrize(
    ("text", "stub"),
    [("选择原子。", True), ("使用select函数可以选择原子，查询字符串支持残基名称。", False)],
)
def test_a_section_without_spaces_is_no_stub_by_that(text, stub):
    assert is_stub(section(text)) is stub


def test_long_text_is_cut_between_sentences():
    sentences = [f"第{n}句话说明怎样读取轨迹文件。" for n in range(9)]
    chunks = split_section(section("".join(sentences)), lambda texts: [*map(len, texts)], 60)
    lines = [line for chunk in chunks for line in chunk.text.splitlines()]
    assert lines == sentences


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("short", 9, "short"),
        ("cut after a word", 8, "cut"),
        ("使用numpy数组读取轨迹", 9, "使用numpy数组"),
        ("使用 numpy 数组", 6, "使用"),
        ("averylongword", 5, "avery"),
    ],
)
def test_clip(text, longest, expected):
    assert clip(text, longest) == expected


def test_an_excerpt_is_not_cut_at_a_rare_space():
    text = "使用 " + "选择原子" * 100
    assert len(excerpt(text, ("选择",))) > 250


PAGES = {
    "zh": ("zh-CN", "选择原子", "使用select函数可以选择原子。选择水分子时写HOH，支持残基名称。"),
    "ja": ("ja", "原子の選択", "select関数を使うと原子を選択できます。水分子だけを選ぶにはHOHと書きます。"),
    "ko": ("ko", "원자 선택", "select 함수로 원자를 선택할 수 있습니다. 물 분자만 선택하려면 HOH라고 적으세요."),
    "th": ("th", "การเลือกอะตอม", "ใช้ฟังก์ชัน select เพื่อเลือกอะตอม สามารถเลือกตามชื่อของหน่วยย่อยหรือสายโซ่ได้"),
}  # fmt: skip
OTHERS = {
    "zh": ("绘制图形", "plot函数绘制能量随时间变化的曲线，颜色和标签都可以设置。"),
    "ja": ("グラフの描画", "plot関数はエネルギーの時間変化を描画します。色とラベルを設定できます。"),
    "ko": ("그래프 그리기", "plot 함수는 에너지의 시간 변화를 그립니다. 색과 이름표를 설정할 수 있습니다."),
    "th": ("การอ่านไฟล์", "ฟังก์ชัน load อ่านไฟล์ทีละส่วน ไฟล์ขนาดใหญ่จึงไม่ใช้หน่วยความจำจนหมด"),
}  # fmt: skip
QUESTIONS = {
    "zh": ("如何选择水分子？", "怎么设置颜色"),
    "ja": ("水分子を選ぶにはどうすればいいですか", "色を設定する"),
    "ko": ("물 분자만 어떻게 선택하나요?", "색을 설정하려면?"),
    "th": ("เลือกอะตอมได้อย่างไร", "อ่านไฟล์ขนาดใหญ่"),
}


@pytest.mark.parametrize("code", PAGES)
def test_a_site_is_searched_in_its_own_script(code: str, tmp_path: Path, embedder: Embedder):
    lang, *first = PAGES[code]
    for name, (title, text) in (("select", first), ("other", OTHERS[code])):
        page = f'<html lang="{lang}"><body><main><h1>{title}</h1><p>{text}</p></main></body></html>'
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
    report = build_index(tmp_path, tmp_path / "index", BuildSettings())
    told = f"in the language '{code}', but the embedding model sentence-transformers/all-MiniLM"
    assert [told in warning for warning in report.warnings].count(True) == 1
    index = Index.open(tmp_path / "index", embedder=embedder)
    for question, page in zip(QUESTIONS[code], ("select.html", "other.html"), strict=True):
        found = index.search(question)
        assert (found.hits[0].section.page, found.answerable) == (page, True), question
    index.close()
