"""A rule that is being written: read, compiled and tried without loading the whole rule book again.

A draft is a small rule book of its own, so everything that works on a rule book works on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from coach.errors import Problem
from coach.rulebook.compile import Compiler
from coach.rulebook.examples import check_examples
from coach.rulebook.lint import lint
from coach.rulebook.models import RuleFile
from coach.rulebook.source import parse_source

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook
    from coach.rulebook.context import Context
    from coach.rulebook.lint import LintFinding
    from coach.rulebook.rules import Rule, SentenceType
    from coach.rulebook.source import Source

# How problems name what came from an editor and not from a file.
DRAFT_NAME = "rules/draft.yml"


@dataclass(frozen=True, slots=True)
class DraftExample:
    """An example of a draft, where it stands in the text, and what came of it.

    Attributes:
        wanted: whether it is one of `hits`.
        problem: what a loader would say; "" when it passes.
    """

    rule: str
    text: str
    line: int
    column: int
    wanted: bool
    problem: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Rules from an editor, compiled against the rule book in force.

    Attributes:
        book: the rule book in force, its rules replaced by those of the draft.
        replaced: rule book in force with only the rules that the draft writes anew; new rules have none.
        problems: why the text would not load, its examples aside; then `book` holds no rules.
    """

    book: Rulebook
    replaced: Rulebook
    problems: tuple[Problem, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the rules of the draft."""
        return frozenset(rule.id for rule in self.book.rules)

    def applied(self) -> Draft:
        """Return the same draft with every rule stable, however far its author would let it go."""
        return replace(self, book=_stable(self.book), replaced=_stable(self.replaced))

    def examples(self) -> list[DraftExample]:
        """Run every example of every rule."""
        failed = {
            (problem.where, problem.line, problem.column): problem.message
            for problem in check_examples(self.book)
        }
        return [
            DraftExample(
                rule=rule.id,
                text=example,
                line=line,
                column=column,
                wanted=index < len(rule.hits),
                problem=failed.get((rule.id, line, column), ""),
            )
            for rule in self.book.rules
            for index, (example, (line, column)) in enumerate(
                zip((*rule.hits, *rule.misses), rule.places, strict=True)
            )
        ]

    def findings(self) -> list[LintFinding]:
        """Return what lint says about the rules, and the phrases that they would refute."""
        own = {f"{rule.file} {rule.id}" for rule in self.book.rules}
        return [finding for finding in lint(self.book) if finding.where in own or finding.level == "error"]


def read_draft(text: str, book: Rulebook) -> Draft:
    """Read a rule file from an editor.

    Args:
        text: a whole rule file, `version: 1` included; usually of one rule.
        book: the rule book in force: its words, phrases, modifiers and overrides hold for the draft too.
    """
    reader = _Reader(book)
    rules = reader.read(text)
    small = replace(book, rules=(), overrides=(), expired=(), unused_classes=())
    if reader.problems:
        return Draft(small, small, tuple(sorted(reader.problems)))
    ids = {rule.id for rule in rules}
    fresh = replace(small, rules=tuple(rule for rule in rules if rule.status != "retired"))
    before = replace(small, rules=tuple(rule for rule in book.rules if rule.id in ids))
    return Draft(fresh, before)


class _Reader:
    """Does for one text what a loader does for a rule file, and says the same when it is wrong."""

    def __init__(self, book: Rulebook) -> None:
        self._book = book
        self._compiler = Compiler(
            book.vocabulary,
            sentences=_sentences(book),
            # In a rule book every context is held by the rules that it concerns.
            contexts=_contexts(book),
        )
        self._own: list[Problem] = []

    @property
    def problems(self) -> list[Problem]:
        return [*self._own, *self._compiler.problems]

    def read(self, text: str) -> list[Rule]:
        source = parse_source(text, name=DRAFT_NAME)
        if isinstance(source, Problem):
            self._own.append(source)
            return []
        try:
            model = RuleFile.model_validate(source.content)
        except ValidationError as error:
            self._own += source.problems(error)
            return []
        stem = model.rules[0].id.split("/", 1)[0]
        rules: list[Rule] = []
        for index, entry in enumerate(model.rules):
            rule = self._compiler.rule(entry, source, index, stem=stem)
            if any(rule.id == other.id for other in rules):
                self._own.append(
                    source.problem(["rules", index, "id"], f"{rule.id!r} 已经写在 {source.name} 里了")
                )
            self._own += [
                source.problem(["rules", index, "suggest", position], f"phrasebook 里没有 {key!r}")
                for position, key in enumerate(rule.suggest)
                if key not in self._book.phrasebook.phrases
            ]
            rules.append(self._overridden(rule, source))
        return rules

    def _overridden(self, rule: Rule, source: Source) -> Rule:
        """Let the site's override of a rule hold for the rule as it is written now."""
        for override in self._book.overrides:
            if override.rule == rule.id and rule.id not in self._book.expired and not override.disable:
                added = self._compiler.exceptions(override.except_, source, [])
                severity = override.severity or rule.severity
                return replace(rule, severity=severity, exceptions=rule.exceptions + added)
        return rule


def _sentences(book: Rulebook) -> dict[str, SentenceType]:
    return {rule.sentence.name: rule.sentence for rule in book.rules if rule.sentence is not None}


def _contexts(book: Rulebook) -> dict[str, Context]:
    return {context.name: context for rule in book.rules for context in rule.contexts}


def _stable(book: Rulebook) -> Rulebook:
    return replace(book, rules=tuple(replace(rule, status="stable") for rule in book.rules))
