"""The order of one call's events, without I/O.

Events may come twice, late or too early. What leaves here leaves once and in order; what the producer must
be told comes back as a verdict. Acks are not decided here: they wait for the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeVar

MAX_HELD: Final = 64

EventT = TypeVar("EventT")


@dataclass(frozen=True, slots=True)
class Verdict(Generic[EventT]):
    """What one arrival led to.

    Attributes:
        kind: `ready` (in order), `seen` (came before), `held` (waits for the gap to be filled) or
            `dropped` (too far ahead to be held; must be sent again).
        ready: the events that are now in order, the arrival first; None stands for a refused one.
        gap: the seq to resend from, if the producer is to be told now.
    """

    kind: Literal["ready", "seen", "held", "dropped"]
    ready: tuple[EventT | None, ...] = ()
    gap: int | None = None


@dataclass(slots=True)
class Sequencer(Generic[EventT]):
    """Puts the events of one call in order.

    Attributes:
        expected: the seq whose turn it is.
    """

    expected: int = 1
    _held: dict[int, EventT | None] = field(default_factory=dict)
    # The seq a producer was last told to resend from; told once per gap.
    _told: int = 0

    def arrive(self, seq: int, event: EventT | None) -> Verdict[EventT]:
        """Take one event; None means that its place is known but it was refused."""
        if seq < self.expected or self._held.get(seq) is not None:
            return Verdict("seen")
        if seq > self.expected:
            if len(self._held) >= MAX_HELD and seq not in self._held:
                # Told every time: the producer must send this one again.
                return Verdict("dropped", gap=self.expected)
            self._held[seq] = event
            return Verdict("held", gap=self._tell_once())
        ready = [event]
        self.expected += 1
        while self.expected in self._held:
            ready.append(self._held.pop(self.expected))
            self.expected += 1
        return Verdict("ready", ready=tuple(ready), gap=self._tell_once() if self._held else None)

    def held(self) -> list[tuple[int, EventT | None]]:
        """Return what waits for a gap to be filled, in order."""
        return sorted(self._held.items(), key=lambda each: each[0])

    def forget_telling(self) -> None:
        """Tell of an open gap again: another connection sends now."""
        self._told = 0

    def _tell_once(self) -> int | None:
        if self._told == self.expected:
            return None
        self._told = self.expected
        return self.expected
