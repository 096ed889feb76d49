"""A rate that must not be exceeded: what came too fast has to come again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Rate:
    """So many a second, in bursts of at most as many.

    Args:
        clock: seconds, from any moment on.

    Attributes:
        share: how many of them are for this process, where several share the rate.
    """

    __slots__ = ("_asked", "_at", "_clock", "_room", "per_second", "share")

    def __init__(self, per_second: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self.share = float(per_second)
        self._asked = 0
        self._clock = clock
        self._room = float(per_second)
        self._at = clock()

    def take(self) -> bool:
        """Use up one; False when there is none left now."""
        now = self._clock()
        self._asked += 1
        self._room = min(self.share, self._room + (now - self._at) * self.share)
        self._at = now
        if self._room < 1:
            return False
        self._room -= 1
        return True

    def asked_since(self) -> int:
        """Return how often it was asked since this was called last, whatever the answer."""
        asked, self._asked = self._asked, 0
        return asked
