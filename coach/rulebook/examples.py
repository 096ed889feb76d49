"""Run the examples that live in the rules; a rule book whose examples fail does not load."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.errors import Problem
from coach.language.compiled import Encoded
from coach.language.text import normalize
from coach.rulebook.context import in_context
from coach.rulebook.matcher import Matcher
from coach.rulebook.rules import Modifier, SentenceType, stands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coach.language.tokens import Tokenizer
    from coach.rulebook.book import Rulebook
    from coach.rulebook.context import Context
    from coach.rulebook.models import ContextModel, ModifierModel, SentenceModel, WordsFile
    from coach.rulebook.rules import Rule
    from coach.rulebook.source import Source

_SPAN = re.compile(r"【(.*?)】")
_CUSTOMER = re.compile(r"〔(.*?)〕")


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example and what the rule made of it.

    Attributes:
        text: the example without 【】.
        wanted, got: spans as (start, end) in characters of `text`.
    """

    rule: Rule
    text: str
    wanted: tuple[tuple[int, int], ...]
    got: tuple[tuple[int, int], ...]
    tokens: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the rule hit exactly what the author marked."""
        return self.wanted == self.got


def unmark(example: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Split an example into its text and the spans in 【】."""
    spans: list[tuple[int, int]] = []
    text = ""
    at = 0
    for found in _SPAN.finditer(example):
        text += example[at : found.start()]
        spans.append((len(text), len(text) + len(found.group(1))))
        text += found.group(1)
        at = found.end()
    return text + example[at:], tuple(spans)


def split_customer(example: str) -> tuple[str, str]:
    """Split off what the customer said before, written in 〔〕 at the start of an example."""
    found = _CUSTOMER.match(example)
    return (found.group(1), example[found.end() :]) if found else ("", example)


def mark(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    """Write spans back as 【】."""
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]}【{text[start:end]}】{text[end:]}"
    return text


def run_examples(rule: Rule, matcher: Matcher) -> Iterator[ExampleResult]:
    """Run the examples of one rule with a matcher that holds at least that rule."""
    for example in (*rule.hits, *rule.misses):
        customer, said = split_customer(example)
        text, wanted = unmark(said)
        findings = in_context(matcher.find(text), customer=customer, tokenizer=matcher.tokenizer)
        got = tuple(
            (trace.start, trace.end) for trace in findings.traces if trace.is_hit and trace.rule.id == rule.id
        )
        yield ExampleResult(rule, text, wanted, got, findings.tokens)


def check_examples(book: Rulebook) -> list[Problem]:
    """Run all examples of a rule book and describe those that fail."""
    matcher = book.matcher(statuses=("draft", "trial", "stable"))
    return _failures(book.rules, matcher) + check_must_says(book)


def check_must_says(book: Rulebook) -> list[Problem]:
    """Run the examples of what must be said, and describe those that fail."""
    quiet = [rule for each in book.must_says for rule in each.rules]
    return _failures(quiet, Matcher(quiet, modifiers=(), tokenizer=book.tokenizer)) if quiet else []


def _failures(rules: Iterable[Rule], matcher: Matcher) -> list[Problem]:
    problems: list[Problem] = []
    for rule in rules:
        examples = (*rule.hits, *rule.misses)
        results = run_examples(rule, matcher)
        for index, (example, place, result) in enumerate(zip(examples, rule.places, results, strict=True)):
            if index < len(rule.hits) and not result.wanted:
                message = f"hits 里的例句要用【】标出命中的部分：{example}"
            elif index >= len(rule.hits) and result.wanted:
                message = f"misses 里的例句不该有【】：{example}"
            elif not result.passed:
                message = _mismatch(result)
            else:
                continue
            problems.append(Problem(rule.file, *place, rule.id, message))
    return problems


def check_words(
    words: WordsFile,
    source: Source,
    parts: Iterable[SentenceType | Modifier | Context],
    tokenizer: Tokenizer,
) -> list[Problem]:
    """Run the examples of sentence types, modifiers and contexts and describe those that fail."""
    problems: list[Problem] = []
    for part in parts:
        key, model = _written(part, words)
        for wanted, field, examples in ((True, "hits", model.hits), (False, "misses", model.misses)):
            for index, example in enumerate(examples):
                tokens = tokenizer.cut(normalize(example).text)
                if stands(part, Encoded(tokens, closed=True, tokenizer=tokenizer)) is not wanted:
                    outcome = "应该符合却不符合" if wanted else "不该符合却符合了"
                    problems.append(
                        source.problem(
                            [key, part.name, field, index],
                            f"例句{outcome}：{example}（分词 {'/'.join(tokens)}）",
                        )
                    )
    return problems


def _written(
    part: SentenceType | Modifier | Context, words: WordsFile
) -> tuple[str, SentenceModel | ModifierModel | ContextModel]:
    """Return the section of words.yml that holds a part, and the part as it is written there."""
    if isinstance(part, SentenceType):
        return "sentences", words.sentences[part.name]
    if isinstance(part, Modifier):
        return "modifiers", words.modifiers[part.name]
    return "contexts", words.contexts[part.name]


def _mismatch(result: ExampleResult) -> str:
    wanted = mark(result.text, result.wanted) if result.wanted else "不命中"
    got = mark(result.text, result.got) if result.got else "没有命中"
    tokens = "/".join(result.tokens) or "（没有锚词，未分词）"
    return f"例句不符：{result.text}\n    期望 {wanted}\n    实际 {got}\n    分词 {tokens}"
