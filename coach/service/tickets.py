"""Addresses that a browser may open by itself: it cannot send a key with a link, so the link holds a ticket.

A ticket is for one file of one tenant and good for a minute; it is signed, so that every worker knows it. What stays
in the browser's history is worth nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.signing import Secrets

TTL_S: Final = 60.0
# Not that of tokens: neither passes for the other.
_AUDIENCE: Final = "coach-ticket"


class Tickets:
    """Issues tickets and reads them.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, secrets: Secrets, *, clock: Callable[[], float]) -> None:
        self._secrets = secrets
        self._clock = clock

    def issue(self, path: str, *, tenant: str) -> tuple[str, float]:
        """Give a ticket for a path of a tenant; return it with its end in seconds since 1970."""
        until = self._clock() + TTL_S
        claims = {"aud": _AUDIENCE, "path": path, "tenant": tenant, "exp": int(until)}
        return self._secrets.sign(claims), until

    def admits(self, ticket: str, path: str) -> str | None:
        """Return the tenant whose file the ticket opens, None unless it is for this path and in force."""
        claims = self._secrets.verify(
            ticket, audience=_AUDIENCE, claims=("path", "tenant"), now=self._clock()
        )
        return None if claims is None or claims["path"] != path else str(claims["tenant"])
