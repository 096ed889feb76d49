"""What is still to be told: claimed for a while by a worker, given back when it dies, dead after the last try.

Of one call and endpoint one row is under way at a time, so its events arrive in order; an event that failed three
times lets those behind it pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Float, and_, bindparam, case, delete, exists, func, or_, select, update

from coach.service.schema_webhooks import webhook_endpoints, webhook_outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.database import Database

# So often an event may fail before those of its call behind it are told without it.
PATIENCE: Final = 3

_table = webhook_outbox
_columns = webhook_outbox.c


@dataclass(frozen=True, slots=True)
class Due:
    """A row that is this worker's to deliver until `until` (seconds since 1970); `body` None is to be made first."""

    n: int
    id: str
    endpoint_id: str
    call_id: str
    type: str
    body: str | None
    at: float
    tries: int
    until: float


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a row.

    Attributes:
        tries: how often it was tried by now.
        next_at: when it is tried again, seconds since 1970; None: never.
        delivered: it is told, and forgotten.
        status: HTTP status of the last try, 0 without an answer.
        says: why it failed.
    """

    n: int
    tries: int
    next_at: float | None = None
    delivered: bool = False
    status: int = 0
    says: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be told; kept until somebody tries it again or removes its endpoint."""

    n: int
    id: str
    endpoint_id: str
    url: str
    call_id: str
    type: str
    at: float
    tries: int
    status: int
    says: str


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the outbox is.

    Attributes:
        oldest_at: when the oldest that waits was committed, seconds since 1970; None when none waits.
    """

    waiting: int = 0
    dead: int = 0
    oldest_at: float | None = None


class Outbox:
    """The outbox in one tenant's database.

    Args:
        owner: names this worker in its leases.
        lease_s: how long a claimed row is this worker's, in seconds; longer than an attempt takes.
    """

    def __init__(self, database: Database, *, owner: str, lease_s: float) -> None:
        self._database = database
        self._owner = owner
        self._lease_s = lease_s

    async def turn(self, done: Sequence[Done], free: dict[str, int], *, now: float) -> list[Due]:
        """Settle what was tried and claim what is due, in one transaction.

        Args:
            done: what became of rows claimed before; those of a lease that ran out are left to their new owner.
            free: how many more may be under way, by endpoint.
            now: seconds since 1970.
        """
        wanted = {endpoint_id: limit for endpoint_id, limit in free.items() if limit > 0}
        if not done and not wanted:
            return []
        async with self._database.writing() as connection:
            await self._settle(connection, done)
            claimed = [
                row
                for endpoint_id, limit in wanted.items()
                for row in await self._claim(connection, _in_order(endpoint_id), now=now, limit=limit)
            ]
        return sorted((_due(row) for row in claimed), key=lambda due: due.n)

    async def unmade(self, endpoint_ids: Sequence[str], *, limit: int, now: float) -> list[Due]:
        """Claim rows whose body is still to be made, for these endpoints; `now` in seconds since 1970."""
        wanted = and_(_columns.endpoint_id.in_(endpoint_ids), _columns.body.is_(None))
        async with self._database.writing() as connection:
            rows = await self._claim(connection, wanted, now=now, limit=limit)
        return sorted((_due(row) for row in rows), key=lambda due: due.n)

    async def made(self, webhook_id: str, body: str) -> None:
        """Keep what was made for an event, for all who are told of it, and let it be delivered."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(_table)
                .where(_columns.id == webhook_id, _columns.body.is_(None))
                .values(body=body, lease=None, lease_until=None)
            )

    async def give_back(self, *, everybody: bool = False) -> None:
        """Let others deliver what this worker claimed; `everybody`: what anyone claimed, when nobody else runs."""
        claimed = _columns.lease.is_not(None) if everybody else _columns.lease == self._owner
        async with self._database.writing() as connection:
            await connection.execute(update(_table).where(claimed).values(lease=None, lease_until=None))

    async def give_up(self, endpoint_id: str, *, reason: str) -> int:
        """Make dead letters of all that waits for an endpoint; return how many."""
        async with self._database.writing() as connection:
            gone = await connection.execute(
                update(_table)
                .where(_columns.endpoint_id == endpoint_id, _columns.state == "waiting")
                .values(state="dead", says=reason, lease=None, lease_until=None)
            )
            return gone.rowcount

    async def depth(self) -> Depth:
        """Count what waits and what is dead."""
        waiting = _columns.state == "waiting"
        query = select(
            func.count(case((waiting, 1))),
            func.count(case((_columns.state == "dead", 1))),
            func.min(case((waiting, _columns.at))),
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one()
        return Depth(*row)

    async def next_at(self) -> float | None:
        """Return when something is due next, leases that run out included; None when nothing waits."""
        due = case((_columns.lease_until.is_(None), _columns.next_at), else_=_columns.lease_until)
        query = select(func.min(due)).where(_columns.state == "waiting")
        async with self._database.reading() as connection:
            found: float | None = (await connection.execute(query)).scalar()
        return found

    async def dead(self, *, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """List dead letters, oldest first; `after` is the `n` of the last one seen."""
        query = (
            select(_table, webhook_endpoints.c.url)
            .join(webhook_endpoints, webhook_endpoints.c.id == _columns.endpoint_id)
            .where(_columns.state == "dead", _columns.n > after)
            .order_by(_columns.n)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [
                DeadLetter(
                    n=row.n,
                    id=row.id,
                    endpoint_id=row.endpoint_id,
                    url=row.url,
                    call_id=row.call_id,
                    type=row.type,
                    at=row.at,
                    tries=row.tries,
                    status=row.status,
                    says=row.says,
                )
                for row in await connection.execute(query)
            ]

    async def retry(self, webhook_id: str | None, *, now: float) -> int:
        """Let dead letters be tried anew; return how many.

        Args:
            webhook_id: which event; None: all of them.
            now: seconds since 1970.
        """
        chosen = _columns.state == "dead"
        if webhook_id is not None:
            chosen = and_(chosen, _columns.id == webhook_id)
        async with self._database.writing() as connection:
            revived = await connection.execute(
                update(_table).where(chosen).values(state="waiting", tries=0, next_at=now)
            )
            return revived.rowcount

    async def _settle(self, connection: AsyncConnection, done: Iterable[Done]) -> None:
        # Not ours any more: another worker took it over when the lease ran out.
        mine = and_(_columns.n == bindparam("row"), _columns.lease == self._owner)
        told = [{"row": each.n} for each in done if each.delivered]
        if told:
            await connection.execute(delete(_table).where(mine), told)
        failed = [each for each in done if not each.delivered]
        if failed:
            await connection.execute(
                update(_table)
                .where(mine)
                .values(
                    state=bindparam("becomes"),
                    tries=bindparam("tried"),
                    next_at=func.coalesce(bindparam("due", type_=Float), _columns.next_at),
                    status=bindparam("answered"),
                    says=bindparam("said"),
                    lease=None,
                    lease_until=None,
                ),
                [
                    {
                        "row": each.n,
                        "becomes": "dead" if each.next_at is None else "waiting",
                        "tried": each.tries,
                        "due": each.next_at,
                        "answered": each.status,
                        "said": each.says,
                    }
                    for each in failed
                ],
            )

    async def _claim(
        self, connection: AsyncConnection, which: ColumnElement[bool], *, now: float, limit: int
    ) -> Sequence[Row[Any]]:
        due = (
            select(_columns.n)
            .where(
                which,
                _columns.state == "waiting",
                _columns.next_at <= now,
                or_(_columns.lease_until.is_(None), _columns.lease_until <= now),
            )
            .order_by(_columns.next_at, _columns.n)
            .limit(limit)
            # Other workers take other rows; SQLite has no such clause and one writer at a time.
            .with_for_update(skip_locked=True)
        )
        claimed = await connection.execute(
            update(_table)
            .where(_columns.n.in_(due.scalar_subquery()))
            .values(lease=self._owner, lease_until=now + self._lease_s)
            .returning(_table)
        )
        rows: Sequence[Row[Any]] = claimed.all()
        return rows


def _in_order(endpoint_id: str) -> ColumnElement[bool]:
    """Choose what may be told an endpoint: what has a body, and nothing of its call before it."""
    before = _table.alias("before")
    return and_(
        _columns.endpoint_id == endpoint_id,
        _columns.body.is_not(None),
        ~exists().where(
            before.c.endpoint_id == endpoint_id,
            before.c.call_id == _columns.call_id,
            before.c.n < _columns.n,
            before.c.state == "waiting",
            before.c.tries < PATIENCE,
        ),
    )


def _due(row: Row[Any]) -> Due:
    return Due(
        n=row.n,
        id=row.id,
        endpoint_id=row.endpoint_id,
        call_id=row.call_id,
        type=row.type,
        body=row.body,
        at=row.at,
        tries=row.tries,
        until=row.lease_until,
    )
