"""Plays a call into a running service through the client: keeps the time, resends, survives a restart."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from coach.client.errors import ClientError, RefusedError, UnreachableError
from coach.client.producer import AsyncProducer
from coach.client.stream import Reading, agent_path, read_messages_async
from coach.errors import CoachError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coach.commands.recording import TimedEvent

Message = dict[str, Any]

_ACK_TIMEOUT_S: Final = 30.0
_WATCH_PATIENCE_S: Final = 60.0
_OK: Final = 200


class ReplayError(CoachError):
    """The call could not be played to its end."""


class Player:
    """One call on its way into a service.

    Args:
        url: base address, such as http://127.0.0.1:8600.
        key: API key or producer token.
        tell: is given every message of the service.
    """

    def __init__(
        self, *, url: str, key: str, call_id: str, agent_id: str, tell: Callable[[Message], None]
    ) -> None:
        self._producer = AsyncProducer(url, key, tell=tell)
        self._call_id = call_id
        self._agent_id = agent_id

    @property
    def refused(self) -> int:
        """How many events the service refused."""
        return len(self._producer.refusals)

    async def play(self, events: list[TimedEvent], *, slots: dict[str, str], speed: float) -> int:
        """Play the call; return how many events were sent.

        Raises:
            ReplayError: the service cannot be reached, refuses the key, or does not ack the end.
        """
        with _told():
            async with self._producer as producer:
                sent = await producer.start_call(self._call_id, agent_id=self._agent_id, slots=slots)
                began = asyncio.get_running_loop().time()
                for each in events:
                    if speed > 0:
                        due = began + each.at_ms / 1000 / speed
                        await producer.pause(due - asyncio.get_running_loop().time())
                    sent = await self._send(each.event)
                await producer.drain(timeout_s=_ACK_TIMEOUT_S)
        return sent

    async def _send(self, event: Message) -> int:
        if event["type"] == "call.ended":
            return await self._producer.end_call(self._call_id, at_ms=event["at_ms"])
        return await self._producer.utterance(
            self._call_id, **{name: value for name, value in event.items() if name != "type"}
        )


async def watch(*, url: str, token: str, agent_id: str, tell: Callable[[Message], None]) -> None:
    """Read an agent's stream until cancelled; a lost connection is taken up again where it was.

    Raises:
        ReplayError: the token does not open the stream, or the service stays away.
    """
    reading = Reading(url, agent_path(agent_id), credential=token, after=None, patience_s=_WATCH_PATIENCE_S)
    with _told():
        async for message in read_messages_async(reading):
            tell(message)


def post(url: str, body: Message | None = None, *, key: str | None = None) -> Message:
    """Send a POST and return the JSON answer.

    Raises:
        ReplayError: no answer, or an error.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.post(url, json=body or {}, headers=headers, timeout=10, trust_env=False)
        if answer.status_code != _OK:
            raise ReplayError(f"{url}: HTTP {answer.status_code} {answer.text}")
        value: Message = orjson.loads(answer.content)
    except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError) as error:
        raise ReplayError(f"{url}: {error}；服务启动了吗？（coach serve）") from error
    return value


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell the errors of the client in the words of the command."""
    try:
        yield
    except UnreachableError as error:
        raise ReplayError(f"{error}；服务启动了吗？（coach serve）") from error
    except RefusedError as error:
        raise ReplayError(error.message) from error
    except ClientError as error:
        raise ReplayError(str(error)) from error
