"""What reviewers decide about hits, appeals against it, and how the rules fare (docs/client.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from coach.client import decision_requests

if TYPE_CHECKING:
    from typing import Required, Unpack

    from coach.client.carrier import AsyncCarrier, Carrier
    from coach.client.decision_answers import Decision, DecisionState, HitVerdict, RuleHealthList


class Place(TypedDict, total=False):
    """Where a hit is: `review` and `turn`, or the `utterance` of a live call. Offsets are characters."""

    call: Required[str]
    rule: Required[str]
    start: Required[int]
    end: Required[int]
    review: str
    turn: int
    utterance: str


class DecisionFilter(TypedDict, total=False):
    """Which decisions; `limit` is 100 without and 1,000 at most."""

    rule: str
    call: str
    review: str
    state: DecisionState
    limit: int


class Decisions:
    """The decisions of one tenant. Needs the role reviewer; docs/protocol.md, section 7, says who else may."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def decide(
        self, verdict: HitVerdict, *, reviewer: str, reason: str = "", **place: Unpack[Place]
    ) -> Decision:
        """Say whether a hit is right; again, as long as nobody has appealed.

        Raises:
            RefusedError: `not_found`: there is no hit at this place; `conflict`: somebody has appealed.
        """
        return self._carrier.ask(
            decision_requests.decide(verdict=verdict, reviewer=reviewer, reason=reason, **place)
        )

    def list(self, **only: Unpack[DecisionFilter]) -> tuple[Decision, ...]:
        """Return decisions, the latest first."""
        return self._carrier.ask(decision_requests.list_decisions(**only)).decisions

    def appeal(self, decision_id: str, text: str, *, agent_id: str | None = None) -> Decision:
        """Appeal: an agent's token for the agent, any other key for `agent_id`."""
        return self._carrier.ask(decision_requests.appeal(decision_id, text, agent_id=agent_id))

    def settle(self, decision_id: str, verdict: HitVerdict, *, reason: str, reviewer: str) -> Decision:
        """Settle an appeal."""
        ask = decision_requests.settle(decision_id, verdict=verdict, reason=reason, reviewer=reviewer)
        return self._carrier.ask(ask)

    def rules_health(self) -> RuleHealthList:
        """Return how each rule fares, the worst first."""
        return self._carrier.ask(decision_requests.rules_health())


class AsyncDecisions:
    """The same on an event loop; `Decisions` describes the methods."""

    def __init__(self, carrier: AsyncCarrier) -> None:
        self._carrier = carrier

    async def decide(
        self, verdict: HitVerdict, *, reviewer: str, reason: str = "", **place: Unpack[Place]
    ) -> Decision:
        """See `Decisions.decide`."""
        return await self._carrier.ask(
            decision_requests.decide(verdict=verdict, reviewer=reviewer, reason=reason, **place)
        )

    async def list(self, **only: Unpack[DecisionFilter]) -> tuple[Decision, ...]:
        """See `Decisions.list`."""
        return (await self._carrier.ask(decision_requests.list_decisions(**only))).decisions

    async def appeal(self, decision_id: str, text: str, *, agent_id: str | None = None) -> Decision:
        """See `Decisions.appeal`."""
        return await self._carrier.ask(decision_requests.appeal(decision_id, text, agent_id=agent_id))

    async def settle(self, decision_id: str, verdict: HitVerdict, *, reason: str, reviewer: str) -> Decision:
        """See `Decisions.settle`."""
        ask = decision_requests.settle(decision_id, verdict=verdict, reason=reason, reviewer=reviewer)
        return await self._carrier.ask(ask)

    async def rules_health(self) -> RuleHealthList:
        """See `Decisions.rules_health`."""
        return await self._carrier.ask(decision_requests.rules_health())
