"""Lint: each finding, and nothing on a clean book."""
# ruff: noqa: E501 - a table is read down its columns

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from coach.rulebook.lint import LintFinding, lint
from tests.conftest import PHRASES, WORDS, rule_yaml, rules_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.rulebook.book import Rulebook

OTHER_PHRASE = "  - {id: ignorance/other, say: 我先核实, when: 总是}\n"
FAULTY_PHRASE = "  - {id: ignorance/faulty, say: 我不知道呢, when: 总是}\n"
EXPIRED = (
    "version: 1\noverrides:\n  - {rule: ignorance/bare, because: 理由, until: 2026-01-01, severity: notice}\n"
)
BARE = "rules/ignorance.yml ignorance/bare"
PLAIN_WORDS = WORDS.replace("  you: [您, 你, 你们]\n", "")


def rule(**changed: str | None) -> dict[str, str]:
    """Return the files of a book whose one rule is changed."""
    return {"rules": rules_file(rule_yaml(**changed)), "words": PLAIN_WORDS}


@pytest.mark.parametrize(
    ("files", "level", "where", "message"),
    [
        pytest.param(rule(hits="[【我不知道】]"), "error", BARE, "hits 只有 1 句；stable 规则至少 2 句", id="few-hits"),
        pytest.param(rule(misses="[]"), "error", BARE, "misses 只有 0 句；stable 规则至少 2 句", id="few-misses"),
        pytest.param(rule(misses="[好, 行, {text: 我不知道, todo: 再看}]"), "warning", BARE, "已知缺口：我不知道（再看）", id="gap"),
        pytest.param(rule(except_="[{pattern: 不 <know> 了, because: 说完了}]"), "warning", BARE, "例外 '不 <know> 了' 没有哪句 misses 用得上：补一句，或删掉它", id="dead-exception"),
        pytest.param(rule(match="[<self> 不 <know>, 我 不]", hits="[【我不知道】, 【我不】]"), "warning", BARE, "句式 '我 不' 没有两个字以上的词可找，会拖慢检查", id="weak-anchor"),
        pytest.param(rule(match="[<self> 不 <know>, 不 要 知道]"), "warning", BARE, "句式里写成 '不 要'，但 jieba 不拆 '不要'，连写才命中", id="split-word"),
        pytest.param({}, "warning", "rules/words.yml <you>", "没有规则用到这个词类", id="unused-class"),
        pytest.param({"overrides": EXPIRED, "words": PLAIN_WORDS}, "warning", "rules/overrides.yml ignorance/bare", "覆盖已过期，不再生效；请删除或改 until", id="expired-override"),
        pytest.param({"phrases": PHRASES + OTHER_PHRASE, "words": PLAIN_WORDS}, "warning", "phrasebook ignorance/other", "没有规则用到这条话术", id="unused-phrase"),
        pytest.param(rule(suggest="[ignorance/check-now, ignorance/faulty]") | {"phrases": PHRASES + FAULTY_PHRASE}, "error", "phrasebook ignorance/faulty", "话术本身触发 ignorance/bare：我不知道", id="phrase-is-a-fault"),
    ],
)  # fmt: skip
def test_finds(
    make_rulebook: Callable[..., Rulebook], files: dict[str, Any], level: str, where: str, message: str
) -> None:
    """Each finding stands alone: one mistake, one line."""
    book = make_rulebook(**files, today=date(2026, 6, 1))
    assert lint(book) == [LintFinding(level, where, message)]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(rule(), id="plain"),
        pytest.param(rule(status="draft", hits="[]", misses="[]"), id="draft-without-examples"),
        pytest.param(rule(except_="[{pattern: 不 <know> 您, because: 礼貌}]", misses="[我不知道您, 好]"), id="needed-exception"),
    ],
)  # fmt: skip
def test_clean_book_has_no_findings(make_rulebook: Callable[..., Rulebook], files: dict[str, Any]) -> None:
    """What is in order is not talked about."""
    assert lint(make_rulebook(**files)) == []


def test_finding_reads_in_chinese() -> None:
    """A finding is a line in a terminal."""
    assert str(LintFinding("error", "a", "b")) == "错误  a: b"
    assert str(LintFinding("warning", "a", "b")) == "提醒  a: b"
