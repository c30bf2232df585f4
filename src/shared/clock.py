"""The clock: always aware, always UTC, and injected wherever it is needed."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Source of the current time for services."""

    def now(self) -> datetime: ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # real date: this is the clock of the machine
