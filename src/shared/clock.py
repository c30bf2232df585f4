"""What time it is: always aware, always UTC, and always asked for."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a service gets the time from."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # real date: this is the machine's clock
