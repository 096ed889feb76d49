"""The agent's side: one stream of events out, feedback in."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from starlette.websockets import WebSocketDisconnect

from coach.errors import MessageError
from coach.service.handshake import receive, send_frame
from coach.service.messages import Ping, read_json
from coach.service.render import render_error
from coach.service.sidebar_messages import (
    Dismiss,
    Feedback,
    FeedbackUndo,
    Snooze,
    SnoozeUndo,
    WhisperRead,
    read_sidebar_message,
)
from coach.service.snapshots import agent_topic

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from coach.service.auth import Principal
    from coach.service.calls import Calls
    from coach.service.hub import Hub
    from coach.service.reader import Reader
    from coach.service.render import Message
    from coach.service.sidebar_messages import SidebarMessage
    from coach.service.supervision import Supervision


async def serve_sidebar(
    socket: WebSocket,
    *,
    calls: Calls,
    hub: Hub,
    supervision: Supervision,
    principal: Principal,
    agent_id: str,
    after: str | None,
    limit: int,
) -> None:
    """Run one sidebar connection until it closes."""
    feed = hub.feed(agent_topic(agent_id))
    reader = feed.reader(limit=limit)
    await feed.join(reader, after)
    writer = asyncio.create_task(_write(socket, reader), name="sidebar-writer")
    listener = asyncio.create_task(
        _listen(
            socket,
            calls=calls,
            supervision=supervision,
            principal=principal,
            agent_id=agent_id,
            reader=reader,
        ),
        name="sidebar-listener",
    )
    try:
        await asyncio.wait({writer, listener}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        feed.leave(reader)
        for task in (writer, listener):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _write(socket: WebSocket, reader: Reader) -> None:
    try:
        while (frame := await reader.next()) is not None:
            await send_frame(socket, frame)
        if reader.closed_with is not None:
            await socket.close(reader.closed_with)
    except (WebSocketDisconnect, RuntimeError, OSError):
        return


async def _listen(
    socket: WebSocket,
    *,
    calls: Calls,
    supervision: Supervision,
    principal: Principal,
    agent_id: str,
    reader: Reader,
) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            frame = await receive(socket)
            call_id = None
            try:
                message = read_sidebar_message(read_json(frame))
                call_id = message.call_id if isinstance(message, Snooze | SnoozeUndo) else None
                await _act(
                    message,
                    calls=calls,
                    supervision=supervision,
                    principal=principal,
                    agent_id=agent_id,
                    reader=reader,
                )
            except MessageError as error:
                calls.meter.refused["stream", error.code] += 1
                reader.put_reply(render_error(error, call_id=call_id))


async def _act(
    message: SidebarMessage,
    *,
    calls: Calls,
    supervision: Supervision,
    principal: Principal,
    agent_id: str,
    reader: Reader,
) -> None:
    if isinstance(message, Ping):
        reader.put_reply({"type": "pong"})
        return
    answer: Message
    if isinstance(message, Snooze | SnoozeUndo):
        quiet = isinstance(message, Snooze)
        done = await calls.answers.snooze(message.call_id, message.rule, agent_id=agent_id, quiet=quiet)
        answer = {"type": "noted", "rule": message.rule}
    elif isinstance(message, WhisperRead):
        await supervision.read(message.call_id, message.id, principal=principal)
        reader.put_reply({"type": "noted", "call_id": message.call_id, "id": message.id})
        return
    elif isinstance(message, FeedbackUndo):
        done = await calls.answers.unanswer(message.advice_id, kind="verdict", principal=principal)
        answer = {"type": "noted", "advice_id": message.advice_id}
    else:
        kind: str
        value: str
        if isinstance(message, Feedback):
            kind, value = "verdict", message.verdict
        elif isinstance(message, Dismiss):
            kind, value = "dismissed", ""
        else:
            kind, value = "used", message.phrase
        done = await calls.answers.answer(message.advice_id, kind=kind, value=value, principal=principal)
        answer = {"type": "noted", "advice_id": message.advice_id}

    def noted(future: asyncio.Future[None]) -> None:
        if not future.cancelled() and future.exception() is None:
            reader.put_reply(answer)

    done.add_done_callback(noted)
