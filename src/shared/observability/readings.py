"""Gauges of the state that all processes share in PostgreSQL and Redis.

A module provides a `GaugeReader`. Its cost is bounded: it counts up to COUNTED and no further, so that frequent scrapes
do no harm, however many rows there are.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

COUNTED: Final = 10_000
"""Maximum of a count; a larger number is reported as this."""


class Gauge(Struct, frozen=True):
    """A gauge: name, help text and names of labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


class GaugeReading(Struct, frozen=True):
    """A value of a gauge, with values of its labels."""

    gauge: Gauge
    value: float
    labels: tuple[str, ...] = ()


class GaugeReader(Protocol):
    """Reads the gauges of one part of the app."""

    name: str

    async def read(self) -> Sequence[GaugeReading]:
        """Read the gauges with few statements of bounded cost."""
