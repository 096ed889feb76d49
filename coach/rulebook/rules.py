"""A rule that runs: its patterns, exceptions and sentence type compiled, its text ready to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.language.text import CLAUSE_MARKS

if TYPE_CHECKING:
    from coach.language.compiled import CompiledPattern, Encoded
    from coach.rulebook.context import Context
    from coach.rulebook.models import SeverityName, SpeakerName, StatusName

SEVERITIES: tuple[SeverityName, ...] = ("notice", "warning", "violation")


@dataclass(frozen=True, slots=True)
class RuleException:
    """A pattern that drops a hit which it overlaps; `because` is read by supervisors."""

    pattern: CompiledPattern
    because: str


@dataclass(frozen=True, slots=True)
class SentenceType:
    """A kind of clause (rhetorical, a-not-a ...), decided by patterns."""

    name: str
    patterns: tuple[CompiledPattern, ...]
    exceptions: tuple[RuleException, ...]

    def covers(self, encoded: Encoded, start: int, end: int) -> bool:
        """Tell whether the clause around characters `start` to `end` is of this type."""
        left, right = clause_around(encoded.tokens, start, end)

        def inside(pattern: CompiledPattern) -> bool:
            return any(left <= found.start and found.end <= right for found in pattern.find(encoded))

        if not any(inside(pattern) for pattern in self.patterns):
            return False
        return not any(inside(exception.pattern) for exception in self.exceptions)


@dataclass(frozen=True, slots=True)
class Modifier:
    """Words in the same breath that cancel or soften a hit (an offer, a quote, a condition)."""

    name: str
    effect: str
    where: str
    within: int | None
    same_clause: bool
    categories: frozenset[str] | None
    because: str
    patterns: tuple[CompiledPattern, ...]
    exceptions: tuple[RuleException, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the rule book, overrides already applied.

    Attributes:
        id: `category/what-is-wrong`.
        phases: phases of a call in which it holds; None for all.
        hits, misses: the author's examples (spans in 【】), without those marked `todo`.
        file: where it was written, for messages.
        places: line and column in `file` of each of `hits`, then of each of `misses`.
        contexts: what the customer must have said, or must not have, for a hit to count.
    """

    id: str
    category: str
    title: str
    severity: SeverityName
    status: StatusName
    speaker: SpeakerName
    phases: frozenset[str] | None
    sentence: SentenceType | None
    patterns: tuple[CompiledPattern, ...]
    exceptions: tuple[RuleException, ...]
    suggest: tuple[str, ...]
    explain: str
    source: str
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    todo: tuple[tuple[str, str], ...]
    file: str
    places: tuple[tuple[int, int], ...] = ()
    contexts: tuple[Context, ...] = ()


def stands(part: SentenceType | Modifier | Context, encoded: Encoded) -> bool:
    """Tell whether a pattern of `part` is found where none of its exceptions overlaps it."""
    refuted = [found for other in part.exceptions for found in other.pattern.find(encoded)]
    return any(
        not any(found.start < other.end and other.start < found.end for other in refuted)
        for pattern in part.patterns
        for found in pattern.find(encoded)
    )


def milder(severity: SeverityName) -> SeverityName | None:
    """Return the severity one step down, None below notice."""
    index = SEVERITIES.index(severity)
    return SEVERITIES[index - 1] if index else None


def clause_around(tokens: list[str], start: int, end: int) -> tuple[int, int]:
    """Return the character bounds of the clause that holds characters `start` to `end`."""
    left, right, at = 0, sum(map(len, tokens)), 0
    for token in tokens:
        if token in CLAUSE_MARKS:
            if at < start:
                left = at + 1
            elif at >= end:
                right = at
                break
        at += len(token)
    return left, right
