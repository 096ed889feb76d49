"""What an agent makes of advice: feedback, and rules kept quiet; stored, whichever worker has the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.errors import MessageError
from coach.service.batch import Write

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from coach.service.auth import Principal
    from coach.service.live import LiveCall
    from coach.service.ownership import Ownership
    from coach.service.store import Store


class AgentAnswers:
    """Takes in what agents say about the advice of their calls.

    Args:
        live: the calls in memory here.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        store: Store,
        live: Mapping[str, LiveCall],
        ownership: Ownership,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._live = live
        self._ownership = ownership
        self._clock = clock

    async def snooze(
        self, call_id: str, rule: str, *, agent_id: str, quiet: bool = True
    ) -> asyncio.Future[None]:
        """Keep a rule quiet for the rest of a call, or (`quiet` false) let it speak again.

        Raises:
            MessageError: `unknown_call`, if it is not a running call of this agent.
        """
        live = self._live.get(call_id)
        seq = None
        if live is not None and live.agent_id == agent_id and not live.call.ended:
            live.set_quiet(rule, quiet=quiet)
            seq = live.sequencer.expected - 1
        elif live is None:
            # The owner knows how far the call is; of one that nobody has, the disk does.
            seq = await self._ownership.snooze(call_id, rule, agent_id=agent_id, quiet=quiet)
        if seq is None:
            raise MessageError("unknown_call", "该坐席没有这通正在进行的电话", field="call_id")
        return self._store.put(
            Write(call_id, snooze={"call_id": call_id, "rule": rule, "seq": seq, "quiet": quiet})
        )

    async def answer(
        self, advice_id: str, *, kind: str, value: str, principal: Principal
    ) -> asyncio.Future[None]:
        """Store what the agent made of a piece of advice.

        Raises:
            MessageError: `invalid_field`, if the agent was never given this advice.
        """
        call_id = await self._call_of(advice_id, principal)
        row = {"advice_id": advice_id, "kind": kind, "value": value, "at": self._clock()}
        return self._store.put(Write(call_id, feedback=row))

    async def unanswer(self, advice_id: str, *, kind: str, principal: Principal) -> asyncio.Future[None]:
        """Take back what the agent made of a piece of advice; nothing given is no error.

        Raises:
            MessageError: `invalid_field`, if the agent was never given this advice.
        """
        call_id = await self._call_of(advice_id, principal)
        return self._store.put(Write(call_id, undone=(advice_id, kind)))

    async def _call_of(self, advice_id: str, principal: Principal) -> str:
        owner = next(
            ((live.agent_id, live.call_id) for live in self._live.values() if advice_id in live.told), None
        )
        # Advice on partial words is on disk with the next final only; until then its owner knows it.
        owner = owner or await self._store.advice_owner(advice_id)
        owner = owner or await self._ownership.owner_of_advice(advice_id)
        if owner is None or not principal.covers(owner[0]):
            raise MessageError(
                "invalid_field", f"advice_id: 没有编号为 {advice_id} 的建议", field="advice_id"
            )
        return owner[1]
