"""Tokens of the company's identity provider: JWTs signed with keys that it publishes as a JWKS.

Only RS256 and ES256 with the provider's own public keys; what a token says of its algorithm is never believed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import jwt

from coach.config import is_loopback
from coach.errors import ConfigError
from coach.service.auth import Principal
from coach.service.database import DEFAULT_TENANT
from coach.service.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from jwt import PyJWK

    from coach.config import Settings
    from coach.service.roles import Role

log = logging.getLogger(__name__)

# A key's is what the provider says, or the one for its type and curve; a token's has to be the same.
_ALGORITHMS: Final = frozenset({"RS256", "ES256"})
# Who has several roles is given the first of these. Calls are brought in with API keys only.
_PEOPLE: Final[tuple[Role, ...]] = ("admin", "reviewer", "supervisor", "agent")
_FRESH_S: Final = 300.0
# At most so often the provider is asked for a key that is not known.
_ASK_S: Final = 5.0
# While the provider is away its last keys hold.
_STALE_S: Final = 86_400.0
_TIMEOUT_S: Final = 5.0
_LONGEST_ID: Final = 128


@dataclass(frozen=True, slots=True)
class Claims:
    """Where a token says what. Dots lead into objects: `realm_access.roles`.

    Attributes:
        roles: the provider's names of our roles; ours are known anyway.
    """

    subject: str = "sub"
    role: str = "role"
    tenant: str = "tenant"
    teams: str = "teams"
    roles: Mapping[str, Role] | None = None


class IdentityProvider:
    """Reads tokens of one issuer for one audience.

    Args:
        tenants: that are there; a token without a tenant is the default one's where there is no other.
        leeway_s: seconds that the clocks may differ.
        clock: seconds, from any moment on; says when keys are asked for again.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str,
        claims: Claims,
        tenants: Collection[str],
        leeway_s: int = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._claims = claims
        self._tenants = tenants
        self._leeway_s = leeway_s
        self._clock = clock
        # Its caches are not used: what is known is kept here, also while the provider is away.
        self._client = jwt.PyJWKClient(jwks_url, cache_jwk_set=False, timeout=_TIMEOUT_S)
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def identify(self, token: str) -> Principal | None:
        """Return whom a token belongs to, None when it is none of the provider's or not in force."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError):
            return None
        name = header.get("kid")
        if header.get("alg") not in _ALGORITHMS or not isinstance(name, str):
            return None
        key = await self._key(name)
        if key is None or key.algorithm_name != header["alg"]:
            return None
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            log.info("拒绝身份提供方的令牌：%s", type(error).__name__)
            return None
        return self._principal(claims)

    async def refresh(self) -> None:
        """Ask for the provider's keys; whoever asks meanwhile waits for the same answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._fetch(), name="jwks")
        # Shielded: who asked first may go away.
        await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _key(self, name: str) -> PyJWK | None:
        now = self._clock()
        may_ask = now - self._asked_at >= _ASK_S
        key = self._keys.get(name)
        if key is None or now - self._fetched_at > _STALE_S:
            if may_ask or (self._asking is not None and not self._asking.done()):
                await self.refresh()
            stale = self._clock() - self._fetched_at > _STALE_S
            return None if stale else self._keys.get(name)
        if now - self._fetched_at > _FRESH_S and may_ask:
            # What is known holds; what was withdrawn is gone in a moment.
            self._asked_at = now
            self._asking = asyncio.create_task(self._fetch(), name="jwks")
        return key

    async def _fetch(self) -> None:
        self._asked_at = self._clock()
        try:
            keys = await asyncio.to_thread(self._client.get_signing_keys, refresh=True)
        except (jwt.PyJWTError, OSError, ValueError) as error:
            log.warning("取不到身份提供方的公钥，沿用已知的 %d 个：%s", len(self._keys), error)
            return
        self._keys = {str(key.key_id): key for key in keys if key.algorithm_name in _ALGORITHMS}
        self._fetched_at = self._clock()

    def _principal(self, claims: Mapping[str, Any]) -> Principal | None:
        where = self._claims
        subject = _at(claims, where.subject)
        role = self._role(_at(claims, where.role))
        tenant = _at(claims, where.tenant)
        if tenant is None and len(self._tenants) == 1:
            tenant = DEFAULT_TENANT
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_ID or role is None:
            log.info("拒绝身份提供方的令牌：%s 或 %s 里没有可用的值", where.subject, where.role)
            return None
        if not isinstance(tenant, str) or tenant not in self._tenants:
            log.info("拒绝身份提供方的令牌：%s 里没有这里的租户", where.tenant)
            return None
        teams = _at(claims, where.teams)
        named = tuple(team for team in teams if isinstance(team, str)) if isinstance(teams, list) else ()
        # As long as it would be let in again.
        expires_at = float(claims["exp"]) + self._leeway_s
        return Principal.of_token(role, subject, tenant=tenant, expires_at=expires_at, teams=named)

    def _role(self, given: object) -> Role | None:
        """Return our role for one or several names of the provider's."""
        names = {name for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)}
        ours = {(self._claims.roles or {}).get(name, name) for name in names}
        return next((role for role in _PEOPLE if role in ours), None)


def load_identity_provider(settings: Settings, *, tenants: Collection[str]) -> IdentityProvider | None:
    """Make the provider that the settings name, None when they name none.

    Raises:
        ConfigError: a setting is missing or wrong, or `cryptography` is.
    """
    three = {
        "jwt_issuer": settings.jwt_issuer,
        "jwt_audience": settings.jwt_audience,
        "jwks_url": settings.jwks_url,
    }
    if not any(three.values()):
        return None
    missing = [name for name, value in three.items() if not value]
    if missing:
        raise ConfigError(f"{missing[0]}: 没有设置；jwt_issuer、jwt_audience、jwks_url 应同时设置")
    try:
        import cryptography  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ConfigError("jwks_url: 缺少 cryptography；请安装 coach[sso]") from None
    address = urlsplit(settings.jwks_url)
    if not address.hostname or not (
        address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname))
    ):
        raise ConfigError(f"jwks_url: 收到 {settings.jwks_url!r}，应为 https://…（本机可用 http）")
    return IdentityProvider(
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        jwks_url=settings.jwks_url,
        claims=Claims(
            subject=settings.jwt_subject_claim,
            role=settings.jwt_role_claim,
            tenant=settings.jwt_tenant_claim,
            teams=settings.jwt_teams_claim,
            roles=_roles(settings.jwt_roles),
        ),
        tenants=tenants,
        leeway_s=settings.jwt_leeway_s,
    )


def _roles(pairs: tuple[str, ...]) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for pair in pairs:
        name, separator, given = pair.rpartition("=")
        role = next((role for role in ROLES if role == given.strip() and role in _PEOPLE), None)
        if not separator or not name.strip() or role is None:
            raise ConfigError(f"jwt_roles: 收到 {pair!r}，应为 名称=角色，角色是 {'、'.join(_PEOPLE)} 之一")
        found[name.strip()] = role
    return found


def _at(claims: Mapping[str, Any], path: str) -> object:
    """Return what a path leads to; the whole path may also be the name of a claim, as an address is."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
