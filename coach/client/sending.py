"""One batch of events, sent again under the same key until it has an answer. No I/O: says what to ask and when."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from coach.client import requests
from coach.client.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coach.client.answers import Taken
    from coach.client.errors import ClientError
    from coach.client.requests import Ask

_TRIES: Final = 5
_RETRY_S: Final = 0.5
_LONGEST_S: Final = 4.0
_BUSY: Final = "busy"


class Sending:
    """One batch on its way.

    Args:
        key: `Idempotency-Key`; None makes one.
    """

    def __init__(self, call_id: str, events: Sequence[Mapping[str, Any]], *, key: str | None) -> None:
        self.ask: Ask[Taken] = requests.events(
            call_id, events, key=secrets.token_urlsafe(16) if key is None else key
        )
        self._tries = _TRIES
        self._pause = _RETRY_S

    def taken(self, taken: Taken) -> float | None:
        """Return how many seconds to wait before the same again; None: it is done."""
        if not any(error.code == _BUSY for error in taken.errors):
            return None
        # What was not taken is in the answer, whoever asks in vain.
        return self._again()

    def failed(self, error: ClientError) -> float:
        """Return how many seconds to wait before the same again.

        Raises:
            ClientError: the error; another try is of no use, or there were enough.
        """
        if isinstance(error, RefusedError) and error.code != _BUSY:
            raise error
        pause = self._again()
        if pause is None:
            raise error
        return pause

    def _again(self) -> float | None:
        self._tries -= 1
        if not self._tries:
            return None
        pause, self._pause = self._pause, min(_LONGEST_S, 2 * self._pause)
        return pause
