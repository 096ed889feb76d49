"""How much an agent can take in during a call: the numbers, and which of several hits is the one to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.rulebook.rules import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.coaching.events import Hit


@dataclass(frozen=True, slots=True)
class AttentionBudget:
    """How much an agent is told. Design choices to be tested with agents, not measurements.

    Attributes:
        cool_down_ms: the same rule is told again only after this time; violations always are.
        notices_per_minute: notices beyond it are counted but not told.
        sharpen_within_ms: a second notice of the same category within this time is told as a warning.
        judge_turns: so many agent utterances after a card are searched for its adoption.
        active_ms: an unresolved card is part of a snapshot this long.
        silence_ms: without any transcript for this long, coach says that it is blind; an utterance that has
            not grown for this long was abandoned.
        kept_utterances: older utterances leave memory (the store has them).
        overlapping: tell every hit of words that several rules find; otherwise the gravest only, one card for
            one slip of the tongue.
    """

    cool_down_ms: int = 20_000
    notices_per_minute: int = 2
    sharpen_within_ms: int = 60_000
    judge_turns: int = 3
    active_ms: int = 60_000
    silence_ms: int = 15_000
    kept_utterances: int = 200
    overlapping: bool = False


def is_covered(hit: Hit, current: Mapping[str, tuple[int, Hit]]) -> bool:
    """Tell whether a graver hit stands on some of the same words; among equals the longer, then the first."""
    return any(
        other is not hit and other.start < hit.end and hit.start < other.end and _weight(other) > _weight(hit)
        for _, other in current.values()
    )


def _weight(hit: Hit) -> tuple[int, bool, int, int, str]:
    # Words that could still change must not hide what is certain already.
    return SEVERITIES.index(hit.severity), hit.settled, hit.end - hit.start, -hit.start, hit.rule
