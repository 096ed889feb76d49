"""Addresses that a browser may open by itself: it cannot send a key with a link, so the link holds a ticket.

A ticket is for one file, lives for a minute and in memory only; what stays in the browser's history is worth nothing.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TTL_S: Final = 60.0
_MOST: Final = 10_000


class Tickets:
    """The tickets in force.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tickets: dict[str, tuple[str, str, float]] = {}

    def issue(self, path: str, *, tenant: str) -> tuple[str, float]:
        """Give a ticket for a path of a tenant; return it with its end in seconds since 1970."""
        now = self._clock()
        self._tickets = {name: held for name, held in self._tickets.items() if held[2] > now}
        while len(self._tickets) >= _MOST:
            del self._tickets[next(iter(self._tickets))]
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = (path, tenant, now + TTL_S)
        return ticket, now + TTL_S

    def admits(self, ticket: str, path: str) -> str | None:
        """Return the tenant whose file the ticket opens, None unless it is for this path and in force."""
        held_path, tenant, until = self._tickets.get(ticket, ("", "", 0.0))
        return tenant if held_path == path and until > self._clock() else None
