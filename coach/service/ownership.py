"""Which worker has which call: said, heard and asked over the bus. Without a bus this worker has them all.

A call has one owner: whoever took its last event. He says so, and whoever had it drops it at once, so that nobody
lets time pass in a call that goes on elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from coach.service import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from coach.service.hub import Hub
    from coach.service.live import LiveCall
    from coach.service.render import Message
    from coach.service.store import Store


class Ownership:
    """What this worker has, and what it knows of the others.

    Args:
        live: the calls in memory here.
        release: drops a call that another worker took.
        idle_s: a call that began so long ago and nobody has is not running any more.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        store: Store,
        live: Mapping[str, LiveCall],
        release: Callable[[LiveCall], None],
        idle_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._store = store
        self._live = live
        self._release = release
        self._idle_s = idle_s
        self._clock = clock
        self._channel = hub.channel
        if self._channel is not None:
            self._channel.on("claim", self._claimed)
            self._channel.on("held", self._say_held)
            self._channel.on("advice", self._say_advice)
            self._channel.on("snooze", self._do_snooze)

    @property
    def shared(self) -> bool:
        """Tell whether other workers may have calls."""
        return self._channel is not None

    def claim(self, live: LiveCall) -> None:
        """Say that a call is here from now on."""
        if self._channel is not None:
            self._channel.tell(
                "claim", call_id=live.call_id, topic=live.feed.topic, started_at=live.started_at
            )

    async def moved_on(self, live: LiveCall) -> bool:
        """Tell whether another worker stored more of a call than this one has heard."""
        if self._channel is None:
            return False
        calls = schema.calls.c
        async with self._store.reading() as connection:
            seq = (await connection.execute(select(calls.seq).where(calls.call_id == live.call_id))).scalar()
        return seq is not None and bool(seq >= live.sequencer.expected)

    async def held(self, call_ids: Iterable[str]) -> set[str]:
        """Return which of these calls are in memory somewhere."""
        asked = set(call_ids)
        here = asked & self._live.keys()
        elsewhere = sorted(asked - here)
        if self._channel is None or not elsewhere:
            return here
        answers = await self._channel.survey("held", call_ids=elsewhere)
        return here.union(*(answer["call_ids"] for answer in answers))

    async def owner_of_advice(self, advice_id: str) -> tuple[str, str] | None:
        """Return (agent id, call id) of advice that is not on disk yet; None when no worker gave it."""
        if self._channel is None:
            return None
        answer = await self._channel.ask("advice", advice_id=advice_id)
        return None if answer is None else (answer["agent_id"], answer["call_id"])

    async def snooze(self, call_id: str, rule: str, *, agent_id: str, quiet: bool) -> int | None:
        """Let the owner keep a rule quiet; return the seq after which it is. None: no running call of the agent."""
        if self._channel is None:
            return None
        answer = await self._channel.ask("snooze", call_id=call_id, rule=rule, agent_id=agent_id, quiet=quiet)
        if answer is not None:
            return int(answer["seq"])
        calls = schema.calls.c
        query = select(calls.seq).where(
            calls.call_id == call_id,
            calls.agent_id == agent_id,
            calls.ended_ms.is_(None),
            calls.started_at >= self._clock() - self._idle_s,
        )
        async with self._store.reading() as connection:
            seq: int | None = (await connection.execute(query)).scalar()
        return seq

    async def may(self, what: str, *, for_s: int) -> bool:
        """Tell whether this worker is the one to do something now; it then is for so long."""
        return self._channel is None or await self._channel.lease(what, ttl_s=for_s)

    def _claimed(self, said: Message) -> None:
        call_id = str(said["call_id"])
        live = self._live.get(call_id)
        if live is not None:
            self._release(live)
        feed = self._hub.known(str(said["topic"]))
        if feed is not None:
            feed.show(call_id, started_at=float(said["started_at"]))

    def _say_held(self, asked: Message) -> None:
        held = [call_id for call_id in asked["call_ids"] if call_id in self._live]
        if held and self._channel is not None:
            self._channel.answer(asked, call_ids=held)

    def _say_advice(self, asked: Message) -> None:
        advice_id = asked["advice_id"]
        for live in self._live.values():
            if advice_id in live.told and self._channel is not None:
                self._channel.answer(asked, agent_id=live.agent_id, call_id=live.call_id)
                return

    def _do_snooze(self, asked: Message) -> None:
        live = self._live.get(asked["call_id"])
        if live is None or live.agent_id != asked["agent_id"] or live.call.ended or self._channel is None:
            return
        live.set_quiet(asked["rule"], quiet=asked["quiet"])
        self._channel.answer(asked, seq=live.sequencer.expected - 1)
