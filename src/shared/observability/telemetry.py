"""Telemetry: the single interface through which the app counts, measures and traces its work."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final

import structlog

from shared.observability.metrics import UNKNOWN_ROUTE, Metrics, known_method
from shared.observability.tracing import NoTracing, SpanKind, Tracing

SERVER_ERROR: Final = 500
NO_ANSWER: Final = "error"


class JobTimedOutError(Exception):
    """A job exceeded its time-out."""


class Exchange:
    """A request to a foreign host in progress."""

    __slots__ = ("status",)

    def __init__(self) -> None:
        self.status: int | None = None
        """Status of the response; None until it arrives."""


class RequestSeen:
    """An incoming request in progress."""

    __slots__ = ("answered_at", "began_at", "status")

    def __init__(self) -> None:
        self.began_at = perf_counter()
        self.answered_at: float | None = None
        """Time at which the headers of the response were sent: the duration of a stream does not count."""
        self.status = SERVER_ERROR

    def answers(self, status: int) -> None:
        self.status = status
        self.answered_at = perf_counter()


class Telemetry:
    """Counts and traces. Labels and attributes hold no identifiers and no personal data, and labels have few values."""

    def __init__(self, *, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self._metrics = metrics
        self.tracing = tracing or NoTracing()

    @contextmanager
    def request(
        self, scope: Any, *, traceparent: str | None, trusted: bool = False, request_id: str | None = None
    ) -> Iterator[RequestSeen]:
        """Count and trace an incoming request; its route is read at the end, when routing is done.

        If `trusted`, the caller's trace is continued here, and its sampling decision applies. Otherwise it is only
        linked, because any caller could have all its requests kept, whatever share the operator has set. `request_id`
        is only for ids that we generated: text of a caller must not become an attribute.
        """
        seen = RequestSeen()
        method = known_method(scope["method"])
        try:
            if not self.tracing.on:
                yield seen
                return
            with self.tracing.span(
                method,
                SpanKind.SERVER,
                {"http.request.method": method, **({"trackers.request_id": request_id} if request_id else {})},
                parent=traceparent if trusted else None,
                link=None if trusted else traceparent,
            ) as span:
                structlog.contextvars.bind_contextvars(trace_id=self.tracing.trace_id())
                try:
                    yield seen
                finally:
                    route = scope.get("path_template") or UNKNOWN_ROUTE
                    span.named(f"{method} {route}")
                    span.note({"http.route": route, "http.response.status_code": seen.status})
                    if seen.status >= SERVER_ERROR:
                        span.failed(str(seen.status))
        finally:
            seconds = (seen.answered_at or perf_counter()) - seen.began_at
            self._metrics.request(method, scope.get("path_template"), seen.status, seconds)

    @contextmanager
    def job(self, name: str, job_id: str | None, *, carried: str | None, periodic: bool) -> Iterator[None]:
        """Count and trace a job. Periodic jobs have no trace; the jobs that they enqueue begin one.

        A cancelled job counts as stopped with its worker: a time-out raises JobTimedOutError instead.
        """
        began_at = perf_counter()
        outcome = "stopped"
        try:
            with structlog.contextvars.bound_contextvars(job=name, job_id=job_id):
                if periodic or not self.tracing.on:
                    yield
                else:
                    with (
                        self.tracing.span(name, SpanKind.CONSUMER, {"trackers.job": name}, parent=carried),
                        structlog.contextvars.bound_contextvars(trace_id=self.tracing.trace_id()),
                    ):
                        yield
            outcome = "completed"
        except JobTimedOutError:
            outcome = "timed_out"
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            self._metrics.job(name, outcome, perf_counter() - began_at)

    @contextmanager
    def upstream(self, source: str, host: str) -> Iterator[Exchange]:
        """Count and trace a request to a source's host. The URL is not recorded: it may contain a person's name."""
        exchange = Exchange()
        began_at = perf_counter()
        try:
            with self.tracing.span(
                f"GET {host}",
                SpanKind.CLIENT,
                {"http.request.method": "GET", "server.address": host, "trackers.source": source},
            ) as span:
                try:
                    yield exchange
                finally:
                    if exchange.status is not None:
                        span.note({"http.response.status_code": exchange.status})
        finally:
            self._metrics.upstream(source, str(exchange.status or NO_ANSWER), perf_counter() - began_at)

    def expect(self, source: str, outcomes: Iterable[str]) -> None:
        """Start the counters of a source's outcomes at 0, so that alerts see the first one."""
        self._metrics.source(source, outcomes)

    def scraped(self, source: str, outcome: str, seconds: float) -> None:
        """Count a fetch whose result is stored."""
        self._metrics.scrape(source, outcome, seconds)

    def deferred(self, source: str, targets: int) -> None:
        self._metrics.deferred(source, targets)

    def delivered(self, kind: str, outcome: str) -> None:
        """Count a finished delivery to a channel."""
        self._metrics.delivery(kind, outcome)


def tracing_of(endpoint: str, *, service: str, share: float) -> Tracing:
    """Tracing to a collector, or NoTracing if the endpoint is empty."""
    if not endpoint:
        return NoTracing()
    from shared.observability.otlp import OtlpTracing  # noqa: PLC0415 -- takes a quarter of a second, only if traces are on

    return OtlpTracing(endpoint=endpoint, service=service, share=share)
