"""Gauges of what all processes share: what a part of the house knows of how it stands, in PostgreSQL and Redis.

A module brings a `GaugeReader`. What one costs is bounded: it counts up to COUNTED and no further, so that a scraper
cannot hurt, however much there is.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

COUNTED: Final = 10_000
"""Things that are counted one by one; more of them are told as so many."""


class Gauge(Struct, frozen=True):
    """A measure: its name, what it says, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


class GaugeReading(Struct, frozen=True):
    """A value of a gauge, with the values of its labels."""

    gauge: Gauge
    value: float
    labels: tuple[str, ...] = ()


class GaugeReader(Protocol):
    """What one part of the house knows of how it stands."""

    name: str

    async def read(self) -> Sequence[GaugeReading]:
        """In few statements, each of a bounded cost."""
