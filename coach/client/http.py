"""The client over HTTP, without and with an event loop; streams and producers hang on it.

Each request is described once, as (how to ask, how to read the answer); the two clients only carry it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel

from coach.client import requests
from coach.client.errors import RefusedError, UnreachableError
from coach.client.feeding import Feeding
from coach.client.messages import read_event
from coach.client.producer import AsyncProducer, Producer
from coach.client.stream import Reading, agent_path, read_stream, read_stream_async, team_path
from coach.client.team_messages import read_team_event
from coach.client.window import Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Unpack

    from coach.client.answers import (
        AuditEntry,
        Call,
        CallRow,
        CheckMany,
        CheckOne,
        Deleted,
        Health,
        Token,
        UserToken,
        Verdicted,
    )
    from coach.client.messages import Degraded, OtherEvent, StreamEvent
    from coach.client.producer import SpeakerName
    from coach.client.requests import Ask
    from coach.client.team_messages import Rates, TeamEvent, Watched
    from coach.client.window import Head

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_TIMEOUT_S: Final = 10.0
_PATIENCE_S: Final = 60.0


class Client:
    """The service for a program without an event loop. Use it as `with`, or `close()` it. Not for several threads.

    Args:
        url: base address, such as http://127.0.0.1:8600.
        key: API key or token; None asks only what needs none.
        timeout_s: of one request.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._url, self._key = url.rstrip("/"), key
        self._http = httpx.Client(
            base_url=self._url, headers=requests.headers(key), timeout=timeout_s, trust_env=False
        )
        self._window = Window()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def check(self, text: str, *, speaker: SpeakerName = "agent") -> CheckOne:
        """Return what an agent who says this would be shown."""
        return self._ask(requests.check(text, speaker=speaker))

    def check_many(self, texts: Sequence[str], *, speaker: SpeakerName = "agent") -> CheckMany:
        """Return the same for up to 1,000 texts, in their order."""
        return self._ask(requests.check_many(texts, speaker=speaker))

    def start_call(self, call_id: str, **head: Unpack[Head]) -> int:
        """Begin a call (`Head` says what may be told of it); return the seq that is on disk.

        Raises:
            RefusedError: the service refused it.
            UnreachableError: no answer; it is sent with the next event of the call.
        """
        self._window.start(call_id, **head)
        return self._feed(call_id)

    def utterance(
        self,
        call_id: str,
        utterance_id: str,
        text: str,
        *,
        speaker: SpeakerName,
        start_ms: int,
        end_ms: int,
        final: bool = True,
    ) -> int:
        """Send one recogniser result; return the seq that is on disk (of a partial: that of the last final).

        Raises:
            RefusedError: the service refused it.
            UnreachableError: no answer; it is sent with the next event of the call.
        """
        self._window.utterance(
            call_id, utterance_id, text, speaker=speaker, start_ms=start_ms, end_ms=end_ms, final=final
        )
        return self._feed(call_id)

    def end_call(self, call_id: str, *, at_ms: int) -> int:
        """End a call, `at_ms` from its start; return the seq that is on disk.

        Raises:
            RefusedError: the service refused it.
            UnreachableError: no answer; `flush` sends it again.
        """
        self._window.end(call_id, at_ms=at_ms)
        return self._feed(call_id)

    def flush(self, call_id: str) -> int:
        """Send again what was not confirmed; return the seq that is on disk (0: there was nothing to send)."""
        return self._feed(call_id)

    def calls(
        self, *, agent_id: str | None = None, live: bool | None = None, limit: int | None = None
    ) -> Iterator[CallRow]:
        """Iterate over stored calls, youngest first, page by page.

        Args:
            agent_id: only this agent's.
            live: only those that go on (True) or are over (False).
            limit: at most so many.
        """
        paging = requests.calls(agent_id=agent_id, live=live, limit=limit)
        while (ask := paging.next()) is not None:
            page = self._ask(ask)
            paging.take(len(page.calls), page.next)
            yield from page.calls

    def call(self, call_id: str) -> Call:
        """Return all that is stored of a call."""
        return self._ask(requests.call(call_id))

    def delete_call(self, call_id: str) -> Deleted:
        """Delete all that is kept of a call that is over; needs the role admin.

        Raises:
            RefusedError: `unknown_call`; `conflict`, it goes on.
        """
        return self._ask(requests.delete_call(call_id))

    def delete_customer(self, customer_id: str) -> Deleted:
        """Delete every call of a customer (as in `call.started`) that is over; none is no error. Role admin."""
        return self._ask(requests.delete_customer(customer_id))

    def audit(
        self, *, limit: int | None = None, **only: Unpack[requests.AuditFilter]
    ) -> Iterator[AuditEntry]:
        """Iterate over who did what (`AuditFilter` narrows it), youngest first, at most `limit`. Role admin."""
        paging = requests.audit(limit=limit, **only)
        while (ask := paging.next()) is not None:
            page = self._ask(ask)
            paging.take(len(page.entries), page.next)
            yield from page.entries

    def give_feedback(self, advice_id: str, *, verdict: requests.Verdict) -> Verdicted:
        """Store a verdict on a piece of advice."""
        return self._ask(requests.give_feedback(advice_id, verdict=verdict))

    def mint_token(self, agent_id: str, *, ttl_s: int = 600) -> Token:
        """Mint a sidebar token for one agent."""
        return self._ask(requests.mint_token(agent_id, ttl_s=ttl_s))

    def mint_user_token(
        self, user_id: str, *, role: requests.UserRole, teams: Iterable[str] = (), ttl_s: int = 600
    ) -> UserToken:
        """Mint a token for a supervisor (of `teams`), reviewer or administrator; needs a key of the role admin."""
        return self._ask(requests.mint_user_token(user_id, role=role, teams=teams, ttl_s=ttl_s))

    def health(self) -> Health:
        """Return how the service is; needs no key."""
        return self._ask(requests.health())

    def events(
        self, agent_id: str, *, after: str | None = None, patience_s: float = _PATIENCE_S
    ) -> Iterator[StreamEvent | OtherEvent]:
        """Iterate over what the agent is shown, from a snapshot (or `after` an offset) on, until the caller stops.

        Raises:
            RefusedError: the key does not open this stream.
            UnreachableError: the service was away for longer than `patience_s`.
        """
        return read_stream(self._reading(agent_path(agent_id), after, patience_s), read_event)

    def team_events(
        self, team: str, *, after: str | None = None, patience_s: float = _PATIENCE_S
    ) -> Iterator[TeamEvent | Rates | Watched | Degraded | OtherEvent]:
        """Iterate over what a team's supervisors are shown, until the caller stops; raises as `events` does."""
        return read_stream(self._reading(team_path(team), after, patience_s), read_team_event)

    def producer(self, *, window: int = 1000) -> Producer:
        """Return a producer over a socket: for whole calls as they happen, many at once."""
        return Producer(self._url, self._key or "", window=window)

    def _reading(self, path: str, after: str | None, patience_s: float) -> Reading:
        return Reading(self._url, path, credential=self._key or "", after=after, patience_s=patience_s)

    def _ask(self, ask: Ask[AnswerT]) -> AnswerT:
        try:
            response = self._http.request(
                ask.method, ask.path, params=ask.query, content=ask.body, headers=ask.headers
            )
        except httpx.HTTPError as error:
            raise UnreachableError(f"{self._url}: {error or type(error).__name__}") from error
        return requests.read(ask, response.status_code, response.content)

    def _feed(self, call_id: str) -> int:
        feeding = Feeding(self._window, call_id)
        while (ask := feeding.next()) is not None:
            try:
                time.sleep(feeding.take(self._ask(ask)))
            except (RefusedError, UnreachableError) as error:
                time.sleep(feeding.failed(error))
        return feeding.acked


class AsyncClient:
    """The service for a program with an event loop; `Client` describes the methods. Use it as `async with`."""

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._url, self._key = url.rstrip("/"), key
        self._http = httpx.AsyncClient(
            base_url=self._url, headers=requests.headers(key), timeout=timeout_s, trust_env=False
        )
        self._window = Window()
        # Events of a call travel one request after the other, whoever sends them.
        self._feeding: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def check(self, text: str, *, speaker: SpeakerName = "agent") -> CheckOne:
        """See `Client.check`."""
        return await self._ask(requests.check(text, speaker=speaker))

    async def check_many(self, texts: Sequence[str], *, speaker: SpeakerName = "agent") -> CheckMany:
        """See `Client.check_many`."""
        return await self._ask(requests.check_many(texts, speaker=speaker))

    async def start_call(self, call_id: str, **head: Unpack[Head]) -> int:
        """See `Client.start_call`."""
        self._window.start(call_id, **head)
        return await self._feed(call_id)

    async def utterance(
        self,
        call_id: str,
        utterance_id: str,
        text: str,
        *,
        speaker: SpeakerName,
        start_ms: int,
        end_ms: int,
        final: bool = True,
    ) -> int:
        """See `Client.utterance`."""
        self._window.utterance(
            call_id, utterance_id, text, speaker=speaker, start_ms=start_ms, end_ms=end_ms, final=final
        )
        return await self._feed(call_id)

    async def end_call(self, call_id: str, *, at_ms: int) -> int:
        """See `Client.end_call`."""
        self._window.end(call_id, at_ms=at_ms)
        return await self._feed(call_id)

    async def flush(self, call_id: str) -> int:
        """See `Client.flush`."""
        return await self._feed(call_id)

    async def calls(
        self, *, agent_id: str | None = None, live: bool | None = None, limit: int | None = None
    ) -> AsyncIterator[CallRow]:
        """See `Client.calls`."""
        paging = requests.calls(agent_id=agent_id, live=live, limit=limit)
        while (ask := paging.next()) is not None:
            page = await self._ask(ask)
            paging.take(len(page.calls), page.next)
            for row in page.calls:
                yield row

    async def call(self, call_id: str) -> Call:
        """See `Client.call`."""
        return await self._ask(requests.call(call_id))

    async def delete_call(self, call_id: str) -> Deleted:
        """See `Client.delete_call`."""
        return await self._ask(requests.delete_call(call_id))

    async def delete_customer(self, customer_id: str) -> Deleted:
        """See `Client.delete_customer`."""
        return await self._ask(requests.delete_customer(customer_id))

    async def audit(
        self, *, limit: int | None = None, **only: Unpack[requests.AuditFilter]
    ) -> AsyncIterator[AuditEntry]:
        """See `Client.audit`."""
        paging = requests.audit(limit=limit, **only)
        while (ask := paging.next()) is not None:
            page = await self._ask(ask)
            paging.take(len(page.entries), page.next)
            for entry in page.entries:
                yield entry

    async def give_feedback(self, advice_id: str, *, verdict: requests.Verdict) -> Verdicted:
        """See `Client.give_feedback`."""
        return await self._ask(requests.give_feedback(advice_id, verdict=verdict))

    async def mint_token(self, agent_id: str, *, ttl_s: int = 600) -> Token:
        """See `Client.mint_token`."""
        return await self._ask(requests.mint_token(agent_id, ttl_s=ttl_s))

    async def mint_user_token(
        self, user_id: str, *, role: requests.UserRole, teams: Iterable[str] = (), ttl_s: int = 600
    ) -> UserToken:
        """See `Client.mint_user_token`."""
        return await self._ask(requests.mint_user_token(user_id, role=role, teams=teams, ttl_s=ttl_s))

    async def health(self) -> Health:
        """See `Client.health`."""
        return await self._ask(requests.health())

    def events(
        self, agent_id: str, *, after: str | None = None, patience_s: float = _PATIENCE_S
    ) -> AsyncIterator[StreamEvent | OtherEvent]:
        """See `Client.events`."""
        return read_stream_async(self._reading(agent_path(agent_id), after, patience_s), read_event)

    def team_events(
        self, team: str, *, after: str | None = None, patience_s: float = _PATIENCE_S
    ) -> AsyncIterator[TeamEvent | Rates | Watched | Degraded | OtherEvent]:
        """See `Client.team_events`."""
        return read_stream_async(self._reading(team_path(team), after, patience_s), read_team_event)

    def _reading(self, path: str, after: str | None, patience_s: float) -> Reading:
        return Reading(self._url, path, credential=self._key or "", after=after, patience_s=patience_s)

    def producer(
        self, *, window: int = 1000, tell: Callable[[dict[str, Any]], None] | None = None
    ) -> AsyncProducer:
        """See `Client.producer`; `tell` is given every message of the service."""
        return AsyncProducer(self._url, self._key or "", window=window, tell=tell)

    async def _ask(self, ask: Ask[AnswerT]) -> AnswerT:
        try:
            response = await self._http.request(
                ask.method, ask.path, params=ask.query, content=ask.body, headers=ask.headers
            )
        except httpx.HTTPError as error:
            raise UnreachableError(f"{self._url}: {error or type(error).__name__}") from error
        return requests.read(ask, response.status_code, response.content)

    async def _feed(self, call_id: str) -> int:
        feeding = Feeding(self._window, call_id)
        async with self._feeding.setdefault(call_id, asyncio.Lock()):
            while (ask := feeding.next()) is not None:
                try:
                    await asyncio.sleep(feeding.take(await self._ask(ask)))
                except (RefusedError, UnreachableError) as error:
                    await asyncio.sleep(feeding.failed(error))
        if not self._window.knows(call_id):
            self._feeding.pop(call_id, None)
        return feeding.acked
