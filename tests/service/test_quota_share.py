"""Quotas of a tenant over several workers: real processes over a real Valkey count together."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from test_workers import ends, pytestmark, shared_valkey, start  # noqa: F401 - fixtures, and where they run
from websockets.exceptions import ConnectionClosed

from coach.service.quota import Rate
from coach.service.quota_share import share_of


@pytest.fixture
def bank(start, tmp_path, ends, clients):  # noqa: F811
    """A factory of clusters of two workers with the tenant bank; returns one, its workers and what connects to them."""

    def make(quotas: str):
        folder = tmp_path / "state"
        folder.mkdir()
        (folder / "tenants.toml").write_text(f"[bank]\nquotas = {{{quotas}}}\n", "utf-8")
        cluster = start()
        made = subprocess.run(
            [sys.executable, "-m", "coach", "keys", "new", "crm", "--tenant", "bank", "--data-dir", folder],
            capture_output=True,
            text=True,
            check=True,
        )
        cluster.key = re.search(r"coach_\S+", made.stdout)[0]
        # Until every worker has seen the key.
        cluster.until(lambda: all(cluster.http("GET", "/v1/rules").status_code == 200 for _ in range(12)))
        return cluster, *cluster.workers, ends(cluster, clients)

    return make


def test_sockets_at_all_workers_count_for_one_quota(bank, clients):
    """Three at each are the six that the tenant may have: whichever worker is next says so, and lets in as they go."""
    cluster, here, there, connect = bank("max_connections = 6")

    def refused() -> bool:
        headers = {"Authorization": f"Bearer {cluster.key}"}
        socket = clients.socket(cluster.url + "/v1/ingest", additional_headers=headers)
        try:
            return socket.next()["type"] != "ready"
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) == (1013, "租户的连接数已达上限 6")
        finally:
            socket.close()

    held = [connect.producer(at=worker, retried=True) for worker in (here, there) for _ in range(3)]
    cluster.until(lambda: all(refused() for _ in range(12)))
    for socket in held[:3]:
        socket.close()
    cluster.until(lambda: not any(refused() for _ in range(4)))


def test_calls_at_all_workers_count_for_one_quota(bank, wire):
    """Two at each are the four that the tenant may have; those of a worker that died are free again."""
    cluster, here, there, connect = bank("max_calls = 4")
    producers = {worker: connect.producer(at=worker) for worker in (here, there)}
    numbers = iter(range(1000))

    def refused(worker) -> bool:
        """Try to begin a call; one that begins is ended again."""
        producer, call_id = producers[worker], f"try-{next(numbers)}"
        producer.send(wire.started(call_id, agent_id=call_id))
        while (told := producer.next()).get("call_id") != call_id or told["type"] not in {"ack", "error"}:
            continue
        if told["type"] == "error":
            assert (told["code"], "已达上限 4" in told["message"]) == ("busy", True)
            return True
        producer.send(wire.ended(call_id, seq=2))
        producer.acked(call_id, 2)
        return False

    for number, (worker, producer) in enumerate([*producers.items()] * 2):
        producer.send(wire.started(f"c{number}", agent_id=f"a{number}"))
        producer.acked(f"c{number}", 1)
        assert worker in cluster.workers

    def only_four() -> bool:
        """Tell whether every call that a try began has left memory."""
        told = cluster.http("GET", "/metrics").text
        return (
            sum(float(count) for count in re.findall(r"^coach_calls\{.*\} (\S+)$", told, re.MULTILINE)) == 4
        )

    cluster.until(lambda: only_four() and all([refused(here), refused(there)]))
    os.kill(there, signal.SIGKILL)
    cluster.until(lambda: not refused(here))


def test_events_at_all_workers_count_for_one_quota(bank, wire):
    """Both are asked for more than all of it; together they take as much as the tenant may send."""
    quota = 40
    _, here, there, connect = bank(f"events_per_second = {quota}")
    producers = {worker: connect.producer(at=worker) for worker in (here, there)}
    # By then each has heard of the other; what is taken from then on is counted.
    begin = time.monotonic() + 4
    end = begin + 5
    taken = dict.fromkeys(producers, 0)

    def flood(worker) -> None:
        producer, numbers = producers[worker], iter(range(100_000))
        refused: set[str] = set()
        while time.monotonic() < end:
            # What was refused is sent again, as producers do.
            ids = refused | {f"{worker}-{next(numbers)}" for _ in range(5 - len(refused))}
            refused = set()
            producer.send(*(wire.started(call_id, agent_id=call_id) for call_id in ids))
            while ids:
                told = producer.next()
                if told.get("call_id") not in ids:
                    continue
                ids.discard(told["call_id"])
                if told["type"] == "error":
                    assert told["message"].startswith(f"租户每秒最多 {quota} 个事件")
                    refused.add(told["call_id"])
                else:
                    taken[worker] += time.monotonic() >= begin

    threads = [threading.Thread(target=flood, args=(worker,)) for worker in producers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    most = quota * (end - begin)
    assert 0.4 * most < sum(taken.values()) < 1.4 * most, taken


@pytest.mark.parametrize(
    ("own", "others", "share"),
    [
        (0, 0, 100),
        (30, 0, 100),
        (30, 50, 50),
        (50, 50, 50),
        (300, 100, 75),
        (100, 300, 25),
        (200, 0, 100),
        (0, 500, 1),
    ],
)
def test_what_one_worker_has_of_a_rate(own, others, share):
    """What the others leave, or its part by what is asked of it; never nothing, so that it can be asked at all."""
    assert share_of(100, own=own, others=others) == share


def test_a_smaller_share_lets_in_less():
    """From the moment on that it is told; the rate itself stays what people are told."""
    now = [0.0]
    rate = Rate(10, clock=lambda: now[0])
    rate.share = 4.0
    assert [rate.take() for _ in range(6)] == [True] * 4 + [False] * 2
    now[0] = 0.5
    assert [rate.take() for _ in range(3)] == [True] * 2 + [False]
    assert (rate.asked_since(), rate.asked_since(), rate.per_second) == (9, 0, 10)
