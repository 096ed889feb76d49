"""Explaining a sentence, documenting the rules, and the schema for editors."""
# ruff: noqa: E501 - a table is read down its columns

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import jsonschema
import pytest

from coach.rulebook.document import document
from coach.rulebook.examples import mark, unmark
from coach.rulebook.explain import _STOPPERS, explain
from coach.rulebook.schema import FILES, schema
from coach.rulebook.trace import Stopper
from tests.conftest import PHRASES, WORDS, rule_yaml, rules_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.rulebook.book import Rulebook

RULES = rules_file(
    rule_yaml(except_="[{pattern: 不 <know> <you>, because: 礼貌探询}]", misses="[我不知道您方便吗, 好|的]"),
    rule_yaml(
        id="ignorance/new",
        status="trial",
        title="试行",
        match='["哪 <know> [rest: {1,3}] $"]',
        hits="[我【哪知道这个】]",
        misses="[知道]",
    ),
    rule_yaml(
        id="ignorance/asked",
        title="反问",
        sentence="rhetorical",
        match="[没说 <know>]",
        hits="[]",
        misses="[]",
        status="trial",
    ),
)
MORE_WORDS = (
    WORDS
    + """\
sentences:
  rhetorical: {match: [难道]}
modifiers:
  offer: {effect: cancel, where: after, because: 主动提出办法, match: [帮 <you>]}
  sorry: {effect: soften, where: before, because: 道歉, match: [抱歉]}
"""
)


@pytest.fixture
def book(make_rulebook: Callable[..., Rulebook]) -> Rulebook:
    """Return a book with every way of stopping a find."""
    return make_rulebook(rules=RULES, words=MORE_WORDS)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("您好", ["分词    您好", "结果    没有规则命中"]),
        ("這個我不知道", ["规整后  这个我不知道", "分词    这个/我/不/知道", "ignorance/bare  换个说法", "  句式  <self> 不 <know>", "  位置  這個【我不知道】", "  提示  warning", "  话术  我马上帮您查一下，请您稍等"]),
        ("我不知道您", ["  不提示  被例外拦下：礼貌探询", "  例外  不 <know> <you>（礼貌探询）"]),
        ("我不知道，帮您问", ["  不提示  被修饰拦下：主动提出办法"]),
        ("抱歉我不知道", ["  提示  notice（由 warning 减轻）"]),
        ("我没说知道", ["  不提示  被句类拦下：所在分句不是 rhetorical 句"]),
        ("我哪知道这个", ["  成分  rest = 这个", "  不提示  规则还在 trial 阶段，只供复核"]),
        ("我部知道", ["  读音  按读音命中：识别结果里是同音字"]),
    ],
)  # fmt: skip
def test_explains_in_text(book: Rulebook, text: str, lines: list[str]) -> None:
    """A supervisor reads what was found, where, and why it is shown or not."""
    told = explain(book, text).as_text().split("\n")
    assert [line for line in lines if line not in told] == []


def test_explains_as_json(book: Rulebook) -> None:
    """Machines get the same as plain values."""
    found = json.loads(json.dumps(explain(book, "抱歉，我不知道").as_dict()))
    assert found == {
        "text": "抱歉，我不知道",
        "customer": "",
        "normalized": "抱歉，我不知道",
        "tokens": ["抱歉", "，", "我", "不", "知道"],
        "found": [
            {
                "rule": "ignorance/bare", "category": "ignorance", "title": "换个说法", "why": "先接住，再说下一步。",
                "speaker": "agent", "status": "stable", "severity": "notice", "pattern": "<self> 不 <know>",
                "patterns": ["<self> 不 <know>"], "exceptions": [],
                "start": 3, "end": 7, "text": "我不知道", "by_sound": False, "parts": {}, "modifiers": ["sorry"],
                "stopped_by": "", "stopped": "", "shown": True, "suggestions": ["我马上帮您查一下，请您稍等"],
            }
        ],
    }  # fmt: skip


def test_documents_every_rule(book: Rulebook) -> None:
    """Title, severity, reason, examples, phrases and exceptions of each rule are there."""
    pages = document(book)
    assert f"规则集 `{book.digest}`，共 3 条。" in pages
    assert "## 不知道、不清楚（`ignorance`）" in pages
    assert "`ignorance/bare` · 提醒 · stable · 依据：测试" in pages
    assert "| **我不知道**啊 | 我不知道您方便吗 |" in pages
    assert "好\\|的 |" in pages
    assert "- 可以说：**我马上帮您查一下，请您稍等**" in pages
    assert "- 例外：`不 <know> <you>` 礼貌探询" in pages


@pytest.mark.parametrize(
    ("example", "text", "spans"),
    [
        ("【我不】啊", "我不啊", ((0, 2),)),
        ("啊【我】和【你】", "啊我和你", ((1, 2), (3, 4))),
        ("没有", "没有", ()),
        ("【】", "", ((0, 0),)),
    ],
)
def test_spans_are_read_and_written(example: str, text: str, spans: tuple[tuple[int, int], ...]) -> None:
    """Taking the marks out and putting them in again gives the example."""
    assert unmark(example) == (text, spans)
    assert mark(text, spans) == example


@pytest.mark.parametrize("kind", sorted(FILES))
def test_schema_is_a_schema(kind: str) -> None:
    """An editor can use it."""
    jsonschema.Draft202012Validator.check_schema(schema(kind))


@pytest.mark.parametrize(
    ("kind", "content", "good"),
    [
        ("rules", {"version": 1, "rules": []}, False),
        ("rules", {"version": 2}, False),
        ("words", {"version": 1, "classes": {"self": ["我"]}}, True),
        ("words", {"version": 1, "colour": 1}, False),
        ("phrasebook", {"version": 1, "phrases": [{"id": "a/b", "say": "好的", "when": "总是"}]}, True),
        ("phrasebook", {"version": 1, "phrases": [{"id": "ab", "say": "好的", "when": "总是"}]}, False),
        ("overrides", {"version": 1, "overrides": [{"rule": "a/b", "because": "c", "except": [{"pattern": "d", "because": "e"}]}]}, True),
    ],
)  # fmt: skip
def test_schema_tells_good_from_bad(kind: str, content: Any, good: bool) -> None:
    """Keys are those of the YAML files, `except` included."""
    assert jsonschema.Draft202012Validator(schema(kind)).is_valid(content) is good


def test_unknown_schema_is_refused() -> None:
    """There are four kinds of file."""
    with pytest.raises(KeyError):
        schema("nothing")


def test_phrases_of_the_tests_fit_the_schema() -> None:
    """The schema accepts a file that loads."""
    import yaml

    jsonschema.validate(yaml.safe_load(PHRASES), schema("phrasebook"))


def test_everything_that_stops_a_find_has_a_name() -> None:
    """For the command line and, in two languages, for the page."""
    stoppers = set(get_args(Stopper))
    assert _STOPPERS.keys() == stoppers
    words = (Path(__file__).parents[2] / "web/src/playground/words.ts").read_text("utf-8")
    tables = re.findall(r"stoppers: \{ (.*) \}", words)
    assert [set(re.findall(r"(\w+): \"", table)) for table in tables] == [stoppers, stoppers]
