"""The second opinion: what it may veto, what it may add, and how it says why."""

from __future__ import annotations

import gc
import gzip
import weakref
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from coach.coaching.checker import Checker
from coach.errors import RulebookError
from coach.language.text import normalize
from coach.rulebook.book import Rulebook, load_rulebook
from coach.rulebook.document import document
from coach.rulebook.explain import explain
from coach.rulebook.lint import lint
from coach.rulebook.opinion import (
    ANY,
    PIECE,
    Opinion,
    OpinionModel,
    _pieces,
    _window,
    dump,
    fingerprint,
    read,
)
from coach.shipped import phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from pathlib import Path

    from coach.rulebook.trace import Trace

RULES = """
version: 1
rules:
  - id: hedging/maybe
    title: 换个说法：给准信
    severity: warning
    status: stable
    match: [大概 吧]
    suggest: [hedging/say-known]
    explain: 没有依据的猜测
    source: 测试
    hits: [【大概吧】]
    misses: [大概三天]
"""
PHRASES = """
version: 1
phrases:
  - {id: hedging/say-known, say: 我帮您查准确的时间, when: 猜测时}
"""
OPINION = """
version: 1
model: learnt.json.gz
veto_below: 10
notice_above: 60
notices:
  - {category: hedging, title: 换个说法：给准信, explain: 像是没有依据的猜测, suggest: [hedging/say-known]}
"""
GRAMS = ("没准", "谁说", "欢迎", "大概吧", "？")


def model(
    *, patterns: frozenset[str], hedging: tuple[float, ...] = (3.0, 1.0, -9.0, 0.0, 0.0)
) -> OpinionModel:
    """Make a model of five grams that knows one category."""
    weights = {"hedging": array("f", hedging), ANY: array("f", (3.0, 1.0, -9.0, 2.0, 0.0))}
    return OpinionModel(GRAMS, weights, {"hedging": -2.0, ANY: -2.0}, patterns, 7)


@pytest.fixture
def book(tmp_path: Path) -> Rulebook:
    """Return a rule book of one rule whose pattern the second opinion knows."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "phrasebook").mkdir()
    (tmp_path / "rules/hedging.yml").write_text(RULES, encoding="utf-8")
    (tmp_path / "phrasebook/hedging.yml").write_text(PHRASES, encoding="utf-8")
    (tmp_path / "rules/second-opinion.yml").write_text(OPINION, encoding="utf-8")
    known = model(patterns=frozenset([fingerprint("hedging/maybe", "大概 吧")]))
    (tmp_path / "rules/learnt.json.gz").write_bytes(dump(known))
    return load_rulebook(rules_dir=tmp_path / "rules", phrasebook_dir=tmp_path / "phrasebook")


def found(book: Rulebook, text: str, *, closed: bool = True) -> tuple[Trace, ...]:
    """Search what an agent said."""
    return book.matcher(speaker="agent").find(text, closed=closed).traces


def test_vetoes_a_hit_and_says_why(book: Rulebook) -> None:
    """A hit in a sentence that looks ordinary is stopped, with the words that tell."""
    (trace,) = found(book, "欢迎再来，大概吧")
    assert (trace.is_hit, trace.stopped_by) == (False, "opinion")
    assert "「欢迎」" in trace.stopped


def test_lets_a_hit_stand(book: Rulebook) -> None:
    """Without a word against it the rule has the say."""
    (trace,) = found(book, "大概吧")
    assert trace.is_hit


def test_leaves_patterns_it_never_met_alone(book: Rulebook) -> None:
    """A pattern written after the training is never vetoed."""
    opinion = book.opinion
    assert opinion is not None
    stranger = Opinion(model(patterns=frozenset()), veto_below=0.1, notice_above=0.6, notices=opinion.notices)
    (trace,) = found(replace(book, opinion=stranger), "欢迎再来，大概吧")
    assert trace.is_hit


def test_tells_a_notice_where_no_rule_speaks(book: Rulebook) -> None:
    """A likely fault that no pattern knows is told mildly, marked where the words stand, with its reasons."""
    (trace,) = found(book, "您的订单没准明天")
    assert (trace.rule.id, trace.severity, trace.pattern) == ("hedging/second-opinion", "notice", "")
    assert "您的订单没准明天"[trace.start : trace.end] == "没准"
    assert "「没准」" in trace.rule.explain


def test_marks_whole_words(book: Rulebook) -> None:
    """What spoke for the fault may end inside a word; the mark does not."""
    (trace,) = found(book, "您的订单没准儿明天")
    assert "您的订单没准儿明天"[trace.start : trace.end] == "没准儿"


def test_adds_nothing_to_partial_text(book: Rulebook) -> None:
    """Words still to come may change the tone, so partial text gets no notice."""
    assert found(book, "您的订单没准明天", closed=False) == ()


def test_adds_nothing_beside_a_hit(book: Rulebook) -> None:
    """Where a rule speaks, the second opinion does not speak too."""
    assert [trace.rule.id for trace in found(book, "没准吧，大概吧")] == ["hedging/maybe"]


def test_says_nothing_about_a_few_syllables(book: Rulebook) -> None:
    """Four characters are too few to judge a tone."""
    assert found(book, "没准明天") == ()


def test_customers_are_not_judged(book: Rulebook) -> None:
    """It learnt from what agents say."""
    assert book.matcher(speaker="customer").find("您的订单没准明天").traces == ()


def test_examples_are_run_without_it(book: Rulebook) -> None:
    """The matcher of the examples has no second opinion: a rule is judged by its patterns."""
    (trace,) = book.matcher().find("欢迎再来，大概吧").traces
    assert trace.is_hit


def test_explains_itself(book: Rulebook) -> None:
    """`coach rules try` names the second opinion as what stopped a hit, and as what found one."""
    assert "被第二意见拦下" in explain(book, "欢迎再来，大概吧").as_text()
    assert "第二意见，把握" in explain(book, "您的订单没准明天").as_text()


def test_lint_counts_the_patterns_it_never_met(book: Rulebook) -> None:
    """New patterns are named as a reminder to train again."""
    opinion = book.opinion
    assert opinion is not None
    stranger = Opinion(model(patterns=frozenset()), veto_below=0.1, notice_above=0.6, notices=opinion.notices)
    messages = [finding.message for finding in lint(replace(book, opinion=stranger))]
    assert any("有 1 条句式" in message for message in messages)
    assert not any("句式是训练以后" in finding.message for finding in lint(book))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "learnt.json.gz：不是第二意见的模型文件", id="empty"),
        pytest.param(b"\x1f\x8b\x08", "learnt.json.gz：不是第二意见的模型文件", id="cut"),
        pytest.param(None, "learnt.json.gz：No such file", id="missing"),
    ],
)
def test_a_broken_model_is_named(book: Rulebook, tmp_path: Path, content: bytes | None, message: str) -> None:
    """A model that cannot be read is a problem of the line that names it."""
    del book
    path = tmp_path / "rules/learnt.json.gz"
    path.write_bytes(content) if content is not None else path.unlink()
    with pytest.raises(RulebookError, match=message) as caught:
        load_rulebook(rules_dir=tmp_path / "rules", phrasebook_dir=tmp_path / "phrasebook")
    assert "second-opinion.yml:3:" in str(caught.value)


def test_digest_follows_the_model(book: Rulebook, tmp_path: Path) -> None:
    """Another model is another rule set."""
    (tmp_path / "rules/learnt.json.gz").write_bytes(dump(model(patterns=frozenset())))
    again = load_rulebook(rules_dir=tmp_path / "rules", phrasebook_dir=tmp_path / "phrasebook")
    assert again.digest != book.digest


def test_writing_and_reading_keeps_what_was_learnt(tmp_path: Path) -> None:
    """Weights come back within half a step of their scale, everything else as it was."""
    (tmp_path / "m").write_bytes(dump(model(patterns=frozenset({"0badcafe"}))))
    back = read(tmp_path / "m")
    assert (back.grams, back.patterns, back.sentences) == (GRAMS, frozenset({"0badcafe"}), 7)
    assert list(back.weights["hedging"]) == pytest.approx([3.0, 1.0, -9.0, 0.0, 0.0], abs=9 / 127 / 2)


def test_long_turns_are_judged_in_pieces_of_whole_clauses() -> None:
    """Pieces and windows are cut at clause marks and hold no more than a piece, save for one long clause."""
    text = normalize("这是第一句话，" * 9 + "还有一个特别特别长的分句" * 5).text
    pieces = list(_pieces(text))
    assert "".join(text[start:end] for start, end in pieces) == text
    assert all(text[end - 1] == "，" for _, end in pieces[:-1])
    assert all(end - start <= PIECE for start, end in pieces[:-1])
    start, end = _window(text, 8, 10)
    assert (start, text[end - 1], end - start <= PIECE) == (0, "，", True)


def test_the_shipped_model_knows_the_shipped_rules() -> None:
    """The model was trained beside the rules it travels with: no more than one pattern in fifty is new to it."""
    book = load_rulebook(rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False)
    assert book.opinion is not None
    prints = [fingerprint(rule.id, pattern.source) for rule in book.rules for pattern in rule.patterns]
    new = [each for each in prints if each not in book.opinion.model.patterns]
    assert len(new) <= len(prints) / 50


def test_its_notices_are_documented(book: Rulebook) -> None:
    """A supervisor can read of every card that an agent may see."""
    assert [rule.id for rule in book.tellers] == ["hedging/maybe", "hedging/second-opinion"]
    assert "`hedging/second-opinion` · 提示" in document(book)


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xffgarbage", gzip.compress(b"{}", mtime=0)],
    ids=["empty", "no archive", "damaged", "something else"],
)
def test_a_damaged_model_is_named(content: bytes, tmp_path: Path) -> None:
    """Whatever the damage, the error says that it is no model."""
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ValueError, match="不是第二意见的模型文件"):
        read(tmp_path / "m")


def test_an_old_checker_is_gone_as_soon_as_nobody_holds_it(book: Rulebook) -> None:
    """A service that reloads its rules must not wait for the garbage collector, which skips what is frozen."""
    checker = Checker(book)
    checker.check("我大概不知道")
    matcher = weakref.ref(book_matcher := checker._matcher("agent", trial=False))
    gc.disable()
    try:
        del book_matcher, checker
        assert matcher() is None
    finally:
        gc.enable()


def test_hits_in_one_sentence_are_judged_from_one_reading(
    book: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recogniser that gives a long text without a mark does not have it read anew for each hit."""
    asked: list[str] = []
    plain = Opinion.features

    def features(opinion: Opinion, text: str) -> set[int]:
        asked.append(text)
        return plain(opinion, text)

    monkeypatch.setattr(Opinion, "features", features)
    traces = found(book, "大概吧" * 50)
    assert len(traces) == 50
    assert len(asked) == 1
