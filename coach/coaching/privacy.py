"""What of a call may leave the core: the words with personal data masked, offsets unchanged.

One `Privacy` belongs to one call, because a recogniser cuts one number into several utterances. Matching runs on
the words as they came; this stands between the core and every screen, file and log.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from coach.coaching.events import Advice, AdviceGiven, CallEvent, Suggestion, TranscriptChanged, Utterance
from coach.language.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coach.coaching.events import Hit
    from coach.coaching.moment import Detail, Moment

# After a longer silence a speaker does not go on with the same number.
_PAUSE_MS: Final = 10_000
# Characters of a speaker's last words that a number may have begun in.
_REMEMBERED: Final = 60
# As many utterances as `AttentionBudget.kept_utterances`, and some under way.
_KEPT: Final = 256
_NAME_SLOT: Final = "customer_name"
_TITLE: Final = re.compile(r"(?:先生|女士|小姐|太太|老师|总|经理|主任)$")
_FULL_NAME: Final = range(2, 20)


class Privacy:
    """Masks what is told of one call.

    Args:
        masked: False hands everything on as it is.
        slots: what the platform knows about the call; the customer's name among it is masked wherever it is
            said, and stays readable only in the suggestions that the agent is to say.
    """

    __slots__ = ("_heard", "_masked", "_name", "_tails")

    def __init__(self, *, masked: bool = True, slots: Mapping[str, str] | None = None) -> None:
        self._masked = masked
        name = _TITLE.sub("", (slots or {}).get(_NAME_SLOT, ""))
        # 王先生 and the like says no more than 王**.
        self._name = name if len(name) in _FULL_NAME else ""
        # By utterance id: the words, whether they were final, and the words masked.
        self._heard: dict[str, tuple[str, bool, str]] = {}
        # By speaker: when the last final ended, and what was said up to there.
        self._tails: dict[str, tuple[int, str]] = {}

    def utterance(self, utterance: Utterance) -> Utterance:
        """Return the utterance with its text masked."""
        if not self._masked:
            return utterance
        known = self._heard.get(utterance.utterance_id)
        if known is None or known[:2] != (utterance.text, utterance.final):
            known = (utterance.text, utterance.final, self._mask_after_tail(utterance))
            # Put last: what goes first is what has not changed for longest.
            self._heard.pop(utterance.utterance_id, None)
            self._heard[utterance.utterance_id] = known
            if len(self._heard) > _KEPT:
                del self._heard[next(iter(self._heard))]
        return utterance if known[2] == utterance.text else replace(utterance, text=known[2])

    def advice(self, advice: Advice) -> Advice:
        """Return the card with its quote and suggestions masked; its utterance must have been told before."""
        if not self._masked:
            return advice
        hit = advice.hit
        known = self._heard.get(advice.utterance_id)
        quote = (
            known[2][hit.start : hit.end]
            if known is not None and known[0][hit.start : hit.end] == hit.text
            else self.text(hit.text)
        )
        return replace(
            advice,
            hit=replace(hit, text=quote, parts={name: self.text(part) for name, part in hit.parts.items()}),
            suggestions=tuple(
                Suggestion(each.phrase, self._suggestion(each.text)) for each in advice.suggestions
            ),
        )

    def stored(self, advice: Advice) -> Advice:
        """Return a card that `advice` returned as it may be stored: without the name in its suggestions."""
        if not self._masked or not self._name:
            return advice
        return replace(
            advice,
            suggestions=tuple(Suggestion(each.phrase, self.text(each.text)) for each in advice.suggestions),
        )

    def text(self, text: str) -> str:
        """Return text that belongs to no utterance, masked."""
        return self._without_name(mask(text)) if self._masked else text

    def event(self, event: CallEvent) -> CallEvent:
        """Return the event with the words in it masked."""
        match event:
            case TranscriptChanged(utterance, marks):
                return TranscriptChanged(self.utterance(utterance), marks)
            case AdviceGiven(advice):
                return AdviceGiven(self.advice(advice))
            case _:
                return event

    def moment(self, moment: Moment) -> Moment:
        """Return the moment with the words in its details masked."""
        if not self._masked:
            return moment
        return replace(
            moment, details={name: _masked_detail(value) for name, value in moment.details.items()}
        )

    def slots(self, slots: Mapping[str, str]) -> dict[str, str]:
        """Return the slots that may be stored: a full name is not, 王先生 is."""
        return {
            name: value
            for name, value in slots.items()
            if not (self._masked and self._name and name == _NAME_SLOT)
        }

    def _mask_after_tail(self, utterance: Utterance) -> str:
        ended_ms, before = self._tails.get(utterance.speaker, (0, ""))
        if utterance.start_ms - ended_ms > _PAUSE_MS or utterance.end_ms < ended_ms:
            before = ""
        masked = self._without_name(mask(utterance.text, final=utterance.final, before=before))
        if utterance.final and utterance.end_ms >= ended_ms:
            said = f"{before}，{utterance.text}" if before else utterance.text
            self._tails[utterance.speaker] = (utterance.end_ms, said[-_REMEMBERED:])
        return masked

    def _without_name(self, text: str) -> str:
        if not self._name or self._name not in text:
            return text
        return text.replace(self._name, self._name[0] + "*" * (len(self._name) - 1))

    def _suggestion(self, text: str) -> str:
        masked = mask(text)
        if not self._name or masked == text:
            return masked
        letters = list(masked)
        for place in re.finditer(re.escape(self._name), text):
            letters[place.start() : place.end()] = self._name
        return "".join(letters)


def masked_hits(text: str, hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Return hits in `text` outside of a call, with the words in them masked; offsets unchanged."""
    masked = mask(text)
    return tuple(
        replace(
            hit,
            text=masked[hit.start : hit.end],
            parts={name: mask(part) for name, part in hit.parts.items()},
        )
        for hit in hits
    )


def _masked_detail(value: Detail) -> Detail:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [mask(each) for each in value]
    return value
