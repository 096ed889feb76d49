"""Traces: the spans of a request and of an event, what they never hold, and that they cost nothing when off."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from coach.errors import ConfigError
from coach.service.tracing import Tracing, start_tracing

WORDS = ("不知道", "张三丰", "13812345678", "转人工")


@pytest.fixture
def traced(running, monkeypatch):
    """A running service and what it exported."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("coach.service.service.start_tracing", lambda **_: Tracing(provider))
    return running(otel=True), exporter


def spans(exporter, name, *, count=1):
    """Wait for so many spans of a name."""
    deadline = time.monotonic() + 60
    while True:
        found = [span for span in exporter.get_finished_spans() if span.name == name]
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, [span.name for span in exporter.get_finished_spans()]


def test_an_event_is_traced_from_its_frame_to_the_disk(traced, clients, wire):
    """Checking, pushing and committing lie within the taking in, in one trace."""
    service, exporter = traced
    sidebar = clients.sidebar(service)
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("这个我不知道", seq=2))
    producer.acked("c1", 2)
    sidebar.until("advice")
    (taken,) = [
        span
        for span in spans(exporter, "coach.ingest", count=2)
        if span.attributes["coach.event.type"] == "utterance"
    ]
    assert dict(taken.attributes) == {
        "coach.tenant": "default",
        "coach.event.type": "utterance",
        "coach.call_id": "c1",
        "coach.seq": 2,
        "coach.final": True,
    }
    for name, count in (("coach.check", 1), ("coach.push", 1), ("coach.commit", 2)):
        within = [
            span
            for span in spans(exporter, name, count=count)
            if span.parent is not None and span.parent.span_id == taken.context.span_id
        ]
        assert within, name
        assert {span.context.trace_id for span in within} == {taken.context.trace_id}
        assert all(span.end_time >= span.start_time >= 0 for span in within)


def test_a_refused_event_is_marked_with_its_code(traced, clients, wire):
    """The code, not the message."""
    service, exporter = traced
    producer = clients.producer(service)
    producer.send(wire.said("这个我不知道", seq=2, call_id="never"))
    producer.until("error", code="unknown_call")
    (span,) = spans(exporter, "coach.ingest")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "unknown_call"
    assert span.events == ()


def test_a_request_is_traced_by_its_route(traced):
    """The pattern of the path and the status; a caller's trace goes on."""
    service, exporter = traced
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    service.http("GET", "/v1/calls/no-such-call?note=转人工", headers={"traceparent": parent})
    (span,) = spans(exporter, "GET /v1/calls/{call_id}")
    assert span.attributes["http.route"] == "/v1/calls/{call_id}"
    assert span.attributes["http.response.status_code"] == 404
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert span.status.status_code is StatusCode.UNSET


def test_no_span_holds_what_was_said(traced, clients, wire):
    """Neither words nor names nor numbers nor a query, in names, attributes, events or status."""
    service, exporter = traced
    producer = clients.producer(service)
    producer.send(
        wire.started(slots={"customer_name": "张三丰"}),
        wire.said("我是张三丰，号码13812345678，转人工", seq=2, speaker="customer"),
        wire.said("这个我不知道", seq=3),
        wire.ended(seq=4),
    )
    producer.acked("c1", 4)
    service.http("POST", "/v1/check", json={"text": "这个我不知道，13812345678"})
    service.http("GET", "/v1/calls?agent_id=张三丰&note=转人工")
    service.http("GET", "/nowhere/张三丰")
    spans(exporter, "coach.commit", count=4)
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    told = told.encode().decode("unicode_escape", "ignore") + told
    assert "coach.ingest" in told
    assert [word for word in WORDS if word in told or word.encode("unicode_escape").decode() in told] == []


def test_off_is_free():
    """The service runs without importing anything of OpenTelemetry."""
    look = (
        "import sys, coach.service.service; print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b"[]"
    assert start_tracing(on=False) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_TRACES_EXPORTER", "jaeger"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
)
def test_a_variable_that_asks_for_what_there_is_not_stops_the_start(monkeypatch, name, value):
    """Instead of traces that silently go nowhere."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=value):
        start_tracing(on=True)


def test_the_standard_variables_are_heard(monkeypatch):
    """Name and sampler are the operator's."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "coach-north")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracing = start_tracing(on=True)
    provider = tracing._provider
    assert provider.resource.attributes["service.name"] == "coach-north"
    assert not provider.get_tracer("t").start_span("s").is_recording()
    tracing.close()
