"""The one thing that the rest of the house feeds: what is counted, timed and traced, at the seams where it happens."""

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
    """A job took longer than it may."""


class Exchange:
    """One request to a foreign host, while it is under way."""

    __slots__ = ("status",)

    def __init__(self) -> None:
        self.status: int | None = None
        """Of the answer; None while there is none."""


class RequestSeen:
    """One request of ours, while it is under way."""

    __slots__ = ("answered_at", "began_at", "status")

    def __init__(self) -> None:
        self.began_at = perf_counter()
        self.answered_at: float | None = None
        """When the head of the answer left: a stream is not slow for lasting."""
        self.status = SERVER_ERROR

    def answers(self, status: int) -> None:
        self.status = status
        self.answered_at = perf_counter()


class Telemetry:
    """Counts and traces. No identifiers and nothing of people's: labels are few, attributes are ours."""

    def __init__(self, *, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self._metrics = metrics
        self.tracing = tracing or NoTracing()

    @contextmanager
    def request(
        self, scope: Any, *, traceparent: str | None, trusted: bool = False, request_id: str | None = None
    ) -> Iterator[RequestSeen]:
        """A request of ours; its route is known once it has been found.

        `trusted`: the trace that it says it is part of goes on here, and is kept if that says so. Else it is only
        linked: a caller could have all of its requests kept, whatever share the operator wants. `request_id`: one that
        we made; a caller's own text is no attribute.
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
        """A job. What runs by itself every second is no trace; what it sends off begins one.

        One that is cancelled was stopped with its worker: a time-out raises JobTimedOutError.
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
        """One request to a source's host; the address is not told, it may name a person."""
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
        """A source will be looked at; these outcomes are alerted on from the first."""
        self._metrics.source(source, outcomes)

    def scraped(self, source: str, outcome: str, seconds: float) -> None:
        """A target was looked at, and what came of it is stored."""
        self._metrics.scrape(source, outcome, seconds)

    def deferred(self, source: str, targets: int) -> None:
        self._metrics.deferred(source, targets)

    def delivered(self, kind: str, outcome: str) -> None:
        """A message to a channel was settled."""
        self._metrics.delivery(kind, outcome)


def tracing_of(endpoint: str, *, service: str, share: float) -> Tracing:
    """Tracing to a collector; without one, off."""
    if not endpoint:
        return NoTracing()
    from shared.observability.otlp import OtlpTracing  # noqa: PLC0415 -- a quarter of a second that few want to wait for

    return OtlpTracing(endpoint=endpoint, service=service, share=share)
