"""What waits on a producer's socket: the newest partial words are heard, a mistake of ours stays with its event."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.websockets import WebSocketState

from coach.coaching.checker import Checker
from coach.service.auth import Principal
from coach.service.backlog import Backlog, overtaken
from coach.service.ingest import Intake, Outbox


def partial(text, *, seq, revision=None, utterance_id="u", call_id="c1", final=False):
    """A recogniser result as it is decoded."""
    return {
        "type": "utterance",
        "call_id": call_id,
        "seq": seq,
        "utterance_id": utterance_id,
        "revision": seq if revision is None else revision,
        "text": text,
        "final": final,
    }


def test_partial_words_give_way_to_newer_ones():
    """Only the last of one utterance is heard; other utterances and other calls keep theirs."""
    events = [
        partial("我", seq=2),
        partial("您", seq=2, call_id="c2"),
        partial("我不", seq=3),
        partial("好", seq=4, utterance_id="v"),
        partial("我不知", seq=5),
    ]
    assert overtaken(events) == {0, 2}


@pytest.mark.parametrize(
    "later",
    [
        partial("我不知道", seq=3, final=True),
        partial("我不知道", seq=1),
        partial("我不知道", seq=3, revision=1),
        partial("我不知道", seq="3"),
        {"type": "ping"},
    ],
    ids=["final", "sent earlier", "older words", "malformed", "something else"],
)
def test_partial_words_give_way_to_nothing_else(later):
    """What comes behind must be newer partial words that can be read."""
    assert overtaken([partial("我不知", seq=2, revision=2), later]) == set()


class Sender:
    """The socket of a producer that sends whatever it is given."""

    application_state = client_state = WebSocketState.CONNECTED

    def __init__(self, frames):
        self.left = iter(frames)
        self.taken = 0

    async def receive(self):
        """Return the next frame, or that there are no more."""
        frame = next(self.left, None)
        if frame is None:
            return {"type": "websocket.disconnect", "code": 1000}
        self.taken += 1
        return {"type": "websocket.receive", "text": frame}


@pytest.mark.parametrize(("frame", "most"), [("x", 2000), ("x" * 100_000, 10)])
def test_no_more_is_read_than_may_wait(frame, most):
    """By number or by size; the rest stays with the producer until there is room."""

    async def read():
        sender = Sender([frame] * 5000)
        backlog = Backlog(sender)
        reading = asyncio.create_task(backlog.read_forever())
        taken = [len(await backlog.take())]
        first = sender.taken
        while frames := await backlog.take():
            taken.append(len(frames))
        await reading
        return first, taken

    first, taken = asyncio.run(read())
    assert first == most
    assert max(taken) == most
    assert sum(taken) == 5000


def test_what_waits_together_is_heard_once_and_acked_throughout(running, clients, wire):
    """Partial words that came in one go: the sidebar sees the last of them, and all their numbers count."""
    service = running()
    sidebar = clients.sidebar(service)
    text = "请您稍等我马上帮您查一下这个订单"
    growing = [
        wire.said(text[:length], seq=length + 1, utterance_id="u", revision=length, final=False)
        for length in range(1, len(text))
    ]
    frames = [wire.started(), *growing, wire.said(text, seq=len(text) + 1, utterance_id="u", revision=99)]

    async def take_in():
        calls = service.tenant.calls
        principal = Principal("admin", by_key=True)
        intake = Intake(calls=calls, principal=principal, outbox=Outbox(), max_calls=1)
        for event in intake.read([(json.dumps(frame), 1.0) for frame in frames]):
            await intake.event(*event)
        return await calls.settle("c1")

    assert service.within(take_in) == len(text) + 1
    assert service.service.meter.overtaken == len(growing) - 1
    shown = []
    while not shown or not shown[-1]["final"]:
        shown.append(sidebar.until("transcript"))
    assert ["".join(each["text"] for each in one["segments"]) for one in shown][-1] == text
    assert len(shown) <= 2


def test_a_mistake_of_ours_costs_one_event(running, clients, wire, monkeypatch, caplog):
    """The producer is told, the connection and all calls go on, and the log has the place without the words."""
    check = Checker.check

    def mistaken(self, text, **options):
        if "张三丰" in text:
            raise ValueError(text)
        return check(self, text, **options)

    monkeypatch.setattr(Checker, "check", mistaken)
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started(), wire.said("找张三丰", seq=2), wire.said("这个我不知道", seq=3))
    assert sidebar.until("advice")["call_id"] == "c1"
    refusal = producer.until("error")
    assert (refusal["code"], refusal["seq"]) == ("internal", 2)
    producer.acked("c1", 3)
    (record,) = [each for each in caplog.records if each.name == "coach.service.mishap"]
    assert "ValueError" in record.getMessage()
    assert "test_backlog.py" in record.getMessage()
    assert "张三丰" not in caplog.text


def test_a_mistake_in_the_clock_costs_one_call_its_memory(running, clients, wire, monkeypatch):
    """Time goes on for the others, and the call itself comes back from the disk with its next event."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.started("c2", agent_id="a2"), wire.said("您好", seq=2))
    producer.acked("c1", 2)
    live = service.tenant.calls.find("c1")

    def mistaken(now_ms):
        raise KeyError(now_ms)

    monkeypatch.setattr(type(live), "tick", lambda self, now_ms: mistaken(now_ms) if self is live else None)
    service.within(service.tenant.calls.tick)
    assert (service.tenant.calls.find("c1"), service.tenant.calls.find("c2") is None) == (None, False)
    producer.send(wire.said("请讲", seq=3))
    producer.acked("c1", 3)
