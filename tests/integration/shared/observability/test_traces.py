"""Traces: request, job, upstream and SQL in one, told to a collector and to nobody else, without people's data."""

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from structlog.testing import capture_logs
from tests.conftest import container_of
from tests.integration.shared.observability.conftest import LINK, Watched, watched_with
from tests.upstreams.client import SimulatedSites

from app.worker import WorkerProcess

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


async def test_a_collector_that_is_away_holds_nothing_up(environ: dict[str, str]) -> None:
    async with watched_with({**environ, "TRACKERS_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as watched:
        await watched.register("auto-alone")
        await run_queue(watched)
        await told(watched)
