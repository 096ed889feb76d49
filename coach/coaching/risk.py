"""How much a live call needs its supervisor: a number from 0 to 100 and the reasons it is made of.

The points are choices, each with its why, not measurements. 30 is where a call deserves a look and 60 where it
deserves a hand: no single reason but a demand for somebody higher, or three violations, gets that far alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

    from coach.coaching.signals import CustomerMood, SignalCategory

ReasonCode = Literal[
    "customer-critical",
    "customer-upset",
    "escalation-risk",
    "churn-risk",
    "violations",
    "violations-made-up",
    "unheeded",
    "blind",
]

# The customer's state outweighs any one thing the agent says: it is what a supervisor can still turn.
_MOOD: dict[CustomerMood, tuple[ReasonCode, int] | None] = {
    "calm": None,
    "upset": ("customer-upset", 20),
    "critical": ("customer-critical", 40),
}
# He asks for somebody with more authority, or names a regulator or the press. It makes him critical by itself, so
# with those points the call deserves a hand at once.
_ESCALATION = 20
# Upset and about to leave: worth a look (30), seldom a whisper.
_CHURN = 10
# The first weighs as much as a look; the others half, because the agent who said one is being watched already.
_VIOLATION, _MORE_VIOLATIONS, _MOST_VIOLATIONS = 30, 15, 60
# The customer heard it, but also what made up for it.
_MADE_UP, _MOST_MADE_UP = 5, 10
# Three, as many as escalate a call by default, are a look; more of them are no worse.
_UNHEEDED, _MOST_UNHEEDED = 10, 30
# Nothing bad is known, and nothing good.
_BLIND = 10
_WORST = 100


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that adds to the risk: its points, and how often it happened."""

    code: ReasonCode
    points: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Risk:
    """How much a call needs its supervisor: `score` 0 to 100, the weightiest reason first."""

    score: int
    reasons: tuple[Reason, ...]


def risk_of(
    *,
    mood: CustomerMood = "calm",
    signals: Collection[SignalCategory] = (),
    violations: int = 0,
    made_up: int = 0,
    unheeded: int = 0,
    blind: bool = False,
) -> Risk:
    """Add up the risk of a call.

    Args:
        signals: what of the customer's signals still counts.
        violations: said, and not made up for.
        made_up: violations that the agent made up for.
        unheeded: warnings that were neither adopted nor made up for.
        blind: coach does not see part of the call.
    """
    found: list[Reason] = []
    customer = _MOOD[mood]
    if customer:
        found.append(Reason(*customer))
    if "escalation-risk" in signals:
        found.append(Reason("escalation-risk", _ESCALATION))
    if "churn-risk" in signals:
        found.append(Reason("churn-risk", _CHURN))
    if violations:
        points = min(_MOST_VIOLATIONS, _VIOLATION + (violations - 1) * _MORE_VIOLATIONS)
        found.append(Reason("violations", points, violations))
    if made_up:
        found.append(Reason("violations-made-up", min(_MOST_MADE_UP, made_up * _MADE_UP), made_up))
    if unheeded:
        found.append(Reason("unheeded", min(_MOST_UNHEEDED, unheeded * _UNHEEDED), unheeded))
    if blind:
        found.append(Reason("blind", _BLIND))
    # Stable: equals stay in the order above.
    found.sort(key=lambda reason: -reason.points)
    return Risk(min(_WORST, sum(reason.points for reason in found)), tuple(found))
