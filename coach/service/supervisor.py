"""A supervisor's socket: the team's calls and alerts, the calls he watches, what he whispers."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final

import orjson
from starlette.websockets import WebSocketDisconnect

from coach.errors import MessageError
from coach.service.board import topic_of
from coach.service.handshake import receive, send_frame
from coach.service.messages import Ping, read_json
from coach.service.rates import KEPT_S
from coach.service.reader import Reader
from coach.service.render import render_error
from coach.service.team_messages import Unwatch, Watch, read_supervisor_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.websockets import WebSocket

    from coach.service.hub import Feed
    from coach.service.render import Message
    from coach.service.supervision import Supervision
    from coach.service.team_messages import SupervisorMessage

# More than a person can follow.
_MOST_WATCHED: Final = 4


class _Watched:
    """One call on its way to one supervisor."""

    def __init__(self, call_id: str, *, feed: Callable[[], Feed], limit: int) -> None:
        self.call_id = call_id
        self._find_feed = feed
        self._limit = limit
        self._head = b'{"type":"watched","call_id":%b,"event":' % orjson.dumps(call_id)
        self._task: asyncio.Task[None] | None = None

    def start(self, put: Callable[[bytes], None], look: Callable[[str], Awaitable[Message | None]]) -> None:
        """Send the call from a snapshot on, again if it is sent already."""
        self.stop()
        self._task = asyncio.create_task(self._follow(put, look), name=f"watch-{self.call_id}")

    def stop(self) -> None:
        """Send nothing more."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(
        self, put: Callable[[bytes], None], look: Callable[[str], Awaitable[Message | None]]
    ) -> None:
        # Not earlier: the hub drops feeds that nobody reads.
        feed = self._find_feed()
        reader = feed.reader(limit=self._limit)
        await feed.join(reader)
        try:
            while (frame := await reader.next()) is not None:
                event = orjson.loads(frame)
                if event["type"] == "snapshot" and (event["call"] or {}).get("call_id") != self.call_id:
                    # The agent's sidebar shows another of his calls.
                    with contextlib.suppress(MessageError):
                        snapshot = await look(self.call_id)
                        if snapshot is not None:
                            put(self._head + orjson.dumps(snapshot) + b"}")
                elif event["type"] == "snapshot" or event.get("call_id") == self.call_id:
                    put(self._head + frame + b"}")
        finally:
            feed.leave(reader)


class SupervisorDesk:
    """One supervisor's connection.

    Args:
        sender: who whispers; the agent sees it.
        limit: messages he may lag behind before he is resynchronised.
        note: writes down that he watches a call, before he sees a word of it.
    """

    def __init__(
        self,
        supervision: Supervision,
        *,
        team: str,
        sender: str,
        limit: int,
        note: Callable[[str], Awaitable[None]],
    ) -> None:
        self._supervision = supervision
        self._note = note
        self._team = team
        self._sender = sender
        self._limit = limit
        hub = supervision.hub
        self._feed = hub.feed(topic_of(team))
        self._meter = hub.meter
        self._reader = Reader(limit=limit, snapshot=self._snapshot, meter=hub.meter)
        self._watched: dict[str, _Watched] = {}

    async def serve(self, socket: WebSocket, *, after: str | None) -> None:
        """Run the connection until it closes."""
        with self._supervision.board.looked_at(self._team):
            await self._feed.join(self._reader, after)
            # Not before: what is told meanwhile would be missed.
            self._supervision.board.ask(self._team, joined=True)
            if after is not None:
                # Missed events came first; they say how things stand, so the calls may follow.
                self._reader.put_reply(self._supervision.board.snapshot(self._team))
            tasks = {
                asyncio.create_task(self._write(socket), name="supervisor-writer"),
                asyncio.create_task(self._listen(socket), name="supervisor-listener"),
            }
            rates = asyncio.create_task(self._tell_rates(), name="supervisor-rates")
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._feed.leave(self._reader)
                for watched in self._watched.values():
                    watched.stop()
                for task in (*tasks, rates):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    def _snapshot(self) -> Message | None:
        # Whatever was dropped may have been words of a watched call.
        for watched in self._watched.values():
            self._start(watched)
        return self._feed.snapshot()

    async def _write(self, socket: WebSocket) -> None:
        try:
            while (frame := await self._reader.next()) is not None:
                await send_frame(socket, frame)
            if self._reader.closed_with is not None:
                await socket.close(self._reader.closed_with)
        except (WebSocketDisconnect, RuntimeError, OSError):
            return

    async def _tell_rates(self) -> None:
        while True:
            # A store that is away has its own alarms; the wallboard keeps the rates it has.
            with contextlib.suppress(MessageError):
                self._reader.put_reply(await self._supervision.rates.of(self._team))
            await asyncio.sleep(KEPT_S)

    async def _listen(self, socket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                frame = await receive(socket)
                about: dict[str, str] = {}
                try:
                    message = read_supervisor_message(read_json(frame))
                    about = message.model_dump(include={"call_id", "id"})
                    await self._act(message)
                except MessageError as error:
                    self._meter.refused["team", error.code] += 1
                    # With the id of a whisper, so that whoever sent it knows which one was refused.
                    self._reader.put_reply({**render_error(error), **about})

    async def _act(self, message: SupervisorMessage) -> None:
        if isinstance(message, Ping):
            self._reader.put_reply({"type": "pong"})
        elif isinstance(message, Watch):
            await self._watch(message.call_id)
        elif isinstance(message, Unwatch):
            watched = self._watched.pop(message.call_id, None)
            if watched is not None:
                watched.stop()
            self._reader.put_reply({"type": "noted", "call_id": message.call_id})
        else:
            await self._supervision.whisper(message, team=self._team, sender=self._sender)
            self._reader.put_reply({"type": "noted", "call_id": message.call_id, "id": message.id})

    async def _watch(self, call_id: str) -> None:
        to = await self._supervision.find(call_id, team=self._team)
        if call_id not in self._watched and len(self._watched) >= _MOST_WATCHED:
            raise MessageError(
                "busy", f"一个连接最多同时查看 {_MOST_WATCHED} 通电话，请先 unwatch", field="call_id"
            )
        watched = self._watched.get(call_id) or _Watched(
            call_id, feed=partial(self._supervision.feed_of, to.agent_id), limit=self._limit
        )
        if call_id not in self._watched:
            await self._note(call_id)
        self._watched[call_id] = watched
        self._start(watched)

    def _start(self, watched: _Watched) -> None:
        watched.start(self._reader.put_event, self._supervision.calls.look)
