"""The few worth keeping of many, in bounded memory and whatever order they come in."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Generic, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
Key = tuple[float, ...]


class Picks(Generic[T]):
    """Keeps the `limit` items with the smallest keys; an equal key is the same item again.

    Args:
        limit: how many to keep.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: list[Key] = []
        self._items: list[T] = []

    def offer(self, key: Key, make: Callable[[], T]) -> None:
        """Keep `make()` if its key is among the smallest; it is only made then."""
        if self._limit < 1 or (len(self._keys) == self._limit and key >= self._keys[-1]):
            return
        place = bisect_left(self._keys, key)
        if place < len(self._keys) and self._keys[place] == key:
            return
        self._keys.insert(place, key)
        self._items.insert(place, make())
        if len(self._keys) > self._limit:
            self._keys.pop()
            self._items.pop()

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def lot(text: str) -> Key:
    """Draw a number for a text: always the same, so a sample by lot is fair, repeatable and free of doubles."""
    return (float(crc32(text.encode())),)
