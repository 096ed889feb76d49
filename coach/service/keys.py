"""API keys in the database of the default tenant: made, listed, rotated, revoked; every process sees it in seconds.

A key is shown once and kept as a keyed hash. What is asked on every request is in memory.
"""

from __future__ import annotations

import asyncio
import logging
import secrets as random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, update

from coach.errors import ConfigError, MessageError
from coach.service.audit import SERVICE, Audit
from coach.service.auth import Principal
from coach.service.database import DEFAULT_TENANT, insert_new
from coach.service.old_keys import import_old_keys
from coach.service.schema_keys import api_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.audit import Actor
    from coach.service.database import Database
    from coach.service.roles import Role
    from coach.service.signing import Secrets

log = logging.getLogger(__name__)

FIRST: Final = "first"
DAY_S: Final = 86_400
_POLL_S: Final = 2.0
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. Times are seconds since 1970; `last_used_at` is that of a day's beginning."""

    id: str
    name: str
    hash: str
    secret: str
    tenant: str
    role: Role
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None

    def in_force(self, now: float) -> bool:
        """Tell whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class ApiKeys:
    """The keys. Whoever changes them sees it at once, other processes within a few seconds.

    Args:
        database: of the default tenant; its tables must be there.
        clock: seconds since 1970.
        actor: who changes keys, for the audit log.
    """

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        *,
        clock: Callable[[], float] = time.time,
        actor: Actor = SERVICE,
    ) -> None:
        self._database = database
        self._signed = Audit(database, clock=clock).signed(actor)
        self._secrets = secrets
        self._clock = clock
        self._by_hash: dict[str, ApiKey] = {}
        self._by_id: dict[str, ApiKey] = {}
        self._state: tuple[int, int] = (-1, -1)
        # What the next poll writes: ids used today, and hashes to be keyed anew.
        self._used: dict[str, float] = {}
        self._rehashed: dict[str, tuple[str, str]] = {}

    async def open(self, *, old_file: Path | None = None) -> None:
        """Read the keys; those of the file of earlier versions are taken in once, and the file renamed.

        Raises:
            ConfigError: the file is damaged.
        """
        if old_file is not None:
            await import_old_keys(old_file, self._database, secret=self._secrets.newest.id)
        await self.refresh()

    def find(self, key: str) -> Principal | None:
        """Return whom a key belongs to, None when it is none or not in force any more. Costs microseconds."""
        now = self._clock()
        for secret in self._secrets.all:
            digest = secret.hash(key)
            known = self._by_hash.get(digest)
            if known is None or not known.in_force(now):
                continue
            day = now - now % DAY_S
            if (known.last_used_at or 0) < day:
                self._used[known.id] = day
            if secret is not self._secrets.newest:
                newest = self._secrets.newest
                self._rehashed[known.id] = (newest.hash(key), newest.id)
            return Principal(known.role, tenant=known.tenant, name=known.name, by_key=True, key_id=known.id)
        return None

    def in_force(self, key_id: str) -> bool:
        """Tell whether a key that was found before still opens anything. Costs less than a microsecond."""
        known = self._by_id.get(key_id)
        return known is not None and known.in_force(self._clock())

    @property
    def empty(self) -> bool:
        """Tell whether no key was ever made."""
        return not self._by_hash

    async def listed(self) -> list[ApiKey]:
        """List all keys, those revoked too, in the order they were made."""
        async with self._database.reading() as connection:
            return await _read(connection)

    async def first(self) -> str | None:
        """Make a key for the administrator of a new installation; None when there are keys already."""
        if not self.empty:
            return None
        key = _new_key()
        row = {
            **self._row(key, name=FIRST, role="admin", tenant=DEFAULT_TENANT, expires_at=None),
            "id": FIRST,
        }
        async with self._database.writing() as connection:
            made = await connection.execute(insert_new(connection, api_keys), row)
            if made.rowcount:
                await self._signed.within(connection, "key-created", f"key:{FIRST}", role="admin")
        await self.refresh()
        return key if made.rowcount else None

    async def create(
        self, name: str, *, role: Role = "producer", tenant: str = DEFAULT_TENANT, days: int | None = None
    ) -> str:
        """Make a key; it is returned once and never again.

        Args:
            days: it is for; None: for ever.

        Raises:
            ConfigError: the name is taken or cannot be written in one word.
        """
        if not 0 < len(name) <= _LONGEST_NAME or any(character.isspace() for character in name):
            raise ConfigError(f"密钥名：收到 {name!r}，应为 1 到 {_LONGEST_NAME} 个字符，不含空白")
        key = _new_key()
        expires_at = None if days is None else self._clock() + days * DAY_S
        async with self._database.writing() as connection:
            if await self._in_force(connection, name):
                raise ConfigError(
                    f"密钥名：{name!r} 已存在；换一个名称，或用 coach keys rotate {name} 更换密钥"
                )
            row = self._row(key, name=name, role=role, tenant=tenant, expires_at=expires_at)
            await connection.execute(insert(api_keys), row)
            told = {"role": role, "tenant": tenant, "days": days}
            await self._signed.within(connection, "key-created", f"key:{name}", **told)
        await self.refresh()
        return key

    async def rotate(self, name: str, *, grace_h: float = 24) -> str:
        """Make a new key of the same name, tenant and role; the old one is in force for `grace_h` hours more.

        Raises:
            ConfigError: there is no such key in force.
        """
        now = self._clock()
        key = _new_key()
        async with self._database.writing() as connection:
            old = await self._known(connection, name)
            # One that was made for a time is followed by one for as long.
            latest = max(old, key=lambda each: each.created_at)
            lasts = None if latest.expires_at is None else now + latest.expires_at - latest.created_at
            for each in old:
                end = min(now + grace_h * 3600, each.expires_at or float("inf"))
                await connection.execute(_changed(each.id, expires_at=end))
            row = self._row(key, name=name, role=latest.role, tenant=latest.tenant, expires_at=lasts)
            await connection.execute(insert(api_keys), row)
            await self._signed.within(connection, "key-rotated", f"key:{name}", grace_h=grace_h)
        await self.refresh()
        return key

    async def revoke(self, name: str) -> int:
        """Refuse every key of this name from now on; return how many there were.

        Raises:
            ConfigError: there is no such key in force.
        """
        async with self._database.writing() as connection:
            old = await self._known(connection, name)
            for each in old:
                await connection.execute(_changed(each.id, revoked_at=self._clock()))
            await self._signed.within(connection, "key-revoked", f"key:{name}")
        await self.refresh()
        return len(old)

    async def refresh(self) -> None:
        """Note on disk which keys were used, and read the keys if any was changed since."""
        used, self._used = self._used, {}
        rehashed, self._rehashed = self._rehashed, {}
        if used or rehashed:
            async with self._database.writing() as connection:
                for key_id, day in used.items():
                    await connection.execute(
                        update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=day)
                    )
                for key_id, (digest, secret) in rehashed.items():
                    await connection.execute(_changed(key_id, hash=digest, secret=secret))
        async with self._database.reading() as connection:
            row = (
                await connection.execute(
                    select(func.count(), func.coalesce(func.sum(api_keys.c.version), 0)).select_from(api_keys)
                )
            ).one()
            state = (int(row[0]), int(row[1]))
            if used or state != self._state:
                read = await _read(connection)
                self._by_hash = {key.hash: key for key in read}
                self._by_id = {key.id: key for key in read}
                self._state = state

    async def poll_forever(self) -> None:
        """See what other processes change, until cancelled; while the database is away, what is known holds."""
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                await self.refresh()
            except MessageError as error:
                log.warning("读不到 API 密钥的变化，沿用已知的：%s", getattr(error, "reason", error))

    async def _in_force(self, connection: AsyncConnection, name: str) -> list[ApiKey]:
        now = self._clock()
        return [key for key in await _read(connection) if key.name == name and key.in_force(now)]

    async def _known(self, connection: AsyncConnection, name: str) -> list[ApiKey]:
        found = await self._in_force(connection, name)
        if not found:
            now = self._clock()
            there = {key.name: None for key in await _read(connection) if key.in_force(now)}
            raise ConfigError(f"没有名为 {name!r} 的有效密钥；现有：{'、'.join(there) or '无'}")
        return found

    def _row(
        self, key: str, *, name: str, role: Role, tenant: str, expires_at: float | None
    ) -> Mapping[str, Any]:
        secret = self._secrets.newest
        digest = secret.hash(key)
        return {
            "id": digest[:32],
            "name": name,
            "hash": digest,
            "secret": secret.id,
            "tenant": tenant,
            "role": role,
            "created_at": self._clock(),
            "expires_at": expires_at,
            "last_used_at": None,
            "revoked_at": None,
            "version": 1,
        }


def _new_key() -> str:
    return f"coach_{random.token_urlsafe(32)}"


def _changed(key_id: str, **values: object) -> Any:  # noqa: ANN401 - SQLAlchemy's own
    return update(api_keys).where(api_keys.c.id == key_id).values(version=api_keys.c.version + 1, **values)


async def _read(connection: AsyncConnection) -> list[ApiKey]:
    columns = [column for column in api_keys.columns if column.name != "version"]
    rows = await connection.execute(select(*columns).order_by(api_keys.c.created_at, api_keys.c.id))
    return [ApiKey(**row) for row in rows.mappings()]
