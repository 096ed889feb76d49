"""Calls that vendors' payloads feed: what their connectors remember, and the way of each event into its call.

The events take the way of every producer's events. What is remembered is rebuilt from the stored finals, after a
restart and after anything that was refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from coach.connectors.model import Ended, Heard, Ignored, Options, Started
from coach.connectors.state import State
from coach.errors import MessageError
from coach.service.ingest import Intake, Outbox
from coach.service.producer_events import events_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.connectors.model import Connector, Incoming, Payload
    from coach.service.auth import Principal
    from coach.service.calls import Calls
    from coach.service.connector_settings import TenantConnectors
    from coach.service.render import Message
    from coach.service.store import Store

log = logging.getLogger(__name__)

# Reasons and hints told in one answer.
_MAX_TOLD: Final = 20


@dataclass(slots=True)
class _Session:
    """One call of a vendor.

    Attributes:
        state: what the connector remembers; None until it was rebuilt.
        durable: the seq of the last event that must be on disk before a payload is answered.
    """

    state: State | None = None
    durable: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Answer:
    """What became of the payloads of one request."""

    events: int = 0
    acked: dict[str, int] = field(default_factory=dict)
    ignored: list[dict[str, str]] = field(default_factory=list)
    hints: dict[str, None] = field(default_factory=dict)

    def ignore(self, event: Ignored) -> None:
        """Note why something changed nothing."""
        if len(self.ignored) < _MAX_TOLD:
            self.ignored.append({"why": event.why, "hint": event.hint})

    def hint(self, text: str) -> None:
        """Note what should be set."""
        if text and len(self.hints) < _MAX_TOLD:
            self.hints[text] = None

    def render(self) -> Message:
        """Return the body of the answer."""
        return {
            "events": self.events,
            "acked": self.acked,
            "ignored": self.ignored,
            "hints": list(self.hints),
        }


class ConnectorDesk:
    """Takes in vendors' payloads and keeps what their connectors remember."""

    def __init__(self, *, store: Store, calls: Calls, settings: TenantConnectors, max_calls: int) -> None:
        self._store = store
        self._calls = calls
        self.max_calls = max_calls
        self.settings = settings
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        calls.on_release(self._forget)

    async def take(
        self, connector: Connector, payload: Payload, *, principal: Principal, answer: Answer
    ) -> None:
        """Take in one payload; return once it is on disk.

        Raises:
            MessageError: it was refused; sent again later it is taken as if for the first time.
        """
        await self._take(
            connector.call_id(payload),
            lambda state: connector.read(payload, state),
            options=connector.options,
            principal=principal,
            answer=answer,
        )

    async def end(self, call_id: str, *, principal: Principal, answer: Answer) -> None:
        """End a call whose vendor does not say when it ends.

        Raises:
            MessageError: `unknown_call`, or it was refused.
        """
        if call_id not in self._sessions and await self._store.load_call(call_id) is None:
            raise MessageError("unknown_call", "没有这通电话", field="call_id")
        await self._take(
            call_id, lambda state: state.end(call_id), options=Options(), principal=principal, answer=answer
        )

    async def _take(
        self,
        call_id: str,
        read: Callable[[State], list[Incoming]],
        *,
        options: Options,
        principal: Principal,
        answer: Answer,
    ) -> None:
        session = self._session(call_id)
        # The numbers are ours: an event of the same number at another worker is another event.
        outbox = Outbox(bounded=False, resends=False)
        intake = Intake(calls=self._calls, principal=principal, outbox=outbox, max_calls=1, call_id=call_id)
        try:
            async with session.lock:
                if session.state is None:
                    session.state = await self._rebuild(call_id)
                found = read(session.state)
                for event in found:
                    await self._put(event, intake, session, options=options, answer=answer)
                # Also what an earlier payload brought: a repetition must not be answered before it is on disk.
                durable = session.durable
            answer.acked[call_id] = _done(await self._calls.settle(call_id), durable, outbox)
        except BaseException:
            # The connector believes to have heard what was refused: remember only what is on disk.
            session.state, session.durable = None, 0
            raise
        finally:
            intake.close()
        if any(isinstance(event, Ended) for event in found):
            self._sessions.pop(call_id, None)

    async def _put(
        self, event: Incoming, intake: Intake, session: _Session, *, options: Options, answer: Answer
    ) -> None:
        """Give an event its place in the call and send it the way of every producer's events."""
        if isinstance(event, Ignored):
            answer.ignore(event)
            return
        try:
            seq = await self._calls.next_seq(event.call_id)
        except MessageError as error:
            if isinstance(event, Heard):
                # A vendor does not read our answer; the operator reads the log.
                log.warning("%s", error.message, extra={"call_id": event.call_id})
            answer.ignore(Ignored(event.call_id, error.message))
            return
        if seq == 1:
            agent_id = (event.agent_id if isinstance(event, Started) else "") or options.agent_id
            if not agent_id:
                raise MessageError(
                    "unknown_call",
                    "agent_id: 这通电话还没有开始，也不知道是哪个坐席；在地址后加 ?agent_id=…，"
                    "或先用 POST /v1/calls/{call_id}/events 发 call.started",
                    field="agent_id",
                )
            head = {"team": options.team, "agent_name": options.agent_name}
            await intake.event(
                {
                    "type": "call.started",
                    "call_id": event.call_id,
                    "seq": 1,
                    "agent_id": agent_id,
                    **{name: value for name, value in head.items() if value},
                }
            )
            session.durable, seq = 1, 2
            answer.events += 1
        if isinstance(event, Heard):
            answer.hint(event.hint)
        for message in events_of(event):
            await intake.event({**message, "call_id": event.call_id, "seq": seq})
            if message.get("final", True):
                session.durable = seq
            seq += 1
            answer.events += 1

    async def _rebuild(self, call_id: str) -> State:
        """Remember again what was known of a call, from what is on disk."""
        await self._calls.settle(call_id)
        stored = await self._store.load_call(call_id)
        if stored is None:
            return State()
        heard = (utterance for _, utterance in stored.heard)
        return State.of_finals(heard, began_ms=int(stored.started_at * 1000))

    def _forget(self, call_id: str) -> None:
        """Remember nothing of a call that went on at another worker: it knows more by now."""
        session = self._sessions.get(call_id)
        if session is not None:
            session.state, session.durable = None, 0

    def _session(self, call_id: str) -> _Session:
        session = self._sessions.setdefault(call_id, _Session())
        self._sessions.move_to_end(call_id)
        for _ in range(len(self._sessions) - self.max_calls):
            oldest = next(iter(self._sessions))
            if self._sessions[oldest].lock.locked():
                # In use, so it is not the oldest.
                self._sessions.move_to_end(oldest)
            else:
                del self._sessions[oldest]
        return session


def _done(acked: int, durable: int, outbox: Outbox) -> int:
    """Return what is acked, if that is all that has to be."""
    if outbox.errors:
        first = outbox.errors[0]
        raise MessageError(first["code"], first["message"], field=first["field"] or "")
    if acked < durable:
        raise MessageError("busy", "没有写入磁盘，请重发")
    return acked
