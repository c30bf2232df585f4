"""Gauges of all modules for Prometheus: read when Prometheus scrapes, and cached for a few seconds."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from shared.observability.readings import Gauge, GaugeReader, GaugeReading

KEPT: Final = 5.0
"""Seconds for which readings are cached."""
READ_TIMEOUT_S: Final = 3.0
"""Seconds that a reader may take; a slower reader is left out."""


READ: Final = Gauge("trackers_gauges_read", "1 if the gauges of a part could be read, else 0.", ("reader",))


class Gauges(Collector):
    """Readings of all readers, with a gauge for each that says if it could be read."""

    def __init__(
        self, readers: Callable[[], Sequence[GaugeReader]], registry: CollectorRegistry, *, kept: float = KEPT
    ) -> None:
        self._readers = readers
        self._kept = kept
        self._read_at = -kept
        self._readings: list[GaugeReading] = []
        self._one_at_a_time = asyncio.Lock()
        registry.register(self)

    async def refresh(self) -> None:
        """Read all gauges again unless the cached readings are fresh. Concurrent callers share one reading."""
        async with self._one_at_a_time:
            if monotonic() - self._read_at < self._kept:
                return
            readers = self._readers()
            answers = await asyncio.gather(*(self._read(reader) for reader in readers))
            self._readings = [
                *(
                    GaugeReading(READ, float(answer is not None), (reader.name,))
                    for reader, answer in zip(readers, answers, strict=True)
                ),
                *(reading for answer in answers for reading in answer or ()),
            ]
            self._read_at = monotonic()

    async def _read(self, reader: GaugeReader) -> Sequence[GaugeReading] | None:
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await reader.read()
        except Exception as error:  # noqa: BLE001 -- any error; the readings of the others are still shown
            structlog.get_logger(__name__).warning("gauges_not_read", reader=reader.name, error=type(error).__name__)
            return None

    def collect(self) -> Iterable[Metric]:
        return families(self._readings)

    def describe(self) -> Iterable[Metric]:
        """Describe nothing: registering must not read the gauges."""
        return ()


def families(readings: Iterable[GaugeReading]) -> Iterator[GaugeMetricFamily]:
    """Readings grouped by gauge, as Prometheus's format requires."""
    by_name: dict[str, GaugeMetricFamily] = {}
    for reading in readings:
        gauge = reading.gauge
        family = by_name.get(gauge.name)
        if family is None:
            family = by_name[gauge.name] = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
        family.add_metric(reading.labels, reading.value)
    yield from by_name.values()
