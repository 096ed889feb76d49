"""One live call: utterances in, events out.

Pure and synchronous; time comes with the utterances. Replaying the final utterances of a call through a
new `Call` rebuilds its state: what is told depends on the final texts alone, not on how they grew.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coach.coaching.advice import advice_id, advise, outcome_of
from coach.coaching.attention import AttentionBudget, is_covered
from coach.coaching.events import (
    Advice,
    AdviceGiven,
    AdviceResolved,
    AdviceWithdrawn,
    BlindSpot,
    CallEvent,
    Mark,
    TranscriptChanged,
)
from coach.rulebook.opinion import is_opinion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coach.coaching.checker import Checker
    from coach.coaching.events import BlindReason, Hit, Outcome, Severity, Utterance
    from coach.rulebook.phrasebook import Phrasebook

_MINUTE_MS = 60_000
# Recognisers end a result after 0.2 to 2 s of silence, or in mid-sentence when it grows long; a shorter pause than
# this between two finals of one speaker is taken for the latter.
_JOINED_MS = 600
# Characters of the final before that may belong to a fault which ends in the next.
_TAIL = 40


@dataclass(slots=True)
class _Heard:
    """What is known of one utterance: its newest revision and the cards told for it."""

    utterance: Utterance
    marks: tuple[Mark, ...] = ()
    told: dict[str, Advice] = field(default_factory=dict)


@dataclass(slots=True)
class _Card:
    """A card that was told and may still be judged."""

    advice: Advice
    # When its utterance began: the same for every revision, which `advice.at_ms` is not.
    spoken_ms: int
    turns: int = 0
    outcome: Outcome | None = None


class Call:
    """The state of one call.

    Args:
        call_id: the platform's id.
        agent_id: whose sidebar is told.
        checker: finds hits; replaced on reload by `use`.
        phrasebook: what to suggest.
        slots: what is known about the call, to fill phrases.
        budget: how much the agent is told.
    """

    def __init__(
        self,
        call_id: str,
        *,
        agent_id: str,
        checker: Checker,
        phrasebook: Phrasebook,
        slots: Mapping[str, str] | None = None,
        budget: AttentionBudget | None = None,
    ) -> None:
        self.call_id = call_id
        self.agent_id = agent_id
        self.snoozed: frozenset[str] = frozenset()
        self.ended = False
        self._checker = checker
        self._phrasebook = phrasebook
        self._next: tuple[Checker, Phrasebook] | None = None
        self._slots = dict(slots or {})
        self._budget = budget or AttentionBudget()
        self._heard: dict[str, _Heard] = {}
        self._cards: dict[str, _Card] = {}
        self._used: set[str] = set()
        self._now_ms = 0
        self._last_words_ms = 0
        self._blind: dict[BlindReason, BlindSpot] = {}
        # What the customer finished saying, by when he began (ms from the start of the call).
        self._customer: list[tuple[int, str]] = []
        # When the agent's last final ended, and its last words; None when its times say nothing.
        self._tail: tuple[int, str] | None = None

    @property
    def digest(self) -> str:
        """Digest of the rule set in force."""
        return self._checker.digest

    @property
    def blind(self) -> tuple[BlindSpot, ...]:
        """What coach cannot see at the moment."""
        return tuple(self._blind.values())

    def hear(self, utterance: Utterance) -> list[CallEvent]:
        """Take in a partial or final result.

        An older revision, or anything after the final one, changes nothing.

        Returns:
            What the sidebar has to know, the transcript first.
        """
        known = self._heard.get(utterance.utterance_id)
        if known is not None and (known.utterance.final or utterance.revision < known.utterance.revision):
            return []
        self._now_ms = max(self._now_ms, utterance.end_ms)
        self._last_words_ms = self._now_ms
        heard = known or self._heard.setdefault(utterance.utterance_id, _Heard(utterance))
        heard.utterance = utterance
        events: list[CallEvent] = [*self._see("no-transcript")]
        if utterance.speaker == "unknown":
            events += self._go_blind("unknown-speaker", utterance.start_ms)
        else:
            events += self._see("unknown-speaker")
        # A recogniser may find out late that it was the customer: then what was told is taken back.
        advice_events = self._coach(heard) if utterance.speaker == "agent" or heard.told else []
        if utterance.final:
            if utterance.speaker == "customer":
                insort(self._customer, (utterance.start_ms, utterance.text), key=_began)
            if utterance.speaker == "agent":
                advice_events += self._repeated(heard)
                advice_events += self._judge(heard)
                timed = utterance.end_ms > utterance.start_ms
                self._tail = (utterance.end_ms, utterance.text[-_TAIL:]) if timed else None
            self._take_next_rules()
            self._forget()
        return [TranscriptChanged(utterance, heard.marks), *events, *advice_events]

    def snooze(self, rule_id: str) -> None:
        """Tell nothing more of this rule in this call; hits are still found."""
        self.snoozed |= {rule_id}

    def unsnooze(self, rule_id: str) -> None:
        """Tell of this rule again."""
        self.snoozed -= {rule_id}

    def use(self, checker: Checker, phrasebook: Phrasebook) -> None:
        """Go over to other rules as soon as no utterance is under way."""
        self._next = (checker, phrasebook)
        self._take_next_rules()

    def tick(self, now_ms: int) -> list[CallEvent]:
        """Let time pass; `now_ms` counts from the start of the call."""
        self._now_ms = max(self._now_ms, now_ms)
        if not self.ended and self._now_ms - self._last_words_ms >= self._budget.silence_ms:
            return self._go_blind("no-transcript", self._last_words_ms)
        return []

    def reject_frame(self, now_ms: int) -> list[CallEvent]:
        """Note that a frame of this call was refused: words may be missing."""
        return self._go_blind("rejected-frames", now_ms)

    def accept_frames(self) -> list[CallEvent]:
        """Note that frames arrive in order again."""
        return self._see("rejected-frames")

    def end(self, at_ms: int) -> list[CallEvent]:
        """End the call; what is still blind is so no longer."""
        self._now_ms = max(self._now_ms, at_ms)
        self.ended = True
        return [event for reason in list(self._blind) for event in self._see(reason)]

    def transcript(self) -> tuple[TranscriptChanged, ...]:
        """Return the utterances in memory with their marks, in the order in which they began."""
        ordered = sorted(self._heard.values(), key=lambda heard: heard.utterance.start_ms)
        return tuple(TranscriptChanged(heard.utterance, heard.marks) for heard in ordered)

    def active_advice(self) -> tuple[Advice, ...]:
        """Return the cards that are neither resolved nor too old, oldest first."""
        return tuple(
            card.advice
            for card in self._cards.values()
            if card.outcome is None and self._now_ms - card.advice.at_ms < self._budget.active_ms
        )

    def resolved(self) -> dict[str, Outcome]:
        """Return the outcome of every card that has one, by advice id."""
        return {card.advice.id: card.outcome for card in self._cards.values() if card.outcome is not None}

    def _coach(self, heard: _Heard) -> list[CallEvent]:
        """Check the newest revision and tell, keep or take back its cards."""
        utterance = heard.utterance
        current = self._hits(utterance)
        if not current and not heard.told:
            heard.marks = ()
            return []
        affordable = self._affordable(current, heard)
        events: list[CallEvent] = []
        for identity, (occurrence, hit) in current.items():
            known = heard.told.get(identity)
            # A card is told again, under the same id, when later words soften it.
            news = known is None or known.hit.severity != hit.severity
            if not news or identity not in affordable or not hit.settled:
                continue
            advice = advise(
                hit,
                utterance,
                occurrence=occurrence,
                severity=self._sharpened(hit, utterance),
                phrasebook=self._phrasebook,
                slots=self._slots,
                used=self._used,
            )
            heard.told[identity] = advice
            self._cards.setdefault(identity, _Card(advice, utterance.start_ms)).advice = advice
            events.append(AdviceGiven(advice))
        # Only the final text decides what could be afforded; until then nothing told flickers.
        stays = current.keys() & affordable if utterance.final else current.keys()
        for identity in [identity for identity in heard.told if identity not in stays]:
            events += self._take_back(heard, identity)
        heard.marks = tuple(
            Mark(hit.start, hit.end, heard.told[identity].severity, identity)
            for identity, (_, hit) in current.items()
            if identity in heard.told
        )
        return events

    def _hits(self, utterance: Utterance) -> dict[str, tuple[int, Hit]]:
        """Find the hits of an utterance: by advice id, with how many of the same rule stand before it."""
        if utterance.speaker != "agent":
            return {}
        customer = self._customer_before(utterance)
        found = self._checker.check(utterance.text, final=utterance.final, customer=customer)
        hits = (*self._across(utterance, found, customer), *found)
        current: dict[str, tuple[int, Hit]] = {}
        if not hits:
            return current
        seen: Counter[str] = Counter()
        for hit in hits:
            occurrence = seen[hit.rule]
            identity = advice_id(self.call_id, utterance.utterance_id, hit.rule, occurrence)
            current[identity] = (occurrence, hit)
            seen[hit.rule] += 1
        return current

    def _across(self, utterance: Utterance, hits: Sequence[Hit], customer: str) -> list[Hit]:
        """Find the faults that the recogniser cut in two: begun in the final before, ended in this one."""
        if not utterance.final or self._tail is None or utterance.end_ms <= utterance.start_ms:
            return []
        ended_ms, before = self._tail
        if not 0 <= utterance.start_ms - ended_ms <= _JOINED_MS:
            return []
        cut = len(before)
        joined = before + utterance.text
        if not self._checker.may_find(joined):
            return []
        known = {hit.rule for hit in hits}
        found = [
            hit
            for hit in self._checker.check(joined, customer=customer)
            if hit.start < cut < hit.end and hit.rule not in known and not is_opinion(hit.rule)
        ]
        if found:
            # Told already, of the words before alone.
            known = {hit.rule for hit in self._checker.check(before, customer=customer)}
        return [replace(hit, start=0, end=hit.end - cut) for hit in found if hit.rule not in known]

    def _customer_before(self, utterance: Utterance) -> str:
        """Return what the customer finished saying last before the agent began."""
        at = bisect_right(self._customer, utterance.start_ms, key=_began)
        return self._customer[at - 1][1] if at else ""

    def _take_back(self, heard: _Heard, identity: str) -> list[CallEvent]:
        """A told hit is gone: made up for in the same breath, or never said."""
        advice = heard.told.pop(identity)
        # Either way the final text will hold no hit, so nothing is kept: a replay of the finals, which
        # never saw the card, must spend the attention budget in the same way.
        self._cards.pop(identity, None)
        if self._checker.made_up(advice.hit.rule, heard.utterance.text, final=heard.utterance.final):
            return [AdviceResolved(identity, "repaired")]
        return [AdviceWithdrawn(identity)]

    def _affordable(self, current: Mapping[str, tuple[int, Hit]], heard: _Heard) -> set[str]:
        """Spend the attention budget on the hits of one utterance, in the order of the text.

        Only cards of other utterances and the text itself count, not which of its hits was told first.
        """
        utterance = heard.utterance
        earlier = [
            (utterance.start_ms - card.spoken_ms, card.advice.hit)
            for card in self._cards.values()
            if card.advice.utterance_id != utterance.utterance_id and card.spoken_ms <= utterance.start_ms
        ]
        cooling = {hit.rule for age, hit in earlier if age < self._budget.cool_down_ms}
        notices = sum(hit.severity == "notice" and age < _MINUTE_MS for age, hit in earlier)
        affordable: set[str] = set()
        for identity, (_, hit) in current.items():
            if hit.rule in self.snoozed and identity not in heard.told:
                continue
            if not self._budget.overlapping and is_covered(hit, current):
                continue
            if hit.severity != "violation":
                if hit.rule in cooling or (
                    hit.severity == "notice" and notices >= self._budget.notices_per_minute
                ):
                    continue
                notices += hit.severity == "notice"
            cooling.add(hit.rule)
            affordable.add(identity)
        return affordable

    def _sharpened(self, hit: Hit, utterance: Utterance) -> Severity:
        """A notice of a category that was told a moment ago is a warning.

        A warning never becomes a violation by repetition: a supervisor is told of what was said, not of a count.
        """
        if hit.severity != "notice":
            return hit.severity
        again = any(
            card.advice.hit.category == hit.category
            and card.advice.utterance_id != utterance.utterance_id
            and 0 <= utterance.start_ms - card.spoken_ms < self._budget.sharpen_within_ms
            for card in self._cards.values()
        )
        return "warning" if again else "notice"

    def _repeated(self, heard: _Heard) -> list[CallEvent]:
        """The same fault again, after it was told, settles the earlier cards of its rule."""
        rules = {advice.hit.rule for advice in heard.told.values()}
        events: list[CallEvent] = []
        for card in self._cards.values():
            own = card.advice.utterance_id == heard.utterance.utterance_id
            if card.advice.hit.rule in rules and card.outcome is None and not own:
                card.outcome = "repeated"
                events.append(AdviceResolved(card.advice.id, "repeated"))
        return events

    def _judge(self, heard: _Heard) -> list[CallEvent]:
        """Look for the adoption of open cards in what the agent just finished saying."""
        text = heard.utterance.text
        ends = {mark.advice_id: mark.end for mark in heard.marks}
        events: list[CallEvent] = []
        for card in self._cards.values():
            if card.outcome is not None or card.turns > self._budget.judge_turns:
                continue
            card.turns += 1
            # Of the utterance with the fault, only what follows the fault can make up for it.
            said = text[ends.get(card.advice.id, 0) :]
            outcome = outcome_of(card.advice, said, checker=self._checker, phrasebook=self._phrasebook)
            if outcome is None:
                continue
            card.outcome = outcome[0]
            if outcome[1]:
                self._used.add(outcome[1])
            events.append(AdviceResolved(card.advice.id, card.outcome))
        return events

    def _go_blind(self, reason: BlindReason, since_ms: int) -> list[CallEvent]:
        if reason in self._blind:
            return []
        self._blind[reason] = BlindSpot(reason, active=True, since_ms=since_ms)
        return [self._blind[reason]]

    def _see(self, reason: BlindReason) -> list[CallEvent]:
        spot = self._blind.pop(reason, None)
        return [replace(spot, active=False)] if spot else []

    def _take_next_rules(self) -> None:
        if self._next is None:
            return
        under_way = any(
            not heard.utterance.final and self._now_ms - heard.utterance.end_ms < self._budget.silence_ms
            for heard in self._heard.values()
        )
        if not under_way:
            self._checker, self._phrasebook = self._next
            self._next = None

    def _forget(self) -> None:
        """Keep memory flat on calls of any length."""
        while len(self._heard) > self._budget.kept_utterances:
            del self._heard[next(iter(self._heard))]
        while len(self._cards) > self._budget.kept_utterances:
            del self._cards[next(iter(self._cards))]
        del self._customer[: -self._budget.kept_utterances]


def _began(said: tuple[int, str]) -> int:
    return said[0]
