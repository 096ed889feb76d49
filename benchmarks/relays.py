"""Peers of the live service: two relays that parse a frame and push one back, and do nothing else.

They speak just enough of docs/protocol.md for the same client. Run as `python -m benchmarks.relays fastapi|websockets`.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from typing import Any

import orjson

_STREAM = re.compile(r"/v1/agents/([^/]+)/stream")
_READY = b'{"type":"ready"}'
_SUGGESTION = {
    "type": "advice", "severity": "warning", "title": "换个说法：先帮客户查", "rule": "ignorance/bare-dont-know",
    "suggestions": [{"phrase": "ignorance/check-now", "text": "我先帮您核实一下，请您稍等"}],
}  # fmt: skip


class Rooms:
    """Who listens for which agent, and which agent each call belongs to."""

    def __init__(self) -> None:
        self.listeners: dict[str, Any] = {}
        self.agents: dict[str, str] = {}

    def answer(self, frame: bytes | str) -> tuple[Any, bytes] | None:
        """Turn a producer's frame into the listener and what to push to it."""
        event = orjson.loads(frame)
        if event["type"] == "call.started":
            self.agents[event["call_id"]] = event["agent_id"]
        if event["type"] != "utterance":
            return None
        listener = self.listeners.get(self.agents[event["call_id"]])
        if listener is None:
            return None
        push = {
            **_SUGGESTION,
            "call_id": event["call_id"],
            "utterance_id": event["utterance_id"],
            "revision": event["revision"],
        }
        return listener, orjson.dumps(push)


async def _fastapi(listener: socket.socket) -> None:
    import uvicorn
    from fastapi import FastAPI, WebSocket
    from starlette.websockets import WebSocketDisconnect

    app, rooms = FastAPI(), Rooms()

    async def ingest(ws: WebSocket) -> None:
        await ws.accept()
        try:
            while True:
                pushed = rooms.answer(await ws.receive_text())
                if pushed:
                    await pushed[0].send_text(pushed[1].decode())
        except WebSocketDisconnect:
            return

    async def stream(ws: WebSocket) -> None:
        await ws.accept()
        agent_id = ws.path_params["agent_id"]
        rooms.listeners[agent_id] = ws
        try:
            while True:
                await ws.receive_text()
                await ws.send_text(_READY.decode())
        except WebSocketDisconnect:
            rooms.listeners.pop(agent_id, None)

    # Annotations are strings here, and FastAPI cannot see a class that this function imports.
    ingest.__annotations__["ws"] = stream.__annotations__["ws"] = WebSocket
    app.add_api_websocket_route("/v1/ingest", ingest)
    app.add_api_websocket_route("/v1/agents/{agent_id}/stream", stream)
    config = uvicorn.Config(app, ws="websockets-sansio", ws_per_message_deflate=False, log_level="warning")
    await uvicorn.Server(config).serve(sockets=[listener])


async def _websockets(listener: socket.socket) -> None:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    rooms = Rooms()

    async def handle(connection: ServerConnection) -> None:
        found = _STREAM.match(connection.request.path if connection.request else "")
        try:
            if found:
                rooms.listeners[found.group(1)] = connection
                async for _ in connection:
                    await connection.send(_READY, text=True)
                return
            async for frame in connection:
                pushed = rooms.answer(frame)
                if pushed:
                    await pushed[0].send(pushed[1], text=True)
        except ConnectionClosed:
            return

    async with serve(handle, sock=listener, compression=None):
        await asyncio.get_running_loop().create_future()


def main() -> None:
    """Listen on a free port, print it, serve until killed."""
    import uvloop

    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    uvloop.run({"fastapi": _fastapi, "websockets": _websockets}[sys.argv[1]](listener))


if __name__ == "__main__":
    main()
