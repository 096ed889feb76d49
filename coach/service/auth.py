"""Who may talk to the service: API keys for producers, signed tokens for sidebars, origins for browsers.

A key is shown once and kept as a keyed hash; a token is a JWT signed with the secret of this installation.
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import jwt

from coach.config import is_loopback
from coach.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Role = Literal["producer", "sidebar"]
# What a socket is for. Nobody has a token of a reviewer: that door opens to API keys, and in the demo.
Door = Literal["producer", "sidebar", "reviewer"]

_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "coach"
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who somebody proved to be, in which tenant. `agent_id` None covers every agent of it (an API key)."""

    role: Role
    agent_id: str | None = None
    tenant: str = "default"

    def covers(self, agent_id: str) -> bool:
        """Tell whether this principal may see and change that agent's calls."""
        return self.agent_id is None or self.agent_id == agent_id


class KeyRing:
    """The API keys (`api-keys`: name and hash a line) and the signing secret (`secret`) of a data folder."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._keys_file = folder / "api-keys"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secret = _read_or_create_secret(folder / "secret")
        self._hashes = self._read_keys()

    @property
    def empty(self) -> bool:
        """Tell whether no key exists yet."""
        return not self._hashes

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the keys, in the order they were made."""
        return tuple(self._hashes)

    def create_key(self, name: str) -> str:
        """Make a key and store its hash; the key itself is returned once and never again.

        Raises:
            ConfigError: the name is taken or cannot be written in one word.
        """
        if name in self._hashes or not name or any(character.isspace() for character in name):
            raise ConfigError(f"密钥名 {name!r} 已存在、为空或含空白")
        key = f"coach_{secrets.token_urlsafe(32)}"
        self._write_keys({**self._hashes, name: self._hash(key)})
        return key

    def remove_key(self, name: str) -> None:
        """Forget a key; a running service has to be started again to refuse it.

        Raises:
            ConfigError: there is no such key.
        """
        if name not in self._hashes:
            raise ConfigError(f"没有名为 {name!r} 的密钥；现有：{'、'.join(self._hashes) or '无'}")
        self._write_keys({each: value for each, value in self._hashes.items() if each != name})

    def mint(self, *, role: Role, agent_id: str, ttl_s: int) -> tuple[str, float]:
        """Sign a token for one agent; return it with its expiry in seconds since 1970."""
        now = self._clock()
        expires_at = now + ttl_s
        claims = {"sub": agent_id, "role": role, "aud": _AUDIENCE, "iat": int(now), "exp": int(expires_at)}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM), float(int(expires_at))

    def identify(self, credential: str) -> Principal | None:
        """Return whom an API key or a token belongs to, None when it is neither."""
        digest = self._hash(credential)
        # Every hash is compared, so that the time taken does not tell which one was close.
        if sum(hmac.compare_digest(digest, known) for known in self._hashes.values()):
            return Principal("producer")
        try:
            claims = jwt.decode(
                credential,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                # Expiry is checked below, by the clock that was passed in.
                options={"require": ["sub", "role", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        role = claims["role"]
        if role not in {"producer", "sidebar"} or float(claims["exp"]) <= self._clock():
            return None
        return Principal(role, str(claims["sub"]))

    def _hash(self, key: str) -> str:
        return hmac.digest(self._secret, key.encode("utf-8", "surrogatepass"), "sha256").hex()

    def _read_keys(self) -> dict[str, str]:
        if not self._keys_file.exists():
            return {}
        rows = [line.split() for line in self._keys_file.read_text("utf-8").splitlines() if line.strip()]
        if any(len(row) != 2 for row in rows):  # noqa: PLR2004 - name and hash
            raise ConfigError(f"{self._keys_file}: 每行应为“名称 哈希”")
        return {name: digest for name, digest in rows}  # noqa: C416 - a row is a list, dict() wants pairs

    def _write_keys(self, hashes: dict[str, str]) -> None:
        _write_private(self._keys_file, "".join(f"{name} {digest}\n" for name, digest in hashes.items()))
        self._hashes = hashes


class Gate:
    """Which web pages may talk to the service."""

    def __init__(self, *, origins: tuple[str, ...], hosts: tuple[str, ...], bound_to: str) -> None:
        self._origins = frozenset(origin.lower() for origin in origins)
        # On loopback any web page can make its own name point here; only the real names are answered.
        self._hosts = frozenset(hosts) or (frozenset(_LOOPBACK_NAMES) if is_loopback(bound_to) else None)

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


def _read_or_create_secret(file: Path) -> bytes:
    if not file.exists():
        _write_private(file, secrets.token_hex(32) + "\n")
    secret = file.read_text("ascii").strip()
    if len(secret) < 64:  # noqa: PLR2004 - 32 bytes in hex, what HS256 asks for
        raise ConfigError(f"{file}: 签名密钥太短；删除该文件即可重新生成（已签发的令牌和 API 密钥随之失效）")
    return secret.encode("ascii")


def _write_private(file: Path, content: str) -> None:
    """Write a file nobody else can read, whole or not at all."""
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
