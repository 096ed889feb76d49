"""The two ends of the load test: producers that resend what was not acked, and sidebars that notice what is amiss.

Both connect again when their socket is lost, after the pauses that `coach.client` makes.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.client import Socket, open_socket
from coach.client.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.load_calls import Spoken
    from benchmarks.push import Server

_RETRY_S, _MAX_RETRY_S = 0.5, 5.0
_READY_S = 10


@dataclass(slots=True)
class Seen:
    """What was sent of one call, and what its sidebar saw of it.

    Attributes:
        sent: by utterance, when each revision was sent first that has not come back.
        finals: the utterances whose final was sent, in order.
        shown: how often each final came since the page began anew.
        cards: every card shown; `gone` those taken back.
        cut: a snapshot did not show the call any more, so that its end was missed.
    """

    call_id: str
    agent_id: str
    sent: dict[str, dict[int, float]] = field(default_factory=dict)
    finals: list[str] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    cards: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    revisions: dict[str, int] = field(default_factory=dict)
    came_at: dict[str, float] = field(default_factory=dict)
    last_final: int = -1
    acked: int = 0
    last_seq: int = 0
    ended: bool = False
    cut: bool = False


@dataclass(slots=True)
class Tally:
    """What one run showed. Times are in seconds.

    Attributes:
        delivered: revisions whose own push came; `joined` those that a later one or a snapshot made good.
        twice: finals shown again; `disorder` events against the order of offsets or of finals.
        went_back: partial texts that came again, shorter than the page had shown them.
        bytes_up, bytes_down: of events to the service and of messages to sidebars, without what frames and TLS add.
        late: how much later than it should each event was sent.
        outages: from a sidebar's loss of its socket to the next message.
    """

    events: int = 0
    delivered: int = 0
    joined: int = 0
    acks: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    twice: int = 0
    disorder: int = 0
    went_back: int = 0
    snapshots: int = 0
    degraded: int = 0
    producer_losses: int = 0
    sidebar_losses: int = 0
    pressed_s: float = 0.0
    pushes: array[float] = field(default_factory=lambda: array("d"))
    cards: array[float] = field(default_factory=lambda: array("d"))
    acks_s: array[float] = field(default_factory=lambda: array("d"))
    late: array[float] = field(default_factory=lambda: array("d"))
    outages: list[float] = field(default_factory=list)
    calls: dict[str, Seen] = field(default_factory=dict)


class End:
    """A socket that is opened again when it is lost, until `close`."""

    def __init__(
        self, server: Server, path: str, *, credential: Callable[[], str], on_lost: Callable[[], None]
    ) -> None:
        self._server = server
        self._path = path
        self._credential = credential
        self._on_lost = on_lost
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.socket: Socket | None = None
        self.after: str | None = None

    async def open(self, on_message: Callable[[bytes], None], *, greet: bool = True) -> None:
        """Connect and say hello; messages go to `on_message` from then on.

        Raises:
            OSError, TimeoutError: the service is not there or does not let us in.
        """
        socket = await open_socket(self._server.port, self._path)
        if greet:
            ready = asyncio.get_running_loop().create_future()

            def greeted(frame: bytes) -> None:
                if orjson.loads(frame)["type"] == "ready":
                    # What comes in the same packet belongs to the page already.
                    socket.on_message = on_message
                    if not ready.done():
                        ready.set_result(None)

            socket.on_message = greeted
            socket.on_close = lambda: None if ready.done() else ready.set_exception(ConnectionError("closed"))
            hello: dict[str, object] = {"type": "hello", "token": self._credential()}
            if self.after is not None:
                hello["after"] = self.after
            socket.send(hello)
            await asyncio.wait_for(ready, _READY_S)
        socket.on_message = on_message
        socket.on_close = lambda: self._lost(on_message)
        if socket.closed:
            raise ConnectionError("closed")
        self.socket = socket

    def close(self) -> None:
        """Disconnect for good."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
        if self.socket is not None:
            self.socket.close()

    def _lost(self, on_message: Callable[[bytes], None]) -> None:
        if self._closing:
            return
        self.socket = None
        self._on_lost()
        self._task = asyncio.get_running_loop().create_task(self._again(on_message))

    async def _again(self, on_message: Callable[[bytes], None]) -> None:
        pause = _RETRY_S
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _MAX_RETRY_S)
            with contextlib.suppress(OSError, TimeoutError):
                await self.open(on_message)
                return


class Producer:
    """One connection that carries many calls.

    Args:
        acks: whether the server acks; a relay does not.
    """

    def __init__(self, server: Server, tally: Tally, *, acks: bool) -> None:
        self._tally = tally
        self._acks = acks
        self._window = Window(size=1_000_000)
        self._allowed = True
        self._pressed_at = 0.0
        self._durable_at: dict[tuple[str, int], float] = {}
        self._end = End(server, "/v1/ingest", credential=lambda: server.key, on_lost=self._lost)

    async def open(self) -> None:
        """Connect."""
        await self._end.open(self._received, greet=self._acks)

    @property
    def waiting(self) -> int:
        """Durable events that were not acked."""
        return len(self._window)

    def start(self, seen: Seen) -> None:
        """Begin a call."""
        self._tally.calls[seen.call_id] = seen
        self._sent(seen, self._window.start(seen.call_id, agent_id=seen.agent_id), durable=True)

    def say(self, seen: Seen, spoken: Spoken) -> None:
        """Send one result."""
        utterance = f"u{spoken.turn}"
        seq = self._window.utterance(
            seen.call_id, utterance, spoken.text, speaker="agent" if spoken.agent else "customer",
            start_ms=spoken.start_ms, end_ms=spoken.at_ms, final=spoken.final, revision=spoken.revision,
        )  # fmt: skip
        seen.sent.setdefault(utterance, {})[spoken.revision] = time.perf_counter()
        if spoken.final:
            seen.finals.append(utterance)
        self._sent(seen, seq, durable=spoken.final)

    def end(self, seen: Seen, *, at_ms: int) -> None:
        """End a call."""
        seen.ended = True
        self._sent(seen, self._window.end(seen.call_id, at_ms=at_ms), durable=True)

    def flush(self) -> None:
        """Send what is due, if there is somebody to send to and he may be sent to."""
        socket = self._end.socket
        if socket is None or not self._allowed:
            return
        for event in self._window.take(limit=100_000):
            payload = orjson.dumps(event)
            self._tally.bytes_up += len(payload)
            socket.send_bytes(payload)

    def close(self) -> None:
        """Disconnect."""
        self._end.close()

    def _sent(self, seen: Seen, seq: int, *, durable: bool) -> None:
        self._tally.events += 1
        seen.last_seq = seq
        if durable and self._acks:
            self._durable_at[seen.call_id, seq] = time.perf_counter()
        elif durable:
            self.flush()
            self._window.receive({"type": "ack", "call_id": seen.call_id, "seq": seq})

    def _received(self, frame: bytes) -> None:
        message = orjson.loads(frame)
        kind = message["type"]
        if kind == "ack":
            self._acked(message["call_id"], message["seq"])
        elif kind == "pressure":
            now = time.perf_counter()
            if self._allowed and message["active"]:
                self._pressed_at = now
            elif not self._allowed and not message["active"]:
                self._tally.pressed_s += now - self._pressed_at
            self._allowed = not message["active"]
        elif kind == "error":
            code = message["code"]
            self._tally.refused[code] = self._tally.refused.get(code, 0) + 1
        self._window.receive(message)
        self.flush()

    def _acked(self, call_id: str, seq: int) -> None:
        seen, now = self._tally.calls[call_id], time.perf_counter()
        self._tally.acks += 1
        for number in range(seen.acked + 1, seq + 1):
            at = self._durable_at.pop((call_id, number), None)
            if at is not None:
                self._tally.acks_s.append(now - at)
        seen.acked = max(seen.acked, seq)

    def _lost(self) -> None:
        self._tally.producer_losses += 1
        self._allowed = True
        # Whoever takes over may know nothing of the partials that were not covered by an ack.
        self._window.resend()


class Sidebar:
    """What one agent's page sees, and whether it is whole, once and in order."""

    def __init__(self, server: Server, tally: Tally, agent_id: str) -> None:
        self._tally = tally
        self._offset: tuple[int, int] | None = None
        self._lost_at: float | None = None
        self._end = End(
            server,
            f"/v1/agents/{agent_id}/stream",
            credential=lambda: server.token(agent_id),
            on_lost=self._lost,
        )
        self.current: Seen | None = None

    async def open(self) -> None:
        """Connect."""
        await self._end.open(self.received)

    def close(self) -> None:
        """Disconnect."""
        self._end.close()

    def received(self, frame: bytes) -> None:
        """Take one message."""
        now = time.perf_counter()
        self._tally.bytes_down += len(frame)
        message = orjson.loads(frame)
        if self._lost_at is not None:
            self._tally.outages.append(now - self._lost_at)
            self._lost_at = None
        kind = message["type"]
        offset = message.get("offset")
        if kind == "snapshot":
            self._snapshot(message)
        elif kind == "degraded":
            self._tally.degraded += 1
        elif offset is not None:
            self._in_order(offset)
        if offset is not None:
            self._end.after = offset
        seen = self._tally.calls.get(message.get("call_id", ""))
        if seen is None:
            return
        if kind == "transcript" or "revision" in message:
            self._said(seen, message, now)
        elif kind == "advice":
            seen.cards.add(message["id"])
            seen.gone.discard(message["id"])
            if (at := seen.came_at.get(message["utterance_id"])) is not None:
                self._tally.cards.append(now - at)
        elif kind == "advice.withdrawn":
            seen.gone.add(message["id"])

    def _said(self, seen: Seen, message: dict[str, Any], now: float) -> None:
        utterance, revision = message["utterance_id"], message["revision"]
        waiting = seen.sent.get(utterance, {})
        at = waiting.pop(revision, None)
        if at is not None:
            self._tally.delivered += 1
            self._tally.pushes.append(now - at)
            seen.came_at[utterance] = at
        for each in [each for each in waiting if each < revision]:
            self._tally.joined += 1
            del waiting[each]
        if revision < seen.revisions.get(utterance, 0):
            if utterance in seen.shown:
                self._tally.disorder += 1
            else:
                # Who took the call over hears again what no ack covered: the text shrinks and grows again.
                self._tally.went_back += 1
        seen.revisions[utterance] = revision
        if message.get("final"):
            self._final(seen, utterance)

    def _final(self, seen: Seen, utterance: str) -> None:
        count = seen.shown[utterance] = seen.shown.get(utterance, 0) + 1
        if count > 1:
            self._tally.twice += 1
            return
        place = seen.finals.index(utterance)
        self._tally.disorder += place < seen.last_final
        seen.last_final = max(seen.last_final, place)

    def _snapshot(self, message: dict[str, Any]) -> None:
        self._tally.snapshots += 1
        self._offset = None
        call = message["call"]
        running = self.current
        if running is not None and (call is None or call["call_id"] != running.call_id) and running.ended:
            running.cut = True
        if call is None or (seen := self._tally.calls.get(call["call_id"])) is None:
            return
        for said in call["transcript"]:
            seen.revisions[said["utterance_id"]] = said["revision"]
            waiting = seen.sent.get(said["utterance_id"], {})
            for each in [each for each in waiting if each <= said["revision"]]:
                # It is on the page, though not by a push of its own.
                self._tally.joined += 1
                del waiting[each]
        seen.shown = {said["utterance_id"]: 1 for said in call["transcript"] if said["final"]}
        places = [seen.finals.index(each) for each in seen.shown if each in seen.finals]
        seen.last_final = max(places, default=-1)
        # The page shows what the snapshot has: a card of partial words that nobody heard again is off it.
        there = {each["id"] for each in (*call["advice"], *call["resolved"])}
        seen.gone |= seen.cards - there
        seen.gone -= there
        seen.cards |= there

    def _in_order(self, offset: str) -> None:
        epoch, _, number = offset.rpartition("-")
        # Over a bus the first part is a time and rises; in memory it is a name.
        at = (int(epoch) if epoch.isdigit() and len(epoch) > 8 else 0, int(number))
        if self._offset is not None and at <= self._offset:
            self._tally.disorder += 1
        self._offset = at

    def _lost(self) -> None:
        self._tally.sidebar_losses += 1
        self._lost_at = time.perf_counter()
