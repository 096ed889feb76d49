"""Traces for OpenTelemetry: HTTP requests, and the way of an event from its frame to the disk.

Off unless `otel` says so, and then nothing of it is imported. No attribute holds a word that was said, a query or a
body: ids, types, numbers and outcomes only.
"""

from __future__ import annotations

import contextlib
import os
import time
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from coach.errors import ConfigError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from coach.service.messages import ProducerEvent

_NS: Final = 1_000_000_000
_EXPORTERS: Final = ("otlp", "console", "none")
_PROTOCOL: Final = "http/protobuf"
_SERVER_ERROR: Final = 500


class Tracing:
    """Makes the spans of one service. Held by its meter, so that whoever counts can trace.

    Args:
        provider: where spans go; shut down by `close`.
    """

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - only where traces are asked for
        from opentelemetry.propagate import extract  # noqa: PLC0415

        self._provider = provider
        self._tracer = provider.get_tracer("coach")
        self._api = trace
        self._extract = extract

    @contextlib.contextmanager
    def event(self, event: ProducerEvent, *, tenant: str) -> Iterator[None]:
        """Trace the taking in of a producer's event; checking, pushing and committing are spans within."""
        attributes: dict[str, str | int | bool] = {
            "coach.tenant": tenant,
            "coach.event.type": event.type,
            "coach.call_id": event.call_id,
            "coach.seq": event.seq,
        }
        final = getattr(event, "final", None)
        if final is not None:
            attributes["coach.final"] = final
        # What an exception says may be what a customer said.
        with self._tracer.start_as_current_span(
            "coach.ingest",
            kind=self._api.SpanKind.CONSUMER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as error:
                self._failed(span, getattr(error, "code", type(error).__name__))
                raise

    def checked(self, began: float) -> None:
        """Trace the coaching of an utterance that began then (`perf_counter`) and ends now."""
        self._past("coach.check", began)

    def pushed(self, began: float) -> None:
        """Trace a message that is in the queues of the sidebars now; `began` when its frame came (`perf_counter`)."""
        self._past("coach.push", began)

    def committing(self, done: asyncio.Future[None]) -> None:
        """Trace the way to the disk, until a write is done."""
        span = self._tracer.start_span("coach.commit")

        def end(future: asyncio.Future[None]) -> None:
            error = None if future.cancelled() else future.exception()
            if error is not None:
                self._failed(span, type(error).__name__)
            span.end()

        done.add_done_callback(end)

    def requests(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application, so that every HTTP request is a span."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            await self._request(app, scope, receive, send)

        return traced

    def close(self) -> None:
        """Send what waits and stop; takes as long as the collector takes."""
        self._provider.shutdown()

    async def _request(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method = scope["method"]
        with self._tracer.start_as_current_span(
            method,
            context=self._extract(carrier),
            kind=self._api.SpanKind.SERVER,
            attributes={"http.request.method": method, "url.scheme": scope.get("scheme", "http")},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            async def watching(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= _SERVER_ERROR:
                        self._failed(span, str(status))
                await send(message)

            try:
                await app(scope, receive, watching)
            except Exception as error:
                self._failed(span, type(error).__name__)
                raise
            finally:
                # The pattern of the path, not the path: ids of agents and calls are in that.
                route = getattr(scope.get("route"), "path", None)
                if route:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)

    def _past(self, name: str, began: float) -> None:
        if not self._api.get_current_span().get_span_context().is_valid:
            # By the clock, or from another worker: no event of a producer is its cause here.
            return
        now = time.time_ns()
        start = now - int((perf_counter() - began) * _NS)
        self._tracer.start_span(name, start_time=start).end(now)

    def _failed(self, span: Span, what: str) -> None:
        span.set_attribute("error.type", what)
        span.set_status(self._api.StatusCode.ERROR)


def start_tracing(*, on: bool) -> Tracing | None:
    """Return what traces, configured by the standard OTEL_* variables; None when it is off.

    Raises:
        ConfigError: the extra is not installed, or a variable asks for what there is not.
    """
    if not on:
        return None
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("otel: 缺少 OpenTelemetry，请执行 pip install 'coach[otel]'") from error
    # What the operator calls it wins.
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    provider = TracerProvider(resource=Resource.create({} if named else {"service.name": "coach"}))
    exporter = _exporter()
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider)


def _exporter() -> SpanExporter | None:
    name = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if name not in _EXPORTERS:
        raise ConfigError(f"OTEL_TRACES_EXPORTER: 收到 {name!r}，应为 {'、'.join(_EXPORTERS)} 之一")
    if name == "none":
        return None
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415 - see above

        return ConsoleSpanExporter()
    protocol: Any = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", _PROTOCOL
    )
    if protocol != _PROTOCOL:
        raise ConfigError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL: 收到 {protocol!r}，应为 {_PROTOCOL}（采集器端口一般是 4318）"
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter()
