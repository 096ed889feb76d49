"""Which other workers are alive, by what they tell: each says so every few seconds, and when it goes.

A worker that says nothing is taken for alive for a minute: it may be busy, or have lost its way to Redis, and have
calls all the same. One of this machine whose process is gone is known to be dead at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.render import Message

BEAT_S: Final = 5.0
# Longer than the longest pause of a worker that lost its way to Redis.
ALIVE_S: Final = 60.0
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class _Sign:
    at: float
    station: str
    pid: int


class Presence:
    """The other workers.

    Args:
        worker: the name of this one.
        clock: seconds, by any clock that only goes forward.
    """

    def __init__(self, worker: str, *, clock: Callable[[], float]) -> None:
        self._worker = worker
        self._clock = clock
        self._station = _station()
        self._signs: dict[str, _Sign] = {}
        # When each of them left; what one says on its way out brings it back to nobody.
        self._gone: dict[str, float] = {}

    @property
    def hello(self) -> Message:
        """What this worker says of itself, again and again."""
        return {"tenant": "", "kind": "hello", "station": self._station, "pid": os.getpid()}

    @property
    def farewell(self) -> Message:
        """What it says at last."""
        return {"tenant": "", "kind": "bye"}

    def heard(self, message: Message, *, ago_s: float = 0.0) -> None:
        """Take in anything that a worker told, so long ago."""
        worker, at = str(message["from"]), self._clock() - ago_s
        known = self._signs.get(worker)
        if message["kind"] == "bye":
            self._gone[worker] = at
            self._signs.pop(worker, None)
        if worker == self._worker or worker in self._gone or (known is not None and known.at > at):
            return
        station, pid = ("", 0) if known is None else (known.station, known.pid)
        self._signs[worker] = _Sign(at, str(message.get("station", station)), int(message.get("pid", pid)))

    def alive(self) -> frozenset[str]:
        """Return the names of the others that may be alive; forgets the rest."""
        since = self._clock() - ALIVE_S
        self._gone = {name: at for name, at in self._gone.items() if at >= since}
        self._signs = {
            name: sign for name, sign in self._signs.items() if sign.at >= since and not self._dead(sign)
        }
        return frozenset(self._signs)

    def _dead(self, sign: _Sign) -> bool:
        return bool(self._station) and sign.station == self._station and not _runs(sign.pid)


def _station() -> str:
    """Return what names the processes that see each other's numbers; "" where that cannot be told."""
    try:
        return f"{_BOOT.read_text('ascii').strip()}/{_NAMESPACE.readlink()}"
    except OSError:
        return ""


def _runs(pid: int) -> bool:
    try:
        # The state follows the name, which may hold anything.
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(") ")[2][:1] not in "ZX"
    except OSError:
        return False
