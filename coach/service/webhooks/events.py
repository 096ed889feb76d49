"""The events of a commit, written into the outbox by the same commit: told at least once, and never for nothing."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import select

from coach.service import schema
from coach.service.database import insert_new
from coach.service.render import timestamp
from coach.service.schema_webhooks import webhook_endpoints, webhook_outbox
from coach.service.webhooks.endpoints import read_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Table
    from sqlalchemy.engine import Row

    from coach.service.batch import Batch
    from coach.service.webhooks.endpoints import Endpoint, EventType

log = logging.getLogger(__name__)

Data = dict[str, Any]

# What the customer shows; every other moment is about the agent or the call.
_SIGNALS: Final = frozenset({"customer-complaint", "churn-risk", "escalation-risk"})
_CHUNK: Final = 500
_ADVICE: Final = ("utterance_id", "rule", "category", "severity", "title")


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell.

    Attributes:
        about: what makes it differ from other events of its type and call, so that a commit that is made again
            gives it the same id.
        data: None when it is made at the delivery.
    """

    type: EventType
    call_id: str
    about: str
    data: Data | None


class EventWriter:
    """Writes the events of one tenant into its outbox.

    Args:
        tenant: its name.
        clock: seconds since 1970.
    """

    def __init__(self, tenant: str, *, clock: Callable[[], float]) -> None:
        self._tenant = tenant
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []

    def on_written(self, listener: Callable[[], None]) -> None:
        """Call `listener` when something was committed."""
        self._listeners.append(listener)

    def committed(self) -> None:
        """Say that what was written is on disk."""
        for listener in self._listeners:
            listener()

    def write(self, connection: Connection, batch: Batch) -> bool:
        """Write the events of a batch, inside its transaction; tell whether there was any to tell."""
        if not (batch.advice or batch.outcomes or batch.withdrawn or batch.moments or batch.ended):
            return False
        active = select(webhook_endpoints).where(webhook_endpoints.c.state == "active")
        endpoints = [read_endpoint(row) for row in connection.execute(active)]
        wanted = {each for endpoint in endpoints for each in endpoint.events}
        if not wanted:
            return False
        changed = {*batch.outcomes, *batch.withdrawn}
        known = _rows(connection, schema.advice, "id", changed - batch.advice.keys())
        try:
            events = [event for event in _events(batch, known) if event.type in wanted]
            calls = _rows(connection, schema.calls, "call_id", {event.call_id for event in events})
            rows = list(self._rows(events, calls, endpoints))
        except (KeyError, TypeError, ValueError):
            # Ours to mend; the calls themselves are committed all the same.
            log.exception(
                "webhook 事件无法写成 JSON，%d 个事件未记下", len(batch.advice) + len(batch.moments)
            )
            return False
        if rows:
            # Known already where a commit is made again because its answer got lost.
            connection.execute(insert_new(connection, webhook_outbox), rows)
        return bool(rows)

    def _rows(
        self, events: Iterable[Event], calls: Mapping[str, Row[Any]], endpoints: Sequence[Endpoint]
    ) -> Iterator[Data]:
        now = self._clock()
        for event in events:
            if event.call_id in calls:
                row = self._row(event, calls[event.call_id], now)
                yield from (
                    {**row, "endpoint_id": endpoint.id}
                    for endpoint in endpoints
                    if event.type in endpoint.events
                )

    def _row(self, event: Event, call: Row[Any], now: float) -> Data:
        identity = message_id(self._tenant, event.type, event.call_id, event.about)
        return {
            "id": identity,
            "call_id": event.call_id,
            "type": event.type,
            "body": None
            if event.data is None
            else message_body(
                event.type, identity, at=now, tenant=self._tenant, data={**heading(call), **event.data}
            ),
            "at": now,
            "state": "waiting",
            "tries": 0,
            "next_at": now,
            "status": 0,
            "says": "",
        }


def message_id(tenant: str, kind: str, *parts: str) -> str:
    """Return the webhook-id of an event: the same whenever it is worked out."""
    key = "\0".join((tenant, kind, *parts))
    return f"msg_{hashlib.blake2s(key.encode(), digest_size=16).hexdigest()}"


def message_body(kind: str, identity: str, *, at: float, tenant: str, data: Mapping[str, Any]) -> str:
    """Return the JSON that is sent; `at` in seconds since 1970."""
    message = {"type": kind, "id": identity, "timestamp": timestamp(at), "tenant": tenant, "data": data}
    return orjson.dumps(message).decode()


def heading(call: Row[Any]) -> Data:
    """Return what every event says of its call; of a row of `calls`."""
    return {
        "call_id": call.call_id,
        "agent_id": call.agent_id,
        "started_at": timestamp(call.started_at),
    }


def _events(batch: Batch, known: Mapping[str, Row[Any]]) -> list[Event]:
    """List what a batch tells, of each call in the order in which it happened; `known` is advice given before."""
    told: dict[str, Mapping[str, Any]] = {
        key: dict(zip(row._fields, row, strict=True)) for key, row in known.items()
    }
    told |= batch.advice
    return [
        *_given(batch),
        *_changed(batch, told),
        *(_moment(row) for row in batch.moments.values()),
        *_ended(batch),
    ]


def _given(batch: Batch) -> Iterator[Event]:
    for row in batch.advice.values():
        data = {
            "id": row["id"],
            **{name: row[name] for name in _ADVICE},
            "quote": row["quote"],
            "suggestions": orjson.loads(row["suggestions"]),
            "why": row["why"],
            "by_sound": row["by_sound"],
            "at_ms": row["at_ms"],
        }
        yield Event("advice.given", row["call_id"], f"{row['id']} {_seq(batch, row['call_id'])}", data)


def _changed(batch: Batch, told: Mapping[str, Mapping[str, Any]]) -> Iterator[Event]:
    for advice_id in sorted(batch.withdrawn & told.keys()):
        row = told[advice_id]
        about = f"{advice_id} {_seq(batch, row['call_id'])}"
        yield Event("advice.withdrawn", row["call_id"], about, _short(advice_id, row))
    for advice_id, outcome in batch.outcomes.items():
        if advice_id not in told:
            continue
        row = told[advice_id]
        about = f"{advice_id} {_seq(batch, row['call_id'])}"
        data = {**_short(advice_id, row), "outcome": outcome}
        yield Event("advice.resolved", row["call_id"], about, data)


def _short(advice_id: str, row: Mapping[str, Any]) -> Data:
    return {"id": advice_id, **{name: row[name] for name in _ADVICE}}


def _moment(row: Mapping[str, Any]) -> Event:
    kind = row["kind"]
    told: EventType = "commitment" if kind == "commitment" else "signal" if kind in _SIGNALS else "moment"
    data = {name: row[name] for name in ("id", "utterance_id", "kind", "at_ms", "turn")}
    return Event(told, row["call_id"], row["id"], {**data, "details": orjson.loads(row["details"])})


def _ended(batch: Batch) -> Iterator[Event]:
    for call_id, at_ms in batch.ended.items():
        yield Event("call.ended", call_id, "", {"at_ms": at_ms})
        yield Event("call.score", call_id, "", None)


def _seq(batch: Batch, call_id: str) -> int:
    return batch.advances.get(call_id, (0, 0))[1]


def _rows(connection: Connection, table: Table, key: str, wanted: Iterable[str]) -> dict[str, Row[Any]]:
    keys: Sequence[str] = sorted(wanted)
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(keys), _CHUNK):
        query = select(table).where(table.c[key].in_(keys[start : start + _CHUNK]))
        found |= {getattr(row, key): row for row in connection.execute(query)}
    return found
