"""The client over HTTP for programs with an event loop; `Client` describes the methods."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from coach.client import requests
from coach.client.carrier import AsyncCarrier
from coach.client.decisions import AsyncDecisions
from coach.client.endpoints import AsyncEndpoints
from coach.client.errors import RefusedError, UnreachableError
from coach.client.feeding import Feeding
from coach.client.http import PATIENCE_S, TIMEOUT_S, reading
from coach.client.messages import read_event
from coach.client.playground import AsyncPlayground
from coach.client.producer import AsyncProducer
from coach.client.reviews import AsyncReviews
from coach.client.sending import Sending
from coach.client.stream import agent_path, read_stream_async, team_path
from coach.client.team_messages import read_team_event
from coach.client.window import Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
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
        Readiness,
        Rules,
        Taken,
        Token,
        UserToken,
        Verdicted,
    )
    from coach.client.messages import Degraded, OtherEvent, StreamEvent
    from coach.client.producer import SpeakerName
    from coach.client.team_messages import Rates, TeamEvent, Watched
    from coach.client.window import Head


class AsyncClient:
    """The service for a program with an event loop; `Client` describes the methods. Use it as `async with`."""

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._carrier = AsyncCarrier(url, key, timeout_s=timeout_s)
        self._ask = self._carrier.ask
        self._window = Window()
        self.reviews = AsyncReviews(self._carrier)
        self.decisions = AsyncDecisions(self._carrier)
        self.webhooks = AsyncEndpoints(self._carrier)
        self.playground = AsyncPlayground(self._carrier)
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
        await self._carrier.close()

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

    async def send_events(
        self, call_id: str, events: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> Taken:
        """See `Client.send_events`."""
        sending = Sending(call_id, events, key=idempotency_key)
        while True:
            try:
                taken = await self._ask(sending.ask)
                pause = sending.taken(taken)
            except (RefusedError, UnreachableError) as error:
                pause = sending.failed(error)
            else:
                if pause is None:
                    return taken
            await asyncio.sleep(pause)

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

    async def rules(self) -> Rules:
        """See `Client.rules`."""
        return await self._ask(requests.rules())

    async def health(self) -> Health:
        """See `Client.health`."""
        return await self._ask(requests.health())

    async def readiness(self) -> Readiness:
        """See `Client.readiness`."""
        return await self._ask(requests.readiness())

    async def metrics(self) -> str:
        """See `Client.metrics`."""
        return (await self._carrier.page(requests.METRICS))[0].decode()

    def events(
        self, agent_id: str, *, after: str | None = None, patience_s: float = PATIENCE_S
    ) -> AsyncIterator[StreamEvent | OtherEvent]:
        """See `Client.events`."""
        return read_stream_async(reading(self._carrier, agent_path(agent_id), after, patience_s), read_event)

    def team_events(
        self, team: str, *, after: str | None = None, patience_s: float = PATIENCE_S
    ) -> AsyncIterator[TeamEvent | Rates | Watched | Degraded | OtherEvent]:
        """See `Client.team_events`."""
        return read_stream_async(reading(self._carrier, team_path(team), after, patience_s), read_team_event)

    def producer(
        self, *, window: int = 1000, tell: Callable[[dict[str, Any]], None] | None = None
    ) -> AsyncProducer:
        """See `Client.producer`; `tell` is given every message of the service."""
        return AsyncProducer(self._carrier.url, self._carrier.key or "", window=window, tell=tell)

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
