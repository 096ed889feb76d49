"""The least a WebSocket client can do, so that the generator does not limit what it measures."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT, _CLOSE, _PING = 1, 8, 9


class Socket(asyncio.Protocol):
    """One client socket. `on_message` is called with the bytes of each text frame, `on_close` when it is gone.

    Frames are masked with zeros, which the protocol allows and which costs nothing.
    """

    def __init__(self, host: str, path: str) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self._buffer = b""
        self._open = False
        self.transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_message: Callable[[bytes], None] = lambda _frame: None
        self.on_close: Callable[[], None] = lambda: None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"closed while opening: {exc}"))
        self.on_close()

    def send(self, message: dict[str, object]) -> None:
        """Send one message as a text frame."""
        self.send_bytes(orjson.dumps(message))

    def send_bytes(self, payload: bytes, opcode: int = _TEXT) -> None:
        size = len(payload)
        head = (
            struct.pack("!BB", 0x80 | opcode, 0x80 | size)
            if size < 126
            else struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
        )
        if self.transport is not None and not self.closed:
            self.transport.write(head + b"\0\0\0\0" + payload)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        at = 0
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = buffer
                return
            if b" 101 " not in buffer[:20]:
                self.opened.set_exception(ConnectionError(buffer[:80].decode(errors="replace")))
                return
            self._open = True
            self.opened.set_result(None)
            at = end + 4
        while len(buffer) - at >= 2:
            opcode, size, start = buffer[at] & 15, buffer[at + 1] & 127, at + 2
            if size == 126:
                if len(buffer) - at < 4:
                    break
                size, start = struct.unpack_from("!H", buffer, start)[0], start + 2
            elif size == 127:
                if len(buffer) - at < 10:
                    break
                size, start = struct.unpack_from("!Q", buffer, start)[0], start + 8
            if len(buffer) - start < size:
                break
            payload = buffer[start : start + size]
            at = start + size
            if opcode == _TEXT:
                self.on_message(payload)
            elif opcode == _PING:
                self.send_bytes(payload, 10)
            elif opcode == _CLOSE and self.transport is not None:
                self.transport.close()
        self._buffer = buffer[at:]

    def close(self) -> None:
        """Say goodbye and close."""
        self.send_bytes(struct.pack("!H", 1000), _CLOSE)
        if self.transport is not None:
            self.transport.close()


async def open_socket(port: int, path: str) -> Socket:
    """Open a socket to this machine."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(lambda: Socket(f"127.0.0.1:{port}", path), "127.0.0.1", port)
    await asyncio.wait_for(socket.opened, 20)
    return socket
