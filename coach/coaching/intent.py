"""Why the customer calls, as far as his words of the first minute say: a guess by 30 s, settled by 60 s.

Decides which step helps first; never a label for the person.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.signals import Motive, Signal

# Handbooks: a first guess after half a minute, no changing of mind after one.
_GUESS_MS = 30_000


@dataclass(frozen=True, slots=True)
class Intent:
    """What the call is about.

    Attributes:
        motive: the motive of a complaint; help-seeking, the ordinary reason of a call, without one.
        settled: the first minute is over; what comes later no longer changes it.
    """

    motive: Motive
    settled: bool


class IntentJudge:
    """Adds up the signals of the first minute, without fading: early words count as much as late ones."""

    def __init__(self, *, settled_ms: int = 60_000) -> None:
        self._settled_ms = settled_ms
        self._motives: defaultdict[Motive, float] = defaultdict(float)
        self._heard = False

    def hear(self, signals: Iterable[Signal], at_ms: int) -> None:
        """Take in the signals of one customer turn; at_ms from the start of the call."""
        if self._heard and at_ms > self._settled_ms:
            return
        # Whoever first speaks after the first minute is judged by what he says then.
        self._heard = True
        for signal in signals:
            if signal.motive is not None:
                self._motives[signal.motive] += signal.weight

    def at(self, now_ms: int) -> Intent | None:
        """Return the judgement; None before there is anything to judge by."""
        if not self._heard:
            return None
        settled = now_ms >= self._settled_ms
        complaints = {name: weight for name, weight in self._motives.items() if name != "help-seeking"}
        if not complaints:
            return Intent("help-seeking", settled) if now_ms >= _GUESS_MS else None
        # 我要投诉 says that, not why: whatever else he wants is the motive behind it.
        behind = {name: weight for name, weight in self._motives.items() if name != "explicit"}
        chosen = behind or complaints
        return Intent(max(chosen, key=lambda name: chosen[name]), settled)
