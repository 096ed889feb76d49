"""What a client raises.

ClientError
├── UnreachableError   nobody answers, or not in time; what was not acked may be sent again
├── RefusedError       the service answered no
└── WebhookError       a webhook is not to be trusted (in `webhooks`)
"""

from __future__ import annotations

from coach.errors import CoachError


class ClientError(CoachError):
    """Something between this program and the service went wrong."""


class UnreachableError(ClientError):
    """Nobody answers, or not in time."""


class RefusedError(ClientError):
    """The service answered no.

    Attributes:
        code: one of the codes in docs/protocol.md.
        field: dotted path of the field that is meant, "" when none is.
        status: of the HTTP answer, or the close code of a socket; 0 for a frame.
    """

    def __init__(self, code: str, message: str, *, field: str = "", status: int = 0) -> None:
        self.code = code
        self.field = field
        self.status = status
        self.message = message
        super().__init__(f"{code}: {message}")
