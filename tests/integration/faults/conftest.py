"""Servers of this folder's own, because its tests kill them; and a database in which 200 accounts were scraped once."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.integration.faults.harness import DOUBLES, FOLLOWED, PLAYERS, Servers, Stage
from tests.upstreams.client import SimulatedSites

from app.embedded import embedded_servers
from app.migrations import migrate
from app.worker import WorkerProcess

SCRAPED_ONCE = "scraped_once"
IN_EVERY_RUN = {
    "test_workers_killed_at_work_lose_nothing",
    "test_results_wait_for_a_postgresql_that_crashed",
    "test_some_profiles_that_hang_do_not_harm_the_others",
}
"""One test each of a worker, a server and a site that fail, in one process; the others are slow."""


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and getattr(item, "originalname", None) not in IN_EVERY_RUN:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def mortal_servers() -> Iterator[Servers]:
    """As an operator has them: durable, looked after by a keeper."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own in it
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    parent = Path(tempfile.mkdtemp(prefix="trackers-faults-", dir=base))
    parent.chmod(0o711)  # the servers' user must pass through
    try:
        with embedded_servers(parent / "home", durable=True) as endpoints:
            yield Servers(parent / "home", endpoints)
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="session")
def running_sites(sites_on_machine_time: SimulatedSites) -> SimulatedSites:
    return sites_on_machine_time


@pytest.fixture(scope="session")
async def scraped_once(
    mortal_servers: Servers, running_sites: SimulatedSites, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A database to copy; the players are made from a seed, so they are the same after every reset of the sites."""
    await mortal_servers.run(f"CREATE DATABASE {SCRAPED_ONCE}")
    url = mortal_servers.url_of(SCRAPED_ONCE)
    await migrate(url)
    running_sites.reset()
    mortal_servers.forget_queues()
    stage = Stage(mortal_servers, url, running_sites, tmp_path_factory.mktemp("scraped-once"))
    await stage.follow()
    async with stage.engine() as container:
        assert await WorkerProcess(container).burst() == 0
    assert await stage.value("SELECT count(*) FROM scrape_runs WHERE status = 'completed'") == FOLLOWED
    stored = await stage.rows(
        "SELECT r.rating FROM game_ratings r JOIN game_snapshots s ON s.id = r.snapshot_id"
        " JOIN game_accounts a ON a.id = s.account_id WHERE a.identifier = $1 AND r.playlist_key = $2",
        PLAYERS[0],
        str(DOUBLES),
    )
    shown = running_sites.games.player("epic", PLAYERS[0])["playlist_states"][str(DOUBLES)]["rating"]
    assert [row["rating"] for row in stored] == [shown]
    return SCRAPED_ONCE


@pytest.fixture
async def stage(
    mortal_servers: Servers, scraped_once: str, sites: SimulatedSites, tmp_path: Path
) -> AsyncIterator[Stage]:
    """The stage after a first, quiet round; its workers go with the test."""
    name = f"t_{uuid4().hex}"
    await mortal_servers.run(f'CREATE DATABASE "{name}" TEMPLATE {scraped_once} STRATEGY file_copy')
    mortal_servers.forget_queues()
    made = Stage(mortal_servers, mortal_servers.url_of(name), sites, tmp_path)
    yield made
    for worker in made.workers:
        worker.kill()
