"""A clock that tests put forward."""

from datetime import datetime, timedelta

from shared.clock import SystemClock


class MovedClock:
    """The machine's clock, put forward by as much as a test likes."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead
