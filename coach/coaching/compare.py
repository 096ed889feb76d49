"""What a change of the rules would do: hits that would be new, and hits that would vanish."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.checker import Checker
    from coach.coaching.events import Hit, Speaker


@dataclass(frozen=True, slots=True)
class Difference:
    """One hit that only one of the two rule sets finds.

    Attributes:
        where: id of the call or sentence, with the turn when there is one.
        text: the whole utterance.
    """

    where: str
    text: str
    hit: Hit


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, and how often each rule set hits."""

    utterances: int
    old_hits: int
    new_hits: int
    appeared: tuple[Difference, ...]
    vanished: tuple[Difference, ...]

    def by_rule(self) -> dict[str, tuple[int, int]]:
        """Return for each rule with a difference how many hits appeared and how many vanished."""
        appeared = Counter(difference.hit.rule for difference in self.appeared)
        vanished = Counter(difference.hit.rule for difference in self.vanished)
        return {rule: (appeared[rule], vanished[rule]) for rule in sorted(appeared | vanished)}


def compare(old: Checker, new: Checker, utterances: Iterable[tuple[str, str, Speaker]]) -> Comparison:
    """Check every utterance with both rule sets.

    Args:
        utterances: (where, text, speaker), final results.
    """
    count = old_hits = new_hits = 0
    appeared: list[Difference] = []
    vanished: list[Difference] = []
    for where, text, speaker in utterances:
        count += 1
        before = {(hit.rule, hit.start, hit.end): hit for hit in old.check(text, speaker=speaker)}
        after = {(hit.rule, hit.start, hit.end): hit for hit in new.check(text, speaker=speaker)}
        old_hits += len(before)
        new_hits += len(after)
        appeared += [Difference(where, text, hit) for key, hit in after.items() if key not in before]
        vanished += [Difference(where, text, hit) for key, hit in before.items() if key not in after]
    return Comparison(count, old_hits, new_hits, tuple(appeared), tuple(vanished))
