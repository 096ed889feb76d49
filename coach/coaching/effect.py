"""What an edited rule would change over recorded calls: each new and each vanished hit, with its context.

Only the edited rules are searched for: a rule's hits do not depend on the other rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coach.coaching.checker import Checker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coach.coaching.events import Hit
    from coach.coaching.review_call import RecordedTurn
    from coach.rulebook.draft import Draft


@dataclass(frozen=True, slots=True)
class Change:
    """A hit that only the draft finds, or only the rule book in force.

    Attributes:
        turn: index of the turn in its call, from 0.
        before: the turn before it, None at the start of a call.
    """

    call_id: str
    turn: int
    said: RecordedTurn
    before: RecordedTurn | None
    hit: Hit


@dataclass(slots=True)
class Effect:
    """All changes, and how much was looked at.

    Attributes:
        old_hits, new_hits: of the edited rules, before and after.
    """

    calls: int = 0
    turns: int = 0
    old_hits: int = 0
    new_hits: int = 0
    appeared: list[Change] = field(default_factory=list)
    vanished: list[Change] = field(default_factory=list)


def effect(draft: Draft, calls: Iterable[tuple[str, Sequence[RecordedTurn]]]) -> Effect:
    """Check recorded calls with the rules as they are in force and as the draft writes them.

    Args:
        draft: its rules count whatever their status: the question is what they find, not who is shown it.
        calls: (id, turns in the order in which they were spoken).
    """
    applied = draft.applied()
    old, new = Checker(applied.replaced), Checker(applied.book)
    total = Effect()
    for call_id, turns in calls:
        total.calls += 1
        customer, before = "", None
        for index, said in enumerate(turns):
            total.turns += 1
            was = _hits(old, said, customer)
            now = _hits(new, said, customer)
            total.old_hits += len(was)
            total.new_hits += len(now)
            total.appeared += [
                Change(call_id, index, said, before, now[key]) for key in now.keys() - was.keys()
            ]
            total.vanished += [
                Change(call_id, index, said, before, was[key]) for key in was.keys() - now.keys()
            ]
            before = said
            if said.speaker == "customer":
                customer = said.text
    return total


def _hits(checker: Checker, said: RecordedTurn, customer: str) -> dict[tuple[str, int, int], Hit]:
    hits = checker.check(said.text, speaker=said.speaker, customer=customer)
    return {(hit.rule, hit.start, hit.end): hit for hit in hits}
