"""Jobs of the engine. They are thin: the dispatcher and the runner decide everything."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.jobs import Job
from shared.scraping.blocking import BlockUpkeep
from shared.scraping.dispatch import SCRAPE, Dispatcher
from shared.scraping.repository import Lease
from shared.scraping.run_upkeep import RunUpkeep
from shared.scraping.runner import Runner
from shared.scraping.targets import DISPATCH

EVERY_SECOND: Final = frozenset(range(60))
EVERY_FIVE: Final = frozenset(range(0, 60, 5))


def engine_jobs(dispatcher: Dispatcher, runner: Runner, run_upkeep: RunUpkeep, block_upkeep: BlockUpkeep) -> list[Job]:
    """Dispatch (every second and on request), scrape, reclaim expired leases, upkeep of runs, upkeep of blocks."""

    async def scrape(source: str, claims: Sequence[tuple[str, str, str]]) -> int:
        leases = [Lease(UUID(target), UUID(run), datetime.fromisoformat(lease)) for target, run, lease in claims]
        return await runner.run(source, leases)

    return [
        Job(name="scraping.dispatch_all", run=dispatcher.dispatch_all, timeout=20, seconds=EVERY_SECOND),
        Job(name=DISPATCH, run=dispatcher.dispatch, timeout=20),
        Job(name=SCRAPE, run=scrape, timeout=runner.longest_job),
        Job(name="scraping.reclaim", run=dispatcher.reclaim_expired_leases, timeout=20, seconds=EVERY_FIVE),
        Job(
            name="scraping.keep_runs",
            run=run_upkeep.run,
            timeout=60,
            seconds=frozenset({30}),
            minutes=frozenset({7, 37}),
        ),
        Job(name="scraping.finish_blocks", run=block_upkeep.run, timeout=60, seconds=frozenset({20})),
    ]
