"""What the service writes to standard error: one record a line, the call id in each, no secrets.

Customers' and agents' words are logged at DEBUG only; that is up to those who log and held by a test.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from coach.config import LogFormat, LogLevel

access = logging.getLogger("coach.access")

_NO_CALL: Final = "-"
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s [%(call_id)s] %(message)s"
# Libraries that write a line for each request or socket, too much at a thousand calls.
_CHATTY: Final = ("uvicorn", "websockets", "aiosqlite", "watchfiles", "httpx", "httpcore")
# An API key of ours, a signed token, whatever follows a `?` in an address.
_SECRET: Final = re.compile(
    r"coach_[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*|(?<=[\w/])\?[^\s\"'?=&]{1,64}=[^\s\"']*"
)
# What begins a new line, or moves the cursor of a terminal.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# An id of a customer is a phone number as often as not.
_CUSTOMER: Final = re.compile(r"(/customers/).+", re.IGNORECASE | re.DOTALL)
_LONGEST_PATH: Final = 512
# Fields of a LogRecord that are not worth a field of their own.
_PLAIN: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "call_id", "taskName"})


def configure_logging(level: LogLevel, *, form: LogFormat = "text") -> None:
    """Log to standard error from now on."""
    handler = logging.StreamHandler()
    handler.addFilter(_with_call_id)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def without_secrets(line: str) -> str:
    """Blot out keys, tokens and query strings: a library may log what we would not."""
    return _SECRET.sub("***", line)


def loggable(path: str) -> str:
    """Return the path of a request as it may be logged: on one line, not too long, without a customer's id."""
    path = _CUSTOMER.sub(r"\1***", path)
    # Quoted: a path may hold a line break, which would forge a record.
    return path if path.isprintable() and len(path) <= _LONGEST_PATH else repr(path[:_LONGEST_PATH])


class TextFormatter(logging.Formatter):
    """One line for people; only the trace of a defect takes more."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Keep a record on its line: what a client sent must not look like a record of its own."""
        return _CONTROL.sub(lambda found: repr(found[0])[1:-1], super().formatMessage(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, call_id, message, what else came, and any trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        row: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "call_id": getattr(record, "call_id", _NO_CALL),
            "message": without_secrets(record.getMessage()),
        }
        row |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.exc_info:
            row["exception"] = without_secrets(self.formatException(record.exc_info))
        return orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class AccessLog:
    """Writes a line for each request and each socket when it is over: never the query, never a header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        async def listen() -> Message:
            nonlocal status
            message = await receive()
            if message["type"] == "websocket.disconnect":
                status = message.get("code", 1005)
            return message

        try:
            await self._app(scope, listen, watch)
        finally:
            access.info(
                "%s %s %d %.1fms",
                scope.get("method", "WS"),
                loggable(scope["path"]),
                status,
                1000 * (perf_counter() - began),
                extra={"call_id": _call_id(scope)},
            )


def _with_call_id(record: logging.LogRecord) -> bool:
    record.call_id = getattr(record, "call_id", None) or _NO_CALL
    return True


def _call_id(scope: Scope) -> str:
    # Set by the router, below us, once the request has been dispatched.
    given: str = scope.get("path_params", {}).get("call_id", _NO_CALL)
    return given
