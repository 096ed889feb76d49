"""What a sidebar starts from: the agent's running call, by this worker's memory or by the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from coach.service import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.call_builder import CallBuilder
    from coach.service.live import LiveCall
    from coach.service.render import Message
    from coach.service.store import Store


def agent_topic(agent_id: str) -> str:
    """Return the topic of an agent's sidebars."""
    return f"agent:{agent_id}"


class AgentSnapshots:
    """Makes the snapshots of agents' topics.

    Args:
        shown: finds the call that an agent's sidebars are to show, if it is in memory.
        since: calls that began before this (seconds since 1970) are shown no more.
    """

    def __init__(
        self,
        *,
        shown: Callable[[str], LiveCall | None],
        store: Store,
        builder: CallBuilder,
        since: Callable[[], float],
    ) -> None:
        self._shown = shown
        self._store = store
        self._builder = builder
        self._since = since

    def here(self, topic: str) -> Message | None:
        """Return the snapshot of the call that is in memory; None when none is."""
        live = self._shown(topic)
        return None if live is None else _render(topic, live.snapshot())

    async def of_call(self, call_id: str, *, live: LiveCall | None) -> Message | None:
        """Return the snapshot of one running call, from the disk if it is not in memory; None when it does not run."""
        found = live or await self._heard_again(call_id)
        return None if found is None else _render(agent_topic(found.agent_id), found.snapshot())

    async def stored(self, topic: str) -> Message:
        """Return the snapshot of the call on disk, heard again for this; nobody owns it by that."""
        agent_id = topic.partition(":")[2]
        calls = schema.calls.c
        query = (
            select(calls.call_id)
            .where(calls.agent_id == agent_id, calls.ended_ms.is_(None), calls.started_at >= self._since())
            .order_by(calls.started_at.desc())
            .limit(1)
        )
        async with self._store.reading() as connection:
            call_id = (await connection.execute(query)).scalar()
        found = None if call_id is None else await self._heard_again(call_id)
        return self.empty(topic) if found is None else _render(topic, found.snapshot())

    async def _heard_again(self, call_id: str) -> LiveCall | None:
        stored = await self._store.load_call(call_id)
        if stored is None or stored.ended_ms is not None:
            return None
        return self._builder.rebuild(stored, shown=False)

    def empty(self, topic: str) -> Message:
        """Return the snapshot of an agent who is in no call."""
        return _render(topic, None)


def _render(topic: str, call: Message | None) -> Message:
    return {"type": "snapshot", "agent_id": topic.partition(":")[2], "call": call}
