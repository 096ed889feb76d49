"""Who somebody proved to be, and which web pages may talk to the service.

Keys are in `keys`, tokens in `tokens`, the company's own in `identity_provider`; `authenticator` asks them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from coach.config import is_loopback
from coach.service.database import DEFAULT_TENANT
from coach.service.roles import may
from coach.service.sight import Sight

if TYPE_CHECKING:
    from coach.service.roles import Right, Role

_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
# Tokens of these roles are for one agent: the agent's own, and that of a page that plays both sides.
_OF_ONE_AGENT: Final = frozenset({"agent", "producer"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who somebody proved to be, in which tenant.

    Attributes:
        agent_id: the only agent they have to do with; None: every agent of the tenant.
        name: of the key, or whom the token is for; for the log.
        teams: those whose calls a supervisor may see.
        by_key: proved by an API key.
        key_id: which one; "" for a token.
        expires_at: until when the token holds, seconds since 1970; None for a key, which `keys` knows about.
    """

    role: Role
    agent_id: str | None = None
    tenant: str = DEFAULT_TENANT
    name: str = ""
    teams: tuple[str, ...] = ()
    by_key: bool = False
    # A new key or token makes nobody somebody else.
    key_id: str = field(default="", compare=False)
    expires_at: float | None = field(default=None, compare=False)

    @classmethod
    def of_token(
        cls, role: Role, subject: str, *, tenant: str, expires_at: float, teams: tuple[str, ...] = ()
    ) -> Principal:
        """Return whom a token is for."""
        agent_id = subject if role in _OF_ONE_AGENT else None
        return cls(role, agent_id, tenant=tenant, name=subject, teams=teams, expires_at=expires_at)

    def may(self, right: Right) -> bool:
        """Tell whether the role has a right."""
        return may(self.role, right)

    def covers(self, agent_id: str) -> bool:
        """Tell whether that agent's calls are this principal's to bring in and to answer."""
        return self.agent_id is None or self.agent_id == agent_id

    @property
    def sight(self) -> Sight:
        """Which calls this principal may see: a supervisor's token names its teams, without any it sees none."""
        limited = self.role == "supervisor" and not self.by_key
        return Sight(self.agent_id, self.teams if limited else None)


class Gate:
    """Which web pages may talk to the service."""

    def __init__(self, *, origins: tuple[str, ...], hosts: tuple[str, ...], bound_to: str) -> None:
        self.origins = origins
        # On loopback any web page can make its own name point here; only the real names are answered.
        self._hosts = frozenset(hosts) or (frozenset(_LOOPBACK_NAMES) if is_loopback(bound_to) else None)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of the pages that may connect, besides the service's own."""
        return self._listed

    @origins.setter
    def origins(self, origins: tuple[str, ...]) -> None:
        self._listed = origins
        self._origins = frozenset(origin.lower() for origin in origins)

    def allows_host(self, host: str | None) -> bool:
        """Tell whether the `Host` header names this service."""
        if self._hosts is None:
            return True
        try:
            return (urlsplit(f"//{host or ''}").hostname or "") in self._hosts
        except ValueError:
            return False

    def allows_origin(self, origin: str | None, *, host: str | None) -> bool:
        """Tell whether a page of `origin` may connect; programs send no origin and need a key anyway."""
        if origin is None:
            return True
        origin = origin.lower()
        return origin in self._origins or origin in {
            f"http://{(host or '').lower()}",
            f"https://{(host or '').lower()}",
        }
