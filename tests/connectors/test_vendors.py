"""Each vendor's events, as documented, become the utterances they mean."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.connectors.model import Ended, Heard, Options
from coach.connectors.state import MAX_DONE, MAX_NOTES, MAX_OPEN, State
from coach.connectors.vendors import VENDORS, connector_for
from coach.errors import MessageError
from tests.connectors.conftest import NAMES, load

# FunASR gives its messages no ids: only its finals can be told from their repetition.
WITH_IDS = [name for name in NAMES if name != "funasr"]


@pytest.mark.parametrize("name", NAMES)
def test_recorded_events_mean_what_is_documented(recorded, rows, name):
    """Key, revision, speaker, cumulative text, finality and times of every event, and why one is ignored."""
    record, state = recorded(name), State()
    assert [rows(record.read([payload], state=state)) for payload in record.payloads] == record.expected


@pytest.mark.parametrize("name", NAMES)
def test_the_call_is_known_from_every_payload(recorded, name):
    """All payloads of a recording belong to the same call."""
    record = recorded(name)
    connector = connector_for(record.vendor, record.options)
    assert {connector.call_id(payload) for payload in record.payloads} == {record.call_id}


def test_every_vendor_has_a_recording():
    """No connector without its fixture file."""
    assert {load(name).vendor for name in NAMES} == set(VENDORS)


def test_connectors_are_pure():
    """No web framework, no event loop, no network, no clock."""
    folder = Path(__file__).parents[2] / "coach" / "connectors"
    banned = ("fastapi", "starlette", "asyncio", "httpx", "websockets", "import time", "sqlalchemy")
    assert [
        (path.name, word) for path in folder.glob("*.py") for word in banned if word in path.read_text()
    ] == []


def finals_of(events) -> dict[str, tuple]:
    """Return speaker, text and times by utterance, of finals only."""
    return {
        event.utterance.utterance_id: (
            event.utterance.speaker,
            event.utterance.text,
            event.utterance.start_ms,
            event.utterance.end_ms,
        )
        for event in events
        if isinstance(event, Heard) and event.utterance.final
    }


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_repeated_events_end_in_the_same_finals(data):
    """Any event delivered again, at once or later, changes no final and adds none."""
    record = load(data.draw(st.sampled_from(WITH_IDS)))
    again = data.draw(st.lists(st.integers(0, len(record.payloads) - 1), max_size=12))
    payloads = []
    for index, payload in enumerate(record.payloads):
        payloads.append(payload)
        # A repetition comes after the first delivery, anywhere.
        payloads += [record.payloads[each] for each in again if each <= index]
    assert finals_of(record.read(payloads)) == finals_of(record.read())


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_restart_in_between_changes_no_final(data):
    """State rebuilt from the stored finals reads the rest as the lost state would have."""
    record = load(data.draw(st.sampled_from(NAMES)))
    cut = data.draw(st.integers(0, len(record.payloads)))
    state = State()
    before = record.read(record.payloads[:cut], state=state)
    stored = [event.utterance for event in before if isinstance(event, Heard) and event.utterance.final]
    rebuilt = State.of_finals(stored, began_ms=state.began_ms)
    after = record.read(record.payloads[max(0, cut - 1) :], state=rebuilt)
    whole = {key: words[:2] for key, words in finals_of(record.read()).items()}
    found = {key: words[:2] for key, words in finals_of([*before, *after]).items()}
    # Words that were partial when the process died, and never became final, are gone with it; a speaker that
    # only the vendor's opening message named may be unknown then, but is never another one.
    assert found.keys() <= whole.keys()
    assert all(found[key] in {whole[key], ("unknown", whole[key][1])} for key in found)


@pytest.mark.parametrize("name", NAMES)
def test_the_memory_of_a_call_can_be_pickled(recorded, name):
    """A state that was pickled in between reads on."""
    record, state = recorded(name), State()
    half = len(record.payloads) // 2
    first = record.read(record.payloads[:half], state=state)
    second = record.read(record.payloads[half:], state=pickle.loads(pickle.dumps(state)))
    assert [*first, *second] == record.read()


def test_the_memory_of_a_call_is_bounded(recorded):
    """Ten thousand sentences, and hundreds that never end, leave a state of a few hundred kilobytes."""
    record, state = recorded("contact-lens"), State()
    template = record.payloads[1]
    for number in range(5_000):
        for kind, text in (("Utterance", "PartialContent"), ("Transcript", "Content")):
            segment = {
                "Id": f"{kind}-{number}",
                "TranscriptId": f"open-{number}",
                "ParticipantRole": "AGENT",
                text: "我不知道" * 10,
                "BeginOffsetMillis": number,
                "EndOffsetMillis": number + 1,
            }
            record.read([{**template, "Segments": [{kind: segment}]}], state=state)
    assert (len(state.done), len(state.notes), len(state._open)) == (MAX_DONE, MAX_NOTES, MAX_OPEN)
    assert len(pickle.dumps(state)) < 300_000


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_broken_payload_is_explained(name, data):
    """Whatever a field holds, it is read or refused with the field's name; nothing else is ever raised."""
    record = load(name)
    payload = data.draw(st.sampled_from(record.payloads))
    junk = st.sampled_from([None, "", "x", -1, 1.5, True, [], {}, [1], "[", "-1", 10**12, "\u00e9" * 300])

    def broken(value, depth=0):
        if isinstance(value, dict):
            return {
                key: data.draw(junk) if data.draw(st.integers(0, 5)) == 0 else broken(each, depth + 1)
                for key, each in value.items()
            }
        return [broken(each, depth + 1) for each in value] if isinstance(value, list) else value

    refused = MessageError("invalid_field", "")
    try:
        record.read([broken(payload)])
    except MessageError as error:
        refused = error
    assert refused.code == "invalid_field"
    assert refused.message.startswith(refused.field)
    assert len(refused.message) < 400


def test_the_end_closes_what_still_grows(recorded):
    """Words that never became final are not lost when the call ends."""
    events = recorded("twilio").read()
    assert isinstance(events[-1], Ended)
    assert (events[-2].utterance.text, events[-2].utterance.final) == ("您", True)


def test_an_unknown_vendor_is_told_the_known_ones():
    """The error lists the names."""
    with pytest.raises(MessageError, match=r"acme.*funasr.*twilio"):
        connector_for("acme", Options())
