"""All calls in memory: finds or rebuilds the call of an event, lets time pass, hands out new rules.

Everything between two awaits is one step of the event loop, so a call is never seen half-changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from coach.errors import MessageError
from coach.service.abandoned import AbandonedCalls
from coach.service.admission import check_event, check_start
from coach.service.agent_answers import AgentAnswers
from coach.service.batch import Write
from coach.service.call_builder import CallBuilder
from coach.service.live import LiveCall
from coach.service.messages import CallStarted, GapError, UtteranceHeard
from coach.service.mishap import NOT_TAKEN, log_mishap
from coach.service.ownership import Ownership
from coach.service.pace import Pace
from coach.service.pending import Pending
from coach.service.renewal import Renewals
from coach.service.revival import Revivals
from coach.service.snapshots import AgentSnapshots
from coach.service.store import StaleCallError

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.auth import Principal
    from coach.service.board import Board
    from coach.service.hub import Hub
    from coach.service.live import Producer
    from coach.service.messages import ProducerEvent
    from coach.service.render import Message
    from coach.service.ruleset import RuleSource
    from coach.service.signing import Secrets
    from coach.service.store import Store
    from coach.service.stored_call import StoredCall

log = logging.getLogger(__name__)

_TICK_S: Final = 1.0
# How often within its time-out the disk hears that a call moves on, even if it has nothing else to write.
_NOTES: Final = 3


class Calls:
    """The registry of live calls.

    Args:
        clock: seconds since 1970.
        max_calls: calls in memory at once; a new one beyond it is told `busy`.
        idle_s: a call without an event for so long leaves memory.
        timeout_s: a call without an event for so long is ended; 0: never.
        masking: personal data is masked in all that is told and stored.
        secrets: key the hashes of customers; without them no customer is stored.
        board: where supervisors see the calls of a team.
    """

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        rules: RuleSource,
        max_calls: int,
        idle_s: float,
        timeout_s: float = 0,
        masking: bool = True,
        secrets: Secrets | None = None,
        board: Board | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._hub = hub
        self.meter = hub.meter
        self.pace = Pace(store)
        self._rules = rules
        self.max_calls = max_calls
        # Of its tenant at other workers, as far as they count for the same quota.
        self.elsewhere = 0
        self._idle_s = idle_s
        self._timeout_s = timeout_s
        self._builder = CallBuilder(
            store=store, hub=hub, rules=rules, masking=masking, secrets=secrets, board=board
        )
        self._clock = clock
        self._snapshots = AgentSnapshots(
            shown=self.shown, store=store, builder=self._builder, since=lambda: clock() - idle_s
        )
        hub.serve("agent", self._snapshots)
        self._live: dict[str, LiveCall] = {}
        self.ownership = Ownership(
            hub=hub, store=store, live=self._live, release=self._release, idle_s=idle_s, clock=clock
        )
        self.answers = AgentAnswers(store=store, live=self._live, ownership=self.ownership, clock=clock)
        self._revivals = Revivals(
            store=store, builder=self._builder, snapshots=self._snapshots, hold=self._hold, clock=clock
        )
        self._renewals = Renewals(revive=self._revivals.bring, remove=self._remove, apply=self._apply)
        self.abandoned = AbandonedCalls(
            store=store,
            ownership=self.ownership,
            live=self._live,
            revive=self._revivals.bring,
            time_out=self._time_out,
            timeout_s=timeout_s,
            limit=max_calls,
            clock=clock,
        )
        self._release_listeners: list[Callable[[str], None]] = []
        rules.on_change(self._use_rules)

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._live

    async def accept(
        self, event: ProducerEvent, *, producer: Producer, principal: Principal, heard: bool = True
    ) -> None:
        """Take in one event, whatever its order.

        Args:
            heard: False for partial words that are outdated already: they only take up their place.

        Raises:
            MessageError: it was refused; nothing changed.
        """
        live = await self._current(event.call_id)
        started = None
        if live is None:
            if not isinstance(event, CallStarted):
                raise MessageError("unknown_call", "没有这通电话，请先发送 call.started", field="call_id")
            live, started = self._start(event, principal)
        check_event(event, principal, agent_id=live.agent_id)
        if not isinstance(live, LiveCall):
            if event.seq > live.seq:
                raise MessageError("call_ended", f"通话已结束，seq {event.seq} 不再接收")
            producer.ack(event.call_id, live.seq)
            return
        live.touched_at = self._clock()
        if self._store.full and not (isinstance(event, UtteranceHeard) and not event.final):
            raise MessageError("busy", "等待写入的事件过多，请放慢速度并重发未确认的事件")
        try:
            self._take(live, event, producer=producer, started=started, heard=heard)
        except GapError:
            if not producer.resends or not await self.ownership.moved_on(live):
                raise
            # While the disk was asked, the call may have been read again for another event.
            if self._live.get(event.call_id) is live:
                self._renewals.begin(live)
            renewed = await self._current(event.call_id)
            if not isinstance(renewed, LiveCall):
                raise
            self._take(renewed, event, producer=producer, started=None, heard=heard)

    def refuse(self, call_id: str, seq: int, *, producer: Producer, principal: Principal) -> None:
        """Let a frame that could not be read take up its place, so that the call goes on after it."""
        live = self._live.get(call_id)
        if live is None or live.stale or live.call.ended or not principal.covers(live.agent_id):
            return
        live.touched_at = self._clock()
        verdict = live.sequencer.arrive(seq, None)
        if verdict.kind in {"ready", "held"}:
            live.publish(live.call.reject_frame(self._now_ms(live)))
        self._apply(live, verdict.ready, producer=producer, started=None)

    async def settle(self, call_id: str) -> int:
        """Wait until everything taken in so far is on disk; return the last seq that is."""
        if self.ownership.shared and call_id in self._live:
            self._live[call_id].checkpoint()
        while (live := self._live.get(call_id)) is not None or call_id in self._renewals:
            if call_id in self._renewals:
                await self._renewals.wait(call_id)
            elif live is not None and live.unwritten and not live.stale:
                await asyncio.wait([self._store.put(Write(call_id))])
            elif live is not None:
                return live.committed
        # It may just have left memory with its end still on the way to the disk.
        await asyncio.wait([self._store.put(Write(call_id))])
        stored = await self._store.load_call(call_id)
        return stored.seq if stored else 0

    async def next_seq(self, call_id: str) -> int:
        """Return the seq whose turn it is in a call, 1 in one that was never started.

        Raises:
            MessageError: `call_ended`.
        """
        live = await self._current(call_id)
        if live is None:
            return 1
        if not isinstance(live, LiveCall) or live.call.ended:
            raise MessageError("call_ended", "通话已结束，不再接收", field="call_id")
        return live.sequencer.expected

    def forget_producer(self, producer: Producer, call_ids: set[str]) -> None:
        """Stop telling a producer that is gone."""
        for call_id in call_ids & self._live.keys():
            self._live[call_id].producers.discard(producer)

    def carries(self, producer: Producer, call_id: str) -> bool:
        """Tell whether a call in memory has taken in an event of a producer, or is just being read again."""
        live = self._live.get(call_id)
        return call_id in self._renewals or (live is not None and producer in live.producers)

    def on_release(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the id of each call that another worker took."""
        self._release_listeners.append(listener)

    def shown(self, topic: str) -> LiveCall | None:
        """Return the call in memory that the readers of an agent's topic are to be shown."""
        call_id = self._hub.feed(topic).call_id
        live = self._live.get(call_id) if call_id else None
        return live if live and not live.call.ended else None

    async def look(self, call_id: str) -> Message | None:
        """Render one running call, from memory or else from the disk; None when it does not run."""
        return await self._snapshots.of_call(call_id, live=self.find(call_id))

    async def revive_open(self) -> None:
        """Rebuild the calls that were running when the service stopped."""
        since = self._clock() - self._idle_s
        for call_id in await self._store.open_calls(since=since, limit=self.max_calls):
            await self._revivals.bring(call_id)

    async def run_clock(self) -> None:
        """Let time pass for every call, until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            self.meter.lag.add(max(0.0, time.perf_counter() - began - _TICK_S))
            self.tick()

    def tick(self) -> None:
        """Let time pass once: blind spots appear, silent calls end, idle calls leave memory."""
        now = self._clock()
        self.pace.check()
        for live in list(self._live.values()):
            settled = live.committed == live.queued
            if live.call.ended:
                if settled:
                    self._remove(live)
            elif 0 < self._timeout_s <= now - live.touched_at and not live.stale:
                self._time_out(live)
            elif now - live.touched_at > self._idle_s and settled:
                log.info("通话长时间没有事件，移出内存", extra={"call_id": live.call_id})
                self._remove(live)
                for reader in live.feed.readers:
                    reader.ask_snapshot()
            else:
                if self._timeout_s:
                    live.note_alive(every_s=self._timeout_s / _NOTES)
                try:
                    live.tick(self._now_ms(live))
                except Exception as error:  # noqa: BLE001 - the clock is everybody's
                    log_mishap(error, "计时处理失败，通话移出内存", call_id=live.call_id)
                    self._remove(live)
        self._hub.forget_idle(busy={live.feed.topic for live in self._live.values()})

    def close(self) -> None:
        """Let all calls go; what was taken in is on disk."""
        self._rules.ignore(self._use_rules)
        for live in list(self._live.values()):
            self._remove(live)

    def _start(self, event: CallStarted, principal: Principal) -> tuple[LiveCall, dict[str, object]]:
        check_start(event, principal)
        if self._store.full:
            raise MessageError("busy", "等待写入的事件过多，请放慢速度并重发未确认的事件")
        if len(self._live) + self.elsewhere >= self.max_calls:
            raise MessageError("busy", f"同时进行的通话已达上限 {self.max_calls}，请稍后重发")
        live, row = self._builder.start(event, at=self._clock())
        self._hold(live)
        return live, row

    async def _current(self, call_id: str) -> LiveCall | StoredCall | None:
        """Return a call as this worker has it, read from disk if need be; a StoredCall is one that has ended."""
        while True:
            await self._renewals.wait(call_id)
            live = self._live.get(call_id)
            if live is not None and not live.stale:
                return live
            if live is not None:
                self._remove(live)
            found = await self._revivals.bring(call_id)
            # Whoever waited for the same look at the disk may have gone on, and have started the call.
            if not isinstance(found, LiveCall) and call_id not in self._live:
                return found

    def _hold(self, live: LiveCall) -> None:
        live.on_stale = self._on_stale
        if self.ownership.shared:
            live.pending = Pending()
        self._live[live.call_id] = live
        live.feed.show(live.call_id, started_at=live.started_at)
        self.ownership.claim(live)

    def _release(self, live: LiveCall) -> None:
        """Drop a call that another worker took: what is on its way to the disk still gets there, or turns out stale."""
        live.released = True
        self._live.pop(live.call_id, None)
        if live.board is not None:
            # Its team goes on hearing of it, from whoever has it now.
            live.board.forget()
        log.info("通话由另一个进程接手", extra={"call_id": live.call_id})
        for listener in self._release_listeners:
            listener(live.call_id)

    def _on_stale(self, live: LiveCall, error: BaseException) -> None:
        mine = isinstance(error, StaleCallError) and not live.released and self.ownership.shared
        if mine and not live.producers:
            # Nobody sends it here any more: whoever wrote it has it.
            self._release(live)
        elif mine and all(producer.resends for producer in live.producers):
            self._renewals.begin(live)
        else:
            live.refuse_rest()

    def _take(
        self,
        live: LiveCall,
        event: ProducerEvent,
        *,
        producer: Producer,
        started: dict[str, object] | None,
        heard: bool,
    ) -> None:
        if producer not in live.producers:
            live.producers.add(producer)
            live.sequencer.forget_telling()
        if live.is_late_final(event):
            if live.pending is not None:
                live.pending.add(event.seq, event)
            live.apply(event, now_ms=self._now_ms(live))
            return
        verdict = live.sequencer.arrive(event.seq, event if heard else None)
        if verdict.kind == "seen":
            if live.committed:
                producer.ack(live.call_id, live.committed)
            return
        self._apply(live, verdict.ready, producer=producer, started=started)
        if verdict.gap is not None:
            raise GapError(expected=verdict.gap, came=event.seq, full=verdict.kind == "dropped")

    def _apply(
        self,
        live: LiveCall,
        events: tuple[ProducerEvent | None, ...],
        *,
        producer: Producer,
        started: dict[str, object] | None,
    ) -> None:
        first = live.sequencer.expected - len(events)
        for seq, event in enumerate(events, start=first):
            if event is None:
                continue
            if live.pending is not None:
                live.pending.add(seq, event)
            try:
                live.apply(event, started=started, now_ms=self._now_ms(live))
            except MessageError as error:
                producer.refuse(error, call_id=event.call_id, seq=event.seq)
            except Exception as error:  # noqa: BLE001 - it must not end the connection, and every other call on it
                log_mishap(error, f"{event.type} 处理失败，通话继续", call_id=event.call_id)
                producer.refuse(NOT_TAKEN, call_id=event.call_id, seq=event.seq)
        if live.call.ended:
            live.feed.hide(live.call_id)

    def _time_out(self, live: LiveCall) -> None:
        live.time_out(self._timeout_s)
        live.feed.hide(live.call_id)

    def find(self, call_id: str) -> LiveCall | None:
        """Return a call that this worker has in memory; it may just have ended."""
        live = self._live.get(call_id)
        return None if live is None or live.stale else live

    def _remove(self, live: LiveCall) -> None:
        if self._live.get(live.call_id) is live:
            del self._live[live.call_id]
        live.feed.hide(live.call_id)
        if live.board is not None:
            live.board.forget()

    def _use_rules(self) -> None:
        rules = self._rules.current
        for live in self._live.values():
            live.call.use(rules.checker, rules.phrasebook)
            live.moments.use(rules)

    def _now_ms(self, live: LiveCall) -> int:
        return max(0, int((self._clock() - live.started_at) * 1000))
