"""The moments of one call: final utterances in, moments out, the same live and from a recording.

Pure: time comes with the utterances and with `tick`. docs/moments.md defines every kind.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from coach.coaching import lexicon
from coach.coaching.commitments import find_commitment
from coach.coaching.courtesies import Closing, Empathy, Greeting
from coach.coaching.deadline import find_deadlines
from coach.coaching.disputes import Disputes
from coach.coaching.events import AdviceGiven, AdviceResolved
from coach.coaching.intent import IntentJudge
from coach.coaching.moment import Moment, MomentSettings, Turn
from coach.coaching.must_says import MustSays
from coach.coaching.progress import Progress
from coach.coaching.questions import Questions
from coach.coaching.rhythm import Interruptions, Pace, Silences
from coach.coaching.signals import CustomerState
from coach.coaching.stages import StageStrip

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from coach.coaching.commitments import Commitment
    from coach.coaching.events import Advice, CallEvent, Utterance
    from coach.coaching.moment import Detail, MomentKind
    from coach.coaching.must_says import MustSayFinder
    from coach.coaching.progress import MustSay
    from coach.coaching.signals import Signal, SignalFinder

_RISKS: tuple[MomentKind, ...] = ("churn-risk", "escalation-risk")
_SELF_HARM = ("跳楼", "自杀", "不想活", "不活", "活不下去", "割腕", "喝药", "上吊", "轻生", "寻死", "死给你")


class Moments:
    """Finds the moments of one call.

    Args:
        finder: finds the customer's signals; may be shared by all calls of a rule book.
        settings: the numbers.
        started_at: wall clock at the start of the call in local time; due times of promises need it.
        org: the name of the firm, if known; it counts as the greeting's unit.
        must_says: finds what the rule packs want to be said; None asks for nothing.
    """

    def __init__(
        self,
        finder: SignalFinder,
        *,
        settings: MomentSettings | None = None,
        started_at: datetime | None = None,
        org: str = "",
        must_says: MustSayFinder | None = None,
    ) -> None:
        self._settings = settings or MomentSettings()
        self._finder = finder
        self._started_at = started_at
        self._turns: dict[str, int] = {}
        self._finals: set[str] = set()
        self._last: Turn | None = None
        self._timed = 0
        self._streams = False
        # Utterances under way, and until when they have been heard.
        self._speaking: dict[str, int] = {}
        self._greeting = Greeting(self._settings, org=org)
        self._closing = Closing(self._settings)
        self._empathy = Empathy(self._settings)
        self._interruptions = Interruptions(self._settings)
        self._silences = Silences(self._settings)
        self._pace = Pace(self._settings)
        self._questions = Questions(self._settings)
        self._disputes = Disputes()
        self._must_says = MustSays(must_says) if must_says is not None else None
        self._promise: tuple[Turn, Commitment] | None = None
        self._promised: set[tuple[str, str]] = set()
        self._told_ms: dict[str, int] = {}
        self._advice: dict[str, Advice] = {}
        self._ended = False
        self.customer = CustomerState(settled_ms=self._settings.settled_ms)
        self.intent = IntentJudge(settled_ms=self._settings.settled_ms)
        self.stages = StageStrip()

    @property
    def must_says(self) -> tuple[MustSay, ...]:
        """What the agent has to say in this call, said or not."""
        declared = self._must_says.must_says if self._must_says is not None else ()
        return self._greeting.must_says + declared if declared else self._greeting.must_says

    def progress(self, now_ms: int) -> Progress:
        """Return how the call stands at a time from its start."""
        return Progress(
            active=self.stages.active,
            seen=self.stages.seen,
            stage=self.stages.current,
            next=self.stages.next if self.stages.active else None,
            mood=self.customer.mood(now_ms),
            signals=self.customer.signals(now_ms),
            motive=self.customer.motive(),
            intent=self.intent.at(now_ms),
        )

    def utterance_of(self, turn: int) -> str:
        """Return the id of the utterance with this index."""
        return next(islice(self._turns, turn, None))

    def use(self, finder: SignalFinder, must_says: MustSayFinder | None = None) -> None:
        """Go over to the rules of another rule book."""
        self._finder = finder
        if self._must_says is not None and must_says is not None:
            self._must_says.use(must_says)

    @property
    def not_measurable(self) -> tuple[MomentKind, ...]:
        """Kinds that could not be judged because no turn had believable times."""
        if self._timed or not self._finals:
            return ()
        return ("interruption", "long-silence", "hold-without-notice", "fast-speech")

    def hear(self, utterance: Utterance) -> list[Moment]:
        """Take in a recogniser result. Only finals are judged; a partial says that somebody is speaking.

        Turns are numbered in the order in which their first result arrived.
        """
        identity = utterance.utterance_id
        index = self._turns.setdefault(identity, len(self._turns))
        if identity in self._finals or self._ended:
            return []
        if not utterance.final:
            self._streams = True
            self._speaking[identity] = utterance.end_ms
            if utterance.speaker == "agent":
                self._greeting.overhear(utterance)
            return []
        self._speaking.pop(identity, None)
        self._finals.add(identity)
        turn = self._turn(utterance, index)
        self._last = turn
        self._timed += turn.timed
        moments = [*self._silences.hear(turn), *self._greeting.hear(turn), *self._interruptions.hear(turn)]
        self._closing.hear(turn)
        moments += self._questions.hear(turn)
        moments += self._disputes.hear(turn)
        if self._must_says is not None:
            self._must_says.hear(turn, utterance)
        if turn.speaker == "customer":
            moments += self._customer(turn, self._finder.find(utterance.text))
        elif turn.speaker == "agent":
            moments += self._agent(turn)
        return moments

    def note(self, events: Iterable[CallEvent]) -> list[Moment]:
        """Take in what `Call.hear` returned for the utterance heard last.

        Heeding a card in a later turn is an adoption; words that make up for a fault in the same breath are
        not, since the agent had not seen the card.
        """
        heeded: list[tuple[int, str, Advice]] = []
        for event in events:
            if isinstance(event, AdviceGiven):
                self._advice[event.advice.id] = event.advice
            elif isinstance(event, AdviceResolved) and event.outcome in ("adopted", "repaired"):
                advice = self._advice.get(event.advice_id)
                if advice is None or self._last is None:
                    continue
                given = self._turns.get(advice.utterance_id, self._last.index)
                near = event.outcome == "adopted" or self._last.index - given <= self._settings.repaired_turns
                if given < self._last.index and near:
                    heeded.append((given, event.outcome, advice))
        if not heeded or self._last is None:
            return []
        details: dict[str, Detail] = {
            "outcome": min(outcome for _, outcome, _ in heeded),
            "categories": sorted({advice.hit.category for _, _, advice in heeded}),
            "rules": sorted({advice.hit.rule for _, _, advice in heeded}),
            "fault_turn": max(given for given, _, _ in heeded),
        }
        return [Moment("adoption", self._last.end_ms, self._last.index, details)]

    def tick(self, now_ms: int) -> list[Moment]:
        """Let time pass; `now_ms` counts from the start of the call.

        Silence is only told while it lasts if the platform sends partials: without them a long sentence
        looks just like it, and the next final tells.
        """
        if self._ended or not self._streams or self._is_speaking(now_ms):
            return []
        return [*self._silences.tick(now_ms - self._settings.grace_ms), *self._greeting.tick(now_ms)]

    def end(self) -> list[Moment]:
        """End the call: what was still open is decided."""
        if self._ended:
            return []
        self._ended = True
        return [*self._greeting.decide(), *self._settle_promise(), *self._closing.end(), *self._must_end()]

    def _must_end(self) -> list[Moment]:
        return self._must_says.end() if self._must_says is not None else []

    def _is_speaking(self, now_ms: int) -> bool:
        """Tell whether an utterance is under way; one that no longer grows was given up by the recogniser."""
        for identity, until_ms in list(self._speaking.items()):
            if now_ms - until_ms >= self._settings.abandoned_ms:
                del self._speaking[identity]
                self._silences.spoken_until(until_ms)
        return bool(self._speaking)

    def _turn(self, utterance: Utterance, index: int) -> Turn:
        last = self._last
        times = (max(0, utterance.start_ms), max(0, utterance.end_ms))
        same = last is not None and (last.start_ms, last.end_ms) == times
        return Turn(
            index=index,
            speaker=utterance.speaker,
            text=lexicon.fold(utterance.text),
            start_ms=times[0],
            end_ms=times[1],
            timed=times[1] > times[0] and utterance.start_ms >= 0 and not same,
            follows=last is not None and last.speaker == utterance.speaker,
            spoken=utterance.text,
        )

    def _customer(self, turn: Turn, signals: tuple[Signal, ...]) -> list[Moment]:
        self.customer.hear(signals, turn.end_ms)
        self.intent.hear(signals, turn.end_ms)
        moments = []
        complaints = [signal for signal in signals if signal.category == "customer-complaint"]
        heaviest = max((signal.weight for signal in complaints), default=0.0)
        weight = self.customer.weight(turn.end_ms, category="customer-complaint")
        contributes = any(signal.motive == "contribution" for signal in complaints)
        cue = any(signal.name != "help-seeking" for signal in complaints)
        if (
            contributes
            or heaviest >= self._settings.complaint_weight
            or (cue and weight >= self._settings.complaint_weight)
        ):
            moments += self._complaint(turn, complaints)
            self.stages.begin()
            if heaviest >= self._settings.complaint_weight:
                self._empathy.complain(turn)
        for kind in _RISKS:
            found = [signal for signal in signals if signal.category == kind]
            if found:
                self.stages.begin()
            if found and self._again(kind, turn):
                details: dict[str, Detail] = {
                    "rules": [signal.rule for signal in found],
                    "words": found[0].words,
                    "mood": self.customer.mood(turn.end_ms),
                }
                moments.append(Moment(kind, turn.end_ms, turn.index, details))
        return moments

    def _complaint(self, turn: Turn, complaints: list[Signal]) -> list[Moment]:
        names = {signal.motive for signal in complaints}
        behind = [signal for signal in complaints if signal.name not in ("explicit", "help-seeking")]
        strongest = max(behind, key=lambda signal: signal.weight, default=None)
        motive = strongest.motive if strongest else self.customer.motive()
        if not self._again(f"complaint {motive} {'explicit' in names}", turn):
            return []
        words = (strongest or complaints[0]).words
        details: dict[str, Detail] = {
            "motive": motive,
            "explicit": "explicit" in names,
            "rules": [signal.rule for signal in complaints],
            "words": words,
            "mood": self.customer.mood(turn.end_ms),
            "settled": self.customer.is_settled(turn.end_ms),
        }
        if any(word in signal.words for signal in complaints for word in _SELF_HARM):
            details["safety"] = True
        return [Moment("customer-complaint", turn.end_ms, turn.index, details)]

    def _again(self, key: str, turn: Turn) -> bool:
        """Tell whether a signal is news: not told yet, or not for a while."""
        told = self._told_ms.get(key)
        if told is not None and turn.end_ms - told < self._settings.again_ms:
            return False
        self._told_ms[key] = turn.end_ms
        return True

    def _agent(self, turn: Turn) -> list[Moment]:
        self.stages.hear(turn.text)
        upset = self.customer.mood(turn.end_ms) != "calm"
        moments = [*self._empathy.hear(turn), *self._pace.hear(turn, upset=upset), *self._promise_next(turn)]
        found = find_commitment(
            turn.text, said_ms=turn.end_ms, started_at=self._started_at, spoken=turn.spoken
        )
        if found is not None:
            self._promise = (turn, found)
            if not found.vague:
                moments += self._settle_promise()
        return moments

    def _promise_next(self, turn: Turn) -> list[Moment]:
        """The time for a promise may come in the agent's next turn."""
        if self._promise is None:
            return []
        promised, commitment = self._promise
        deadlines = find_deadlines(turn.text, said_ms=turn.end_ms, started_at=self._started_at)
        limit = next((deadline for deadline in deadlines if deadline.limiting), None)
        if limit is not None and find_commitment(turn.text, said_ms=turn.end_ms) is None:
            self._promise = (promised, commitment.made_precise(limit))
        return self._settle_promise()

    def _settle_promise(self) -> list[Moment]:
        if self._promise is None:
            return []
        turn, commitment = self._promise
        self._promise = None
        if (commitment.what, commitment.when) in self._promised:
            return []
        self._promised.add((commitment.what, commitment.when))
        details: dict[str, Detail] = {
            "who": commitment.who,
            "what": commitment.what,
            "when": commitment.when,
            "due_ms": commitment.due_ms,
            "vague": commitment.vague,
            "channel": commitment.channel,
        }
        if commitment.working_days:
            details["working_days"] = True
        if commitment.vague:
            details["ask"] = "请补上具体的答复时间"
        return [Moment("commitment", turn.end_ms, turn.index, details)]
