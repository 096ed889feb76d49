"""Ten thousand malformed frames leave the service answering and other calls untouched."""

from __future__ import annotations

import json
import random
import string
import threading

import pytest

SEED = 20260101
FRAMES = 10_000

GOOD = {
    "type": "utterance",
    "call_id": "victim",
    "seq": 2,
    "utterance_id": "u1",
    "revision": 1,
    "speaker": "agent",
    "text": "我不知道",
    "final": True,
    "start_ms": 0,
    "end_ms": 900,
}
VALUES = [
    None, True, -1, 0, 1.5, 2**31, 2**63 - 1, "", "two", "长" * 3000, [], {}, [[[]]], {"a": {"b": {}}}, "\u0000", "😀",
    "../../etc", "a b", "agent",
]  # fmt: skip


def frame(dice: random.Random) -> str | bytes:
    """One frame that is wrong in one of many ways, or right for a call that nobody started."""
    kind = dice.randrange(10)
    event = dict(GOOD)
    if kind == 0:
        return "".join(dice.choices(string.printable, k=dice.randrange(200)))
    if kind == 1:
        return dice.randbytes(dice.randrange(200))
    if kind == 2:
        text = json.dumps(event, ensure_ascii=False)
        return text[: dice.randrange(len(text))]
    if kind == 3:
        event[dice.choice(list(event))] = dice.choice(VALUES)
        event["call_id"] = dice.choice(
            ["fuzz", "nobody", event["call_id"] if event["call_id"] != "victim" else "x"]
        )
    elif kind == 4:
        del event[dice.choice(list(event))]
        event["call_id"] = "fuzz"
    elif kind == 5:
        event.update({"call_id": "fuzz", dice.choice(["sequence", "Text", "__proto__"]): dice.choice(VALUES)})
    elif kind == 6:
        event.update({"call_id": "fuzz", "seq": dice.randrange(2**31), "text": "洞"})
    elif kind == 7:
        event.update({"call_id": "nobody", "seq": dice.randrange(1, 99)})
    elif kind == 8:
        event["type"] = dice.choice([*VALUES, "call.paused", "hello", "ack"])
        event["call_id"] = "fuzz"
    else:
        return "[" * dice.randrange(1, 3000) if dice.random() < 0.9 else "巨" * 30_000
    return json.dumps(event, ensure_ascii=dice.random() < 0.5)


@pytest.mark.slow
def test_ten_thousand_malformed_frames_change_nothing(running, clients, wire):
    """While one connection sends rubbish, another call goes on; afterwards the service answers as before."""
    service = running()
    dice = random.Random(SEED)
    attacker, victim = clients.producer(service), clients.producer(service)
    sidebar = clients.sidebar(service)
    attacker.send(wire.started("fuzz", agent_id="other"))
    attacker.acked("fuzz", 1)
    victim.send(wire.started("victim"))
    victim.acked("victim", 1)
    answers = {"error": 0, "ack": 0}

    def attack():
        for _ in range(FRAMES):
            attacker.send(frame(dice))
        attacker.send(wire.started("last", agent_id="other"))

    thread = threading.Thread(target=attack)
    thread.start()
    count = 0
    while (message := attacker.next()).get("call_id") != "last":
        answers[message["type"]] += 1
        if answers["error"] % 500 == 1 and count < 20:
            count += 1
            victim.send(wire.said("我不知道" if count == 7 else "好的", seq=count + 1, call_id="victim"))
            victim.acked("victim", count + 1)
    thread.join()
    assert answers["error"] > FRAMES * 0.8
    assert sidebar.until("advice")["call_id"] == "victim"
    stored = service.http("GET", "/v1/calls/victim").json()
    assert len(stored["utterances"]) == count
    assert len(stored["advice"]) == 1
    health = service.http("GET", "/healthz").json()
    assert (health["status"], health["store"]["problem"]) == ("ok", None)
    assert service.http("GET", "/readyz").status_code == 200


def test_bad_utf_8_in_a_text_frame_closes_that_socket_only(running, clients, wire):
    """RFC 6455 asks for 1007; nothing else is harmed."""
    service = running()
    bad, good = clients.producer(service), clients.producer(service)
    good.send(wire.started())
    good.acked("c1", 1)
    bad.raw.send(b"\xff\xfe", text=True)
    assert bad.close_code() == 1007
    good.send(wire.said("好", seq=2))
    good.acked("c1", 2)


def test_a_frame_beyond_all_measure_closes_that_socket_only(running, clients):
    """What would not fit into memory is not read: 1009."""
    service = running()
    producer = clients.producer(service)
    producer.send("x" * 2_000_000)
    assert producer.close_code() == 1009
    assert service.http("GET", "/readyz").status_code == 200
