"""What supervisors told agents during calls: kept with who said it and when it was read, told to the agent's sidebar.

A whisper is told once it is on disk, so none is heard that the record of the call does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update

from coach.errors import MessageError
from coach.language.masking import mask
from coach.service import schema
from coach.service.database import insert_new
from coach.service.render import timestamp
from coach.service.render_team import render_whisper

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.database import Database
    from coach.service.render import Message

PER_MINUTE: Final = 6
_MINUTE_S: Final = 60.0

_whispers, _calls = schema.whispers.c, schema.calls.c


@dataclass(frozen=True, slots=True)
class WhisperTo:
    """A call that whispers may go to."""

    call_id: str
    agent_id: str
    team: str


class Whispers:
    """The whispers of one tenant.

    Args:
        masking: mask personal data in what supervisors write.
        words: keep what they write; otherwise only that they wrote.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, *, masking: bool, words: bool = True, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._masking = masking
        self._words = words
        self._clock = clock

    async def find_call(self, call_id: str, *, team: str) -> WhisperTo:
        """Find a running call of a team.

        Raises:
            MessageError: `unknown_call`: there is none, it is another team's, or it has ended.
        """
        query = select(_calls.agent_id, _calls.team, _calls.ended_ms).where(_calls.call_id == call_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None or row.team != team or row.ended_ms is not None:
            raise MessageError("unknown_call", "本班组没有这通正在进行的电话", field="call_id")
        return WhisperTo(call_id, row.agent_id, team)

    async def add(self, to: WhisperTo, *, whisper_id: str, text: str, sender: str) -> Message | None:
        """Keep a whisper; return it as the agent is told, None when it was kept before.

        Raises:
            MessageError: `busy`: too many of this call in the last minute; `conflict`: the id is another one's.
        """
        now = self._clock()
        told = mask(text.strip()) if self._masking else text.strip()
        row = {
            "call_id": to.call_id,
            "id": whisper_id,
            "text": told if self._words else "",
            "sender": sender,
            "at": now,
            "read_at": None,
        }
        async with self._database.writing() as connection:
            # Two supervisors at once are counted one after the other.
            await connection.execute(
                select(_calls.call_id).where(_calls.call_id == to.call_id).with_for_update()
            )
            if await self._is_kept(connection, row):
                return None
            recent = select(func.count()).where(
                _whispers.call_id == to.call_id, _whispers.at > now - _MINUTE_S
            )
            if (await connection.execute(recent)).scalar_one() >= PER_MINUTE:
                raise MessageError("busy", f"每通电话每分钟最多 {PER_MINUTE} 条提醒，请稍后再发")
            await connection.execute(insert_new(connection, schema.whispers), [row])
        return render_whisper(call_id=to.call_id, whisper_id=whisper_id, text=told, sender=sender, at=now)

    async def read(
        self, call_id: str, whisper_id: str, *, agent_id: str | None
    ) -> tuple[str, Message] | None:
        """Note that the agent has read a whisper; return his team and what it is told, None if it was read before.

        Args:
            agent_id: who says so; None covers every agent.

        Raises:
            MessageError: `invalid_field`: this agent was given no such whisper.
        """
        now = self._clock()
        query = (
            select(_calls.agent_id, _calls.team, _whispers.read_at)
            .join(schema.calls, _calls.call_id == _whispers.call_id)
            .where(_whispers.call_id == call_id, _whispers.id == whisper_id)
        )
        async with self._database.writing() as connection:
            row = (await connection.execute(query)).first()
            if row is None or agent_id not in {None, row.agent_id}:
                raise MessageError("invalid_field", f"id: 没有编号为 {whisper_id} 的提醒", field="id")
            if row.read_at is not None or row.team is None:
                return None
            await connection.execute(
                update(schema.whispers)
                .where(_whispers.call_id == call_id, _whispers.id == whisper_id)
                .values(read_at=now)
            )
        message = {"type": "whisper.read", "call_id": call_id, "id": whisper_id, "at": timestamp(now)}
        return row.team, message

    async def of_call(self, call_id: str) -> list[Message]:
        """List the whispers of a call as they were sent, oldest first."""
        query = (
            select(schema.whispers).where(_whispers.call_id == call_id).order_by(_whispers.at, _whispers.id)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            {
                "id": row.id,
                "text": row.text,
                "sender": row.sender,
                "at": timestamp(row.at),
                "read_at": None if row.read_at is None else timestamp(row.read_at),
            }
            for row in rows
        ]

    async def _is_kept(self, connection: AsyncConnection, row: dict[str, Any]) -> bool:
        query = select(_whispers.text, _whispers.sender).where(
            _whispers.call_id == row["call_id"], _whispers.id == row["id"]
        )
        known = (await connection.execute(query)).first()
        if known is None:
            return False
        if (known.text, known.sender) != (row["text"], row["sender"]):
            raise MessageError("conflict", f"id: 编号 {row['id']} 已用于另一条提醒", field="id")
        return True
