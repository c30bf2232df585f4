"""Clocks of the tests' own: tests start at a fixed instant and move on when they say so, never by the real date."""

import os
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

START: Final = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)
"""Where tests begin that do not care when: a Wednesday, noon, far from the ends of a month and from clock changes."""
_ORIGIN: Final = datetime.fromisoformat(
    os.environ.setdefault("TESTS_CLOCK_ORIGIN", (START - timedelta(seconds=monotonic())).isoformat())
)
"""What time it was when the monotonic clock of this machine showed 0; child processes inherit it."""


class FixedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime = START) -> None:
        self._now = at

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


class MovedClock:
    """A clock that runs from START, where the tests began, or from another instant; a test can put it forward.

    Those that run from START agree with each other, also between a test and the processes that it starts.
    """

    def __init__(self, start: datetime = START) -> None:
        self.ahead = start - START

    def now(self) -> datetime:
        return _ORIGIN + timedelta(seconds=monotonic()) + self.ahead
