"""`python -m tests.integration.faults.odd_worker HABIT`: a worker as `trackers worker`, but for one habit."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.container import AppContainer
from app.runtime import runtime
from app.worker import run_worker
from shared.logging import configure
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.fetch_context import FetchContext
from shared.scraping.jobs import EVERY_SECOND
from shared.scraping.observation import Observation
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target

STUB: Final = "stub"
PILL: Final = "pill"
"""Whoever collects this dies of it."""
POISON: Final = "poison"
"""The table refuses this."""
DEAD_AFTER: Final = 3
STUB_TABLE: Final = f"CREATE TABLE stub_values (target_id uuid, value text CHECK (value <> '{POISON}'))"


class StubSource(Source[str]):
    """A site that is not there: a target's value is its key."""

    name = STUB
    policy = Policy(host=STUB, delay=0, dead_after=DEAD_AFTER)

    def __init__(self, container: AppContainer) -> None:
        self._container = container

    async def collect(self, target: Target, context: FetchContext) -> str:
        if target.key == PILL:
            os._exit(1)
        return target.key

    async def record(self, observations: Sequence[Observation[str]]) -> set[UUID]:
        session = self._container.database().session()
        rows = [{"id": observation.target.id, "value": observation.value} for observation in observations]
        await session.execute(text("INSERT INTO stub_values VALUES (:id, :value)"), rows)
        return {observation.target.id for observation in observations}


async def follows_a_stub(container: AppContainer) -> None:
    """And takes back what lost workers held every second, so that a test need not wait for it."""
    container.sources.override(SourceRegistry([StubSource(container)]))
    often = {"scraping.reclaim": EVERY_SECOND}
    container.jobs.override([replace(job, seconds=often.get(job.name, job.seconds)) for job in container.jobs()])
    await run_worker(container)


async def forgives_soon(container: AppContainer) -> None:
    """A host that failed is asked again after seconds, not after half a minute."""
    for source in container.sources().all():
        source.policy = replace(source.policy, cooldown=0.5, retry=1.0)
    await run_worker(container)


async def leaves_soon(container: AppContainer) -> None:
    """Jobs under way are hardly waited for when it is told to stop."""
    await run_worker(container, grace=0.05)


async def sweeps_often(container: AppContainer) -> None:
    """What lost workers held is taken back every second."""
    often = {"scraping.reclaim": EVERY_SECOND}
    container.jobs.override([replace(job, seconds=often.get(job.name, job.seconds)) for job in container.jobs()])
    await run_worker(container)


HABITS: Final[Mapping[str, Callable[[AppContainer], Coroutine[None, None, None]]]] = {
    "follows-a-stub": follows_a_stub,
    "forgives-soon": forgives_soon,
    "leaves-soon": leaves_soon,
    "sweeps-often": sweeps_often,
}


def main(habit: str) -> None:
    with runtime() as made:
        configure(level="INFO", form="json")
        asyncio.run(HABITS[habit](made.container("trackers-odd-worker")))


if __name__ == "__main__":
    main(sys.argv[1])
