"""The endpoints of a tenant: who is told of what, where, and signed with which secret."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import orjson
from sqlalchemy import delete, func, insert, select, update

from coach.client.webhooks import new_secret
from coach.errors import MessageError
from coach.service.schema_webhooks import webhook_endpoints, webhook_outbox
from coach.service.webhooks.address import ForbiddenAddressError, check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.audit import Signed
    from coach.service.database import Database

EventType = Literal[
    "advice.given",
    "advice.withdrawn",
    "advice.resolved",
    "signal",
    "moment",
    "commitment",
    "call.ended",
    "call.score",
]
State = Literal["active", "disabled"]

EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
PING: Final = "ping"
MAX_ENDPOINTS: Final = 50
# How long the old secret signs too.
OVERLAP_S: Final = 86_400.0

_table = webhook_endpoints


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Somebody who wants to be told.

    Attributes:
        secret: new deliveries are signed with it.
        old_secret: signs as well until `old_secret_until` (seconds since 1970); None when there is none.
        state: a disabled endpoint is told nothing, and what happens meanwhile is not kept for it.
        reason: why it was disabled; "" when by hand or never.
        failing_since: since when nothing was delivered any more, seconds since 1970; None when all is well.
    """

    id: str
    url: str
    events: tuple[EventType, ...]
    secret: str
    old_secret: str | None
    old_secret_until: float | None
    state: State
    reason: str
    created_at: float
    failing_since: float | None

    def signing(self, now: float) -> list[str]:
        """Return the secrets to sign with, the new one first; `now` in seconds since 1970."""
        if self.old_secret is None or self.old_secret_until is None or now >= self.old_secret_until:
            return [self.secret]
        return [self.secret, self.old_secret]


class Endpoints:
    """The endpoints in one tenant's database.

    Args:
        private: addresses inside this network are allowed.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, private: bool, clock: Callable[[], float]) -> None:
        self._database = database
        self._private = private
        self._clock = clock

    async def list(self) -> list[Endpoint]:
        """List all of them, in the order in which they were added."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(_table).order_by(_table.c.created_at, _table.c.id))
            return [read_endpoint(row) for row in rows]

    async def get(self, endpoint_id: str) -> Endpoint:
        """Return one.

        Raises:
            MessageError: `not_found`.
        """
        async with self._database.reading() as connection:
            row = (await connection.execute(select(_table).where(_table.c.id == endpoint_id))).first()
        if row is None:
            raise MessageError("not_found", f"没有编号为 {endpoint_id!r} 的 webhook")
        return read_endpoint(row)

    def check(self, url: str) -> None:
        """Check what can be seen of an address.

        Raises:
            MessageError: `invalid_field`: nothing may be sent there.
        """
        try:
            check_url(url, private=self._private)
        except ForbiddenAddressError as error:
            raise MessageError("invalid_field", str(error), field="url") from error

    async def add(self, url: str, events: Iterable[str], *, signed: Signed | None = None) -> Endpoint:
        """Add one, active, with a new secret; `signed` adds the audit entry, here and below.

        Raises:
            MessageError: `invalid_field` for a URL that is not allowed or an unknown event; `conflict` when the URL
                is there already or there are too many.
        """
        self.check(url)
        endpoint = Endpoint(
            id=f"we_{secrets.token_hex(8)}",
            url=url,
            events=check_events(events),
            secret=new_secret(),
            old_secret=None,
            old_secret_until=None,
            state="active",
            reason="",
            created_at=self._clock(),
            failing_since=None,
        )
        async with self._database.writing() as connection:
            await connection.execute(insert(_table).values(**_row(endpoint)))
            count = (await connection.execute(select(func.count()).select_from(_table))).scalar_one()
            same = select(_table.c.id).where(_table.c.url == url, _table.c.id != endpoint.id)
            known = (await connection.execute(same)).scalars().first()
            if known is not None:
                raise MessageError("conflict", f"url: {url} 已登记为 {known}", field="url")
            if count > MAX_ENDPOINTS:
                raise MessageError("conflict", f"webhook 已有 {MAX_ENDPOINTS} 个，先删除不用的", field="url")
            await _sign(connection, signed, endpoint.id, change="added")
        return endpoint

    async def change(
        self,
        endpoint_id: str,
        *,
        events: Iterable[str] | None = None,
        state: State | None = None,
        signed: Signed | None = None,
    ) -> Endpoint:
        """Change what it is told of, or switch it on or off; None leaves things as they are.

        Raises:
            MessageError: `not_found` or `invalid_field`.
        """
        values: dict[str, Any] = {}
        if events is not None:
            values["events"] = orjson.dumps(check_events(events)).decode()
        if state is not None:
            values |= {"state": state, "reason": "", "failing_since": None}
        if values:
            async with self._database.writing() as connection:
                changed = await connection.execute(
                    update(_table).where(_table.c.id == endpoint_id).values(**values)
                )
                if changed.rowcount:
                    await _sign(connection, signed, endpoint_id, change=state or "events")
        return await self.get(endpoint_id)

    async def remove(self, endpoint_id: str, *, signed: Signed | None = None) -> None:
        """Remove one, with everything that waits for it and its dead letters.

        Raises:
            MessageError: `not_found`.
        """
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(_table).where(_table.c.id == endpoint_id))
            await connection.execute(
                delete(webhook_outbox).where(webhook_outbox.c.endpoint_id == endpoint_id)
            )
            if gone.rowcount:
                await _sign(connection, signed, endpoint_id, change="removed")
        if not gone.rowcount:
            raise MessageError("not_found", f"没有编号为 {endpoint_id!r} 的 webhook")

    async def rotate(
        self, endpoint_id: str, *, overlap_s: float = OVERLAP_S, signed: Signed | None = None
    ) -> Endpoint:
        """Give it a new secret; the old one signs too for `overlap_s` seconds.

        Raises:
            MessageError: `not_found`.
        """
        async with self._database.writing() as connection:
            changed = await connection.execute(
                update(_table)
                .where(_table.c.id == endpoint_id)
                .values(
                    secret=new_secret(),
                    old_secret=_table.c.secret,
                    old_secret_until=self._clock() + overlap_s,
                )
            )
            if changed.rowcount:
                await _sign(connection, signed, endpoint_id, change="secret")
        return await self.get(endpoint_id)

    async def mark(self, endpoint: Endpoint, *, failing_since: float | None) -> Endpoint:
        """Note since when an endpoint fails, or that it does not; returns it as it is now."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(_table).where(_table.c.id == endpoint.id).values(failing_since=failing_since)
            )
        return replace(endpoint, failing_since=failing_since)

    async def disable(self, endpoint: Endpoint, *, reason: str) -> Endpoint:
        """Tell an endpoint nothing any more; returns it as it is now."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(_table).where(_table.c.id == endpoint.id).values(state="disabled", reason=reason)
            )
        return replace(endpoint, state="disabled", reason=reason)


async def _sign(connection: AsyncConnection, signed: Signed | None, endpoint_id: str, *, change: str) -> None:
    if signed is not None:
        await signed.within(connection, "webhook-changed", f"webhook:{endpoint_id}", change=change)


def check_events(events: Iterable[str]) -> tuple[EventType, ...]:
    """Return the events in the order of the documentation, each once; `*` stands for all.

    Raises:
        MessageError: `invalid_field`, for an unknown event or none at all.
    """
    wanted = {each.strip() for each in events} - {""}
    unknown = sorted(wanted - {*EVENT_TYPES, "*"})
    if unknown or not wanted:
        came = "、".join(unknown) or "空"
        raise MessageError(
            "invalid_field", f"events: 收到 {came[:200]}，应为 {'、'.join(EVENT_TYPES)} 或 *", field="events"
        )
    return tuple(each for each in EVENT_TYPES if "*" in wanted or each in wanted)


def read_endpoint(row: Row[Any]) -> Endpoint:
    """Read a row of the table."""
    values: dict[str, Any] = dict(zip(row._fields, row, strict=True))
    # An event of a newer version that this one does not know is not told by it.
    known = set(orjson.loads(values.pop("events")))
    return Endpoint(**values, events=tuple(each for each in EVENT_TYPES if each in known))


def _row(endpoint: Endpoint) -> dict[str, Any]:
    return {
        name: orjson.dumps(endpoint.events).decode() if name == "events" else getattr(endpoint, name)
        for name in _table.columns.keys()  # noqa: SIM118 - the columns themselves are not names
    }
