"""Bringing the unconfirmed events of one call to the service by HTTP requests. No I/O: says what to ask and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coach.client import requests
from coach.client.errors import RefusedError, UnreachableError
from coach.client.window import RETRIED

if TYPE_CHECKING:
    from coach.client.answers import Taken
    from coach.client.errors import ClientError
    from coach.client.requests import Ask
    from coach.client.window import Window

_TRIES: Final = 5
_RETRY_S: Final = 0.5
_MAX_EVENTS: Final = 1000


class Feeding:
    """One attempt to get everything of a call confirmed.

    Attributes:
        acked: the last seq that is on disk, as far as known.
    """

    def __init__(self, window: Window, call_id: str) -> None:
        self._window = window
        self._call_id = call_id
        self._tries = _TRIES
        self._known_refusals = len(window.refusals)
        self.acked = 0

    def next(self) -> Ask[Taken] | None:
        """Return the next request; None when nothing is left to send.

        Raises:
            RefusedError: the first event that was refused for good; the others were sent.
        """
        events = self._window.take(limit=_MAX_EVENTS, call_id=self._call_id)
        if events:
            return requests.events(self._call_id, events)
        refusals = self._window.refusals[self._known_refusals :]
        if refusals:
            del self._window.refusals[self._known_refusals :]
            raise refusals[0]
        return None

    def take(self, taken: Taken) -> float:
        """Take in an answer; return how many seconds to wait before the next request.

        Raises:
            UnreachableError: the service has been busy too long.
        """
        self.acked = max(self.acked, taken.acked)
        again = False
        for error in taken.errors:
            self._window.receive(error.model_dump())
            again = again or error.code in RETRIED
        if taken.acked:
            self._window.receive({"type": "ack", "call_id": self._call_id, "seq": taken.acked})
        if not again:
            return 0.0
        return self._again(UnreachableError(f"服务一直忙，{self._call_id} 还有未确认的事件"))

    def failed(self, error: ClientError) -> float:
        """Take in that a request failed; return how many seconds to wait before the same again.

        Raises:
            ClientError: the error, if another try is of no use. What was not confirmed is kept.
        """
        self._window.resend(self._call_id)
        if isinstance(error, RefusedError) and error.code not in RETRIED:
            raise error
        return self._again(error)

    def _again(self, error: ClientError) -> float:
        self._tries -= 1
        if self._tries == 0:
            self._window.resend(self._call_id)
            raise error
        return _RETRY_S
