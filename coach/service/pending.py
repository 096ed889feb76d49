"""What a call took in since its last commit, in case it has to be heard again on top of what another worker stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.service.messages import UtteranceHeard

if TYPE_CHECKING:
    from coach.service.messages import ProducerEvent


class Pending:
    """The events that are not on disk yet, by seq.

    Of an utterance only what was heard last is kept: partial words of a call without finals do not pile up.
    """

    __slots__ = ("_events", "_growing")

    def __init__(self) -> None:
        self._events: dict[int, ProducerEvent] = {}
        # Under which seq the partial words of an utterance are kept.
        self._growing: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._events)

    def add(self, seq: int, event: ProducerEvent) -> None:
        """Keep an event that was taken in."""
        if isinstance(event, UtteranceHeard):
            before = self._growing.get(event.utterance_id)
            if before is not None:
                kept = self._events[before]
                if not event.final and isinstance(kept, UtteranceHeard) and kept.revision > event.revision:
                    # It came late, and the call did not heed it either.
                    return
                del self._events[before], self._growing[event.utterance_id]
            if not event.final:
                self._growing[event.utterance_id] = seq
        self._events[seq] = event

    def forget(self, committed: int) -> None:
        """Drop what is on disk."""
        for seq in [seq for seq in self._events if seq <= committed]:
            event = self._events.pop(seq)
            if isinstance(event, UtteranceHeard) and not event.final:
                del self._growing[event.utterance_id]

    def since(self, committed: int, *, before: int) -> list[tuple[int, ProducerEvent | None]]:
        """Return what is kept, with None for each seq of this stretch whose event was refused or is outdated.

        Args:
            committed: the last seq on disk.
            before: the seq whose turn it is.
        """
        late: list[tuple[int, ProducerEvent | None]] = [
            (seq, event) for seq, event in self._events.items() if seq <= committed
        ]
        return late + [(seq, self._events.get(seq)) for seq in range(committed + 1, before)]
