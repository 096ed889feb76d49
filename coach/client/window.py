"""What a producer sent and the service has not yet confirmed: numbers, resends, bounds. No I/O.

An ack means committed, and everything before it too. Partials are not acked by themselves, so only started,
final and ended events count against the bound.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Required, TypedDict

from coach.client.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

Message = dict[str, Any]


class Head(TypedDict, total=False):
    """What may be told of a call when it begins; None is as good as nothing.

    `slots` fill the blanks of phrases, `customer_id` is the customer's in your records. Supervisors of `team` see
    the call and know the agent as `agent_name`.
    """

    agent_id: Required[str]
    slots: dict[str, str] | None
    customer_id: str | None
    team: str | None
    agent_name: str | None


MAX_TEXT: Final = 2_000
_ID: Final = re.compile(r"[^\s/\x00-\x1f\x7f]{1,128}")
# Answers after which the same events are sent again; every other refusal stands.
RETRIED: Final = frozenset({"gap", "busy"})


@dataclass(slots=True)
class _Call:
    """One call: its events from `first` on, in order and without holes."""

    first: int = 1
    events: deque[Message] = field(default_factory=deque)
    sent: int = 0
    # Seqs that will never be acked by themselves, though they are kept in case they must be sent again.
    refused: set[int] = field(default_factory=set)
    revisions: dict[str, int] = field(default_factory=dict)
    ended: bool = False

    @property
    def last(self) -> int:
        return self.first + len(self.events) - 1


class Window:
    """The unconfirmed events of many calls.

    Args:
        size: durable events that may be unconfirmed before `full`.
    """

    def __init__(self, *, size: int = 1000) -> None:
        if size < 1:
            raise ValueError(f"size: 收到 {size}，应为正整数")
        self._size = size
        self._calls: dict[str, _Call] = {}
        # Calls with something to send, in order of asking.
        self._due: dict[str, None] = {}
        self._unacked = 0
        self.refusals: list[RefusedError] = []

    def __len__(self) -> int:
        """How many durable events wait for their ack."""
        return self._unacked

    @property
    def full(self) -> bool:
        """Tell whether the producer should wait."""
        return self._unacked >= self._size

    @property
    def due(self) -> bool:
        """Tell whether there is something to send."""
        return bool(self._due)

    def start(self, call_id: str, **head: Unpack[Head]) -> int:
        """Add a `call.started`; return its seq.

        Raises:
            RefusedError: an id cannot be one, or this call was started here already.
        """
        _check_id("call_id", call_id)
        _check_id("agent_id", head["agent_id"])
        if call_id in self._calls:
            raise RefusedError("invalid_field", f"call_id: {call_id} 已经开始", field="call_id")
        self._calls[call_id] = _Call()
        known = {name: value for name, value in head.items() if value is not None}
        return self._put(call_id, {"type": "call.started", "slots": {}, **known})

    def utterance(
        self,
        call_id: str,
        utterance_id: str,
        text: str,
        *,
        speaker: str,
        start_ms: int,
        end_ms: int,
        final: bool = True,
        revision: int | None = None,
    ) -> int:
        """Add an `utterance`; return its seq. Without `revision` each result of an utterance is one higher.

        Raises:
            RefusedError: the call was not started here, or is over; the id cannot be one; the text is too long.
        """
        call = self._running(call_id)
        # What the service could not even read would leave a hole in the call.
        _check_id("utterance_id", utterance_id)
        if len(text) > MAX_TEXT:
            raise RefusedError(
                "too_large", f"text: 收到 {len(text)} 个字符，应为最多 {MAX_TEXT} 个字符", field="text"
            )
        if revision is None:
            revision = call.revisions.get(utterance_id, 0) + 1
        if final:
            call.revisions.pop(utterance_id, None)
        else:
            call.revisions[utterance_id] = revision
        return self._put(
            call_id,
            {
                "type": "utterance",
                "utterance_id": utterance_id,
                "revision": revision,
                "speaker": speaker,
                "text": text,
                "final": final,
                "start_ms": start_ms,
                "end_ms": end_ms,
            },
        )

    def end(self, call_id: str, *, at_ms: int) -> int:
        """Add a `call.ended`; return its seq.

        Raises:
            RefusedError: the call was not started here, or is over.
        """
        call = self._running(call_id)
        seq = self._put(call_id, {"type": "call.ended", "at_ms": at_ms})
        call.ended = True
        return seq

    def take(self, *, limit: int = 1000, call_id: str | None = None) -> list[Message]:
        """Return events to send now, in the order of their call, of one call or of any; [] when there are none."""
        taken: list[Message] = []
        while self._due and len(taken) < limit:
            each = next(iter(self._due)) if call_id is None else call_id
            if each not in self._due:
                break
            call = self._calls[each]
            skip = max(0, call.sent + 1 - call.first)
            part = list(islice(call.events, skip, skip + limit - len(taken)))
            if part:
                call.sent = part[-1]["seq"]
                taken += part
            if call.sent >= call.last:
                del self._due[each]
        return taken

    def resend(self, call_id: str | None = None, *, after: int = 0) -> None:
        """Send again what is unconfirmed, of one call or of all, beyond seq `after`."""
        for each in [call_id] if call_id is not None else list(self._calls):
            call = self._calls.get(each)
            if call is not None and call.events:
                call.sent = min(call.sent, max(after, call.first - 1))
                self._due[each] = None

    def receive(self, message: Message) -> None:
        """Take in an answer of the service: `ack` or `error`; anything else is ignored."""
        call_id, seq = message.get("call_id"), message.get("seq")
        if message["type"] == "ack":
            self._confirm(str(call_id), int(message["seq"]))
        elif message["type"] == "error":
            code = message["code"]
            if code == "gap":
                self.resend(call_id, after=int(message["expected"]) - 1)
            elif code == "busy":
                self.resend(call_id)
            else:
                self.refusals.append(RefusedError(code, message["message"], field=message.get("field") or ""))
                if code == "call_ended" and seq is None:
                    self._close(call_id)
                self._refuse(call_id, seq)

    def unacked(self, call_id: str) -> int:
        """How many durable events of a call wait for their ack."""
        call = self._calls.get(call_id)
        return 0 if call is None else sum(map(_waits(call), call.events))

    def knows(self, call_id: str) -> bool:
        """Tell whether the call was started here and is not over and confirmed."""
        return call_id in self._calls

    def _running(self, call_id: str) -> _Call:
        call = self._calls.get(call_id)
        if call is None:
            raise RefusedError("unknown_call", f"call_id: {call_id} 没有在这里开始", field="call_id")
        if call.ended:
            raise RefusedError("call_ended", f"call_id: {call_id} 已经结束", field="call_id")
        return call

    def _put(self, call_id: str, event: Message) -> int:
        call = self._calls[call_id]
        seq = call.last + 1
        call.events.append({**event, "call_id": call_id, "seq": seq})
        self._unacked += _durable(event)
        self._due[call_id] = None
        return seq

    def _confirm(self, call_id: str, seq: int) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return
        waits = _waits(call)
        while call.events and call.first <= seq:
            self._unacked -= waits(call.events.popleft())
            call.refused.discard(call.first)
            call.first += 1
        call.sent = max(call.sent, min(seq, call.last))
        self._forget_if_over(call_id, call)

    def _refuse(self, call_id: str | None, seq: int | None) -> None:
        call = self._calls.get(call_id or "")
        if call_id is None or call is None or seq is None or not call.first <= seq <= call.last:
            return
        self._unacked -= _waits(call)(call.events[seq - call.first])
        call.refused.add(seq)
        self._forget_if_over(call_id, call)

    def _close(self, call_id: str | None) -> None:
        """Take note that the service has ended a call itself: nothing of it will be confirmed any more."""
        call = self._calls.get(call_id or "")
        if call_id is None or call is None:
            return
        self._unacked -= sum(map(_waits(call), call.events))
        call.first, call.ended = call.last + 1, True
        call.events.clear()
        call.refused.clear()
        self._due.pop(call_id, None)

    def _forget_if_over(self, call_id: str, call: _Call) -> None:
        """Drop a call that has ended and of which nothing more will be confirmed."""
        if call.ended and not any(map(_waits(call), call.events)):
            del self._calls[call_id]
            self._due.pop(call_id, None)


def _check_id(name: str, value: str) -> None:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise RefusedError(
            "invalid_field",
            f"{name}: 收到 {value!r:.60}，应为 1 到 128 个字符的文字，不含空白和“/”",
            field=name,
        )


def _durable(event: Message) -> bool:
    return event["type"] != "utterance" or bool(event["final"])


def _waits(call: _Call) -> Callable[[Message], bool]:
    """Return what tells whether an event of the call will be confirmed by itself."""
    return lambda event: _durable(event) and event["seq"] not in call.refused
