"""Signed tokens of people: short-lived JWTs that say who somebody is, in which tenant and role."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from coach.service.auth import Principal
from coach.service.database import DEFAULT_TENANT
from coach.service.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.roles import Role
    from coach.service.signing import Secrets

_AUDIENCE: Final = "coach"
_CLAIMS: Final = ("sub", "role", "tenant")


class Tokens:
    """Mints tokens with the newest secret and reads those of every secret in force.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, secrets: Secrets, *, clock: Callable[[], float] = time.time) -> None:
        self._secrets = secrets
        self._clock = clock

    def mint(
        self,
        *,
        role: Role,
        subject: str,
        ttl_s: int,
        tenant: str = DEFAULT_TENANT,
        teams: tuple[str, ...] = (),
    ) -> tuple[str, float]:
        """Sign a token; return it with its expiry in seconds since 1970.

        Args:
            subject: the agent's id; of other roles, who it is.
            teams: those whose calls a supervisor may see.
        """
        now = self._clock()
        expires_at = int(now + ttl_s)
        claims: dict[str, object] = {
            "sub": subject,
            "role": role,
            "tenant": tenant,
            "aud": _AUDIENCE,
            "iat": int(now),
            "exp": expires_at,
        }
        if teams:
            claims["teams"] = list(teams)
        return self._secrets.sign(claims), float(expires_at)

    def read(self, token: str, *, expired: bool = False) -> Principal | None:
        """Return whom a token of ours belongs to, None when it is none, is expired or signed by somebody else.

        Args:
            expired: take one that has expired, too: it says who somebody was, and lets nobody in.
        """
        now = float("-inf") if expired else self._clock()
        claims = self._secrets.verify(token, audience=_AUDIENCE, claims=_CLAIMS, now=now)
        if claims is None or claims["role"] not in ROLES:
            return None
        return Principal.of_token(
            claims["role"],
            str(claims["sub"]),
            tenant=str(claims["tenant"]),
            expires_at=float(claims["exp"]),
            teams=tuple(claims.get("teams", ())),
        )
