"""What loads but should not stay: dead exceptions, thin examples, phrases that break the rules themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from coach.language.compiled import Encoded
from coach.rulebook.examples import unmark
from coach.rulebook.matcher import Matcher
from coach.rulebook.opinion import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.rulebook.book import Rulebook
    from coach.rulebook.rules import Rule
    from coach.rulebook.trace import Findings

MIN_EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding. An `error` must be mended before the rules go live, a `warning` should be."""

    level: Literal["error", "warning"]
    where: str
    message: str

    def __str__(self) -> str:
        """Render for a terminal."""
        return f"{'错误' if self.level == 'error' else '提醒'}  {self.where}: {self.message}"


def lint(book: Rulebook) -> list[LintFinding]:
    """Check a loaded rule book; the empty list means that there is nothing to mend."""
    findings = [finding for rule in book.rules for finding in _rule(rule, book)]
    findings += _dead_exceptions(book)
    findings += _phrases(book)
    findings += [
        LintFinding("warning", f"rules/words.yml <{name}>", "没有规则用到这个词类")
        for name in book.unused_classes
    ]
    findings += [
        LintFinding("warning", f"rules/overrides.yml {rule}", "覆盖已过期，不再生效；请删除或改 until")
        for rule in book.expired
    ]
    findings += _unheard(book)
    used = {key for rule in book.rules for key in rule.suggest}
    if book.opinion is not None:
        used |= {key for rule in book.opinion.notices.values() for key in rule.suggest}
    findings += [
        LintFinding("warning", f"phrasebook {key}", "没有规则用到这条话术")
        for key in book.phrasebook.phrases
        if key not in used
    ]
    return findings


def _unheard(book: Rulebook) -> list[LintFinding]:
    """Say how many patterns the second opinion has never met, and so never vetoes."""
    if book.opinion is None:
        return []
    new = sum(
        fingerprint(rule.id, pattern.source) not in book.opinion.model.patterns
        for rule in book.rules
        for pattern in rule.patterns
    )
    message = f"有 {new} 条句式是训练以后写的，第二意见不会否决它们；要它也管，请运行 coach rules train"
    return [LintFinding("warning", "rules/second-opinion.yml", message)] if new else []


def _rule(rule: Rule, book: Rulebook) -> Iterator[LintFinding]:
    where = f"{rule.file} {rule.id}"
    if rule.status == "stable":
        for name, examples in (("hits", rule.hits), ("misses", rule.misses)):
            if len(examples) < MIN_EXAMPLES:
                yield LintFinding(
                    "error", where, f"{name} 只有 {len(examples)} 句；stable 规则至少 {MIN_EXAMPLES} 句"
                )
    for text, reason in rule.todo:
        yield LintFinding("warning", where, f"已知缺口：{text}（{reason}）")
    for pattern in rule.patterns:
        if max(min(map(len, words)) for words in pattern.anchors) < 2:  # noqa: PLR2004 - a single character
            yield LintFinding("warning", where, f"句式 {pattern.source!r} 没有两个字以上的词可找，会拖慢检查")
        for spaced, whole in _split_words(pattern.source, book):
            yield LintFinding("warning", where, f"句式里写成 {spaced!r}，但 jieba 不拆 {whole!r}，连写才命中")


def _dead_exceptions(book: Rulebook) -> Iterator[LintFinding]:
    """Find exceptions without which every example would go as it goes with them."""
    bare = Matcher(
        [replace(rule, exceptions=()) for rule in book.rules],
        modifiers=book.modifiers,
        tokenizer=book.tokenizer,
        sound=False,
    )
    for rule in book.rules:
        needed: set[int] = set()
        for example in (*rule.hits, *rule.misses) if rule.exceptions else ():
            needed |= _needed(rule, bare.find(unmark(example)[0]), book)
        for index, exception in enumerate(rule.exceptions):
            if index not in needed:
                message = f"例外 {exception.pattern.source!r} 没有哪句 misses 用得上：补一句，或删掉它"
                yield LintFinding("warning", f"{rule.file} {rule.id}", message)


def _needed(rule: Rule, findings: Findings, book: Rulebook) -> set[int]:
    """Return the exceptions of `rule` that stop, each of them alone, what was found without any."""
    hits = [trace for trace in findings.traces if trace.is_hit and trace.rule.id == rule.id]
    if not hits:
        return set()
    encoded = Encoded(list(findings.tokens), closed=True, tokenizer=book.tokenizer)
    spans = [
        [findings.normalized.span(found.start, found.end) for found in exception.pattern.find(encoded)]
        for exception in rule.exceptions
    ]
    needed: set[int] = set()
    for hit in hits:
        stopping = {
            index
            for index, places in enumerate(spans)
            if any(start < hit.end and hit.start < end for start, end in places)
        }
        if len(stopping) == 1:
            needed |= stopping
    return needed


def _split_words(source: str, book: Rulebook) -> Iterator[tuple[str, str]]:
    """Find neighbours in a pattern that jieba keeps as one word when they are written together."""
    words = source.split()
    for left, right in pairwise(words):
        whole = left + right
        # A whole word never matches a pattern that asks for its halves as words of their own.
        if left.isalpha() and right.isalpha() and book.tokenizer.cut(whole) == [whole]:
            yield f"{left} {right}", whole


def _phrases(book: Rulebook) -> Iterator[LintFinding]:
    """Run every phrase through all rules: a suggestion that is itself a fault is an error."""
    matcher = book.matcher(statuses=("stable",))
    for phrase in book.phrasebook.phrases.values():
        for wording in filter(None, (phrase.say, phrase.without)):
            text = unmark(wording.replace("{", "").replace("}", ""))[0]
            for trace in matcher.find(text).traces:
                # Phrases are said by agents, so rules for what customers say do not judge them.
                if trace.is_hit and trace.rule.speaker != "customer":
                    found = text[trace.start : trace.end]
                    yield LintFinding(
                        "error", f"phrasebook {phrase.id}", f"话术本身触发 {trace.rule.id}：{found}"
                    )
