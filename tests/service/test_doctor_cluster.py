"""`coach doctor` where several processes serve: cores, and a real Valkey that is there, away or badly set up."""

from __future__ import annotations

import os
import socket

import pytest
from valkey_server import Valkey

from coach.service import checkup_cluster
from coach.service.checkup_cluster import examine_cluster

pytest.importorskip("redis", reason="needs coach[cluster]")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    """A server of this module."""
    server = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


def findings(settings):
    """The findings by name."""
    return {each.name: each for each in examine_cluster(settings)}


def test_a_sound_bus_is_told_with_its_kind(settings_for, valkey):
    """Every line about it is well, and the first says what is there."""
    found = findings(settings_for(redis_url=valkey.url))
    names = {"redis", "redis-distance", "redis-clock", "redis-memory", "redis-connections", "redis-keys"}
    assert {name for name, each in found.items() if each.state == "ok"} >= names
    assert "Valkey 8" in found["redis"].says


def test_without_a_bus_nothing_is_said_of_it(settings_for):
    """One process needs none."""
    assert list(findings(settings_for())) == ["workers"]


def test_a_bus_that_is_away_is_an_error(settings_for):
    """With the address, without the password in it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = findings(settings_for(redis_url=f"redis://coach:hidden@127.0.0.1:{port}/0"))["redis"]
    assert found.state == "error"
    assert f"127.0.0.1:{port}" in found.says
    assert "hidden" not in found.says + found.mend


def test_an_address_that_is_none_is_an_error(settings_for):
    """It says what one looks like."""
    found = findings(settings_for(redis_url="http://127.0.0.1"))["redis"]
    assert found.state == "error"
    assert "redis://" in found.mend


def test_a_bus_that_evicts_or_is_nearly_full_is_told(settings_for, valkey):
    """Events that nobody has read must not go, and there has to be room for new ones."""
    try:
        valkey.say(b"CONFIG SET maxmemory-policy allkeys-lru\r\n")
        found = findings(settings_for(redis_url=valkey.url))["redis-memory"]
        assert found.state == "warning"
        assert "noeviction" in found.mend
        valkey.say(b"CONFIG SET maxmemory-policy noeviction\r\n")
        valkey.say(b"CONFIG SET maxmemory 1gb\r\n")
        assert findings(settings_for(redis_url=valkey.url))["redis-memory"].state == "ok"
        valkey.say(b"CONFIG SET maxmemory 1mb\r\n")
        found = findings(settings_for(redis_url=valkey.url))["redis-memory"]
        assert (found.state, "maxmemory" in found.mend) == ("warning", True)
    finally:
        valkey.say(b"CONFIG SET maxmemory 0\r\n")
        valkey.say(b"CONFIG SET maxmemory-policy noeviction\r\n")


def test_too_few_connections_are_told_with_the_number_needed(settings_for, valkey):
    """Each worker reads 64 topics over one connection."""
    settings = settings_for(redis_url=valkey.url, workers=4, max_connections=6_400_000)
    found = findings(settings)["redis-connections"]
    assert found.state == "warning"
    assert str(4 * 100_006) in found.says


def test_a_replica_is_refused(settings_for, valkey):
    """It cannot be written to."""
    valkey.say(b"REPLICAOF 127.0.0.1 1\r\n")
    try:
        assert findings(settings_for(redis_url=valkey.url))["redis"].state == "error"
    finally:
        valkey.say(b"REPLICAOF NO ONE\r\n")


def test_a_busy_machine_is_no_distance(settings_for, valkey, monkeypatch):
    """The shortest of the round trips counts, for the clock too."""
    trips = iter([(0.5, 7.0), (0.2, -3.0), (0.001, 0.1), (0.3, 2.0), (0.4, 0.0)])
    monkeypatch.setattr(checkup_cluster, "_trip", lambda _: next(trips))
    found = findings(settings_for(redis_url=valkey.url))
    assert (found["redis-distance"].state, found["redis-clock"].state) == ("ok", "ok")
    assert "1.0 毫秒" in found["redis-distance"].says


def test_clocks_that_differ_are_told(settings_for, valkey, monkeypatch):
    """A difference that makes leases and tokens disagree is a warning."""
    monkeypatch.setattr(checkup_cluster, "_CLOCKS_APART_S", -1.0)
    assert findings(settings_for(redis_url=valkey.url))["redis-clock"].state == "warning"


def test_more_workers_than_cores_are_told(settings_for, valkey):
    """They would take the core from one another."""
    cores = len(os.sched_getaffinity(0))
    settings = settings_for(redis_url=valkey.url, workers=min(64, cores + 1))
    assert findings(settings)["workers"].state == "warning"
    assert findings(settings_for(redis_url=valkey.url, workers=cores))["workers"].state == "ok"


def test_a_key_that_is_no_stream_is_told_with_its_name(settings_for, valkey):
    """Keys of other kinds, such as leases, are nobody's mistake."""
    valkey.say(b"SET coach:default:agent:a7 x\r\n")
    valkey.say(b"SET coach:default:lease:sweep x\r\n")
    valkey.say(b"XADD coach:default:agent:a8 * e {}\r\n")
    try:
        found = findings(settings_for(redis_url=valkey.url))["redis-keys"]
    finally:
        valkey.say(b"FLUSHALL\r\n")
    assert found.state == "error"
    assert "coach:default:agent:a7" in found.says
    assert "a8" not in found.says
    assert "lease" not in found.says
