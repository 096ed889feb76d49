"""From a hit to a card: its id, its suggestions, and what the agent made of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from coach.coaching.events import Advice, Suggestion
from coach.language.text import CLAUSE_MARKS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from coach.coaching.checker import Checker
    from coach.coaching.events import Hit, Outcome, Severity, Utterance
    from coach.rulebook.phrasebook import Phrasebook

# Share of a suggestion's character pairs that must be heard for it to count as said. Two different
# sentences of ordinary service talk share less than half of their pairs.
ADOPTED_SHARE = 0.6
_MARKS = str.maketrans("", "", f"{CLAUSE_MARKS}、：“”…, .?!~～ ")


def advice_id(call_id: str, utterance_id: str, rule: str, occurrence: int) -> str:
    """Return the id of a card: the same for the same words, however often they are sent."""
    key = "\0".join((call_id, utterance_id, rule, str(occurrence)))
    return hashlib.blake2s(key.encode(), digest_size=8).hexdigest()


def advise(
    hit: Hit,
    utterance: Utterance,
    *,
    occurrence: int,
    severity: Severity,
    phrasebook: Phrasebook,
    slots: Mapping[str, str],
    used: Collection[str] = (),
) -> Advice:
    """Make the card for a hit.

    Args:
        occurrence: how many hits of the same rule stand before it in the utterance.
        severity: the hit's, possibly sharpened by the call.
        slots: what is known about the call; the hit's named parts come on top.
        used: phrases the agent has taken up before; others are offered first.
    """
    chosen = phrasebook.choose(hit.suggest, {**slots, **hit.parts}, used=used)
    return Advice(
        id=advice_id(utterance.call_id, utterance.utterance_id, hit.rule, occurrence),
        call_id=utterance.call_id,
        utterance_id=utterance.utterance_id,
        hit=hit,
        severity=severity,
        suggestions=tuple(Suggestion(phrase, text) for phrase, text in chosen),
        at_ms=utterance.end_ms,
    )


def outcome_of(
    advice: Advice, text: str, *, checker: Checker, phrasebook: Phrasebook
) -> tuple[Outcome, str] | None:
    """Judge what the agent said after a card.

    Args:
        text: what the agent said next, or the rest of the same utterance.

    Returns:
        ("adopted", phrase id) when a suggested phrase or its equivalent was said, ("repaired", "") when the
        agent made up for it in other words, None when neither.
    """
    for suggestion in advice.suggestions:
        if said_share(suggestion.text, text) >= ADOPTED_SHARE:
            return "adopted", suggestion.phrase
        phrase = phrasebook.phrases.get(suggestion.phrase)
        if phrase is not None and phrase.said and checker.says(phrase.said, text):
            return "adopted", suggestion.phrase
    return ("repaired", "") if checker.makes_up(advice.hit.category, text) else None


def said_share(suggestion: str, text: str) -> float:
    """Return the share (0 to 1) of the suggestion's character pairs that stand in `text`."""
    wanted = _pairs(suggestion)
    return len(wanted & _pairs(text)) / len(wanted) if wanted else 0.0


def _pairs(text: str) -> set[str]:
    letters = text.translate(_MARKS).replace("您", "你")
    return {letters[index : index + 2] for index in range(len(letters) - 1)}
