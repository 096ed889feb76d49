"""One call in the service: its `Call`, the order of its events, what of it is on disk and whom to tell."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from coach.coaching.events import AdviceGiven, AdviceResolved, AdviceWithdrawn, Utterance
from coach.errors import MessageError
from coach.service.batch import Row, Write, advice_row, utterance_row
from coach.service.messages import CallStarted, ProducerEvent, UtteranceHeard
from coach.service.render import (
    Message,
    render_advice,
    render_blind,
    render_event,
    render_resolved,
    timestamp,
)
from coach.service.sequencer import Sequencer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from coach.coaching.call import Call
    from coach.coaching.events import CallEvent
    from coach.coaching.privacy import Privacy
    from coach.service.board import BoardCall
    from coach.service.hub import Feed
    from coach.service.live_moments import LiveMoments
    from coach.service.pending import Pending
    from coach.service.store import Store

log = logging.getLogger(__name__)


class Producer(Protocol):
    """Who sent an event, and is told what became of it.

    Attributes:
        resends: it numbers its events itself, so what another worker stored under the same number is the same.
    """

    resends: bool

    def ack(self, call_id: str, seq: int) -> None:
        """Everything of the call up to `seq` is on disk."""

    def refuse(self, error: MessageError, *, call_id: str | None, seq: int | None) -> None:
        """Something was refused."""


class LiveCall:
    """One call in memory.

    Attributes:
        committed: the last seq that is on disk.
        queued: the last seq handed to the store; equal to `committed` when nothing waits.
        heard_ms: where the last words ended, from the start of the call.
        told: ids of all advice given, for feedback that comes late.
        touched_at: the service's clock at the last event.
        noted_at: the same, as the disk knows it.
        stale: another writer moved the call on; this object must not be used any more.
        released: another worker said that the call is his.
        pending: what was taken in since the last commit; None where no other worker can move the call on.
        on_stale: called once when the call turns out to be stale, with the reason.
        board: how its team's supervisors see it; None when it belongs to no team.
        whispers: from the supervisor, not read yet, by id.
    """

    __slots__ = (
        "_advice",
        "_finals",
        "_outcomes",
        "_withdrawn",
        "agent_id",
        "board",
        "call",
        "call_id",
        "committed",
        "feed",
        "heard_ms",
        "moments",
        "noted_at",
        "on_stale",
        "pending",
        "privacy",
        "producers",
        "queued",
        "released",
        "sequencer",
        "stale",
        "started_at",
        "store",
        "told",
        "touched_at",
        "unwritten",
        "whispers",
    )

    def __init__(
        self,
        call: Call,
        *,
        moments: LiveMoments,
        privacy: Privacy,
        started_at: float,
        feed: Feed,
        store: Store,
        seq: int = 0,
        board: BoardCall | None = None,
    ) -> None:
        self.call = call
        self.moments = moments
        self.privacy = privacy
        self.call_id = call.call_id
        self.agent_id = call.agent_id
        self.started_at = started_at
        self.touched_at = started_at
        self.noted_at = started_at
        self.feed = feed
        self.store = store
        self.sequencer: Sequencer[ProducerEvent] = Sequencer(expected=seq + 1)
        self.committed = seq
        self.queued = seq
        self.heard_ms = 0
        self.producers: set[Producer] = set()
        self.told: set[str] = set()
        self.stale = False
        self.released = False
        self.pending: Pending | None = None
        self.on_stale: Callable[[LiveCall, BaseException], None] | None = None
        self.board = board
        self.whispers: dict[str, Message] = {}
        # Writes on their way to the disk; the end by time-out has one without a seq of its own.
        self.unwritten = 0
        self._finals: set[str] = set()
        # Advice since the last durable event: written together with the next one.
        self._advice: dict[str, Row] = {}
        self._outcomes: dict[str, str] = {}
        self._withdrawn: set[str] = set()

    def hear_again(self, utterance: Utterance) -> None:
        """Take in a final that is on disk already; nobody is told, nothing is written."""
        self._finals.add(utterance.utterance_id)
        self.heard_ms = max(self.heard_ms, utterance.end_ms)
        self.privacy.utterance(utterance)
        events = self.call.hear(utterance)
        self.told.update(event.advice.id for event in events if isinstance(event, AdviceGiven))
        self.moments.hear_again(utterance, events)
        if self.board is not None:
            told = [self.privacy.event(event) for event in events]
            self.board.hear_again(told, self.moments.stand_now())

    def is_late_final(self, event: ProducerEvent) -> bool:
        """Tell whether an event whose place has passed brings words never heard (a corrected frame)."""
        return (
            isinstance(event, UtteranceHeard)
            and event.final
            and event.seq < self.sequencer.expected
            and event.utterance_id not in self._finals
            and not self.call.ended
        )

    def apply(self, event: ProducerEvent, *, now_ms: int, started: Row | None = None) -> None:
        """Take in one event whose turn it is: tell the sidebars now, the disk soon, the producer after that.

        Args:
            event: the next in order, or a late final.
            now_ms: from the start of the call, by the service's clock.
            started: the row of a new call.

        Raises:
            MessageError: `call_ended`.
        """
        if self.call.ended:
            raise MessageError("call_ended", f"通话已在前面的 call.ended 结束，seq {event.seq} 不再接收")
        if isinstance(event, UtteranceHeard):
            self._hear(event, now_ms=now_ms)
        elif isinstance(event, CallStarted):
            self.feed.publish(
                {"type": "call.started", "call_id": self.call_id, "started_at": timestamp(self.started_at)}
            )
            self._write(event.seq, started=started)
        else:
            self._end(event.at_ms, seq=event.seq)

    def time_out(self, timeout_s: float) -> None:
        """End a call that has been silent for `timeout_s`, where its last words ended, and tell all who listen."""
        log.info("通话 %g 秒没有事件，由服务结束", timeout_s, extra={"call_id": self.call_id})
        # Takes up no seq: whatever the producer still has is refused as `call_ended`.
        self._end(self.heard_ms, seq=self.queued, reason="timeout")
        ended = MessageError("call_ended", f"通话 {timeout_s:g} 秒没有事件，已由服务结束，不再接收")
        for producer in self.producers:
            producer.refuse(ended, call_id=self.call_id, seq=None)

    def checkpoint(self) -> None:
        """Write down that partial words were heard, so that another worker knows where the call is."""
        last = self.sequencer.expected - 1
        if last > self.queued and not self.call.ended:
            self._write(last)

    def note_alive(self, *, every_s: float) -> None:
        """Write down that events came, if the disk does not know of any within `every_s`."""
        if self.touched_at - self.noted_at >= every_s and not self.stale:
            self._write(self.sequencer.expected - 1)

    def set_quiet(self, rule: str, *, quiet: bool) -> None:
        """Keep a rule quiet for the rest of the call, or let it speak again."""
        if quiet:
            self.call.snooze(rule)
        else:
            self.call.unsnooze(rule)

    def tick(self, now_ms: int) -> None:
        """Let time pass; `now_ms` from the start of the call, by the service's clock."""
        self.publish(self.call.tick(now_ms))
        self.moments.tick(now_ms)
        self._stand()

    def publish(self, events: Iterable[CallEvent]) -> None:
        """Send events to the agent's sidebars and note what of them belongs on disk."""
        told = [self.privacy.event(event) for event in events]
        for event in told:
            if isinstance(event, AdviceGiven):
                if event.advice.id not in self.told:
                    self.feed.meter.advice[event.advice.hit.category, event.advice.severity] += 1
                self.told.add(event.advice.id)
                self._advice[event.advice.id] = advice_row(self.privacy.stored(event.advice))
                self._withdrawn.discard(event.advice.id)
            elif isinstance(event, AdviceWithdrawn):
                self._withdrawn.add(event.advice_id)
            elif isinstance(event, AdviceResolved):
                self._outcomes[event.advice_id] = event.outcome
            self.feed.publish(render_event(self.call_id, event))
        if self.board is not None and told:
            self.board.note(told)

    def snapshot(self) -> Message:
        """Render the whole call for a sidebar that joins."""
        return {
            "call_id": self.call_id,
            "started_at": timestamp(self.started_at),
            "transcript": [
                render_event(self.call_id, self.privacy.event(each)) for each in self.call.transcript()
            ],
            "advice": [render_advice(self.privacy.advice(each)) for each in self.call.active_advice()],
            "resolved": render_resolved(self.call.resolved()),
            "snoozed": sorted(self.call.snoozed),
            "blind": [render_blind(self.call_id, spot) for spot in self.call.blind],
            "whispers": list(self.whispers.values()),
            **self.moments.snapshot(),
        }

    def _hear(self, event: UtteranceHeard, *, now_ms: int) -> None:
        utterance = Utterance(
            call_id=self.call_id,
            utterance_id=event.utterance_id,
            revision=event.revision,
            speaker=event.speaker,
            text=event.text,
            final=event.final,
            start_ms=event.start_ms,
            end_ms=event.end_ms,
        )
        self.heard_ms = max(self.heard_ms, event.end_ms)
        told = self.privacy.utterance(utterance)
        log.debug("听到 %r", told.text, extra={"call_id": self.call_id})
        known = event.utterance_id in self._finals
        if not known:
            # The card goes out first: it is for the words in the agent's mouth, moments are for the call.
            began = perf_counter()
            events = self.call.hear(utterance)
            self.feed.meter.checked(began)
            self.publish(events)
            self.moments.hear(utterance, events, now_ms=now_ms)
            self._stand()
        if event.final:
            self.publish(self.call.accept_frames())
            self._finals.add(event.utterance_id)
            self._write(event.seq, utterance=None if known else utterance_row(told, seq=event.seq))

    def _end(self, at_ms: int, *, seq: int, reason: str = "ended") -> None:
        self.publish(self.call.end(at_ms))
        self.moments.end(at_ms)
        self.feed.publish({"type": "call.ended", "call_id": self.call_id, "at_ms": at_ms, "reason": reason})
        self._write(seq, ended_ms=at_ms)
        if self.board is not None:
            self.board.end(reason)

    def _stand(self) -> None:
        """Tell the team how the call stands now."""
        if self.board is not None:
            self.board.go_on(self.moments.standing)

    def _write(
        self,
        seq: int,
        *,
        started: Row | None = None,
        utterance: Row | None = None,
        ended_ms: int | None = None,
    ) -> None:
        """Queue a durable event together with the advice since the last one."""
        after = max(seq, self.queued)
        # Given and taken back between two finals: it never was.
        gone = self._withdrawn & self._advice.keys()
        done = self.store.put(
            Write(
                call_id=self.call_id,
                advance=(self.queued, after),
                moved_at=self.touched_at,
                started=started,
                utterance=utterance,
                ended_ms=ended_ms,
                advice=tuple(row for key, row in self._advice.items() if key not in gone),
                outcomes=tuple((key, value) for key, value in self._outcomes.items() if key not in gone),
                withdrawn=tuple(self._withdrawn - gone),
                moments=self.moments.take_rows(),
            )
        )
        tracing = self.feed.meter.tracing
        if tracing is not None:
            tracing.committing(done)
        self.queued, self.noted_at = after, self.touched_at
        self.unwritten += 1
        self._advice, self._outcomes, self._withdrawn = {}, {}, set()
        done.add_done_callback(lambda future: self._written(after, future))

    def _written(self, seq: int, done: asyncio.Future[None]) -> None:
        self.unwritten -= 1
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self.committed = max(self.committed, seq)
            if self.pending is not None:
                self.pending.forget(self.committed)
            for producer in self.producers:
                producer.ack(self.call_id, self.committed)
            return
        log.warning("提交未成：%r", error, extra={"call_id": self.call_id})
        known, self.stale = self.stale, True
        if known:
            return
        if self.on_stale is None:
            self.refuse_rest()
        else:
            self.on_stale(self, error)

    def refuse_rest(self) -> None:
        """Tell the producers to send again what was not acked."""
        busy = MessageError("busy", "这通电话的状态已在别处更新，请重发未确认的事件")
        for producer in self.producers:
            producer.refuse(busy, call_id=self.call_id, seq=None)
