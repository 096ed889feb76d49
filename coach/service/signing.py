"""The secrets of an installation: the newest signs tokens and keys hashes, all of them are still believed."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

from coach.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ALGORITHM: Final = "HS256"
FILE: Final = "secret"
# 32 bytes, what HS256 asks for; in hex they are 64 characters.
_LEAST: Final = 32


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """One secret. `id` names it without telling it."""

    id: str
    value: bytes

    def hash(self, key: str) -> str:
        """Return the keyed hash of an API key."""
        return hmac.digest(self.value, key.encode("utf-8", "surrogatepass"), "sha256").hex()


@dataclass(frozen=True, slots=True)
class Secrets:
    """All secrets in force, the newest first."""

    all: tuple[Secret, ...]

    @property
    def newest(self) -> Secret:
        """The one that signs."""
        return self.all[0]

    def named(self, name: object) -> Secret | None:
        """Return the secret with this id."""
        return next((secret for secret in self.all if secret.id == name), None)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign claims, among them `aud` and `exp`, as a JWT that names the newest secret."""
        secret = self.newest
        return jwt.encode(dict(claims), secret.value, algorithm=ALGORITHM, headers={"kid": secret.id})

    def verify(
        self, token: str, *, audience: str, claims: tuple[str, ...], now: float
    ) -> dict[str, Any] | None:
        """Return what `sign` signed; None when it is not ours, for something else, or over.

        Args:
            audience: what it must be for.
            claims: what it must hold besides `exp`.
            now: seconds since 1970.
        """
        try:
            secret = self.named(jwt.get_unverified_header(token).get("kid"))
            if secret is None:
                return None
            found: dict[str, Any] = jwt.decode(
                token,
                secret.value,
                # Never what the token itself names.
                algorithms=[ALGORITHM],
                audience=audience,
                # Expiry is checked below, by the clock that was passed in.
                options={"require": [*claims, "exp"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        return found if float(found["exp"]) > now else None


def load_secrets(folder: Path, *, given: str = "", make: bool = True) -> Secrets:
    """Return the secrets that are `given` (COACH_SECRET), else those of the file in the data folder.

    Args:
        given: one secret or several, newest first, between commas or white space; the file has one a line.
        make: make the file if it is missing; otherwise there are no secrets then.

    Raises:
        ConfigError: a secret is shorter than 32 characters, or the file cannot be read or made.
    """
    file = folder / FILE
    try:
        return _load(file, given=given, make=make)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: 第 {error.start} 字节起不是文本，应为每行一个签名密钥") from error
    except OSError as error:
        raise ConfigError(
            f"{file}: 无法读写签名密钥：{error.strerror}；应以 coach serve 的用户运行，或设置 COACH_SECRET"
        ) from error


def _load(file: Path, *, given: str, make: bool) -> Secrets:
    if given:
        source, words = "secret（COACH_SECRET）", re.split(r"[\s,]+", given.strip(" ,\n"))
    else:
        if not file.exists():
            if not make:
                return Secrets(())
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(file, secrets.token_hex(32) + "\n")
        source, words = str(file), file.read_text("utf-8").split()
    for number, word in enumerate(words, 1):
        if len(word) < _LEAST:
            raise ConfigError(f"{source}: 第 {number} 个签名密钥只有 {len(word)} 个字符，应至少 {_LEAST} 个")
    if not words:
        raise ConfigError(
            f"{source}: 没有签名密钥；删除该文件即可重新生成（已签发的令牌和 API 密钥随之失效）"
        )
    return Secrets(tuple(Secret(_name(word), word.encode()) for word in words))


def write_private(file: Path, content: str) -> None:
    """Write a file nobody else can read, whole or not at all."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)


def _name(word: str) -> str:
    return hashlib.sha256(b"coach secret " + word.encode()).hexdigest()[:12]
