"""What modules say of how they stand, as Prometheus reads it: asked when somebody scrapes, and not too often."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from shared.observability.readings import Gauge, GaugeReader, GaugeReading

KEPT: Final = 5.0
"""Seconds for which what was read is told again."""
READ_TIMEOUT_S: Final = 3.0
"""Seconds that reading may take; who is late is left out."""


READ: Final = Gauge("trackers_gauges_read", "Whether a part could say how it stands.", ("reader",))


class Gauges(Collector):
    """Everybody's readings, and who could not be read."""

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
        """Read anew where the last time is a while ago; who asks meanwhile waits for the same answer."""
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
        except Exception as error:  # noqa: BLE001 -- whatever it is, the others are told
            structlog.get_logger(__name__).warning("gauges_not_read", reader=reader.name, error=type(error).__name__)
            return None

    def collect(self) -> Iterable[Metric]:
        return families(self._readings)

    def describe(self) -> Iterable[Metric]:
        """Nothing before the first reading; registering must not read."""
        return ()


def families(readings: Iterable[GaugeReading]) -> Iterator[GaugeMetricFamily]:
    """Readings by gauge, as Prometheus wants them together."""
    found: dict[str, GaugeMetricFamily] = {}
    for reading in readings:
        gauge = reading.gauge
        family = found.get(gauge.name)
        if family is None:
            family = found[gauge.name] = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
        family.add_metric(reading.labels, reading.value)
    yield from found.values()
