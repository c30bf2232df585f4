"""Runs lie in months: made ahead, gone as a whole, and no run is refused or lost for want of one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from dependency_injector import providers
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.clock import START, FixedClock
from tests.conftest import container_of

from app.container import AppContainer
from shared.database.partitions import MONTHS_AHEAD, MOVED_AT_MOST
from shared.ids import first_id_of, new_id
from shared.scraping.repository import ScrapingRepository

MONTH = timedelta(days=31)
KEPT = timedelta(days=60)
WHOLE_MONTHS = KEPT + 2 * MONTH
"""After so long a month is past its age, whichever day of it a run began on."""


@dataclass
class Runs:
    """The table of runs, at a time that the test moves."""

    container: AppContainer
    clock: FixedClock
    target: UUID

    async def add(
        self, status: str = "completed", *, ahead: timedelta = timedelta(0), target: UUID | None = None
    ) -> UUID:
        """A run that was asked for now, or later."""
        run = new_id(at=self.clock.now() + ahead)
        await self.container.standalone_writer().execute(
            text(
                "INSERT INTO scrape_runs (id, target_id, trigger, status, requested_at)"
                " VALUES (CAST(:id AS uuid), CAST(:target AS uuid), 'request', CAST(:status AS text), now())"
            ),
            {"id": run, "target": target or self.target, "status": status},
        )
        return run

    async def keep(self) -> None:
        await self.container.run_upkeep().run()

    async def there(self) -> dict[UUID, str]:
        """Run -> the part that it lies in."""
        rows = await self.container.reader().rows(text("SELECT id, tableoid::regclass::text AS part FROM scrape_runs"))
        return {row["id"]: row["part"] for row in rows}

    async def parts(self) -> list[str]:
        return [part.name for part in await self.container.run_upkeep().partitions.parts()]

    async def later(self, by: timedelta) -> None:
        """A worker is there all the time."""
        until = self.clock.now() + by
        while self.clock.now() < until:
            self.clock.advance(min(MONTH, until - self.clock.now()))
            await self.keep()


MONTH_ENDS = [datetime(2026, 11, 30, 23, 55, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)]


@pytest.fixture
async def runs(environ: dict[str, str], request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    """At START, or at the instant that a test is parametrized with."""
    container = container_of({**environ, "TRACKERS_SCRAPE_RUNS_KEEP_DAYS": str(KEPT.days)})
    made = Runs(container, FixedClock(getattr(request, "param", START)), uuid4())
    container.clock.override(providers.Object(made.clock))
    await made_in_the_month_of(container, made.clock.now())
    await container.standalone_writer().execute(
        text(
            "INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)"
            " VALUES (CAST(:id AS uuid), 's', 'k', 'a', 60, now())"
        ),
        {"id": made.target},
    )
    yield made
    await container.database().close()


async def made_in_the_month_of(container: AppContainer, now: datetime) -> None:
    """The first part ends with the month in which the migration ran, by the database's clock: let that be this one."""
    next_month = (now.replace(day=1) + MONTH).replace(day=1, hour=0, minute=0)
    first = "ALTER TABLE scrape_runs {} PARTITION scrape_runs_first"
    async with container.database().transaction() as session:
        await session.execute(text(first.format("DETACH")))
        until = f" FOR VALUES FROM (MINVALUE) TO ('{first_id_of(next_month)}')"
        await session.execute(text(first.format("ATTACH") + until))


async def test_months_are_made_ahead_and_each_once(runs: Runs) -> None:
    await runs.keep()
    parts = await runs.parts()
    assert len(parts) == 2 + MONTHS_AHEAD, "what was there, the default part, and the months to come"
    await runs.keep()
    assert await runs.parts() == parts
    for months in range(MONTHS_AHEAD):
        await runs.add(ahead=months * timedelta(days=30))
    assert "scrape_runs_default" not in set((await runs.there()).values())


async def test_a_run_is_stored_and_found_though_nobody_made_its_month(runs: Runs) -> None:
    run = await runs.add(ahead=timedelta(days=4000))
    assert await runs.there() == {run: "scrape_runs_default"}


async def test_a_month_that_began_while_no_worker_was_there_is_made_with_what_came(runs: Runs) -> None:
    await runs.keep()
    runs.clock.advance(MONTH * (MONTHS_AHEAD + 3))
    early, of_a_clock_ahead = await runs.add(), await runs.add(ahead=timedelta(days=4000))
    assert set((await runs.there()).values()) == {"scrape_runs_default"}
    await runs.keep()
    late = await runs.add()
    there = await runs.there()
    assert there[early] == there[late] == f"scrape_runs_{runs.clock.now():%Y_%m}"
    assert there[of_a_clock_ahead] == "scrape_runs_default", "until its month comes"


async def test_a_month_of_which_much_has_come_stays_where_it_is_and_the_next_is_made(runs: Runs) -> None:
    await runs.keep()
    runs.clock.advance(MONTH * (MONTHS_AHEAD + 3))
    now = runs.clock.now()
    many = [{"id": new_id(at=now), "target": runs.target} for _ in range(MOVED_AT_MOST + 1)]
    async with runs.container.database().transaction() as session:
        await session.execute(
            text(
                "INSERT INTO scrape_runs (id, target_id, trigger, status, requested_at)"
                " VALUES (:id, :target, 'request', 'completed', now())"
            ),
            many,
        )
    await runs.keep()
    late, next_month = await runs.add(), await runs.add(ahead=MONTH)
    there = await runs.there()
    assert {there[one["id"]] for one in many} == {there[late]} == {"scrape_runs_default"}
    assert there[next_month] != "scrape_runs_default"
    await runs.later(WHOLE_MONTHS + MONTH)
    assert await runs.there() == {}, "the default part is emptied by age, too"


@pytest.mark.parametrize("runs", [START, *MONTH_ENDS], indirect=True)
async def test_a_month_goes_as_a_whole_once_all_of_it_is_old(runs: Runs) -> None:
    await runs.later(2 * MONTH)
    old, parts = await runs.add(), await runs.parts()
    assert (await runs.there())[old] in parts
    await runs.later(KEPT - timedelta(days=1))
    young = await runs.add()
    assert set(await runs.there()) == {old, young}, "not a day too early"
    await runs.later(KEPT - timedelta(days=1))
    assert set(await runs.there()) == {young}
    assert len(await runs.parts()) <= MONTHS_AHEAD + KEPT.days // 28 + 4


async def test_a_task_that_somebody_waits_for_outlives_its_month(runs: Runs) -> None:
    await runs.later(2 * MONTH)
    pending, under_way = await runs.add("pending"), await runs.add("in_progress")
    await runs.add("failed")
    await runs.later(WHOLE_MONTHS)
    assert await runs.there() == dict.fromkeys((pending, under_way), "scrape_runs_default")
    await runs.container.standalone_writer().execute(text("UPDATE scrape_runs SET status = 'completed'"))
    await runs.keep()
    assert await runs.there() == {}


async def test_what_was_there_before_months_were_goes_by_age_row_by_row(runs: Runs) -> None:
    old = await runs.add(ahead=-KEPT - timedelta(days=1))
    awaited = await runs.add("pending", ahead=-KEPT - timedelta(days=1))
    young = await runs.add(ahead=-KEPT + timedelta(days=1))
    assert set((await runs.there()).values()) == {"scrape_runs_first"}
    with capture_logs() as logs:
        await runs.keep()
    assert set(await runs.there()) == {awaited, young}, old
    assert [log["rows"] for log in logs if log["event"] == "old_rows_removed"] == [1]


async def test_runs_are_kept_for_ever_where_the_operator_says_so(environ: dict[str, str], runs: Runs) -> None:
    container = container_of({**environ, "TRACKERS_SCRAPE_RUNS_KEEP_DAYS": "0"})
    container.clock.override(providers.Object(runs.clock))
    first = await runs.add()
    hoarding = Runs(container, runs.clock, runs.target)
    await hoarding.later(2 * MONTH)
    second = await runs.add()
    await hoarding.later(WHOLE_MONTHS)
    assert set(await runs.there()) == {first, second}
    await container.database().close()


@pytest.mark.slow
async def test_who_reads_for_long_is_not_cut_off_and_the_month_goes_next_time(runs: Runs) -> None:
    await runs.later(2 * MONTH)
    old = await runs.add()
    runs.clock.advance(WHOLE_MONTHS)
    async with runs.container.database().transaction() as reading:
        await reading.execute(text("SELECT count(*) FROM scrape_runs"))
        with capture_logs() as logs:
            await runs.keep()
        assert (await reading.execute(text("SELECT id FROM scrape_runs"))).scalars().all() == [old]
    assert "partition_locked" in {log["event"] for log in logs}
    await runs.keep()
    assert await runs.there() == {}


async def test_runs_whose_target_is_gone_go_and_no_others(runs: Runs) -> None:
    """As the version before leaves them, which erases targets alone."""
    kept = [await runs.add(), await runs.add("pending")]
    gone = uuid4()
    for status in ("completed", "pending"):
        await runs.add(status, target=gone)
    await runs.add(target=uuid4())
    with capture_logs() as logs:
        await runs.keep()
    assert set(await runs.there()) == set(kept)
    assert [log["rows"] for log in logs if log["event"] == "ownerless_runs_removed"] == [3]
    await runs.add(target=gone)
    await runs.keep()
    assert set(await runs.there()) == set(kept), "the search begins anew"


async def test_who_has_runs_is_looked_through_in_turns(runs: Runs) -> None:
    kept, gone = await runs.add(), sorted(uuid4() for _ in range(4))
    for target in gone:
        await runs.add(target=target)
    after, removed = UUID(int=0), 0
    for _ in range(len(gone) + 1):
        async with runs.container.database().unit_of_work() as session:
            last, rows = await ScrapingRepository(session).remove_ownerless_runs(after, targets=1, limit=10)
        assert rows <= 1
        assert last is not None
        after, removed = last, removed + rows
    assert (set(await runs.there()), removed) == ({kept}, len(gone))
