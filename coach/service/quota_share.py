"""What the workers of one installation use of the tenants' quotas, told once a second, so that they count together.

Nothing of it is on the way of an event: a worker judges by what it counts itself and what the others told last.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coach.service.channel import Channel
    from coach.service.handshake import Lobby
    from coach.service.render import Message
    from coach.service.tenant import Tenant

# A part of the bus that is no tenant's: no tenant can have this name.
TOPIC: Final = "*"
_KIND: Final = "quotas"
_TELL_S: Final = 1.0
# A worker that has not told anything for so long is gone, or Redis is: its part is free again.
_FORGET_S: Final = 3.5


class QuotaShare:
    """One worker's part.

    Args:
        clock: seconds, from any moment on.
    """

    def __init__(
        self,
        tenants: Mapping[str, Tenant],
        *,
        channel: Channel,
        lobby: Lobby,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tenants = tenants
        self._channel = channel
        self._lobby = lobby
        self._clock = clock
        # By worker: when it told, and by tenant its calls, its sockets and the events it was asked to take a second.
        self._others: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._asked: dict[str, float] = {}
        self._looked_at = clock()
        channel.on(_KIND, self._heard)

    async def run(self) -> None:
        """Tell and judge anew every second, until cancelled."""
        while True:
            self.turn()
            await asyncio.sleep(_TELL_S)

    def turn(self) -> None:
        """Tell the others what is used here, and give every tenant what they leave."""
        now = self._clock()
        passed, self._looked_at = max(now - self._looked_at, _TELL_S / 10), now
        used = {}
        for name, tenant in self._tenants.items():
            rate = tenant.calls.pace.limit
            asked = 0.0 if rate is None else rate.asked_since() / passed
            self._asked[name] = asked
            if tenant.quotas.counted:
                used[name] = (len(tenant.calls), self._lobby.open_of(name), round(asked, 1))
        if used:
            self._channel.tell(_KIND, used=used)
        self._judge()

    def _heard(self, message: Message) -> None:
        self._others[message["from"]] = self._clock(), message["used"]
        self._judge()

    def _judge(self) -> None:
        oldest = self._clock() - _FORGET_S
        self._others = {worker: told for worker, told in self._others.items() if told[0] >= oldest}
        for name, tenant in self._tenants.items():
            told = [used[name] for _, used in self._others.values() if name in used]
            calls, sockets, asked = (sum(column) for column in zip(*told, strict=True)) if told else (0, 0, 0)
            # What the service itself allows is allowed each process.
            tenant.calls.elsewhere = calls if tenant.quotas.max_calls is not None else 0
            self._lobby.elsewhere[name] = sockets
            rate = tenant.calls.pace.limit
            if rate is not None:
                rate.share = share_of(rate.per_second, own=self._asked.get(name, 0.0), others=asked)


def share_of(quota: float, *, own: float, others: float) -> float:
    """Return how much of a rate is one worker's, all in events a second; never less than one.

    Args:
        own: what it was asked for.
        others: what all the others were asked for. If there is enough, what they leave is its own; if there is not,
            everyone gets a part as large as what was asked of him.
    """
    wanted = own + others
    return max(1.0, quota - others if wanted <= quota else quota * own / wanted)
