"""Removal of old rows: in batches, each in its own transaction, until no old rows or no time is left."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database import Database
from shared.jobs import Job

FOR_EVER: Final = 0
"""Value of `keep_days` that keeps rows without end."""
BATCH_SIZE: Final = 2_000
MAX_RUN_S: Final = 30.0
"""Seconds after which no further batch is started; the next run continues."""
TIMEOUT: Final = 60
"""Seconds after which a run is cancelled: more than MAX_RUN_S, because the last batch may still be running then."""


class Ageing(Struct, frozen=True, kw_only=True):
    """A kind of rows that are removed by age."""

    what: str
    """Name in the log."""
    keep_days: int
    """Days to keep the rows; 0: without end."""
    remove: Callable[[AsyncSession, datetime, int], Awaitable[int]]
    """(session, before, limit): remove up to `limit` rows older than `before`; return how many."""
    batch_size: int = BATCH_SIZE


class Retention:
    """Removes old rows of several kinds."""

    def __init__(
        self, *, database: Database, clock: Clock, kinds: Sequence[Ageing], longest_run: float = MAX_RUN_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._kinds = kinds
        self._longest_run = longest_run

    async def remove_old(self) -> int:
        """Remove old rows; return how many. Kinds take turns by batch, so that a large kind does not delay the others.

        A kind that fails is skipped for the rest of the run; its error is raised after the others are done.
        """
        now, until = self._clock.now(), monotonic() + self._longest_run
        left = [kind for kind in self._kinds if kind.keep_days != FOR_EVER]
        removed = {kind.what: 0 for kind in left}
        failures: list[Exception] = []
        while left:
            for kind in list(left):
                before = now - timedelta(days=kind.keep_days)
                try:
                    async with self._database.unit_of_work() as session:
                        rows = await kind.remove(session, before, kind.batch_size)
                except Exception as error:  # noqa: BLE001 -- raised below, after the other kinds
                    structlog.get_logger(__name__).warning("old_rows_stay", what=kind.what, error=repr(error)[:500])
                    failures.append(error)
                    left.remove(kind)
                    continue
                removed[kind.what] += rows
                if rows < kind.batch_size:
                    left.remove(kind)
            if monotonic() >= until:
                break
        for what, rows in removed.items():
            if rows:
                structlog.get_logger(__name__).info("old_rows_removed", what=what, rows=rows)
        if failures:
            raise (
                failures[0]
                if len(failures) == 1
                else ExceptionGroup("removal of several kinds of old rows failed", failures)
            )
        return sum(removed.values())

    def job(self, name: str, *, minutes: Iterable[int], second: int) -> Job:
        """A job that removes old rows at the given minutes and second of every hour."""
        return Job(
            name=name, run=self.remove_old, timeout=TIMEOUT, seconds=frozenset({second}), minutes=frozenset(minutes)
        )
