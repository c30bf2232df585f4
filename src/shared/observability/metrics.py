"""Counters and durations of one process, in its own registry. Only this folder imports prometheus_client."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
"""Label of all methods that HTTP does not define: callers can invent any number of them."""
UNKNOWN_ROUTE: Final = "unknown"
"""Label of all paths without a route, for the same reason."""
REQUEST_SECONDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
WORK_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


def known_method(method: str) -> str:
    """The method if HTTP defines it, else OTHER."""
    return method if method in METHODS else OTHER


class Metrics:
    """Counters of this process since its start. The names follow Prometheus's conventions."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "trackers_http_requests", "Answered requests.", ("method", "route", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "trackers_http_request_duration_seconds",
            "Seconds until the headers of the response were sent.",
            ("method", "route"),
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self._scrapes = Counter(
            "trackers_scrapes", "Fetches of targets, by outcome.", ("source", "outcome"), registry=registry
        )
        self._scrape_seconds = Histogram(
            "trackers_scrape_duration_seconds",
            "Seconds of a fetch of a target, including waits for the pace.",
            ("source",),
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._upstream = Counter(
            "trackers_upstream_requests",
            "Requests to a source's host, by status of the response; error: no response.",
            ("source", "status"),
            registry=registry,
        )
        self._upstream_seconds = Histogram(
            "trackers_upstream_request_duration_seconds",
            "Seconds of one request to a source's host.",
            ("source",),
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._jobs = Counter(
            "trackers_jobs",
            "Finished jobs: completed, failed, timed_out, stopped (with their worker).",
            ("name", "outcome"),
            registry=registry,
        )
        self._job_seconds = Histogram(
            "trackers_job_duration_seconds", "Seconds of a job.", ("name",), buckets=WORK_SECONDS, registry=registry
        )
        self._deliveries = Counter(
            "trackers_deliveries",
            "Messages to channels: sent, failed (and tried again), suspended (with the channel), lost (another worker "
            "took over the channel), nothing (there was nothing to send).",
            ("kind", "outcome"),
            registry=registry,
        )
        self._pool = Gauge(
            "trackers_database_pool_connections", "Database connections of this process.", ("state",), registry=registry
        )
        self._pool_size = Gauge(
            "trackers_database_pool_size", "Maximum number of database connections of this process.", registry=registry
        )
        # `labels()` takes a lock and builds a key of strings at each call, which is too slow twice per request.
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count an answered request. `method` is from `known_method`; `route` is the path template, None if unknown."""
        key = (method, route or UNKNOWN_ROUTE, status)
        children = self._answered.get(key)
        if children is None:
            children = (self._requests.labels(*key), self._request_seconds.labels(*key[:2]))
            self._answered[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def source(self, name: str, outcomes: Iterable[str]) -> None:
        """Start the counters of these outcomes at 0: Prometheus has no rate for a counter that first appears as 1."""
        for outcome in outcomes:
            self._scrapes.labels(name, outcome)

    def scrape(self, source: str, outcome: str, seconds: float) -> None:
        self._scrapes.labels(source, outcome).inc()
        self._scrape_seconds.labels(source).observe(seconds)

    def deferred(self, source: str, targets: int) -> None:
        """Count targets whose fetch was postponed."""
        self._scrapes.labels(source, "deferred").inc(targets)

    def upstream(self, source: str, status: str, seconds: float) -> None:
        self._upstream.labels(source, status).inc()
        self._upstream_seconds.labels(source).observe(seconds)

    def job(self, name: str, outcome: str, seconds: float) -> None:
        self._jobs.labels(name, outcome).inc()
        self._job_seconds.labels(name).observe(seconds)

    def delivery(self, kind: str, outcome: str) -> None:
        self._deliveries.labels(kind, outcome).inc()

    def pool(self, *, used: int, idle: int, size: int) -> None:
        self._pool.labels("used").set(used)
        self._pool.labels("idle").set(idle)
        self._pool_size.set(size)
