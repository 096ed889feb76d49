"""What each role may do: the one table of it. docs/security.md shows it by route, and a test walks over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Role = Literal["producer", "agent", "supervisor", "reviewer", "admin"]
Right = Literal[
    "ingest",
    "listen",
    "check",
    "read-calls",
    "feedback",
    "tokens",
    "playground",
    "read-reviews",
    "review",
    "decide",
    "read-decisions",
    "appeal",
    "rules-health",
    "supervise",
    "webhooks",
    "metrics",
    "audit",
    "delete-data",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_PEOPLE_OF_QA: Final[frozenset[Role]] = frozenset({"supervisor", "reviewer", "admin"})
_EVERYBODY: Final[frozenset[Role]] = frozenset(ROLES)
_PROGRAMS: Final[frozenset[Role]] = frozenset({"producer", "admin"})

RIGHTS: Final[Mapping[Right, frozenset[Role]]] = {
    # Bring in calls, by socket, batch or connector.
    "ingest": _PROGRAMS,
    # Open an agent's stream.
    "listen": frozenset({"agent", "producer", "admin"}),
    # Check text, list the rules.
    "check": _EVERYBODY,
    "read-calls": _EVERYBODY,
    # Say what an agent holds of a card.
    "feedback": frozenset({"agent", "producer", "admin"}),
    # Mint tokens, with a key only: a token that mints would never expire.
    "tokens": _PROGRAMS,
    # Try sentences and rules; shows what customers said.
    "playground": _PEOPLE_OF_QA,
    "read-reviews": _PEOPLE_OF_QA,
    # Begin and delete reviews.
    "review": frozenset({"reviewer", "admin"}),
    # Decide about hits and settle appeals.
    "decide": frozenset({"reviewer", "admin"}),
    "read-decisions": frozenset({"agent", "supervisor", "reviewer", "admin"}),
    "appeal": frozenset({"agent", "supervisor", "admin"}),
    "rules-health": _PEOPLE_OF_QA,
    # Read who did what.
    "audit": frozenset({"admin"}),
    # Delete calls, and all that is kept of a customer.
    "delete-data": frozenset({"admin"}),
    # See a team's running calls, whisper.
    "supervise": frozenset({"supervisor", "admin"}),
    # Say who is told of what by webhooks, and see what could not be told.
    "webhooks": frozenset({"admin"}),
    # Of the whole process, so only those of the default tenant.
    "metrics": _PROGRAMS,
}


def may(role: Role, right: Right) -> bool:
    """Tell whether a role has a right."""
    return role in RIGHTS[right]


def holders(right: Right) -> tuple[Role, ...]:
    """Return the roles that have a right, in the order of ROLES."""
    return tuple(role for role in ROLES if role in RIGHTS[right])
