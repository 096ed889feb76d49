"""Reading patterns: every form into its tree, every mistake to its column."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.language.compiled import CompiledPattern
from coach.language.pattern import (
    Choice,
    End,
    Gap,
    Literal,
    Mark,
    Maybe,
    Named,
    PatternError,
    Sequence,
    Start,
    Tag,
    WordClass,
    parse_pattern,
    walk,
)
from coach.language.written import Vocabulary

BU, ZHIDAO = Literal("不"), Literal("知道")
NOT = Choice((Sequence((BU,)), Sequence((Literal("没"),))))


@pytest.mark.parametrize(
    ("pattern", "items"),
    [
        pytest.param("不知道", (Literal("不知道"),), id="literal"),
        pytest.param("  不 知道 ", (BU, ZHIDAO), id="blanks-separate"),
        pytest.param("不瞭解", (Literal("不了解"),), id="literals-are-normalized"),
        pytest.param("APP", (Literal("app"),), id="case"),
        pytest.param("<self>不", (WordClass("self"), BU), id="class"),
        pytest.param("<a-not-a2>", (WordClass("a-not-a2"),), id="class-name"),
        pytest.param("/v 不", (Tag("v"), BU), id="tag"),
        pytest.param("清楚/a", (Literal("清楚", "a"),), id="word-with-tag"),
        pytest.param("不{0,3}知道", (BU, Gap(0, 3), ZHIDAO), id="gap"),
        pytest.param("不 { 1 , 8 } 知道", (BU, Gap(1, 8), ZHIDAO), id="gap-with-blanks"),
        pytest.param("不 … 知道", (BU, Gap(0, 8), ZHIDAO), id="ellipsis"),
        pytest.param("(不|没 有)", (Choice((Sequence((BU,)), Sequence((Literal("没"), Literal("有"))))),), id="choice"),
        pytest.param("不知道?", (Maybe(Literal("不知道")),), id="optional-literal"),
        pytest.param("<you>? 不", (Maybe(WordClass("you")), BU), id="optional-class"),
        pytest.param("(不|没)? 知道", (Maybe(NOT), ZHIDAO), id="optional-group"),
        pytest.param("不 ，? 知道", (BU, Maybe(Mark()), ZHIDAO), id="optional-mark"),
        pytest.param("^ 不 $", (Start(), BU, End()), id="edges"),
        pytest.param("不，知道！", (BU, Mark(), ZHIDAO, Mark()), id="marks"),
        pytest.param("不,知道;", (BU, Mark(), ZHIDAO, Mark()), id="ascii-marks"),
        pytest.param("不 [rest: 知道 {1,4}] $", (BU, Named("rest", Sequence((ZHIDAO, Gap(1, 4)))), End()), id="named"),
    ],
)  # fmt: skip
def test_reads_form(pattern: str, items: tuple[object, ...]) -> None:
    """Each form of the language becomes its node of the tree."""
    assert parse_pattern(pattern).items == items


@pytest.mark.parametrize(
    ("pattern", "column", "message"),
    [
        ("", 0, "空的句式"),
        ("   ", 0, "空的句式"),
        ("^ $", 0, "只有 ^ 或 $"),
        ("不 {3,1} 知道", 2, "下限比上限大"),
        ("不 {0,9} 知道", 2, "上限最多 8"),
        ("不 {3} 知道", 2, "下限和上限"),
        ("不 {,3} 知道", 2, "下限和上限"),
        ("{0,3} 知道", 0, "间隔不能放在开头"),
        ("知道 …", 0, "间隔不能放在结尾"),
        ("^ {0,3} 知道", 0, "间隔不能放在开头"),
        ("我 … 不 … 知 … 道 … 吗", 0, "有 4 个间隔，最多 3 个"),
        ("(不|没 知道", 0, "没有用 ')' 收尾"),
        ("不 知道)", 4, "没有与它配对的括号"),
        ("不|没", 1, "没有与它配对的括号"),
        ("(不|)", 3, "这里应有一个词"),
        ("()", 1, "这里应有一个词"),
        ("我 <self", 2, "没有用 '>' 收尾"),
        ("我 <>", 2, "这里应有词类名"),
        ("我 <Self>", 2, "这里应有词类名"),
        ("我 >", 2, "这里不能写 '>'"),
        ("我 }", 2, "这里不能写 '}'"),
        ("我 / 不", 2, "/ 后面要写词性"),
        ("不*", 1, "没有 * 和 +"),
        ("不*知道", 1, "没有 * 和 +"),
        ("知道+ 不", 2, "没有 * 和 +"),
        ("? 不", 0, "这里不能写 '?'"),
        ("不 ?", 2, "这里不能写 '?'"),
        ("不{0,2}? 知道", 6, "? 只能跟在"),
        ("^? 不", 1, "? 只能跟在"),
        ("不?? 知道", 2, "? 只能跟在"),
        ("不 嗯", 2, "是语气词"),
        ("不：知道", 1, "标点 '：' 请写成 ，"),
        ("我 不、没", 3, "标点 '、' 请写成 ，"),
        ("不 [rest: 知道", 2, "没有用 ']' 收尾"),
        ("不 [: 知道]", 2, "这里应有名字"),
        ("不 [rest 知道]", 2, "没有用 ':' 收尾"),
        ("不 [rest: {1,4}]", 0, "后面要写 $"),
        ("[a: 不] [a: 知道]", 7, "用了两次"),
        ("([a: 不]|[a: 没])", 8, "用了两次"),
    ],
)
def test_mistake_is_told_with_its_column(pattern: str, column: int, message: str) -> None:
    """Each mistake names the first character that does not fit, and what was expected."""
    with pytest.raises(PatternError) as caught:
        parse_pattern(pattern)
    assert message in caught.value.message
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("pattern", "column", "message"),
    [
        ("不 <nobody>", 2, "没有词类 <nobody>；已有：you、you2"),
        ("<you2> <yo>", 7, "没有词类 <yo>"),
        ("/v", 0, "没有必须出现的词"),
        ("不? /v", 0, "没有必须出现的词"),
        ("(不|/v)", 0, "没有必须出现的词"),
    ],
)
def test_mistake_in_meaning_is_told_with_its_column(pattern: str, column: int, message: str) -> None:
    """What reads well may still name an unknown class, or give nothing to look for."""
    with pytest.raises(PatternError) as caught:
        CompiledPattern(pattern, Vocabulary({"you": ("您",), "you2": ("你",)}))
    assert message in caught.value.message
    assert caught.value.column == column


def test_caret_stands_under_the_mistake() -> None:
    """The caret is padded with wide blanks below Chinese characters, so that it lines up on a screen."""
    with pytest.raises(PatternError) as caught:
        parse_pattern("不 {0,9} 知道")
    assert str(caught.value).split("\n")[1:] == ["  不 {0,9} 知道", "  　 ^"]


def test_walks_outer_before_inner() -> None:
    """Walking a tree yields every item once."""
    tree = parse_pattern("(甲|<b>?) [rest: 丙]")
    assert [type(item).__name__ for item in walk(tree)] == [
        "Choice", "Literal", "Maybe", "WordClass", "Named", "Literal",
    ]  # fmt: skip


@given(
    st.text(
        st.one_of(st.sampled_from("不知道<you>{}0,38()|?/v[rest: ]^$…，*嗯 "), st.characters()), max_size=25
    )
)
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused(pattern: str) -> None:
    """Whatever an author types is read, or refused at a column inside it; nothing else is raised."""
    columns = [0]
    try:
        CompiledPattern(pattern, Vocabulary({"you": ("您",)}, ("那个",)))
    except PatternError as error:
        columns.append(error.column)
    assert 0 <= max(columns) <= len(pattern)
