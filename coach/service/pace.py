"""How fast producers may send: they are told to wait while the disk is behind, before anything has to be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from coach.errors import MessageError

if TYPE_CHECKING:
    from coach.service.quota import Rate
    from coach.service.store import Store


class Paced(Protocol):
    """A connection that can be told to wait."""

    def press(self, *, active: bool, waiting: int) -> None:
        """Wait (`active`) or go on; so many events wait for the disk."""


class Pace:
    """Watches the queue of the store: full to the half, producers wait; down to a quarter, they go on.

    Attributes:
        limit: how many events the tenant may send; None: as many as it can.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # At least two, so that an event on its way to the disk is no queue.
        self._high = max(2, store.max_waiting // 2)
        self._low = self._high // 2
        self._paced: set[Paced] = set()
        self.pressed = False
        self.limit: Rate | None = None

    def admit(self) -> None:
        """Let one event in.

        Raises:
            MessageError: `busy`: the tenant is at its limit.
        """
        if self.limit is not None and not self.limit.take():
            raise MessageError(
                "busy", f"租户每秒最多 {self.limit.per_second} 个事件，请放慢速度并重发未确认的事件"
            )

    def watch(self, producer: Paced) -> None:
        """Tell this connection from now on, and at once if it is to wait."""
        self._paced.add(producer)
        if self.pressed:
            producer.press(active=True, waiting=self._store.waiting)

    def forget(self, producer: Paced) -> None:
        """Stop telling it."""
        self._paced.discard(producer)

    def check(self) -> None:
        """Look at the queue; tell all connections if it has become too long, or short again."""
        waiting = self._store.waiting
        if waiting < self._high if not self.pressed else waiting > self._low:
            return
        self.pressed = not self.pressed
        for producer in self._paced:
            producer.press(active=self.pressed, waiting=waiting)
