"""The database server goes away in mid-call and comes back: everybody is told, nothing is lost."""

from __future__ import annotations

import logging
import threading

import pytest

from coach.service import store

pytestmark = pytest.mark.databases("postgresql")


@pytest.fixture
def told(caplog):
    """An event that is set once the service has logged what is asked for: `told(words)`."""

    def until(words):
        seen = threading.Event()

        class Handler(logging.Handler):
            def emit(self, record):
                if words in record.getMessage():
                    seen.set()

        handler = Handler()
        log = logging.getLogger("coach.service.store")
        log.addHandler(handler)
        if any(words in record.getMessage() for record in caplog.records):
            seen.set()
        assert seen.wait(60), f"never logged: {words}"
        log.removeHandler(handler)

    return until


def test_a_server_that_goes_away_in_mid_call_loses_nothing(running, clients, wire, postgresql, told):
    """Events are held, producers told to wait, new calls that it is busy; once it is back, all is acked."""
    service = running(max_waiting=20)
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started(), wire.said("您好", seq=2))
    producer.acked("c1", 2)
    postgresql.stop()
    producer.send(*(wire.said("我不知道" if seq == 3 else "请讲", seq=seq) for seq in range(3, 14)))
    # The cards do not wait for the database.
    assert sidebar.until("advice")["rule"] == "ignorance/bare-dont-know"
    assert producer.until("pressure")["active"] is True
    told("数据库写不进去")
    assert service.http("GET", "/readyz").status_code == 503
    assert service.http("GET", "/healthz").json()["store"]["problem"]
    # What it does not know it cannot look up.
    producer.send(wire.started("c2", agent_id="a2"))
    assert producer.until("error", call_id="c2")["code"] == "busy"
    answer = service.http("GET", "/v1/calls/c1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    postgresql.start()
    producer.until("ack", call_id="c1", seq=13)
    told("数据库恢复")
    assert service.http("GET", "/readyz").status_code == 200
    producer.send(wire.started("c2", agent_id="a2"))
    producer.until("ack", call_id="c2", seq=1)
    stored = service.http("GET", "/v1/calls/c1").json()
    assert [each["utterance_id"] for each in stored["utterances"]] == [f"u{seq}" for seq in range(2, 14)]
    assert [each["quote"] for each in stored["advice"]] == ["我不知道"]


def test_a_server_that_is_away_is_noticed_without_traffic(running, postgresql, told):
    """A balancer sends nobody here, though nothing was written."""
    service = running()
    assert service.http("GET", "/readyz").status_code == 200
    postgresql.stop()
    told("数据库写不进去")
    assert service.http("GET", "/readyz").status_code == 503
    postgresql.start()
    told("数据库恢复")
    assert service.http("GET", "/readyz").status_code == 200


def test_a_server_that_hangs_is_away(running, clients, wire, postgresql, told, monkeypatch):
    """It is said after a while, and what waits is committed over another connection, once."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    monkeypatch.setattr(store, "_COMMIT_S", 0.5)
    with postgresql.frozen():
        producer.send(wire.said("您好", seq=2))
        told("数据库写不进去")
        assert service.http("GET", "/readyz").status_code == 503
    producer.acked("c1", 2)
    assert [each["text"] for each in service.http("GET", "/v1/calls/c1").json()["utterances"]] == ["您好"]


def test_a_call_that_nobody_holds_in_memory_comes_back_from_the_server(running, clients, wire):
    """A restart over the same database goes on where it stopped, with another data folder too."""
    first = running()
    producer = clients.producer(first)
    producer.send(wire.started(), wire.said("我不知道", seq=2))
    producer.acked("c1", 2)
    first.stop()
    second = running(data_dir=first.service.settings.data_dir.with_name("elsewhere"))
    producer = clients.producer(second)
    producer.send(wire.said("您好", seq=3))
    producer.acked("c1", 3)
    assert [each["text"] for each in second.http("GET", "/v1/calls/c1").json()["utterances"]] == [
        "我不知道",
        "您好",
    ]
