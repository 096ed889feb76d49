"""What the service answers whoever tries rules out, as types (docs/protocol.md, Playground)."""

from __future__ import annotations

from typing import Any

from coach.client.answers import Answer
from coach.client.messages import Segment, Severity, Speaker  # noqa: TC001 - pydantic reads the annotations


class WrittenRule(Answer):
    """A rule that can be taken as a draft."""

    id: str
    title: str
    category: str
    severity: Severity
    status: str
    file: str


class WrittenRules(Answer):
    """Every rule that can be taken as a draft, and a template for a new one."""

    digest: str
    template: str
    rules: tuple[WrittenRule, ...]


class RuleText(Answer):
    """One rule as it is written, in a rule file of its own."""

    id: str
    file: str
    yaml: str


class RuleFile(Answer):
    """The file that a draft belongs into, with the draft in its place; nothing was written."""

    file: str
    yaml: str


class ExceptionFound(Answer):
    """An exception that overlaps a find."""

    pattern: str
    because: str


class Found(Answer):
    """One find with all that speaks for and against it. Offsets are characters of the turn.

    `stopped`: why it is no card, "" when it is one; `draft`: whether the rule is the draft's.
    """

    rule: str
    category: str
    title: str
    why: str
    speaker: str
    status: str
    severity: Severity | None
    pattern: str
    patterns: tuple[str, ...]
    start: int
    end: int
    text: str
    by_sound: bool
    parts: dict[str, str]
    modifiers: tuple[str, ...]
    exceptions: tuple[ExceptionFound, ...]
    stopped_by: str
    stopped: str
    shown: bool
    suggestions: tuple[str, ...]
    draft: bool
    around: tuple[str, str]


class ExplainedTurn(Answer):
    """What was seen in one turn; `segments` are its text cut at the hits."""

    speaker: Speaker
    text: str
    customer: str
    normalized: str
    tokens: tuple[str, ...]
    segments: tuple[Segment, ...]
    found: tuple[Found, ...]


class DraftUsed(Answer):
    """The rules of the draft, and whether they could be used."""

    rules: tuple[str, ...]
    usable: bool


class MomentKind(Answer):
    """A moment of a call that can be told without times."""

    kind: str
    turn: int


class Explained(Answer):
    """What the rules say to a sentence, or to a `call` written as lines."""

    digest: str
    draft: DraftUsed | None
    call: bool
    turns: tuple[ExplainedTurn, ...]
    moments: tuple[MomentKind, ...]


class DraftProblem(Answer):
    """What is wrong with a draft; lines and columns count from 1."""

    line: int
    column: int
    where: str
    message: str


class DraftRule(Answer):
    """A rule of a draft; `known`: it takes the place of one in force."""

    id: str
    title: str
    known: bool


class DraftExample(Answer):
    """An example of a draft. `wanted`: it is to hit; `problem` says what it does instead."""

    rule: str
    text: str
    line: int
    column: int
    wanted: bool
    passed: bool
    problem: str


class DraftFinding(Answer):
    """What lint says."""

    level: str
    where: str
    message: str


class JudgedDraft(Answer):
    """What there is to say of a draft."""

    digest: str
    problems: tuple[DraftProblem, ...]
    rules: tuple[DraftRule, ...]
    examples: tuple[DraftExample, ...]
    findings: tuple[DraftFinding, ...]

    @property
    def usable(self) -> bool:
        """Tell whether it has no problem, and every example does what it says."""
        return not self.problems and all(each.passed for each in self.examples)


class ChangedHit(Answer):
    """A hit that a draft adds or takes away; `before` is the turn before it."""

    call_id: str
    turn: int
    speaker: Speaker
    rule: str
    around: tuple[str, str]
    text: str
    before: dict[str, Any] | None


class ChangedHits(Answer):
    """How many there are, with the first of them."""

    count: int
    rows: tuple[ChangedHit, ...]


class Effect(Answer):
    """What a draft would change over recorded calls; `source`: "stored" ones, or the "sample" calls."""

    usable: bool
    calls: int
    turns: int
    old_hits: int
    new_hits: int
    appeared: ChangedHits
    vanished: ChangedHits
    source: str
