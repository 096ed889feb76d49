"""docs/asyncapi.yml: it is the code's, it holds together, and what really travels is what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from coach.client.messages import OtherEvent, read_event
from coach.service import messages, sidebar_messages, team_messages
from coach.service.asyncapi import asyncapi_document
from coach.service.asyncapi_examples import EXAMPLES

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.yml"


@pytest.fixture(scope="module")
def document() -> dict:
    """The document as a tool reads it."""
    return yaml.safe_load(FILE.read_text("utf-8"))


def resolve(document: dict, pointer: str) -> dict:
    """Follow a local `$ref`."""
    value = document
    for part in pointer.removeprefix("#/").split("/"):
        value = value[part]
    return value


def references(value) -> list[str]:
    """Return every `$ref` below a value."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for below in value.values() for each in references(below)]
    if isinstance(value, list):
        return [each for below in value for each in references(below)]
    return []


def check(document: dict, side: str, message: dict) -> None:
    """Hold a message to the schema of its type."""
    payload = document["components"]["messages"][f"{side}.{message['type']}"]["payload"]
    jsonschema.validate(message, {**payload, "components": document["components"]})


def test_the_file_is_what_the_command_prints():
    """After a change of a message: coach schema asyncapi > docs/asyncapi.yml."""
    done = subprocess.run(
        [sys.executable, "-m", "coach", "schema", "asyncapi"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert FILE.read_text("utf-8") == done.stdout


def test_every_reference_leads_somewhere(document):
    """Channels, operations, messages and schemas hold together."""
    found = references(document)
    assert len(found) > 100
    for each in found:
        assert resolve(document, each)


def test_the_structure_is_that_of_version_3(document):
    """Required fields; operations name a channel and only messages of that channel."""
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    for server in document["servers"].values():
        assert {"host", "protocol"} <= server.keys()
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert all(each["$ref"].startswith(f"{channel}/messages/") for each in operation["messages"])


def test_every_message_that_is_read_is_there(document):
    """What the service takes in, by the registries that read it."""
    taken = {
        name.removeprefix("in.") for name in document["components"]["messages"] if name.startswith("in.")
    }
    assert taken == {"hello", *messages._PRODUCER, *sidebar_messages._SIDEBAR, *team_messages._SUPERVISOR}


def test_every_schema_is_one(document):
    """A JSON Schema tool takes each of them."""
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("key", sorted(EXAMPLES), ids=".".join)
def test_every_example_fits_its_message(document, key):
    """And is read by the code that would read it."""
    side, name = key
    example = EXAMPLES[key]
    check(document, side, example)
    if name in messages._PRODUCER and side == "in":
        messages.read_producer_event(example)
    elif name in sidebar_messages._SIDEBAR and side == "in":
        sidebar_messages.read_sidebar_message(example)
    elif name in team_messages._SUPERVISOR and side == "in":
        team_messages.read_supervisor_message(example)


def test_an_example_for_each_message_and_no_more(document):
    """None is missing, none is left over."""
    assert {".".join(key) for key in EXAMPLES} == set(document["components"]["messages"])


def test_what_travels_is_what_is_described(document, running, clients, wire):
    """Every message of a real call, both ways, fits its schema, and the client knows all fields of it."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    seen = [sidebar.next()]
    sent = [
        wire.started(slots={"org": "晨光银行"}),
        wire.said("您好，工号8602为您服务", seq=2),
        wire.said("我要投诉你们", seq=3, speaker="customer"),
        wire.said("这个我不知道", seq=4, final=False, utterance_id="u4"),
        wire.said("这个我不知道", seq=5, utterance_id="u4", revision=2),
        wire.said("我马上帮您查一下，请您稍等", seq=6),
        wire.said("明天应该会到", seq=7),
        wire.said("好的", seq=8, speaker="unknown"),
        wire.said("我半小时之内给您回电话", seq=9),
        wire.ended(seq=10),
    ]
    for each in sent:
        check(document, "in", each)
    producer.send(*sent[:-1])
    while (message := sidebar.next())["type"] != "transcript" or message["utterance_id"] != "u9":
        seen.append(message)
    advice = next(each for each in seen if each["type"] == "advice")
    replies = [
        {"type": "ping"},
        {"type": "feedback", "advice_id": advice["id"], "verdict": "useful"},
        {"type": "snooze", "call_id": "c1", "rule": advice["rule"]},
        {"type": "nonsense"},
    ]
    sidebar.send(*replies)
    while (message := sidebar.next())["type"] != "noted":
        seen.append(message)
    seen += [message, clients.sidebar(service).next()]
    producer.send(sent[-1], "{")
    while (message := sidebar.next())["type"] != "call.ended":
        seen.append(message)
    seen.append(message)
    told = [producer.next() for _ in range(2)]
    for each in (*seen, *told):
        check(document, "out", each)
    kinds = {each["type"] for each in seen}
    assert kinds >= {
        *("snapshot", "call.started", "transcript", "advice", "advice.resolved", "blind", "stage"),
        *("must_say", "moment", "call.ended", "pong", "error", "noted"),
    }
    for each in seen:
        if each["type"] in {"pong", "error", "noted"}:
            continue
        event = read_event(each)
        assert not isinstance(event, OtherEvent)
        assert unknown_fields(each, event.model_dump(exclude_unset=True)) == set()


def unknown_fields(came, known) -> set[str]:
    """Return the keys that came and that the client's models do not keep."""
    if isinstance(came, dict):
        missing = came.keys() - known.keys()
        return missing | {
            each for key in came.keys() & known.keys() for each in unknown_fields(came[key], known[key])
        }
    if isinstance(came, list):
        return {each for one, two in zip(came, known, strict=True) for each in unknown_fields(one, two)}
    return set()


def test_the_document_is_made_anew_each_time():
    """Nothing that a caller changes leaks into the next one."""
    asyncapi_document()["info"]["title"] = "changed"
    assert asyncapi_document()["info"]["title"] == "coach"


def test_what_travels_to_a_supervisor_is_what_is_described(document, running, clients, wire):
    """Every message of a team's stream fits its schema, a watched call and whispers included."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    supervisor = clients.socket(f"{service.url}/v1/teams/t1/stream")
    supervisor.send({"type": "hello", "token": service.key})
    seen: list[dict] = []

    def until(kind: str) -> None:
        while not seen or seen[-1]["type"] != kind:
            seen.append(supervisor.next())

    until("rates")
    sent = [
        wire.started(team="t1", agent_name="小林"),
        wire.said("我不知道这个", seq=2, final=False, utterance_id="u2"),
        wire.said("我想知道这个", seq=3, utterance_id="u2", revision=2),
        wire.said("这个我不知道", seq=4),
    ]
    for each in sent:
        check(document, "in", each)
    producer.send(*sent)
    until("team.call")
    actions = [
        {"type": "watch", "call_id": "c1"},
        {"type": "whisper", "call_id": "c1", "id": "w1", "text": "先致歉"},
    ]
    for each in actions:
        check(document, "in", each)
    supervisor.send(*actions)
    until("noted")
    sidebar.until("whisper")
    sidebar.send({"type": "whisper.read", "call_id": "c1", "id": "w1"})
    until("whisper.read")
    producer.send(wire.ended(seq=5))
    until("team.call_gone")
    supervisor.send({"type": "watch", "call_id": "c1"}, {"type": "ping"})
    until("pong")
    for each in seen:
        check(document, "out", each)
    kinds = {each["type"] for each in seen}
    assert {"ready", "team.calls", "alert", "alert.withdrawn", "watched", "error"} <= kinds
