"""The client over HTTP for programs without an event loop; streams, producers and the groups hang on it.

Each request is described once, as (how to ask, how to read the answer); this client and the asynchronous one only
carry it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self

from coach.client import requests
from coach.client.carrier import Carrier
from coach.client.decisions import Decisions
from coach.client.endpoints import Endpoints
from coach.client.errors import RefusedError, UnreachableError
from coach.client.feeding import Feeding
from coach.client.messages import read_event
from coach.client.playground import Playground
from coach.client.producer import Producer
from coach.client.reviews import Reviews
from coach.client.sending import Sending
from coach.client.stream import Reading, agent_path, read_stream, team_path
from coach.client.team_messages import read_team_event
from coach.client.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    from coach.client.carrier import AsyncCarrier
    from coach.client.messages import Degraded, OtherEvent, StreamEvent
    from coach.client.producer import SpeakerName
    from coach.client.team_messages import Rates, TeamEvent, Watched
    from coach.client.window import Head

TIMEOUT_S: Final = 10.0
PATIENCE_S: Final = 60.0


class Client:
    """The service for a program without an event loop. Use it as `with`, or `close()` it. Not for several threads.

    Args:
        url: base address, such as http://127.0.0.1:8600.
        key: API key or token; None asks only what needs none.
        timeout_s: of one request.

    Attributes:
        reviews, decisions, webhooks, playground: the requests about each of them.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._carrier = Carrier(url, key, timeout_s=timeout_s)
        self._ask = self._carrier.ask
        self._window = Window()
        self.reviews = Reviews(self._carrier)
        self.decisions = Decisions(self._carrier)
        self.webhooks = Endpoints(self._carrier)
        self.playground = Playground(self._carrier)

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
        self._carrier.close()

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

    def send_events(
        self, call_id: str, events: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> Taken:
        """Send a batch as docs/protocol.md, section 2, has it, numbered by the caller; taken once, however often sent.

        A lost connection or a busy service is tried again under the same key; without `idempotency_key` one is made.
        Give one that is kept with the batch where the program itself may be started anew meanwhile.

        Raises:
            RefusedError: `conflict`: the key was used for other events; `invalid_field`: it cannot be a key.
            UnreachableError: no answer after five tries; the batch may have been taken.
        """
        sending = Sending(call_id, events, key=idempotency_key)
        while True:
            try:
                taken = self._ask(sending.ask)
                pause = sending.taken(taken)
            except (RefusedError, UnreachableError) as error:
                pause = sending.failed(error)
            else:
                if pause is None:
                    return taken
            time.sleep(pause)

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
            RefusedError: `unknown_call`; `conflict`, it goes on; `busy`, a worker that may have it did not answer.
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

    def rules(self) -> Rules:
        """Return the rules in force."""
        return self._ask(requests.rules())

    def health(self) -> Health:
        """Return how the service is; needs no key."""
        return self._ask(requests.health())

    def readiness(self) -> Readiness:
        """Return whether calls can be taken; needs no key."""
        return self._ask(requests.readiness())

    def metrics(self) -> str:
        """Return the metrics of every worker in the text format of Prometheus."""
        return self._carrier.page(requests.METRICS)[0].decode()

    def events(
        self, agent_id: str, *, after: str | None = None, patience_s: float = PATIENCE_S
    ) -> Iterator[StreamEvent | OtherEvent]:
        """Iterate over what the agent is shown, from a snapshot (or `after` an offset) on, until the caller stops.

        Raises:
            RefusedError: the key does not open this stream.
            UnreachableError: the service was away for longer than `patience_s`.
        """
        return read_stream(reading(self._carrier, agent_path(agent_id), after, patience_s), read_event)

    def team_events(
        self, team: str, *, after: str | None = None, patience_s: float = PATIENCE_S
    ) -> Iterator[TeamEvent | Rates | Watched | Degraded | OtherEvent]:
        """Iterate over what a team's supervisors are shown, until the caller stops; raises as `events` does."""
        return read_stream(reading(self._carrier, team_path(team), after, patience_s), read_team_event)

    def producer(self, *, window: int = 1000) -> Producer:
        """Return a producer over a socket: for whole calls as they happen, many at once."""
        return Producer(self._carrier.url, self._carrier.key or "", window=window)

    def _feed(self, call_id: str) -> int:
        feeding = Feeding(self._window, call_id)
        while (ask := feeding.next()) is not None:
            try:
                time.sleep(feeding.take(self._ask(ask)))
            except (RefusedError, UnreachableError) as error:
                time.sleep(feeding.failed(error))
        return feeding.acked


def reading(carrier: Carrier | AsyncCarrier, path: str, after: str | None, patience_s: float) -> Reading:
    """Return the place of a reader of a stream."""
    return Reading(carrier.url, path, credential=carrier.key or "", after=after, patience_s=patience_s)
