"""Signed tokens of people: short-lived JWTs that say who somebody is, in which tenant and role."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import jwt

from coach.service.auth import Principal
from coach.service.database import DEFAULT_TENANT
from coach.service.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.roles import Role
    from coach.service.signing import Secrets

ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "coach"
_CLAIMS: Final = ("sub", "role", "tenant", "exp")


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
            teams: those a supervisor may listen to.
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
        secret = self._secrets.newest
        token = jwt.encode(claims, secret.value, algorithm=ALGORITHM, headers={"kid": secret.id})
        return token, float(expires_at)

    def read(self, token: str) -> Principal | None:
        """Return whom a token of ours belongs to, None when it is none, is expired or signed by somebody else."""
        try:
            secret = self._secrets.named(jwt.get_unverified_header(token).get("kid"))
            if secret is None:
                return None
            claims = jwt.decode(
                token,
                secret.value,
                # Never what the token itself names.
                algorithms=[ALGORITHM],
                audience=_AUDIENCE,
                # Expiry is checked below, by the clock that was passed in.
                options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        role = claims["role"]
        if role not in ROLES or float(claims["exp"]) <= self._clock():
            return None
        return Principal.of_token(
            role, str(claims["sub"]), tenant=str(claims["tenant"]), teams=tuple(claims.get("teams", ()))
        )
