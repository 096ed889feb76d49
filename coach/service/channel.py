"""One tenant's part of the bus: its topics, what workers tell each other about it, its leases.

Knows nothing of Redis, so that a service without one need not have the client installed.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from coach.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coach.config import Settings
    from coach.service.bus import Bus
    from coach.service.render import Message

# Another worker on the same loop-back answers within a millisecond; beyond this it is busy or gone.
ANSWER_S: Final = 0.3
# Somebody may be busy, or just come up and not have heard the question; a client waits ten seconds for an answer.
SURVEY_S: Final = 8.0
_ASK_AGAIN_S: Final = 1.0
# What an entry of a stream may be.
KINDS: Final = frozenset({b"event", b"snapshot", b"resync", b"anew"})


class BusDownError(Exception):
    """The bus is away; whoever asked goes on with what this worker knows."""


Id = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a stream: `id` orders it, `frame` has it as its offset."""

    id: Id
    frame: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a stream holds.

    Attributes:
        last: offset of the last event, "0-0" when there was none.
        after: the events after the offset asked for; None when some of them are gone.
    """

    last: str
    after: list[Entry] | None


def id_of(offset: str) -> Id:
    """Return what orders an offset of a stream."""
    time, _, number = offset.partition("-")
    return int(time), int(number)


def read_entry(raw: bytes, fields: Mapping[bytes, bytes]) -> Entry | None:
    """Return an event as it is in a stream; None when nobody of us wrote it."""
    kind = fields.get(b"m", b"").partition(b" ")[0]
    if kind not in KINDS or b"e" not in fields:
        return None
    return Entry(id_of(raw.decode()), with_offset(raw, fields[b"e"]), kind.decode())


def with_offset(offset: bytes, frame: bytes) -> bytes:
    """Put its offset into an event."""
    return b'{"offset":"%b",%b' % (offset, frame[1:])


@dataclass(frozen=True, slots=True)
class Survey:
    """What all other workers said.

    Attributes:
        answers: those that came in time.
        silent: the workers that may be alive and did not answer.
        away: the bus was away, at least for a while: nobody knows who has not answered.
    """

    answers: tuple[Message, ...] = ()
    silent: frozenset[str] = frozenset()
    away: bool = False

    @property
    def whole(self) -> bool:
        """Tell whether everybody answered."""
        return not (self.away or self.silent)


class Followed(Protocol):
    """A topic that is read."""

    key: bytes
    position: str

    def take(self, entries: list[tuple[bytes, list[bytes]]]) -> None:
        """Take in what came, in order; moves `position`."""


def open_bus(settings: Settings) -> Bus | None:
    """Return the bus that the settings name; None when they name none.

    Raises:
        ConfigError: the address is none, or the client is not installed.
    """
    if settings.redis_url is None:
        return None
    try:
        from coach.service.bus import Bus  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(f"redis_url: 缺少 {error.name}；请安装 coach[cluster]") from error
    return Bus(settings.redis_url.get_secret_value(), keep=settings.resume_events)


class _Answers:
    """What came of one question to all."""

    def __init__(self) -> None:
        self.by_worker: dict[str, Message] = {}
        self.came = asyncio.Event()

    def take(self, message: Message) -> None:
        self.by_worker[str(message["from"])] = message
        self.came.set()


class Channel:
    """What the service knows of the bus for one tenant."""

    def __init__(self, bus: Bus, tenant: str) -> None:
        self._bus = bus
        self.tenant = tenant
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._surveys: dict[str, _Answers] = {}
        self._asked = 0
        self._registered = contextlib.ExitStack()
        self.on("answer", self._answered)

    @property
    def up(self) -> bool:
        """Tell whether the bus is there."""
        return self._bus.up

    @property
    def worker(self) -> str:
        """The name of this process on the bus."""
        return self._bus.worker

    @property
    def generation(self) -> int:
        """How often the bus came up; what was followed before that is followed no more."""
        return self._bus.generation

    def has(self, key: bytes) -> bool:
        """Tell whether a topic can go over the bus: it is there, and the key holds a stream or nothing."""
        return self._bus.up and key not in self._bus.spoiled

    def key(self, topic: str) -> bytes:
        """Return the key of a topic's stream."""
        return f"coach:{self.tenant}:{topic}".encode()

    def source(self) -> bytes:
        """Return a name for one sender on one topic."""
        return self._bus.source()

    def publish(self, key: bytes, *, frame: bytes, meta: bytes) -> None:
        """Queue an event for a stream."""
        self._bus.publish(key, frame=frame, meta=meta)

    def erase(self, topic: str) -> None:
        """Delete what is in a topic's stream; while the bus is away it is left to expire."""
        self._bus.erase(self.key(topic))

    async def look(self, key: bytes, after: str | None) -> Look:
        """Return where a stream ends and what came after an offset.

        Raises:
            BusDownError
        """
        return await self._bus.look(key, after)

    def follow(self, topic: Followed) -> None:
        """Read a stream from its `position` on."""
        self._bus.follow(topic)

    def unfollow(self, topic: Followed) -> None:
        """Read a stream no more."""
        self._bus.unfollow(topic)

    def on(self, kind: str, handler: Callable[[Message], None]) -> None:
        """Call `handler` with each message of a kind that another worker tells."""
        self._bus.on(self.tenant, kind, handler)
        self._registered.callback(self._bus.off, self.tenant, kind, handler)

    def on_change(self, handler: Callable[[], None]) -> None:
        """Call `handler` after the bus went away or came back."""
        self._bus.on_change(handler)
        self._registered.callback(self._bus.off_change, handler)

    def on_topic(self, handler: Callable[[str], None]) -> None:
        """Call `handler` with each topic that can go over the bus no more, or can again."""
        prefix = self.key("")

        def hear(key: bytes) -> None:
            if key.startswith(prefix):
                handler(key.removeprefix(prefix).decode())

        self._bus.on_topic(hear)
        self._registered.callback(self._bus.off_topic, hear)

    def close(self) -> None:
        """Hear nothing more: the tenant is over here, and the bus keeps nothing of it."""
        self._registered.close()

    def tell(self, kind: str, **fields: object) -> None:
        """Tell all other workers something; while the bus is away, nobody."""
        self._bus.tell({"tenant": self.tenant, "kind": kind, **fields})

    async def ask(self, kind: str, **fields: object) -> Message | None:
        """Ask all other workers; return the first answer, None when nobody has one."""
        if not self.up:
            return None
        number = self._number()
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self.tell(kind, ask=number, **fields)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    return await answer
            return None
        finally:
            self._answers.pop(number, None)

    async def survey(self, kind: str, *, within_s: float = SURVEY_S, **fields: object) -> Survey:
        """Ask all other workers; return when every one that may be alive has answered, or the time is over."""
        if not self.up:
            return Survey(away=True)
        generation, number = self.generation, self._number()
        answers = self._surveys[number] = _Answers()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while self.up and self._silent(answers):
                        self.tell(kind, ask=number, everyone=True, **fields)
                        await self._heard_from_all(answers)
        finally:
            del self._surveys[number]
        away = not self.up or self.generation != generation
        return Survey(tuple(answers.by_worker.values()), self._silent(answers), away=away)

    def answer(self, asked: Message, **fields: object) -> None:
        """Answer what another worker asked."""
        self.tell("answer", ask=asked["ask"], **fields)

    async def lease(self, name: str, *, ttl_s: int) -> bool:
        """Take or renew the right to do something; False while another worker has it or the bus is away."""
        return await self._bus.lease(f"coach:{self.tenant}:lease:{name}", ttl_s=ttl_s)

    def _number(self) -> str:
        self._asked += 1
        return f"{self.worker}:{self._asked}"

    def _silent(self, answers: _Answers) -> frozenset[str]:
        return self._bus.alive() - answers.by_worker.keys()

    async def _heard_from_all(self, answers: _Answers) -> None:
        """Wait for the answers of all that may be alive, until it is time to ask again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ASK_AGAIN_S):
                while self._silent(answers):
                    answers.came.clear()
                    await answers.came.wait()

    def _answered(self, message: Message) -> None:
        number = str(message.get("ask"))
        if number in self._surveys:
            self._surveys[number].take(message)
        answer = self._answers.get(number)
        if answer is not None and not answer.done():
            answer.set_result(message)
