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
    """

    __slots__ = ("_at", "_clock", "_room", "per_second")

    def __init__(self, per_second: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self._clock = clock
        self._room = float(per_second)
        self._at = clock()

    def take(self) -> bool:
        """Use up one; False when there is none left now."""
        now = self._clock()
        self._room = min(self.per_second, self._room + (now - self._at) * self.per_second)
        self._at = now
        if self._room < 1:
            return False
        self._room -= 1
        return True
