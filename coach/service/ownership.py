"""Which worker has which call: said, heard and asked over the bus. Without a bus this worker has them all.

A call has one owner: whoever took its last event. He says so, and whoever had it drops it at once. What was said
while the bus was away reached nobody: when it is back everyone says what he has, and whoever is behind drops it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from coach.service import schema
from coach.service.channel import SURVEY_S
from coach.service.database import DatabaseAwayError, among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from coach.service.hub import Hub
    from coach.service.live import LiveCall
    from coach.service.render import Message
    from coach.service.store import Store

log = logging.getLogger(__name__)

# Calls in one message, and in one question to the disk.
_TOLD_AT_ONCE: Final = 250
_RETRY_S: Final = 1.0

# A list is shown without what is not known by then.
_SHOWN_S: Final = 0.3

Rank = tuple[int, float, str]


@dataclass(frozen=True, slots=True)
class Held:
    """Which calls are in memory somewhere.

    Attributes:
        calls: those that a worker said it has.
        sure: every worker that may be alive has answered; else the other calls may be in memory, too.
        silent: how many did not answer; 0 while nobody can be asked.
    """

    calls: frozenset[str]
    sure: bool = True
    silent: int = 0


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
        self._looking: asyncio.Task[None] | None = None
        if self._channel is not None:
            self._channel.on("claim", self._claimed)
            self._channel.on("have", self._compare)
            self._channel.on_change(self._settle)
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

    async def close(self) -> None:
        """Look up nothing more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def moved_on(self, live: LiveCall) -> bool:
        """Tell whether another worker stored more of a call than this one has heard."""
        if self._channel is None:
            return False
        calls = schema.calls.c
        async with self._store.reading() as connection:
            seq = (await connection.execute(select(calls.seq).where(calls.call_id == live.call_id))).scalar()
        return seq is not None and bool(seq >= live.sequencer.expected)

    async def held(self, call_ids: Iterable[str]) -> set[str]:
        """Return which of these calls are in memory somewhere, as far as others say so at once."""
        return set((await self.ask_held(call_ids, within_s=_SHOWN_S)).calls)

    async def ask_held(self, call_ids: Iterable[str], *, within_s: float = SURVEY_S) -> Held:
        """Ask every worker which of these calls it has in memory; one that is over and on disk it has not."""
        asked = set(call_ids)
        here = frozenset(asked & self._live.keys())
        elsewhere = sorted(asked - here)
        if self._channel is None or not elsewhere:
            return Held(here)
        survey = await self._channel.survey("held", within_s=within_s, call_ids=elsewhere)
        there = (answer.get("call_ids", ()) for answer in survey.answers)
        return Held(here.union(*there), sure=survey.whole, silent=len(survey.silent))

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
        self._show(said)

    def _settle(self) -> None:
        """Find out whose each call is after the bus came back: claims made meanwhile reached nobody."""
        if self._channel is None or not self._channel.up:
            return
        for calls in _parts(self._live.values()):
            self._channel.tell("have", calls=[_standing(live) for live in calls])
        if self._live and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look(), name="ownership-look")

    def _compare(self, said: Message) -> None:
        """Drop what another worker has and is further in; tell him of the rest that is here too."""
        if self._channel is None:
            return
        ahead = []
        for theirs in said["calls"]:
            if not theirs["ended"]:
                self._show(theirs)
            live = self._live.get(theirs["call_id"])
            if live is None:
                continue
            # Nobody's rank ever falls, so of two that hear of each other at once never both are behind.
            if _rank(theirs, worker=said["from"]) > _rank(_standing(live), worker=self._channel.worker):
                self._drop(live)
            else:
                ahead.append(_standing(live))
        if ahead:
            self._channel.tell("have", calls=ahead)

    def _drop(self, live: LiveCall) -> None:
        """Let a call go that went on elsewhere: what was told here of it since is outdated."""
        self._release(live)
        live.feed.start_anew()

    async def _look(self) -> None:
        """Drop what went on elsewhere by what is on disk: whoever had it may have it no more."""
        waiting = list(_parts(self._live.values()))
        while waiting and self._channel is not None and self._channel.up:
            try:
                await self._look_up(waiting[0])
            except (DatabaseAwayError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("没能核对通话的归属，稍后重试：%r", error)
                await asyncio.sleep(_RETRY_S)
            else:
                del waiting[0]

    async def _look_up(self, part: list[LiveCall]) -> None:
        calls = schema.calls.c
        query = select(calls.call_id, calls.seq, calls.ended_ms)
        async with self._store.reading() as connection:
            ids = [live.call_id for live in part]
            stored = list(await connection.execute(query.where(among(connection, calls.call_id, ids))))
        for row in stored:
            live = self._live.get(row.call_id)
            if live is None or live.call.ended:
                continue
            if row.seq >= live.sequencer.expected or row.ended_ms is not None:
                if row.ended_ms is not None:
                    live.feed.hide(live.call_id)
                self._drop(live)

    def _show(self, said: Message) -> None:
        feed = self._hub.known(str(said["topic"]))
        if feed is not None:
            feed.show(str(said["call_id"]), started_at=float(said["started_at"]))

    def _say_held(self, asked: Message) -> None:
        # Whoever asks waits for every worker, also for those that have none of them.
        if self._channel is not None:
            held = [call_id for call_id in asked["call_ids"] if self._goes_on(call_id)]
            self._channel.answer(asked, call_ids=held)

    def _goes_on(self, call_id: str) -> bool:
        """Tell whether a call is here, and not over and on disk: then it leaves memory with the next tick."""
        live = self._live.get(call_id)
        return live is not None and not (live.call.ended and live.committed == live.queued)

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


def _standing(live: LiveCall) -> Message:
    """Return how far a call is here."""
    return {
        "call_id": live.call_id,
        "topic": live.feed.topic,
        "started_at": live.started_at,
        "seq": live.sequencer.expected,
        "touched_at": live.touched_at,
        "ended": live.call.ended,
    }


def _rank(standing: Message, *, worker: str) -> Rank:
    """Return what decides between two workers that have a call: who is further, then who heard of it last."""
    return int(standing["seq"]), float(standing["touched_at"]), worker


def _parts(calls: Iterable[LiveCall]) -> Iterator[list[LiveCall]]:
    rest = iter([live for live in calls if not live.stale])
    while part := list(islice(rest, _TOLD_AT_ONCE)):
        yield part
