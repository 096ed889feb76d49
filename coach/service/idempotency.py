"""Batches with an `Idempotency-Key`: sent again, they get the answer they got; the key of another batch is refused."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import select

from coach.errors import MessageError
from coach.service import schema
from coach.service.batch import Write
from coach.service.commit import ANSWER_KEPT_S
from coach.service.messages import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coach.service.auth import Principal
    from coach.service.render import Message
    from coach.service.store import Store

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Request:
    """One batch. `identity` is a hash of sender, call and key, `body` one of the events."""

    call_id: str
    identity: str
    body: str

    @classmethod
    def of(cls, *, principal: Principal, call_id: str, key: str, events: list[dict[str, Any]]) -> Request:
        """Hash what makes up a request; the order of an object's keys and white space make no difference.

        Raises:
            MessageError: `invalid_field`, the key is none.
        """
        if not _KEY.fullmatch(key):
            raise MessageError(
                "invalid_field", f"{HEADER}: 收到 {shown(key)}，应为 1 到 255 个可见 ASCII 字符", field=HEADER
            )
        return cls(call_id, _hash([principal.agent_id, call_id, key]), _hash(events))


class Answers:
    """The answers given, for a day; of a batch with refused events only that it came: it is refused again.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        # Batches being taken in: the same one, sent again meanwhile, waits for its answer.
        self._running: dict[str, tuple[str, asyncio.Task[Message]]] = {}

    async def once(self, request: Request, work: Callable[[], Awaitable[Message]]) -> Message:
        """Return the answer to a request, by doing the work if it is a new one.

        Raises:
            MessageError: `conflict`, the key came with other events before; or what the work raises.
        """
        body, task = self._running.get(request.identity, (request.body, None))
        if body != request.body:
            raise _other_body()
        if task is None:
            task = asyncio.create_task(self._answer(request, work))
            self._running[request.identity] = (request.body, task)
            task.add_done_callback(lambda done: self._forget(request.identity, done))
        # Shielded: whoever sent it may go away, and ask again.
        return await asyncio.shield(task)

    async def _answer(self, request: Request, work: Callable[[], Awaitable[Message]]) -> Message:
        known = await self._find(request)
        if known is not None:
            return {"acked": known, "errors": []}
        answer = await work()
        row = {
            "identity": request.identity,
            "body": request.body,
            "acked": None if answer["errors"] else answer["acked"],
            "at": self._clock(),
        }
        # Not on disk after all: the events are, and are known by their seq when they come again.
        await asyncio.wait([self._store.put(Write(request.call_id, answer=row))])
        return answer

    async def _find(self, request: Request) -> int | None:
        table = schema.batch_answers.c
        query = select(table.body, table.acked).where(
            table.identity == request.identity, table.at >= self._clock() - ANSWER_KEPT_S
        )
        async with self._store.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        if row.body != request.body:
            raise _other_body()
        acked: int | None = row.acked
        return acked

    def _forget(self, identity: str, done: asyncio.Task[Message]) -> None:
        del self._running[identity]
        if not done.cancelled():
            # Nobody may be waiting any more.
            done.exception()


def _other_body() -> MessageError:
    return MessageError(
        "conflict", f"{HEADER}: 这个键已用于内容不同的一批事件，应换一个新键，或原样重发", field=HEADER
    )


def _hash(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
