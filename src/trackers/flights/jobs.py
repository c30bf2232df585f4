"""Jobs of flight prices: evaluate waiting watches, stop watching trips that have departed, remove old prices."""

from collections.abc import Callable
from typing import Final

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job
from shared.retention import Ageing, Retention
from trackers.flights.evaluation import BATCH_SIZE, WatchEvaluator
from trackers.flights.services.departures import Departures
from trackers.flights.snapshot_repository import PriceRetentionRepository

MAX_UNITS_PER_RUN: Final = 20
"""Units of work in one run; the next run continues."""


class WaitingJob:
    """Evaluates watches that do not wait for a new price: their cooldown is over, or they were changed."""

    def __init__(self, *, database: Database, evaluate: Callable[[], WatchEvaluator]) -> None:
        self._database = database
        self._evaluate = evaluate

    async def run(self) -> int:
        """Return how many watches were evaluated."""
        return await self._database.in_batches(
            lambda _: self._evaluate().evaluate_waiting(), size=BATCH_SIZE, most=MAX_UNITS_PER_RUN
        )


class DepartureJob:
    """Stops the watches and searches of trips that have departed."""

    def __init__(self, *, database: Database, departures: Callable[[], Departures]) -> None:
        self._database = database
        self._departures = departures

    async def run(self) -> None:
        """Stop them in batches, each in its own transaction."""
        for _ in range(MAX_UNITS_PER_RUN):
            async with self._database.unit_of_work():
                more = await self._departures().stop()
            if not more:
                return


def price_retention(*, database: Database, clock: Clock, keep_days: int) -> Retention:
    """Retention of prices: `keep_days` after departure they are removed; the lowest price of each day stays."""
    prices = Ageing(
        what="flight_snapshots",
        keep_days=keep_days,
        remove=lambda session, before, limit: PriceRetentionRepository(session).remove_old(before=before, limit=limit),
    )
    return Retention(database=database, clock=clock, kinds=[prices])


def flight_jobs(waiting: WaitingJob, departures: DepartureJob, retention: Retention) -> list[Job]:
    """Waiting watches every ten seconds, departures every five minutes: a day can end at any quarter of an hour."""
    return [
        Job(name="flights.evaluate_waiting", run=waiting.run, timeout=60, seconds=frozenset(range(5, 60, 10))),
        Job(
            name="flights.stop_departed",
            run=departures.run,
            timeout=60,
            seconds=frozenset({35}),
            minutes=frozenset(range(1, 60, 5)),
        ),
        retention.job("flights.remove_old_prices", minutes={57}, second=10),
    ]
