"""The producer's side: frames in, acks and errors out. What an event means is decided in `calls`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from starlette.websockets import WebSocketDisconnect

from coach.errors import MessageError
from coach.service.backlog import Backlog, overtaken
from coach.service.handshake import send
from coach.service.messages import read_json, read_producer_event
from coach.service.meter import Meter
from coach.service.render import render_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.websockets import WebSocket

    from coach.service.auth import Principal
    from coach.service.backlog import Frame
    from coach.service.calls import Calls
    from coach.service.pace import Pace
    from coach.service.render import Message

log = logging.getLogger(__name__)

# Errors nobody has read yet; beyond it no more frames are taken, so TCP slows the producer down.
_MAX_ERRORS: Final = 64
# How long one producer, or one batch, may keep the event loop.
_TURN_S: Final = 0.002
# Calls leave memory once a second; who looks more often for room on a full connection finds none.
_LOOK_S: Final = 1.0


class Outbox:
    """Acks and errors on their way to one producer. Of the acks of a call only the last is sent.

    Args:
        pace: says when the producer has to wait; None for a batch, which waits for its answer anyway.
        resends: see `live.Producer`.
    """

    def __init__(
        self,
        *,
        bounded: bool = True,
        meter: Meter | None = None,
        pace: Pace | None = None,
        resends: bool = True,
    ) -> None:
        self.resends = resends
        self._bounded = bounded
        self._meter = meter or Meter()
        self._pace = pace
        self._pressure: Message | None = None
        self.acks: dict[str, int] = {}
        self.errors: list[Message] = []
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        if pace is not None:
            pace.watch(self)

    def ack(self, call_id: str, seq: int) -> None:
        """Everything of the call up to `seq` is on disk."""
        self.acks[call_id] = max(seq, self.acks.get(call_id, 0))
        self._wake.set()
        if self._pace is not None:
            self._pace.check()

    def press(self, *, active: bool, waiting: int) -> None:
        """Tell the producer to wait, or to go on; only the last word on it is sent."""
        self._pressure = {"type": "pressure", "active": active, "waiting": waiting}
        self._wake.set()

    def refuse(self, error: MessageError, *, call_id: str | None, seq: int | None) -> None:
        """Something was refused."""
        self._meter.refused["ingest", error.code] += 1
        self.errors.append(render_error(error, call_id=call_id, seq=seq))
        if self._bounded and len(self.errors) >= _MAX_ERRORS:
            self._room.clear()
        self._wake.set()

    async def room(self) -> None:
        """Wait until the producer has read enough of its errors."""
        await self._room.wait()

    def abandon(self) -> None:
        """Nobody will read any more: make room for good."""
        if self._pace is not None:
            self._pace.forget(self)
        self._bounded = False
        self._room.set()

    async def take(self) -> list[Message]:
        """Wait for something to send; return it all."""
        while not (self.acks or self.errors or self._pressure):
            self._wake.clear()
            await self._wake.wait()
        messages = [
            *([self._pressure] if self._pressure else []),
            *self.errors,
            *({"type": "ack", "call_id": call_id, "seq": seq} for call_id, seq in self.acks.items()),
        ]
        self._meter.acks += len(self.acks)
        self.acks, self.errors, self._pressure = {}, [], None
        self._room.set()
        return messages


class Intake:
    """Takes in the events of one producer, whichever way they travel.

    Args:
        max_calls: calls in memory that it may carry at once; one more is told `busy`.
        call_id: the call of a batch; None on a socket, which carries many.
    """

    def __init__(
        self,
        *,
        calls: Calls,
        principal: Principal,
        outbox: Outbox,
        max_calls: int,
        call_id: str | None = None,
    ) -> None:
        self._calls = calls
        self._principal = principal
        self._outbox = outbox
        self._max_calls = max_calls
        self._only = call_id
        # What it sent events of that were taken in. Calls that are gone leave when there is no room for another.
        self._carried: set[str] = set()
        self._looked_at = float("-inf")

    def read(self, frames: Sequence[tuple[Frame, float]]) -> list[tuple[dict[str, Any], float, bool]]:
        """Decode frames that came together; what is no JSON object is answered at once.

        Args:
            frames: each with the `perf_counter` when it came.

        Returns:
            the arguments of `event`, one after the other.
        """
        events = [(value, came_at) for frame, came_at in frames if (value := self._decode(frame)) is not None]
        passed = overtaken([value for value, _ in events]) if len(events) > 1 else ()
        return [(value, came_at, index not in passed) for index, (value, came_at) in enumerate(events)]

    async def event(self, value: dict[str, Any], came_at: float | None = None, heard: bool = True) -> None:
        """Take in one event; whatever is wrong with it is answered.

        Args:
            came_at: `perf_counter` when it came, by default now.
            heard: False for partial words that newer ones wait behind: they only take up their place.
        """
        call_id, seq = _call_id_of(value), _seq_of(value)
        meter = self._calls.meter
        meter.received_at = came_at or perf_counter()
        try:
            event = read_producer_event(value)
        except MessageError as error:
            log.debug("拒绝一帧：%s", error.message, extra={"call_id": call_id})
            self._outbox.refuse(error, call_id=call_id, seq=seq)
            if call_id is not None and seq is not None and self._only in {None, call_id}:
                self._calls.refuse(call_id, seq, producer=self._outbox, principal=self._principal)
            return
        try:
            meter.events[event.type] += 1
            meter.overtaken += not heard
            self._check(event.call_id)
            self._calls.pace.admit()
            if meter.tracing is None:
                await self._calls.accept(event, producer=self._outbox, principal=self._principal, heard=heard)
            else:
                with meter.tracing.event(event, tenant=self._principal.tenant):
                    await self._calls.accept(
                        event, producer=self._outbox, principal=self._principal, heard=heard
                    )
            self._calls.pace.check()
        except MessageError as error:
            self._outbox.refuse(error, call_id=call_id, seq=seq)
            if not self._calls.carries(self._outbox, event.call_id):
                # What was refused takes no room.
                self._carried.discard(event.call_id)
        finally:
            # What is published from here on, by the clock, answers no frame.
            meter.received_at = 0.0

    def close(self) -> None:
        """Stop being told about the calls carried here."""
        self._calls.forget_producer(self._outbox, self._carried)

    def _decode(self, frame: Frame) -> dict[str, Any] | None:
        try:
            return read_json(frame)
        except MessageError as error:
            self._outbox.refuse(error, call_id=None, seq=None)
            return None

    def _check(self, call_id: str) -> None:
        if self._only not in {None, call_id}:
            raise MessageError(
                "invalid_field", f"call_id: 收到 {call_id}，应与地址中的 {self._only} 相同", field="call_id"
            )
        if call_id not in self._carried:
            if len(self._carried) >= self._max_calls:
                self._make_room()
            self._carried.add(call_id)

    def _make_room(self) -> None:
        now = perf_counter()
        if now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self._carried = {each for each in self._carried if self._calls.carries(self._outbox, each)}
        if len(self._carried) >= self._max_calls:
            raise MessageError("busy", f"一个连接同时最多承载 {self._max_calls} 通电话，请另开连接")


class Turn:
    """How long one sender has kept the event loop by now."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = perf_counter()

    async def give_way(self) -> None:
        """Let all others have their turn, once this one has lasted long enough.

        A backlog is read without ever waiting: the cards of it, and all other calls, want theirs.
        """
        if perf_counter() - self._began > _TURN_S:
            await asyncio.sleep(0)
            self._began = perf_counter()


async def take_batch(
    events: Iterable[dict[str, Any]], *, call_id: str, calls: Calls, principal: Principal
) -> Message:
    """Take in events of one call; return, once they are on disk, the answer: `acked` and `errors`."""
    outbox = Outbox(bounded=False, meter=calls.meter)
    intake = Intake(calls=calls, principal=principal, outbox=outbox, max_calls=1, call_id=call_id)
    turn = Turn()
    try:
        for event in events:
            await intake.event({"call_id": call_id, **event})
            await turn.give_way()
        acked = await calls.settle(call_id)
    finally:
        intake.close()
    return {"acked": acked, "errors": outbox.errors}


async def serve_producer(socket: WebSocket, *, calls: Calls, principal: Principal, max_calls: int) -> None:
    """Run one producer connection until it closes."""
    outbox = Outbox(meter=calls.meter, pace=calls.pace)
    intake = Intake(calls=calls, principal=principal, outbox=outbox, max_calls=max_calls)
    backlog = Backlog(socket)
    reader = asyncio.create_task(backlog.read_forever(), name="producer-reader")
    writer = asyncio.create_task(_write(socket, outbox), name="producer-writer")
    writer.add_done_callback(lambda _: backlog.close())
    turn = Turn()
    try:
        while frames := await backlog.take():
            for event in intake.read(frames):
                if writer.done():
                    return
                await intake.event(*event)
                await outbox.room()
                await turn.give_way()
    finally:
        intake.close()
        outbox.abandon()
        for task in (reader, writer):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _write(socket: WebSocket, outbox: Outbox) -> None:
    try:
        while True:
            for message in await outbox.take():
                await send(socket, message)
    except (WebSocketDisconnect, RuntimeError, OSError):
        # Gone; the reading side must not wait for it.
        outbox.abandon()


def _call_id_of(value: dict[str, Any]) -> str | None:
    call_id = value.get("call_id")
    return call_id if isinstance(call_id, str) and len(call_id) <= 128 else None  # noqa: PLR2004 - see messages.Id


def _seq_of(value: dict[str, Any]) -> int | None:
    seq = value.get("seq")
    return seq if type(seq) is int and seq > 0 else None
