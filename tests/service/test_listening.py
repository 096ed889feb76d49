"""The socket on which the service listens."""

from __future__ import annotations

import socket

import pytest

from coach.errors import ConfigError
from coach.service.server import listen


def test_small_answers_do_not_wait_for_acknowledgements() -> None:
    """Every accepted connection sends at once, however small the message."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_an_address_in_use_is_named() -> None:
    """A port that somebody else has is told with the address."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
            listen("127.0.0.1", port)
