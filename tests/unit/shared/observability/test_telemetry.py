"""The facade: what it counts, how a block that ends badly is told, and that off costs nothing."""

import subprocess
import sys
from typing import Any

import pytest

from shared.observability.gauges import Gauges, families
from shared.observability.metrics import Metrics
from shared.observability.page import MetricsOff, MetricsPage
from shared.observability.readings import Gauge, GaugeReading
from shared.observability.telemetry import Telemetry, tracing_of
from shared.observability.tracing import SpanKind

DEPTH = Gauge("trackers_depth", "So deep.", ("place",))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def telemetry(metrics: Metrics) -> Telemetry:
    return Telemetry(metrics=metrics)


def counted(metrics: Metrics, sample: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(sample, labels)


@pytest.mark.parametrize(
    ("raised", "outcome"), [(None, "completed"), (ValueError(), "failed"), (KeyboardInterrupt(), "stopped")]
)
def test_a_job_is_counted_by_how_it_ended(
    telemetry: Telemetry, metrics: Metrics, raised: BaseException | None, outcome: str
) -> None:
    def run() -> None:
        with telemetry.job("digging", "1", carried=None, periodic=False):
            if raised:
                raise raised

    if raised:
        with pytest.raises(type(raised)):
            run()
    else:
        run()
    assert counted(metrics, "trackers_jobs_total", name="digging", outcome=outcome) == 1
    assert counted(metrics, "trackers_job_duration_seconds_count", name="digging") == 1


def test_a_request_that_raises_is_a_500(telemetry: Telemetry, metrics: Metrics) -> None:
    def ask() -> None:
        with telemetry.request({"method": "GET", "path_template": "/a"}, traceparent=None, request_id="r"):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        ask()
    assert counted(metrics, "trackers_http_requests_total", method="GET", route="/a", status="500") == 1


def test_a_stream_is_as_slow_as_its_beginning(telemetry: Telemetry, metrics: Metrics) -> None:
    with telemetry.request({"method": "GET", "path_template": "/s"}, traceparent=None, request_id="r") as seen:
        seen.answers(200)
        answered_at = seen.answered_at
        assert answered_at is not None
        seen.answered_at = seen.began_at + 0.003
    assert counted(metrics, "trackers_http_request_duration_seconds_sum", method="GET", route="/s") == pytest.approx(
        0.003
    )


def test_an_exchange_without_an_answer_is_an_error(telemetry: Telemetry, metrics: Metrics) -> None:
    def ask() -> None:
        with telemetry.upstream("games", "host"):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        ask()
    with telemetry.upstream("games", "host") as exchange:
        exchange.status = 304
    assert counted(metrics, "trackers_upstream_requests_total", source="games", status="error") == 1
    assert counted(metrics, "trackers_upstream_requests_total", source="games", status="304") == 1


def test_two_processes_of_one_test_share_no_counter(metrics: Metrics) -> None:
    Telemetry(metrics=Metrics()).deferred("games", 3)
    assert counted(metrics, "trackers_scrapes_total", source="games", outcome="deferred") is None


def test_readings_of_one_gauge_come_together() -> None:
    other = Gauge("trackers_other", "Other.")
    readings = [GaugeReading(DEPTH, 1, ("a",)), GaugeReading(other, 5), GaugeReading(DEPTH, 2, ("b",))]
    told = [
        (family.name, [(sample.labels, sample.value) for sample in family.samples]) for family in families(readings)
    ]
    assert told == [
        ("trackers_depth", [({"place": "a"}, 1), ({"place": "b"}, 2)]),
        ("trackers_other", [({}, 5)]),
    ]


class Depths:
    """Reads, or fails."""

    name = "depths"

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def read(self) -> list[GaugeReading]:
        self.asked += 1
        if self.fails:
            raise ConnectionError
        return [GaugeReading(DEPTH, self.asked, ("here",))]


async def test_who_fails_is_left_out_and_named(metrics: Metrics) -> None:
    depths = Depths()
    gauges = Gauges(lambda: [depths], metrics.registry, kept=0)
    await gauges.refresh()
    assert counted(metrics, "trackers_depth", place="here") == 1
    depths.fails = True
    await gauges.refresh()
    assert counted(metrics, "trackers_depth", place="here") is None
    assert counted(metrics, "trackers_gauges_read", reader="depths") == 0


async def test_what_was_read_is_told_again_for_a_while(metrics: Metrics) -> None:
    depths = Depths()
    gauges = Gauges(lambda: [depths], metrics.registry, kept=60)
    for _ in range(5):
        await gauges.refresh()
    assert depths.asked == 1


async def test_an_empty_token_opens_nothing(metrics: Metrics) -> None:
    nowhere: Any = None
    page = MetricsPage(token=None, metrics=metrics, engine=nowhere)
    for given in (None, "", "anything"):
        with pytest.raises(MetricsOff):
            await page.read(given)


def test_off_nothing_is_carried_and_blocks_are_empty() -> None:
    tracing = tracing_of("", service="trackers", share=1.0)
    with tracing.span("anything", SpanKind.SERVER) as span:
        span.note({"a": 1})
        assert (tracing.on, tracing.carried(), tracing.trace_id(), tracing.statement("SELECT 1")) == (
            False,
            None,
            None,
            None,
        )


def test_off_the_libraries_of_traces_are_not_even_loaded() -> None:
    asked = (
        "import app.cli, app.worker, app.server, sys; "
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 -- our own code
    assert loaded.stdout == "[]\n"
