"""Recorded events of each vendor (payloads of our own, after the documented shapes) with what they mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from coach.connectors.model import Ended, Heard, Options, Started
from coach.connectors.state import State
from coach.connectors.vendors import connector_for

FOLDER = Path(__file__).parents[1] / "data" / "connectors"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass
class Recorded:
    """One fixture file."""

    vendor: str
    options: Options
    call_id: str
    payloads: list[dict]
    expected: list[list[list]]

    def read(self, payloads=None, *, state: State | None = None, **changes):
        """Read payloads, all by default; return what happened, one list."""
        connector = connector_for(self.vendor, Options(**{**vars_of(self.options), **changes}))
        state = State() if state is None else state
        chosen = self.payloads if payloads is None else payloads
        return [event for payload in chosen for event in connector.read(payload, state)]


def vars_of(options: Options) -> dict:
    """Return the fields of a slotted dataclass."""
    return {name: getattr(options, name) for name in options.__dataclass_fields__}


def load(name: str) -> Recorded:
    """Read a fixture file."""
    recorded = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return Recorded(
        recorded["vendor"],
        Options(**recorded["options"]),
        recorded["call_id"],
        [each["payload"] for each in recorded["events"]],
        [each["expected"] for each in recorded["events"]],
    )


def row(event) -> list:
    """Write an event as the fixture files do."""
    if isinstance(event, Heard):
        heard = event.utterance
        state = "final" if heard.final else "partial"
        words = [heard.utterance_id, heard.revision, heard.speaker, heard.text, state]
        return ["heard", *words, heard.start_ms, heard.end_ms]
    if isinstance(event, Ended):
        return ["ended", event.at_ms]
    return ["started", event.agent_id] if isinstance(event, Started) else ["ignored", event.why]


@pytest.fixture
def recorded():
    """Return the function that reads a fixture file."""
    return load


@pytest.fixture
def rows():
    """Return the function that writes events as the fixture files do."""
    return lambda events: [row(event) for event in events]
