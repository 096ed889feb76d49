"""Fan-out: offsets, resuming, and readers that are too slow."""

from __future__ import annotations

import asyncio
import json

import pytest

from coach.service.hub import TOO_SLOW, Feed, Hub, Reader


def reader(limit=4):
    """A reader whose snapshots are recognisable."""
    return Reader(limit=limit, snapshot=lambda: {"type": "snapshot"})


def drain(of: Reader) -> list[str]:
    """Read until the reader would wait; return the types of what came."""
    kinds = []

    async def read():
        while (frame := await of.next()) is not None:
            kinds.append(json.loads(frame)["type"])

    async def main():
        task = asyncio.create_task(read())
        for _ in range(100):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    return kinds


def event(kind="advice"):
    """A serialised event."""
    return json.dumps({"type": kind}).encode()


def test_a_reader_that_keeps_up_gets_every_event():
    """Nothing is dropped within the limit."""
    slow = reader(limit=4)
    for _ in range(4):
        slow.put_event(event())
    assert drain(slow) == ["advice"] * 4


def test_a_reader_that_falls_behind_gets_a_snapshot_instead():
    """On overflow the queue becomes one snapshot; replies to this reader survive."""
    slow = reader(limit=4)
    slow.put_reply({"type": "pong"})
    for _ in range(9):
        slow.put_event(event())
    assert drain(slow) == ["pong", "snapshot"]
    slow.put_event(event())
    assert drain(slow) == ["advice"]


def test_a_reader_still_behind_after_the_snapshot_is_closed():
    """A second overflow before it has caught up ends the connection."""
    slow = reader(limit=2)
    for _ in range(3):
        slow.put_event(event())

    async def read_one():
        return await slow.next()

    asyncio.run(read_one())
    for _ in range(3):
        slow.put_event(event())
    assert slow.closed_with == TOO_SLOW
    assert drain(slow) == []


def test_a_reader_that_caught_up_may_fall_behind_again():
    """Having read everything, it gets another snapshot and is not closed."""
    slow = reader(limit=2)
    for _ in range(2):
        for _ in range(3):
            slow.put_event(event())
        assert drain(slow) == ["snapshot"]
    assert slow.closed_with is None


def test_replies_nobody_reads_end_the_connection():
    """A client that asks and never reads cannot fill the memory."""
    slow = reader(limit=2)
    for _ in range(5):
        slow.put_reply({"type": "pong"})
    assert slow.closed_with == TOO_SLOW


def transcript(utterance_id, revision):
    """A transcript message."""
    return {"type": "transcript", "call_id": "c", "utterance_id": utterance_id, "revision": revision}


def published(feed: Feed, *ticks) -> list[dict]:
    """Publish messages, a group a loop tick, and return what a reader was sent."""
    listener = reader(limit=100)
    feed.readers.add(listener)
    got = []

    async def main():
        for messages in ticks:
            for message in messages:
                feed.publish(message)
            await asyncio.sleep(0)
        while listener._frames:
            got.append(json.loads(await listener.next()))

    asyncio.run(main())
    return got


def test_transcripts_of_one_loop_tick_are_joined():
    """Of the revisions of one utterance within a tick only the last is sent; other utterances stay."""
    feed = Feed(topic="agent:a", keep=10)
    got = published(
        feed, [transcript("u1", 1), transcript("u2", 1), transcript("u1", 2)], [transcript("u1", 3)]
    )
    assert [(each["utterance_id"], each["revision"]) for each in got] == [("u2", 1), ("u1", 2), ("u1", 3)]


def test_advice_never_overtakes_its_transcript():
    """What waits for the end of the tick is sent before an event that cannot wait."""
    feed = Feed(topic="agent:a", keep=10)
    got = published(feed, [transcript("u1", 1), {"type": "advice"}])
    assert [each["type"] for each in got] == ["transcript", "advice"]


def test_resuming_skips_transcripts_that_were_replaced():
    """Of what was missed, each utterance comes once, in its last revision."""
    feed = Feed(topic="agent:a", keep=10)
    start = feed.offset
    published(feed, [transcript("u1", 1)], [{"type": "advice"}], [transcript("u1", 2)])
    missed = [json.loads(frame) for frame in feed.since(start)]
    assert [(each["type"], each.get("revision")) for each in missed] == [("advice", None), ("transcript", 2)]


def test_what_is_kept_is_bounded():
    """A long day leaves no more behind than the limit, in events and in the table of transcripts."""
    feed = Feed(topic="agent:a", keep=8)
    published(feed, *([transcript(f"u{index}", 1)] for index in range(200)))
    assert len(feed._events) == 8
    assert len(feed._newest_transcript) <= 16


@pytest.mark.parametrize("number", range(6))
def test_every_offset_still_held_resumes_exactly(number):
    """From each offset on come just the events after it."""
    feed = Feed(topic="agent:a", keep=5)
    epoch = feed.offset.split("-")[0]
    published(feed, *([{"type": "advice", "at": index}] for index in range(1, 6)))
    assert [json.loads(frame)["at"] for frame in feed.since(f"{epoch}-{number}")] == list(
        range(number + 1, 6)
    )


def test_a_feed_made_anew_does_not_know_old_offsets():
    """An agent whose feed was dropped gets a snapshot, never another call's events."""
    hub = Hub(keep=5)
    offset = hub.feed("agent:a").offset
    hub.forget_idle(busy=())
    assert hub.feed("agent:a").since(offset) is None


def test_feeds_in_use_are_kept():
    """A feed with a reader or a live call stays."""
    hub = Hub(keep=5)
    hub.feed("watched").readers.add(reader())
    hub.feed("busy")
    hub.feed("idle")
    hub.forget_idle(busy={"busy"})
    assert len(hub) == 2
