"""A supervisor on another worker than the calls of his team: real processes over a real Valkey."""

from __future__ import annotations

import os
import signal

from test_workers import ends, pytestmark, shared_valkey, start  # noqa: F401 - fixtures, and where they run


def supervisor(ends, *, at, team="t1"):  # noqa: F811
    """Open a team's stream at one worker."""
    hello = {"type": "hello", "token": ends.cluster.key}
    return ends._open(f"/v1/teams/{team}/stream", at=at, hello=hello)


def watched(socket, kind):
    """Return the next event of this kind of the call watched; its owner may give a second snapshot after the disk's."""
    while (event := socket.until("watched")["event"])["type"] != kind:
        assert event["type"] == "snapshot", event
    return event


def test_a_supervisor_sees_watches_and_whispers_across_workers(start, clients, wire, ends):  # noqa: F811
    """The call is at one worker, he and the agent's sidebar at the other."""
    cluster = start()
    here, there = cluster.workers
    connect = ends(cluster, clients)
    producer = connect.producer(at=there)
    producer.send(wire.started(team="t1", agent_name="小林"), wire.said("我不知道", seq=2))
    producer.acked("c1", 2)
    socket = supervisor(connect, at=here)
    call = socket.until("team.call", call_id="c1")
    assert (call["agent_name"], call["counts"]["warning"]) == ("小林", 1)
    socket.send({"type": "watch", "call_id": "c1"})
    snapshot = watched(socket, "snapshot")
    assert snapshot["call"]["advice"][0]["quote"] == "我不知道"
    producer.send(wire.said("请您", seq=3, final=False))
    assert watched(socket, "transcript")["utterance_id"] == "u3"
    sidebar = connect.sidebar(at=here)
    sidebar.until("snapshot")
    socket.send({"type": "whisper", "call_id": "c1", "id": "w1", "text": "先致歉"})
    socket.until("noted", id="w1")
    assert sidebar.until("whisper")["text"] == "先致歉"
    late = connect.sidebar(at=here).until("snapshot")
    assert [each["id"] for each in late["call"]["whispers"]] == ["w1"]
    sidebar.send({"type": "whisper.read", "call_id": "c1", "id": "w1"})
    assert socket.until("whisper.read")["id"] == "w1"
    producer.send(wire.said("应该会到", seq=4, utterance_id="u3", revision=2))
    assert socket.until("alert")["rule"] == "hedging/should-be"
    producer.send(wire.ended(seq=5))
    assert socket.until("team.call_gone")["call_id"] == "c1"


def test_a_call_stays_on_the_board_when_its_worker_is_killed(start, clients, wire, ends):  # noqa: F811
    """The worker that takes it over tells it again; nobody says that it is over."""
    cluster = start()
    here, there = cluster.workers
    connect = ends(cluster, clients)
    socket = supervisor(connect, at=here)
    producer = connect.producer(at=there)
    producer.send(wire.started(team="t1"), wire.said("我不知道", seq=2))
    producer.acked("c1", 2)
    socket.until("team.call", call_id="c1")
    os.kill(there, signal.SIGKILL)
    again = connect.producer(at=here)
    again.send(wire.said("应该会到", seq=3))
    again.acked("c1", 3)
    while (message := socket.next())["type"] != "team.call" or message["counts"]["warning"] < 2:
        assert message["type"] != "team.call_gone"
