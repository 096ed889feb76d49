"""Topics whose key in Redis holds something that is no stream: each is told once, left alone, and taken up again.

Only somebody else writes such a thing there. Without this the first event of the topic would cost every other topic
its connection.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

# How Redis begins its refusal.
_REFUSAL: Final = "WRONGTYPE"
_FIT: Final = frozenset({b"stream", b"none"})


class SpoiledKeys:
    """The keys that hold no stream.

    Args:
        changed: told of each key that is found spoiled, or mended.
    """

    def __init__(self, changed: Callable[[bytes], None]) -> None:
        self._changed = changed
        self._keys: set[bytes] = set()

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: bytes) -> None:
        """Leave a key alone from now on."""
        if key not in self._keys:
            self._keys.add(key)
            log.error(
                "Redis 里的键 %s 不是流，是别的程序写的；这个主题的侧边栏只收到本进程的事件，其余主题不受影响。请删除这个键",
                key.decode("utf-8", "replace"),
            )
            self._changed(key)

    async def look_again(self, client: Any) -> None:  # noqa: ANN401 - redis-py's own client
        """Take up what can be a stream again.

        Raises:
            RedisError, OSError: the connection is gone.
        """
        for key in list(self._keys):
            if fits(await client.type(key)):
                self._keys.discard(key)
                log.warning("Redis 里的键 %s 恢复了", key.decode("utf-8", "replace"))
                self._changed(key)


def is_spoiled(error: Exception) -> bool:
    """Tell whether Redis refused because the key holds no stream."""
    return str(error).startswith(_REFUSAL)


def fits(kind: bytes) -> bool:
    """Tell whether a key of a type (as TYPE answers) is a stream, or can become one."""
    return kind in _FIT
