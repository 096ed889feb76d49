"""A transcript judged: the call as the live service would have heard it, with its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.coaching.events import Utterance
from coach.coaching.privacy import Privacy
from coach.language.masking import mask
from coach.review.compare import difference
from coach.review.result import Adoption, CallResult, Origin, ResultHit, ResultTurn, TurnMark

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.coaching.review_call import CallReview, CallReviewer, Fault
    from coach.coaching.scorecard import Scorecard
    from coach.review.compare import CallDifference
    from coach.transcripts.model import TranscriptCall


@dataclass(frozen=True, slots=True)
class Judged:
    """A call's result, and what other rules would have said, if they were asked."""

    result: CallResult
    old: CallResult | None = None
    difference: CallDifference | None = None


class Judge:
    """Judges calls with one rule book and one scorecard.

    Args:
        reviewer: finds faults and moments.
        card: gives the points.
        old: the rules to compare with.
        masked: mask personal data in texts, suggestions and details.
    """

    def __init__(
        self, reviewer: CallReviewer, card: Scorecard, *, old: CallReviewer | None = None, masked: bool = True
    ) -> None:
        self.card = card
        self.digest = reviewer.digest
        self.old_digest = old.digest if old is not None else None
        self._reviewer = reviewer
        self._old = old
        self._masked = masked
        self.mask: Callable[[str], str] = mask if masked else str

    def warm(self) -> None:
        """Load dictionaries and automata now; processes forked afterwards share them."""
        for reviewer in (self._reviewer, self._old):
            if reviewer is not None:
                reviewer.warm()

    def judge(self, call: TranscriptCall) -> Judged:
        """Judge one call, with the old rules too if there are any."""
        result = self._result(call, self._reviewer)
        if self._old is None:
            return Judged(result)
        old = self._result(call, self._old)
        return Judged(result, old, difference(old, result))

    def _result(self, call: TranscriptCall, reviewer: CallReviewer) -> CallResult:
        review = reviewer.review(
            call.id,
            call.turns,
            started_at=call.started_at,
            org=call.org,
            slots={"org": call.org} if call.org else None,
        )
        privacy = Privacy(masked=self._masked)
        texts = self._texts(call, privacy)
        hits = tuple(self._hit(fault, texts, privacy) for fault in review.faults)
        moments = tuple(privacy.moment(moment) for moment in review.moments)
        marks: dict[int, list[TurnMark]] = {}
        for hit in sorted(hits, key=lambda hit: hit.start):
            marks.setdefault(hit.turn, []).append(TurnMark(hit.start, hit.end, hit.severity, hit.rule))
        return CallResult(
            id=call.id,
            source=Origin(call.place.file, call.place.line),
            agent_id=call.agent_id,
            team=call.team,
            started_at=call.started_at,
            duration_ms=max((turn.end_ms for turn in call.turns), default=0),
            turns=tuple(
                ResultTurn(turn.speaker, text, turn.start_ms, turn.end_ms, tuple(marks.get(index, ())))
                for index, (turn, text) in enumerate(zip(call.turns, texts, strict=True))
            ),
            agent_turns=sum(turn.speaker == "agent" for turn in call.turns),
            score=self.card.score(hits, moments),
            categories=review.categories,
            hits=hits,
            moments=moments,
            adoption=_adoption(review),
            signals=review.signals,
            not_measurable=review.not_measurable,
            digest=reviewer.digest,
        )

    def _texts(self, call: TranscriptCall, privacy: Privacy) -> list[str]:
        """Mask the turns as live does: a number may begin in one turn of a speaker and end in his next ones."""
        return [
            privacy.utterance(
                Utterance(call.id, str(index), 1, turn.speaker, turn.text, True, turn.start_ms, turn.end_ms)
            ).text
            for index, turn in enumerate(call.turns)
        ]

    def _hit(self, fault: Fault, texts: list[str], privacy: Privacy) -> ResultHit:
        advice, hit = fault.advice, fault.advice.hit
        return ResultHit(
            rule=hit.rule,
            category=hit.category,
            title=hit.title,
            severity=advice.severity,
            turn=fault.turn,
            start=hit.start,
            end=hit.end,
            text=texts[fault.turn][hit.start : hit.end],
            at_ms=advice.at_ms,
            by_sound=hit.by_sound,
            suggestion=privacy.text(advice.suggestions[0].text) if advice.suggestions else "",
        )


def _adoption(review: CallReview) -> Adoption:
    outcomes = [fault.outcome for fault in review.faults]
    return Adoption(
        advised=len(outcomes),
        adopted=outcomes.count("adopted"),
        repaired=outcomes.count("repaired"),
        repeated=outcomes.count("repeated"),
    )
