"""`/metrics`: what is counted, who may read it, what it costs."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coach.service.meter import Histogram, Meter

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def families(service) -> dict:
    """Scrape and parse; a text that Prometheus could not read fails here."""
    answer = service.http("GET", "/metrics")
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(found: dict, name: str, **labels) -> float:
    """Return one sample of a family by the name of the sample."""
    samples = [
        sample.value
        for family in found.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(samples)


def test_a_value_falls_into_the_bucket_whose_bound_it_does_not_exceed():
    """Bounds are inclusive, as Prometheus' `le` is; what exceeds all of them is kept too."""
    histogram = Histogram((1.0, 2.0))
    for each in (0.5, 1.0, 1.5, 2.5):
        histogram.add(each)
    assert histogram.counts == [2, 1, 1]
    assert (histogram.count, histogram.total) == (4, 5.5)


def test_a_call_is_counted_from_its_frames_to_its_cards(running, clients, wire):
    """Events, the card, the acks, the pushes, the writes and the open sockets appear."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started(), wire.said("您好", seq=2, speaker="customer"), wire.said("我不知道", seq=3))
    producer.acked("c1", 3)
    sidebar.until("advice")
    found = families(service)
    assert value(found, "coach_events_total", type="utterance") == 2
    assert value(found, "coach_advice_total", category="ignorance", severity="warning") == 1
    assert value(found, "coach_acks_total") >= 1
    # call.started, two transcripts, the card; what happens by the clock is not a push.
    assert value(found, "coach_push_seconds_count") >= 4
    assert value(found, "coach_check_seconds_count") == 2
    assert value(found, "coach_store_writes_total") == 3
    assert value(found, "coach_store_batch_writes_sum") == 3
    assert value(found, "coach_store_commit_seconds_count") >= 1
    assert value(found, "coach_calls") == 1
    assert value(found, "coach_connections", role="sidebar") == 1
    assert value(found, "coach_connections", role="producer") == 1


def test_the_rules_in_force_are_named(running):
    """The digest of /v1/rules is a label of `coach_ruleset_info`."""
    service = running()
    digest = service.http("GET", "/v1/rules").json()["digest"]
    assert value(families(service), "coach_ruleset_info", digest=digest) == 1


def test_refusals_are_counted_by_place_and_code(running, clients, wire):
    """A frame, a sidebar's message and a request that are refused are told apart."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send("{", wire.said("x", seq=2, call_id="never"))
    assert [producer.next()["code"] for _ in range(2)] == ["invalid_json", "unknown_call"]
    sidebar.send({"type": "nonsense"})
    sidebar.until("error")
    assert service.http("GET", "/v1/calls/never").status_code == 404
    found = families(service)
    assert value(found, "coach_refused_total", where="ingest", code="invalid_json") == 1
    assert value(found, "coach_refused_total", where="ingest", code="unknown_call") == 1
    assert value(found, "coach_refused_total", where="stream", code="unknown_type") == 1
    assert value(found, "coach_refused_total", where="http", code="unknown_call") == 1


def test_a_reader_that_falls_behind_is_counted_once_each_way():
    """The first overflow is a resynchronisation, the second a drop."""
    from coach.service.hub import Reader

    meter = Meter()
    reader = Reader(limit=1, snapshot=dict, meter=meter)
    reader.put_event(b"1")
    reader.put_event(b"2")
    assert (meter.resyncs, meter.dropped) == (1, 0)
    reader.put_reply({})
    reader.put_reply({})
    reader.put_reply({})
    reader.put_reply({})
    assert (meter.resyncs, meter.dropped) == (1, 1)


def test_what_the_clock_publishes_is_no_push():
    """Without a frame there is no time to measure from."""
    meter = Meter()
    meter.pushed(meter.received_at)
    assert meter.push.count == 0


@pytest.mark.parametrize(
    ("setting", "headers", "status"),
    [
        ("loopback", {}, 200),
        ("loopback", {"X-Forwarded-For": "203.0.113.9"}, 401),
        ("loopback", {"Via": "1.1 proxy"}, 401),
        ("key", {}, 401),
        ("open", {"X-Forwarded-For": "203.0.113.9"}, 200),
        ("off", {}, 404),
    ],
)
def test_the_setting_says_who_may_read_without_a_key(running, setting, headers, status):
    """`loopback` lets in this machine, but nobody whom a proxy brings."""
    service = running(metrics=setting)
    assert service.http("GET", "/metrics", key=None, headers=headers).status_code == status


def test_a_key_opens_and_a_token_does_not(running):
    """An API key reads the metrics from anywhere; an agent's token is refused."""
    service = running(metrics="key")
    assert service.http("GET", "/metrics").status_code == 200
    assert service.http("GET", "/metrics", key=service.token("a1")).status_code == 403


def test_every_metric_is_documented(running):
    """docs/operations.md has one row a metric of ours, and no others."""
    ours = {f"`{name}`" for name in families(running()) if name.startswith("coach_")}
    section = OPERATIONS.read_text("utf-8").split("## Metrics")[1].split("\n## ")[0]
    rows = {line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `coach_")}
    assert rows == ours


def test_a_backlog_leaves_others_their_turn(running, clients, wire):
    """While one producer's backlog is worked off, the first pushes of it do not wait for its end."""
    service = running()
    producer = clients.producer(service)
    clients.sidebar(service)
    frames = [wire.started(), *(wire.said("我不知道" * 40, seq=seq) for seq in range(2, 402))]
    for frame in frames:
        producer.send(frame)
    producer.acked("c1", 401)
    found = families(service)
    assert value(found, "coach_push_seconds_bucket", le="0.1") > 10
