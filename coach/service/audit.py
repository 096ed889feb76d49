"""Who did what: entries that are written with the change they are about, and only ever added.

No personal data gets in: targets are ids, details are numbers and names of settings.
"""

from __future__ import annotations

import asyncio
import getpass
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import orjson
from sqlalchemy import insert, select

from coach.errors import MessageError
from coach.service.render import timestamp
from coach.service.schema_audit import audit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection
    from starlette.requests import HTTPConnection

    from coach.service.auth import Principal
    from coach.service.database import Database
    from coach.service.ruleset import RuleSource

log = logging.getLogger(__name__)

Action = Literal[
    "key-created",
    "key-rotated",
    "key-revoked",
    "token-minted",
    "login-refused",
    "rules-reloaded",
    "tenants-changed",
    "call-read",
    "call-watched",
    "review-created",
    "review-started",
    "review-deleted",
    "review-downloaded",
    "decided",
    "appealed",
    "settled",
    "webhook-changed",
    "data-deleted",
    "audit-read",
]
ACTIONS: Final[tuple[str, ...]] = get_args(Action)
NOBODY: Final = "-"
_MAX_TARGET: Final = 400
# An address that is refused again and again gets one entry in this time, and all together so many.
_REFUSED_S: Final = 60.0
_MOST_REFUSED: Final = 30
_MOST_ADDRESSES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where."""

    who: str
    role: str
    address: str = ""


# What the service does by itself, by its settings or because files changed.
SERVICE: Final = Actor("coach", "service")
FILES: Final = Actor("files", "service")


def actor_of(connection: HTTPConnection, principal: Principal | None = None) -> Actor:
    """Return who is behind a request or a socket; without a principal, the one that `access` found."""
    principal = principal or getattr(connection.state, "principal", None)
    address = connection.client.host if connection.client else ""
    if principal is None:
        return Actor(NOBODY, NOBODY, address)
    return Actor(principal.name or principal.agent_id or NOBODY, principal.role, address)


def at_the_command_line() -> Actor:
    """Return who runs this program."""
    try:
        return Actor(getpass.getuser(), "command-line")
    except (KeyError, OSError):
        return Actor(NOBODY, "command-line")


@dataclass(frozen=True, slots=True)
class Signed:
    """Adds entries of one actor in the transaction of whatever he does."""

    audit: Audit
    actor: Actor

    async def within(
        self, connection: AsyncConnection, action: Action, target: str, **details: object
    ) -> None:
        """Add an entry; see `Audit.within`."""
        await self.audit.within(connection, self.actor, action, target, **details)


class Audit:
    """The audit log of one tenant.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._refused: dict[str, float] = {}
        self._refused_unsaid = 0
        self._refused_lately: list[float] = []

    def signed(self, actor: Actor) -> Signed:
        """Return what adds entries of an actor inside other transactions."""
        return Signed(self, actor)

    async def write(self, actor: Actor, action: Action, target: str = "", **details: object) -> None:
        """Add an entry; what it is about must not be done when this fails.

        Raises:
            DatabaseAwayError: it could not be written.
        """
        async with self._database.writing() as connection:
            await self.within(connection, actor, action, target, **details)

    async def within(
        self, connection: AsyncConnection, actor: Actor, action: Action, target: str = "", **details: object
    ) -> None:
        """Add an entry in the transaction of the change that it is about."""
        await connection.execute(
            insert(audit).values(
                at=self._clock(),
                who=actor.who[:128],
                role=actor.role,
                address=actor.address,
                action=action,
                target=target[:_MAX_TARGET],
                details=orjson.dumps(details).decode(),
            )
        )

    async def refused(self, address: str) -> None:
        """Note that somebody came with a wrong key or token: seldom enough that nobody can fill the disk with it."""
        now = self._clock()
        self._refused_lately = [at for at in self._refused_lately if at > now - _REFUSED_S]
        if self._refused.get(address, 0.0) > now or len(self._refused_lately) >= _MOST_REFUSED:
            self._refused_unsaid += 1
            return
        if len(self._refused) >= _MOST_ADDRESSES:
            self._refused = {each: until for each, until in self._refused.items() if until > now}
        self._refused[address] = now + _REFUSED_S
        self._refused_lately.append(now)
        unsaid, self._refused_unsaid = self._refused_unsaid, 0
        try:
            await self.write(Actor(NOBODY, NOBODY, address), "login-refused", unsaid_before=unsaid)
        except MessageError as error:
            # Whoever is refused is refused all the same.
            log.warning("没能写入审计日志：%s", error)

    async def note_rules_forever(
        self, rules: RuleSource, *, mine: Callable[[str], Awaitable[bool]] | None = None
    ) -> None:
        """Note each change of the rules in force, until cancelled: they are files, so who it was is not known.

        Args:
            mine: tells whether it falls to this worker to note that a digest is in force; every worker loads it.
        """
        changed = asyncio.Event()
        rules.on_change(changed.set)
        known = rules.current.rulebook.digest
        try:
            while True:
                await changed.wait()
                changed.clear()
                digest = rules.current.rulebook.digest
                try:
                    if mine is None or await mine(digest):
                        await self.write(FILES, "rules-reloaded", "rules", before=known, after=digest)
                except MessageError as error:
                    # The files are the rules: they are in force whether this is written or not.
                    log.error("规则已更新，但没能写入审计日志：%s", error)  # noqa: TRY400 - no trace
                known = digest
        finally:
            rules.ignore(changed.set)

    async def listed(
        self,
        *,
        since: float = 0.0,
        until: float | None = None,
        who: str = "",
        action: str = "",
        target: str = "",
        before: int | None = None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """List entries, youngest first.

        Args:
            since, until: seconds since 1970.
            before: only entries with a smaller number.
        """
        column = audit.c
        query = select(audit).where(column.at >= since).order_by(column.n.desc()).limit(limit)
        if until is not None:
            query = query.where(column.at < until)
        for field, wanted in ((column.who, who), (column.action, action), (column.target, target)):
            if wanted:
                query = query.where(field == wanted)
        if before is not None:
            query = query.where(column.n < before)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            {
                "n": row.n,
                "at": timestamp(row.at),
                "who": row.who,
                "role": row.role,
                "address": row.address,
                "action": row.action,
                "target": row.target,
                "details": orjson.loads(row.details),
            }
            for row in rows
        ]
