"""The moments of one live call: told to the sidebars as they happen, kept for the disk, each once.

After a restart they are found again by hearing the finals; what was told before is not told again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from coach.service.batch import Row, moment_row
from coach.service.render import Message, render_moment, render_must_says, render_stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.events import CallEvent, Utterance
    from coach.coaching.moment import Moment
    from coach.coaching.moments import Moments
    from coach.coaching.privacy import Privacy
    from coach.coaching.progress import MustSay, Progress
    from coach.service.hub import Feed
    from coach.service.ruleset import RuleSet


# How a call stands changes slowly while nobody speaks: signals fade over a minute.
_PROGRESS_MS: Final = 5_000


def moment_id(call_id: str, kind: str, utterance_id: str, at_ms: int) -> str:
    """Return the id of a moment: the same however often its call is heard."""
    key = "\0".join((call_id, kind, utterance_id, str(at_ms)))
    return hashlib.blake2s(key.encode(), digest_size=8).hexdigest()


class LiveMoments:
    """Tells the moments of one call, how it stands, and what must still be said.

    The call's own time runs with its utterances: it is taken to be as far behind the service's clock as the
    quickest result so far was. A recogniser that takes two seconds makes no silence two seconds longer.
    """

    __slots__ = (
        "_call_id",
        "_due",
        "_feed",
        "_lag_ms",
        "_moments",
        "_must_says",
        "_now_ms",
        "_privacy",
        "_progress",
        "_progress_ms",
        "_rows",
        "_told",
    )

    def __init__(self, moments: Moments, *, call_id: str, feed: Feed, privacy: Privacy) -> None:
        self._moments = moments
        self._privacy = privacy
        self._call_id = call_id
        self._feed = feed
        self._lag_ms: int | None = None
        self._now_ms = 0
        # By id.
        self._told: dict[str, Message] = {}
        # Found since the last durable event: written together with the next one.
        self._rows: dict[str, Row] = {}
        # Promises that fall due during the call.
        self._due: dict[str, int] = {}
        self._progress: Progress = moments.progress(0)
        self._progress_ms = 0
        self._must_says: tuple[MustSay, ...] = moments.must_says

    @property
    def standing(self) -> Progress:
        """How the call stood when that was told last."""
        return self._progress

    def stand_now(self) -> Progress:
        """Return how the call stands after what was heard so far, told or not."""
        return self._moments.progress(self._now_ms)

    def use(self, rules: RuleSet) -> None:
        """Go over to other rules."""
        self._moments.use(rules.finder, rules.must_says)

    def hear(self, utterance: Utterance, events: Iterable[CallEvent], *, now_ms: int) -> None:
        """Take in a recogniser result and what `Call.hear` made of it; `now_ms` by the service's clock."""
        lag = now_ms - utterance.end_ms
        self._lag_ms = lag if self._lag_ms is None else min(self._lag_ms, lag)
        self._now_ms = max(self._now_ms, utterance.end_ms)
        self._tell(self._found(utterance, events))
        if utterance.final:
            self._tell_progress()
        # What the customer has not finished saying neither asks for anything nor is it what the agent has to say.
        if utterance.final or utterance.speaker == "agent":
            self._tell_must_says()

    def hear_again(self, utterance: Utterance, events: Iterable[CallEvent]) -> None:
        """Take in a final that is on disk already; nobody is told."""
        self._now_ms = max(self._now_ms, utterance.end_ms)
        for moment in self._found(utterance, events):
            self._keep(moment)

    def restore(self, stored: Iterable[Message]) -> None:
        """Take over what is on disk, after the last `hear_again`: some of it only the clock had found."""
        for moment in stored:
            self._rows.pop(moment["id"], None)
            message = {"type": "moment", "call_id": self._call_id, **moment}
            self._told.setdefault(moment["id"], message)
        self._progress = self._moments.progress(self._now_ms)
        self._must_says = self._moments.must_says

    def tick(self, now_ms: int) -> None:
        """Let time pass, by the service's clock; before the first result it does not run."""
        if self._lag_ms is None:
            return
        self._now_ms = max(self._now_ms, now_ms - self._lag_ms)
        self._tell(self._moments.tick(self._now_ms))
        for identity, due_ms in list(self._due.items()):
            if due_ms <= self._now_ms:
                del self._due[identity]
                self._told[identity]["due"] = True
                self._feed.publish(dict(self._told[identity]))
        if self._now_ms - self._progress_ms >= _PROGRESS_MS:
            self._tell_progress()
        self._tell_must_says()

    def end(self, at_ms: int) -> None:
        """End the call: what was still open is decided and told."""
        self._now_ms = max(self._now_ms, at_ms)
        self._tell(self._moments.end())
        self._tell_progress()
        self._tell_must_says()

    def snapshot(self) -> Message:
        """Render all of it for a sidebar that joins."""
        return {
            "moments": sorted(self._told.values(), key=lambda each: (each["at_ms"], each["id"])),
            "stage": render_stage(self._call_id, self._progress),
            "must_say": render_must_says(self._call_id, self._must_says),
        }

    def take_rows(self) -> tuple[Row, ...]:
        """Return what was found since the last time, for the disk."""
        rows, self._rows = tuple(self._rows.values()), {}
        return rows

    def _found(self, utterance: Utterance, events: Iterable[CallEvent]) -> list[Moment]:
        return [*self._moments.hear(utterance), *self._moments.note(events)]

    def _tell(self, moments: Iterable[Moment]) -> None:
        for moment in moments:
            message = self._keep(moment)
            if message is not None:
                # A copy: the feed numbers what it sends, and a snapshot sends it again without.
                self._feed.publish(dict(message))

    def _keep(self, moment: Moment) -> Message | None:
        """Note a moment; None when it was told before."""
        utterance_id = self._moments.utterance_of(moment.turn)
        identity = moment_id(self._call_id, moment.kind, utterance_id, moment.at_ms)
        if identity in self._told:
            return None
        moment = self._privacy.moment(moment)
        message = render_moment(moment, moment_id=identity, call_id=self._call_id, utterance_id=utterance_id)
        self._told[identity] = message
        self._rows[identity] = moment_row(
            moment, moment_id=identity, call_id=self._call_id, utterance_id=utterance_id
        )
        if moment.kind == "commitment":
            due_ms = moment.details.get("due_ms")
            message["due"] = isinstance(due_ms, int) and due_ms <= self._now_ms
            if isinstance(due_ms, int) and not message["due"]:
                self._due[identity] = due_ms
        return message

    def _tell_progress(self) -> None:
        self._progress_ms = self._now_ms
        progress = self._moments.progress(self._now_ms)
        if progress != self._progress:
            self._progress = progress
            self._feed.publish(render_stage(self._call_id, progress))

    def _tell_must_says(self) -> None:
        must_says = self._moments.must_says
        if must_says is not self._must_says and must_says != self._must_says:
            self._must_says = must_says
            self._feed.publish(render_must_says(self._call_id, must_says))
