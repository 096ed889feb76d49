"""What reviewers decide about hits: right or wrong, the agent's appeal, how it was settled; nothing is forgotten.

Written beside the live writer, in short transactions of its own. Whoever changes a decision locks its row first, so
that two reviewers, in one process or in two, come one after the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson
from sqlalchemy import and_, func, insert, or_, select, true, update

from coach.errors import MessageError
from coach.language.masking import mask
from coach.service import schema
from coach.service.database import insert_new
from coach.service.render import timestamp
from coach.service.sight import EVERYTHING, NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.audit import Signed
    from coach.service.database import Database
    from coach.service.sight import Sight

Verdict = Literal["right", "wrong"]


@dataclass(frozen=True, slots=True)
class HitPlace:
    """Where a hit is. `review_id` "" is a live call, whose `place` is an utterance id; else `place` is a turn from 0."""

    review_id: str
    call_id: str
    place: str
    rule: str
    start: int
    end: int

    @property
    def decision_id(self) -> str:
        """The id of the decision about this hit."""
        key = [self.review_id, self.call_id, self.place, self.rule, self.start, self.end]
        return f"d{hashlib.sha256(orjson.dumps(key)).hexdigest()[:20]}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which decisions somebody may see.

    Attributes:
        agent_id: only those about this agent.
        reviews: only those about hits of these reviews, and about live calls in `live`; None: all.
    """

    agent_id: str | None = None
    reviews: frozenset[str] | None = None
    live: Sight | None = None

    @property
    def sight(self) -> Sight:
        """Which live calls are in it."""
        return EVERYTHING if self.reviews is None else self.live or NOTHING

    def condition(self) -> ColumnElement[bool]:
        """Return it as a condition on the table of the decisions."""
        table = schema.decisions.c
        wanted: list[ColumnElement[bool]] = []
        if self.agent_id is not None:
            wanted.append(table.agent_id == self.agent_id)
        if self.reviews is not None:
            live = and_(table.review_id == "", self.sight.of_call(table.call_id))
            wanted.append(or_(table.review_id.in_(self.reviews), live))
        return and_(true(), *wanted)


class Decisions:
    """The decisions in the database of the store, whose tables must be there.

    Args:
        masking: mask personal data in what people write.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, masking: bool, clock: Callable[[], float]) -> None:
        self._database = database
        self._masking = masking
        self._clock = clock

    async def find_advice(self, place: HitPlace) -> Mapping[str, Any] | None:
        """Find a hit of a live call: agent_id, text, digest; None when the agent was never told of it."""
        advice, calls = schema.advice.c, schema.calls.c
        query = (
            select(calls.agent_id, advice.quote.label("text"), advice.digest)
            .join(schema.calls, calls.call_id == advice.call_id)
            .where(
                advice.call_id == place.call_id,
                advice.utterance_id == place.place,
                advice.rule == place.rule,
                advice.start == place.start,
                advice.end == place.end,
                advice.withdrawn.is_(False),
            )
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else dict(row)

    async def decide(
        self,
        place: HitPlace,
        *,
        hit: Mapping[str, Any],
        verdict: Verdict,
        reason: str,
        reviewer: str,
        signed: Signed | None = None,
    ) -> dict[str, Any]:
        """Decide about a hit, for the first time or once more.

        Args:
            hit: its `agent_id`, `text` and `digest`.
            signed: adds the audit entry, as in the other steps.

        Raises:
            MessageError: `conflict`: the agent has appealed, or it is settled.
        """
        now = self._clock()
        key = place.decision_id
        row = {
            "id": key,
            "review_id": place.review_id,
            "call_id": place.call_id,
            "place": place.place,
            "rule": place.rule,
            "start": place.start,
            "end": place.end,
            "agent_id": hit["agent_id"],
            "text": hit["text"],
            "digest": hit["digest"],
            "verdict": verdict,
            "state": "decided",
            "at": now,
        }
        async with self._database.writing() as connection:
            await connection.execute(insert_new(connection, schema.decisions), row)
            before = await self._known(connection, key, lock=True)
            if before["state"] != "decided":
                raise MessageError(
                    "conflict", f"state: 这一条已经{_TOLD[before['state']]}，不能再改判", field="state"
                )
            await _set(connection, key, verdict=verdict, at=now)
            await self._note(connection, key, "decided", verdict=verdict, reason=reason, who=reviewer, at=now)
            if signed is not None:
                await signed.within(
                    connection, "decided", f"decision:{key}", verdict=verdict, rule=place.rule
                )
        return await self.get(key)

    async def appeal(
        self, decision_id: str, *, text: str, who: str, signed: Signed | None = None
    ) -> dict[str, Any]:
        """Take in the agent's appeal.

        Raises:
            MessageError: `not_found`, or `conflict`: there is nothing to appeal against, or not any more.
        """
        now = self._clock()
        async with self._database.writing() as connection:
            before = await self._known(connection, decision_id, lock=True)
            if before["verdict"] != "right" or before["state"] != "decided":
                told = "已判为误报，无须申诉" if before["verdict"] == "wrong" else _TOLD[before["state"]]
                raise MessageError("conflict", f"state: 这一条{told}", field="state")
            await _set(connection, decision_id, state="appealed", at=now)
            await self._note(connection, decision_id, "appealed", verdict="", reason=text, who=who, at=now)
            if signed is not None:
                await signed.within(connection, "appealed", f"decision:{decision_id}")
        return await self.get(decision_id)

    async def settle(
        self,
        decision_id: str,
        *,
        verdict: Verdict,
        reason: str,
        reviewer: str,
        signed: Signed | None = None,
    ) -> dict[str, Any]:
        """Settle an appeal.

        Raises:
            MessageError: `not_found`, or `conflict`: nobody has appealed, or it is settled.
        """
        now = self._clock()
        async with self._database.writing() as connection:
            before = await self._known(connection, decision_id, lock=True)
            if before["state"] != "appealed":
                raise MessageError("conflict", "state: 这一条没有待处理的申诉", field="state")
            await _set(connection, decision_id, state="settled", verdict=verdict, at=now)
            await self._note(
                connection, decision_id, "settled", verdict=verdict, reason=reason, who=reviewer, at=now
            )
            if signed is not None:
                await signed.within(connection, "settled", f"decision:{decision_id}", verdict=verdict)
        return await self.get(decision_id)

    async def get(self, decision_id: str, scope: Scope | None = None) -> dict[str, Any]:
        """Return one decision with its history.

        Raises:
            MessageError: `not_found`, also for what lies outside of `scope`.
        """
        async with self._database.reading() as connection:
            row = await self._known(connection, decision_id, scope=scope)
            return (await _told(connection, [row]))[0]

    async def listed(
        self,
        *,
        scope: Scope,
        rule: str = "",
        call: str = "",
        review: str | None = None,
        state: str = "",
        limit: int,
    ) -> list[dict[str, Any]]:
        """List decisions with their history, the latest first."""
        table = schema.decisions.c
        query = (
            select(schema.decisions).where(scope.condition()).order_by(table.at.desc(), table.id).limit(limit)
        )
        for column, wanted in ((table.rule, rule), (table.call_id, call), (table.state, state)):
            if wanted:
                query = query.where(column == wanted)
        if review is not None:
            query = query.where(table.review_id == review)
        async with self._database.reading() as connection:
            return await _told(connection, await _rows(connection, query))

    async def of(self, ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return those of some decisions that were made, by id."""
        query = select(schema.decisions).where(schema.decisions.c.id.in_(ids))
        async with self._database.reading() as connection:
            return {each["id"]: each for each in await _told(connection, await _rows(connection, query))}

    async def _known(
        self,
        connection: AsyncConnection,
        decision_id: str,
        *,
        lock: bool = False,
        scope: Scope | None = None,
    ) -> dict[str, Any]:
        query = select(schema.decisions).where(schema.decisions.c.id == decision_id)
        if scope is not None:
            query = query.where(scope.condition())
        rows = await _rows(connection, query.with_for_update() if lock else query)
        if not rows:
            raise _unknown()
        return rows[0]

    async def _note(
        self,
        connection: AsyncConnection,
        decision_id: str,
        kind: str,
        *,
        verdict: str,
        reason: str,
        who: str,
        at: float,
    ) -> None:
        table = schema.decision_history
        last = await connection.scalar(select(func.max(table.c.n)).where(table.c.decision_id == decision_id))
        await connection.execute(
            insert(table).values(
                decision_id=decision_id,
                n=(last or 0) + 1,
                kind=kind,
                verdict=verdict,
                reason=mask(reason) if self._masking else reason,
                who=who,
                at=at,
            )
        )


_TOLD = {"decided": "没有申诉", "appealed": "在申诉中，应先处理申诉", "settled": "已经申诉并处理完"}


def _unknown() -> MessageError:
    return MessageError("not_found", "没有这条复核", field="id")


async def _rows(connection: AsyncConnection, query: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any select
    # The driver's keys are a subclass of str that orjson does not take.
    return [
        {str(name): value for name, value in row.items()}
        for row in (await connection.execute(query)).mappings()
    ]


async def _set(connection: AsyncConnection, decision_id: str, **values: object) -> None:
    table = schema.decisions
    await connection.execute(update(table).where(table.c.id == decision_id).values(**values))


async def _told(connection: AsyncConnection, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Render decisions as the wire has them."""
    rows = list(rows)
    table = schema.decision_history
    query = (
        select(table)
        .where(table.c.decision_id.in_([row["id"] for row in rows]))
        .order_by(table.c.decision_id, table.c.n)
    )
    history: dict[str, list[dict[str, Any]]] = {}
    for step in await _rows(connection, query):
        history.setdefault(step["decision_id"], []).append(
            {
                "kind": step["kind"],
                "verdict": step["verdict"] or None,
                "reason": step["reason"],
                "who": step["who"],
                "at": timestamp(step["at"]),
            }
        )
    return [
        {
            "id": row["id"],
            "review": row["review_id"] or None,
            "call": row["call_id"],
            "turn": int(row["place"]) if row["review_id"] else None,
            "utterance": None if row["review_id"] else row["place"],
            **{name: row[name] for name in ("rule", "start", "end", "agent_id", "text", "digest")},
            **{name: row[name] for name in ("verdict", "state")},
            "at": timestamp(row["at"]),
            "history": history.get(row["id"], []),
        }
        for row in rows
    ]
