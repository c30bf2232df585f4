"""Traces: request, job, upstream and SQL in one, told to a collector and to nobody else, without people's data."""

import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.conftest import container_of
from tests.integration.shared.observability.conftest import LINK, Watched, watched_with
from tests.upstreams.client import SimulatedSites
from tests.waiting import LIMIT_S, eventually

from app.worker import WorkerProcess
from shared.observability.otlp import OtlpTracing
from shared.observability.tracing import SpanKind

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
HANDLE = "auto-secretly-traced"
DISCORD_ID = "281474976710656077"


@dataclass
class Collector:
    """What an OTLP collector was told."""

    url: str = ""
    spans: list[Any] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    told: bytes = b""

    def take(self, body: bytes) -> None:
        self.told += body
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def of(self, trace: str) -> list[Any]:
        return [span for span in self.spans if span.trace_id.hex() == trace]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            made.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def traced(environ: dict[str, str], collector: Collector) -> AsyncIterator[Watched]:
    """Asked by a trusted proxy."""
    proxied = {"TRACKERS_OTLP_ENDPOINT": collector.url, "TRACKERS_TRUSTED_PROXIES": "127.0.0.1"}
    async with watched_with({**environ, **proxied}) as made:
        yield made


@pytest.fixture
async def public(environ: dict[str, str], collector: Collector) -> AsyncIterator[Watched]:
    """Asked by anybody."""
    async with watched_with({**environ, "TRACKERS_OTLP_ENDPOINT": collector.url}) as made:
        yield made


async def register(traced: Watched, **headers: str) -> httpx.Response:
    body = {"user_id": DISCORD_ID, "url": LINK.format(HANDLE)}
    answer = await traced.http.post("/internal/trackers/add", json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer


async def run_queue(traced: Watched) -> None:
    """What was sent, and what that sends; nothing that runs by itself."""
    worker = WorkerProcess(traced.worker)
    running = worker._worker(traced.worker.jobs(), burst=True)
    await running.main()
    await worker._close(running)


async def told(traced: Watched) -> None:
    for container in (traced.api, traced.worker):
        await container.tracing().close()


async def test_request_job_upstream_and_sql_are_one_trace(
    traced: Watched, collector: Collector, sites: SimulatedSites
) -> None:
    await register(traced, traceparent=f"00-{TRACE}-{CALLER}-01")
    await run_queue(traced)
    await told(traced)
    spans = {span.span_id.hex(): span for span in collector.of(TRACE)}

    def way_to(span: Any) -> list[str]:
        above = spans.get(span.parent_span_id.hex())
        return [span.name, *(way_to(above) if above else [span.parent_span_id.hex()])]

    host = f"GET {traced.worker.sources()['games'].policy.host}"
    ways = [way_to(span) for span in spans.values()]
    scrape = ["scraping.scrape", "scraping.dispatch", "POST /internal/trackers/add", CALLER]
    assert [host, *scrape] in ways
    statements = [way[1:] for way in ways if way[0].startswith("SQL ")]
    assert scrape in statements
    assert scrape[2:] in statements
    names = [span.name for span in spans.values()]
    assert names.count("scraping.dispatch") == 1, "going on after a batch is a trace of its own"
    assert len(sites.games.requests("/api")) == 1


async def test_no_site_ever_hears_of_a_trace(traced: Watched, sites: SimulatedSites) -> None:
    await register(traced, traceparent=f"00-{TRACE}-{CALLER}-01")
    await run_queue(traced)
    asked = sites.games.requests()
    assert asked
    assert not [one for one in asked if "traceparent" in one.headers or TRACE in json.dumps(one.headers)]


async def test_traces_hold_neither_secrets_nor_what_belongs_to_people(
    traced: Watched, collector: Collector, sites: SimulatedSites
) -> None:
    key = traced.http.headers["x-api-key"]
    answer = await register(traced)
    tracker = answer.json()["trackers"][0]["id"]
    await traced.http.get(f"/internal/trackers/{tracker}?secret=sesame")
    sites.games.fault("*/profile/*", "blocked", title="sesame")
    await run_queue(traced)
    await told(traced)
    assert collector.spans
    for private in (HANDLE, DISCORD_ID, tracker, key, "sesame", "a secret for tests", str(traced.api.secret())):
        assert private.encode() not in collector.told, private
    statements = [
        attribute.value.string_value
        for span in collector.spans
        for attribute in span.attributes
        if attribute.key == "db.query.text"
    ]
    assert any(re.search(r"\$\d", statement) for statement in statements)


async def test_a_failure_is_told_by_its_name(traced: Watched, collector: Collector, sites: SimulatedSites) -> None:
    sites.games.fault("*/profile/*", "reset")
    await register(traced)
    await run_queue(traced)
    await told(traced)
    (upstream,) = [span for span in collector.spans if span.status.code == 2]
    assert upstream.name.startswith("GET ")
    assert {attribute.key for attribute in upstream.attributes} >= {"error.type", "server.address", "trackers.source"}
    assert not upstream.events


async def test_log_lines_name_their_trace(traced: Watched) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await register(traced, traceparent=f"00-{TRACE}-{CALLER}-01")
        await run_queue(traced)
    lines = {line["event"]: line.get("trace_id") for line in logs}
    assert (lines["request"], lines["scraped"]) == (TRACE, TRACE)


async def test_what_the_caller_does_not_keep_is_not_told(traced: Watched, collector: Collector) -> None:
    await register(traced, traceparent=f"00-{TRACE}-{CALLER}-00")
    await run_queue(traced)
    await told(traced)
    assert collector.of(TRACE) == []


@pytest.mark.parametrize("proxies", ["", "10.0.0.0/8"], ids=["none", "others"])
async def test_who_is_no_trusted_proxy_cannot_have_its_requests_kept(
    environ: dict[str, str], collector: Collector, proxies: str
) -> None:
    none_kept = {"TRACKERS_OTLP_ENDPOINT": collector.url, "TRACKERS_TRACE_SHARE": "0"}
    async with watched_with({**environ, **none_kept, "TRACKERS_TRUSTED_PROXIES": proxies}) as watched:
        await register(watched, traceparent=f"00-{'0' * 31}1-{CALLER}-01", **{"X-Forwarded-For": "10.0.0.1"})
        await told(watched)
    assert collector.spans == []


async def test_a_trusted_proxy_decides_what_is_kept(environ: dict[str, str], collector: Collector) -> None:
    none_kept = {"TRACKERS_OTLP_ENDPOINT": collector.url, "TRACKERS_TRACE_SHARE": "0"}
    async with watched_with({**environ, **none_kept, "TRACKERS_TRUSTED_PROXIES": "127.0.0.0/8"}) as watched:
        await register(watched, traceparent=f"00-{TRACE}-{CALLER}-01", **{"X-Forwarded-For": "192.0.2.7"})
        await told(watched)
    assert collector.of(TRACE)


async def test_anybodys_trace_is_linked_and_a_new_one_begun(public: Watched, collector: Collector) -> None:
    await register(public, traceparent=f"00-{TRACE}-{CALLER}-00")
    await public.http.get("/health/live", headers={"traceparent": "sesame"})
    await told(public)
    assert collector.of(TRACE) == []
    first, second = [span for span in collector.spans if not span.parent_span_id]
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in first.links] == [(TRACE, CALLER)]
    assert not second.links


async def test_what_callers_make_up_is_no_attribute(public: Watched, collector: Collector) -> None:
    await public.http.request("SESAME", "/sesame", headers={"X-Request-ID": "sesame-sesame"})
    await public.http.get("/health/live")
    await told(public)
    made_up, plain = collector.spans
    assert made_up.name == "other unknown"
    assert b"sesame" not in collector.told.lower()
    assert "trackers.request_id" in {attribute.key for attribute in plain.attributes}


async def test_a_collector_that_hangs_holds_no_end_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        tracing = OtlpTracing(
            endpoint=f"http://127.0.0.1:{deaf.getsockname()[1]}", service="trackers", share=1, closing=0.2
        )
        with tracing.span("anything", SpanKind.SERVER):
            pass
        with capture_logs() as logs:
            await tracing.close()
    assert [line["event"] for line in logs] == ["traces_not_sent"]
    closing = [thread for thread in threading.enumerate() if thread.name == "traces-closing"]
    assert all(thread.daemon for thread in closing), "the process ends without it"


async def test_ticks_that_find_nothing_to_do_are_no_traces(traced: Watched, collector: Collector) -> None:
    assert await WorkerProcess(traced.worker).burst() == 0
    dispatch = next(job for job in traced.worker.jobs() if job.name == "scraping.dispatch_all")
    with traced.worker.telemetry().job(dispatch.name, "1", carried=None, periodic=True):
        await dispatch.run()
    await told(traced)
    assert collector.spans == []


async def test_services_are_told_apart(environ: dict[str, str], collector: Collector) -> None:
    container = container_of({**environ, "TRACKERS_OTLP_ENDPOINT": collector.url})
    container.application_name.override("trackers-api")
    with container.telemetry().job("a job", "1", carried=None, periodic=False):
        pass
    await container.tracing().close()
    assert collector.services == {"trackers-api"}


async def test_off_nothing_is_carried_and_no_argument_is_added(watched: Watched) -> None:
    assert not watched.api.tracing().on
    await watched.register("auto-untraced")
    assert watched.api.tracing().carried() is None
    bodies = [await watched.api.redis().get(key) async for key in watched.api.redis().scan_iter("arq:job:*")]
    assert bodies
    assert not [body for body in bodies if b"traceparent" in body]


class StuckCollector:
    """Takes a connection and answers a byte now and then, so that no timeout ends the request before `release`."""

    def __init__(self) -> None:
        self.asked, self.release, self.overdue = threading.Event(), threading.Event(), False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        line, _ = self._listening.accept()
        with self._listening, line, suppress(OSError):
            line.recv(100_000)
            self.asked.set()
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            until = time.monotonic() + LIMIT_S
            while not self.release.wait(0.2):
                line.sendall(b".")
                if time.monotonic() > until:  # a product that waits for it must come to its end all the same
                    self.overdue = True
                    return


@pytest.mark.slow
async def test_a_collector_that_is_away_holds_nothing_up(environ: dict[str, str]) -> None:
    """A request is answered and its jobs are done while the collector still keeps the spans of the one before."""
    collector = StuckCollector()
    async with watched_with({**environ, "TRACKERS_OTLP_ENDPOINT": collector.url}) as watched:
        await watched.register("auto-first")

        async def asked() -> bool:
            return collector.asked.is_set()

        await eventually(asked, what="the collector is asked")
        await watched.register("auto-second")
        await run_queue(watched)
        assert not collector.overdue
        statuses = await watched.api.reader().rows(text("SELECT last_status FROM scrape_targets"))
        assert [row["last_status"] for row in statuses] == ["completed", "completed"]
        collector.release.set()
        await told(watched)


@pytest.mark.slow
async def test_without_a_collector_everything_goes_on(environ: dict[str, str]) -> None:
    async with watched_with({**environ, "TRACKERS_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as watched:
        await watched.register("auto-alone")
        await run_queue(watched)
        assert (await watched.api.reader().value(text("SELECT last_status FROM scrape_targets"))) == "completed"
        await told(watched)
