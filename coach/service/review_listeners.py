"""Who waits for a review to change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Listeners:
    """Those who wait, by review."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def wake(self, review_id: str) -> None:
        """Let all who wait for this review look at it."""
        for woken in self._waiting.get(review_id, ()):
            woken.set()

    async def wakings(self, review_id: str) -> AsyncGenerator[None]:
        """Yield at once and after each change; of several meanwhile, once."""
        woken = asyncio.Event()
        waiting = self._waiting.setdefault(review_id, set())
        waiting.add(woken)
        try:
            while True:
                woken.clear()
                yield
                await woken.wait()
        finally:
            waiting.discard(woken)
            if not waiting:
                self._waiting.pop(review_id, None)
