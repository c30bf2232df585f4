"""Export of traces to a collector by OTLP over HTTP. Only this file imports OpenTelemetry, and only if traces are on.

Foreign sites never get a trace id: `carried` is only put into our own queue, never into requests to sites.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import structlog
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.observability.tracing import Attribute, Span, SpanKind

TRACEPARENT: Final = "traceparent"
EXPORT_TIMEOUT_S: Final = 3.0
"""Seconds that the collector may take for a batch."""
CLOSING: Final = 4.0
"""Seconds that a process waits at its end for the last traces to be sent."""
MAX_STATEMENT_LENGTH: Final = 2_000
KINDS: Final = {
    SpanKind.SERVER: trace.SpanKind.SERVER,
    SpanKind.CLIENT: trace.SpanKind.CLIENT,
    SpanKind.CONSUMER: trace.SpanKind.CONSUMER,
}


class OpenSpan:
    """An OpenTelemetry span with the interface `Span`."""

    __slots__ = ("inner",)

    def __init__(self, inner: trace.Span) -> None:
        self.inner = inner

    def named(self, name: str) -> None:
        self.inner.update_name(name)

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        self.inner.set_attributes(attributes)

    def failed(self, why: str) -> None:
        self.inner.set_status(trace.StatusCode.ERROR)
        self.inner.set_attribute("error.type", why)


class OtlpTracing:
    """Tracing with OpenTelemetry. Only the class of an error is recorded, because messages can hold people's input."""

    on = True

    def __init__(self, *, endpoint: str, service: str, share: float, closing: float = CLOSING) -> None:
        self._closing = closing
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S)
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=Resource.create({SERVICE_NAME: service}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
        self._tracer = self._provider.get_tracer("trackers")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Attribute] | None = None,
        *,
        parent: str | None = None,
        link: str | None = None,
    ) -> Iterator[Span]:
        context = self._propagator.extract({TRACEPARENT: parent}) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=KINDS[kind],
            attributes=attributes,
            links=self._links(link) if link else None,
            record_exception=False,
            set_status_on_exception=False,
        ) as inner:
            opened = OpenSpan(inner)
            try:
                yield opened
            except BaseException as error:
                opened.failed(type(error).__name__)
                raise

    def _links(self, traceparent: str) -> list[trace.Link]:
        context = trace.get_current_span(self._propagator.extract({TRACEPARENT: traceparent})).get_span_context()
        return [trace.Link(context)] if context.is_valid else []

    def statement(self, sql: str) -> Span | None:
        """Begin a span for a statement: its text has placeholders, never values."""
        if not trace.get_current_span().is_recording():
            return None
        text = " ".join(sql.split())
        return OpenSpan(
            self._tracer.start_span(
                f"SQL {text.partition(' ')[0].upper()}",
                kind=trace.SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql", "db.query.text": text[:MAX_STATEMENT_LENGTH]},
            )
        )

    def ended(self, statement: Any, error: BaseException | None = None) -> None:
        if error is not None:
            statement.failed(type(error).__name__)
        statement.inner.end()

    @contextmanager
    def apart(self) -> Iterator[None]:
        token = context_api.attach(context_api.Context())
        try:
            yield
        finally:
            context_api.detach(token)

    def carried(self) -> str | None:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(TRACEPARENT)

    def trace_id(self) -> str | None:
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else None

    async def close(self) -> None:
        """Send the last traces, in a daemon thread: the library blocks and retries if the collector hangs."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop is closed, so nothing waits any more
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, name="traces-closing", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), self._closing)
        except TimeoutError:
            structlog.get_logger(__name__).warning("traces_not_sent", seconds=self._closing)
