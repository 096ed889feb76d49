"""What a client may ask about decisions on hits, each request described once."""

from __future__ import annotations

from typing import Any

from coach.client.decision_answers import Decision, DecisionList, DecisionState, HitVerdict, RuleHealthList
from coach.client.requests import Ask, post, segment


def decide(
    *,
    call: str,
    rule: str,
    start: int,
    end: int,
    verdict: HitVerdict,
    reviewer: str,
    reason: str = "",
    review: str | None = None,
    turn: int | None = None,
    utterance: str | None = None,
) -> Ask[Decision]:
    """Decide about the hit at a place."""
    place: dict[str, Any] = {"review": review, "turn": turn, "utterance": utterance}
    body = {"call": call, "rule": rule, "start": start, "end": end, "verdict": verdict, "reviewer": reviewer}
    given = {name: value for name, value in place.items() if value is not None}
    return post("/v1/decisions", {**body, "reason": reason, **given}, Decision)


def list_decisions(
    *,
    rule: str = "",
    call: str = "",
    review: str = "",
    state: DecisionState | None = None,
    limit: int = 100,
) -> Ask[DecisionList]:
    """Ask for decisions."""
    query = {"rule": rule, "call": call, "review": review, "state": state or "", "limit": str(limit)}
    wanted = {name: value for name, value in query.items() if value}
    return Ask("GET", "/v1/decisions", DecisionList, query=wanted)


def appeal(decision_id: str, text: str, *, agent_id: str | None = None) -> Ask[Decision]:
    """Appeal against a decision."""
    body = {"text": text} | ({} if agent_id is None else {"agent_id": agent_id})
    return post(f"/v1/decisions/{segment(decision_id=decision_id)}/appeal", body, Decision)


def settle(decision_id: str, *, verdict: HitVerdict, reason: str, reviewer: str) -> Ask[Decision]:
    """Settle an appeal."""
    body = {"verdict": verdict, "reason": reason, "reviewer": reviewer}
    return post(f"/v1/decisions/{segment(decision_id=decision_id)}/settle", body, Decision)


def rules_health() -> Ask[RuleHealthList]:
    """Ask how the rules fare."""
    return Ask("GET", "/v1/rules/health", RuleHealthList)
