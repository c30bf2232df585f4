"""Workers killed, stopped and held up in the middle of a run over contracts, and servers lost under it.

However rough it gets: nothing is said to be gone that is not, nothing is stored twice, the next run completes the rest.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest
from tests.integration.faults.harness import SECRET, Servers, WorkerProcess, eventually
from tests.upstreams.client import SimulatedContracts, SimulatedSites

from app.container import AppContainer, running_app
from app.migrations import migrate
from app.modules import all_settings
from app.worker import WorkerProcess as OwnWorker
from shared.settings import Secret, load

FORGE: Final = "10000002"
SIZE: Final = 1_200
PAGES: Final = "/contracts/public/10000002"
ITEMS: Final = "/contracts/public/items/"


class Bazaar:
    """A region of 1,200 contracts in 24 pages that was looked at once, and the workers of one test."""

    def __init__(self, servers: Servers, database_url: str, sites: SimulatedSites, folder: Path) -> None:
        self.servers = servers
        self.database_url = database_url
        self.sites = sites
        self.folder = folder
        self.workers: list[WorkerProcess] = []

    @property
    def esi(self) -> SimulatedContracts:
        return self.sites.contracts

    def environ(self, **settings: object) -> dict[str, str]:
        return {
            "TRACKERS_ENV": "test",
            "TRACKERS_DATABASE_URL": self.database_url,
            "TRACKERS_REDIS_URL": self.servers.redis_url,
            "TRACKERS_SECRET_KEY": SECRET,
            "TRACKERS_LOG_FORMAT": "json",
            "TRACKERS_SCRAPE_LEASE": "1.5",
            "TRACKERS_CONTRACTS_BASE_URL": self.esi.url,
            "TRACKERS_CONTRACTS_REGION_IDS": FORGE,
            "TRACKERS_CONTRACTS_DELAY": "0",
            "TRACKERS_CONTRACTS_DOWNTIME": "none",
            "TRACKERS_CONTRACTS_LOCK_LIFETIME": "1",
            "TRACKERS_CONTRACTS_LISTINGS_BATCH": "100",
            "TRACKERS_CONTRACTS_ITEMS_BATCH": "10",
            "TRACKERS_CONTRACTS_BIDS_LIMIT": "0",
            **{name: str(value) for name, value in settings.items()},
        }

    def worker(self, habit: str = "sweeps-often", **settings: object) -> WorkerProcess:
        log = self.folder / f"worker-{len(self.workers)}.log"
        command = ["tests.integration.faults.odd_worker", habit]
        self.workers.append(WorkerProcess(command, self.environ(**settings), log))
        return self.workers[-1]

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[AppContainer]:
        container = AppContainer(loaded=load(all_settings(), self.environ()), secret=Secret(SECRET))
        async with running_app(container):
            yield container

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        connection = await asyncpg.connect(self.database_url.replace("+asyncpg", ""))
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def ids(self, status: str) -> set[int]:
        return {row[0] for row in await self.rows("SELECT contract_id FROM contracts WHERE status = $1", status)}

    async def churn(self) -> dict[str, list[int]]:
        """A tenth of the market goes and as much comes; the region is due."""
        self.sites.clear_requests()
        moved = self.esi.churn(share=0.1)
        await self.rows("UPDATE contract_regions SET next_sweep_at = now()")
        await self.rows("UPDATE scrape_schedule SET due_at = now() WHERE lease_until IS NULL")
        return moved

    async def asked(self, prefix: str, at_least: int) -> None:
        async def far_enough() -> bool:
            return len(self.esi.requests(prefix)) >= at_least

        await eventually(far_enough, f"{at_least} requests for {prefix}", self.workers)

    async def over(self, moved: dict[str, list[int]]) -> None:
        """Wait until the region is seen whole and everything new is read, then look whether all of it is right."""

        async def done() -> bool:
            ((waiting,),) = await self.rows(
                "SELECT (SELECT count(*) FROM contracts WHERE status = 'live' AND items_state = 'pending')"
                " + (SELECT count(*) FROM contract_regions"
                "    WHERE NOT complete OR NOT concluded OR next_sweep_at < now())"
                " + (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NOT NULL)"
                " + (SELECT count(*) FROM contract_runs WHERE outcome IS NULL)"
            )
            return int(waiting) == 0

        await eventually(done, "the region is seen whole", self.workers)
        assert await self.ids("live") == set(self.esi.contract_ids())
        assert await self.ids("gone") == set(moved["gone"])
        assert await self.ids("expired") == set()
        stored = await self.rows("SELECT contract_id, count(*) FROM contract_items GROUP BY contract_id")
        counts = {row[0]: row[1] for row in stored}
        for contract in moved["new"][:20]:
            assert counts[contract] == len(self.esi.items(contract))
        ended = await self.rows("SELECT contract_id, count(*) FROM contract_history WHERE what = 'gone' GROUP BY 1")
        assert Counter(row[1] for row in ended) == {1: len(moved["gone"])}

    async def outcomes(self) -> list[str]:
        """How the runs ended since the first, quiet one."""
        rows = await self.rows("SELECT outcome FROM contract_runs ORDER BY started_at")
        return [row[0] for row in rows[1:]]


@pytest.fixture(scope="session")
async def looked_at_once(
    mortal_servers: Servers, running_sites: SimulatedSites, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A database to copy; the market is made from a seed, so it is the same after every reset of the sites."""
    name = "contracts_looked_at_once"
    await mortal_servers.run(f"CREATE DATABASE {name}")
    url = mortal_servers.url_of(name)
    await migrate(url)
    mortal_servers.forget_queues()
    running_sites.reset()
    running_sites.contracts.configure(sizes={FORGE: SIZE})
    bazaar = Bazaar(mortal_servers, url, running_sites, tmp_path_factory.mktemp("bazaar"))
    async with bazaar.engine() as container:
        await container.contracts.follow_job().run()
        assert await OwnWorker(container).burst() == 0
    assert len(await bazaar.ids("live")) == SIZE
    return name


@pytest.fixture
async def bazaar(
    mortal_servers: Servers, looked_at_once: str, sites: SimulatedSites, tmp_path: Path
) -> AsyncIterator[Bazaar]:
    name = f"t_{uuid4().hex}"
    await mortal_servers.run(f'CREATE DATABASE "{name}" TEMPLATE {looked_at_once} STRATEGY file_copy')
    mortal_servers.forget_queues()
    sites.contracts.configure(sizes={FORGE: SIZE})
    made = Bazaar(mortal_servers, mortal_servers.url_of(name), sites, tmp_path)
    # The market is made anew at the sites' present time: what the database knows of it is brought up to that.
    async with made.engine() as container:
        await made.rows("UPDATE contract_regions SET next_sweep_at = now()")
        await made.rows("UPDATE scrape_schedule SET due_at = now()")
        assert await OwnWorker(container).burst() == 0
    await made.rows("DELETE FROM contract_runs WHERE id <> (SELECT id FROM contract_runs ORDER BY started_at LIMIT 1)")
    yield made
    for worker in made.workers:
        worker.kill()


async def test_killed_in_a_sweep_and_again_while_items_are_read(bazaar: Bazaar) -> None:
    slow = bazaar.esi.fault(f"{PAGES}*", "latency", ms=150)
    bazaar.esi.fault(f"{ITEMS}*", "latency", ms=150)
    moved = await bazaar.churn()
    first = bazaar.worker()
    await bazaar.asked(PAGES, 12)
    first.kill()
    assert await bazaar.ids("gone") == set(), "the sweep was over before anything could go wrong"
    bazaar.sites.clear_fault(slow)
    second = bazaar.worker()
    await bazaar.asked(ITEMS, 40)
    second.kill()
    ((unread,),) = await bazaar.rows("SELECT count(*) FROM contracts WHERE items_state = 'pending'")
    assert unread > 0
    bazaar.worker()
    await bazaar.over(moved)
    assert await bazaar.outcomes() == ["died", "died", "completed"]
    read = Counter(entry.path for entry in bazaar.esi.requests(ITEMS))
    assert max(read.values()) <= 2, "what was read is not read again, but for what was in flight"


async def test_servers_lost_under_a_run(bazaar: Bazaar) -> None:
    bazaar.esi.fault(f"{PAGES}*", "latency", ms=100)
    bazaar.esi.fault(f"{ITEMS}*", "latency", ms=100)
    moved = await bazaar.churn()
    bazaar.worker()
    await bazaar.asked(PAGES, 8)
    await bazaar.servers.crash_postgres()
    await bazaar.asked(ITEMS, 20)
    await bazaar.servers.crash_redis()
    await bazaar.over(moved)


async def test_a_worker_told_to_stop_lets_go_of_the_run(bazaar: Bazaar) -> None:
    bazaar.esi.fault(f"{ITEMS}*", "latency", ms=400)
    moved = await bazaar.churn()
    leaving = bazaar.worker(
        "leaves-soon",
        TRACKERS_SCRAPE_LEASE=3600,
        TRACKERS_CONTRACTS_LOCK_LIFETIME=300,
    )
    await bazaar.asked(ITEMS, 20)
    leaving.terminate()
    assert await leaving.exit_code() == 0
    assert leaving.said("run_lock_released") == 1
    assert await bazaar.outcomes() == ["stopped"]
    bazaar.sites.clear_faults()
    bazaar.worker()
    await bazaar.over(moved)


async def test_a_worker_that_was_held_up_writes_nothing_behind_the_back_of_the_next(bazaar: Bazaar) -> None:
    bazaar.esi.fault(f"{ITEMS}*", "latency", ms=150)
    moved = await bazaar.churn()
    # So large a batch that it is held up between two transactions: in one it would keep the next out for the 30 s
    # after which the server ends what is idle in a transaction.
    held_up = bazaar.worker(TRACKERS_CONTRACTS_ITEMS_BATCH=2000)
    await bazaar.asked(ITEMS, 20)
    held_up.pause()
    bazaar.worker()

    async def overtaken() -> bool:
        return len(await bazaar.rows("SELECT 1 FROM contract_runs")) >= 3

    await eventually(overtaken, "another run begins", bazaar.workers)
    held_up.go_on()
    await bazaar.over(moved)

    async def noticed() -> bool:
        return held_up.said("run_ended") > 0

    await eventually(noticed, "the one that was held up notices", bazaar.workers)
    assert '"outcome":"lost_lease"' in held_up.log.read_text()


async def test_two_workers_are_never_in_a_run_at_once(bazaar: Bazaar) -> None:
    moved = await bazaar.churn()
    for _ in range(2):
        bazaar.worker()
    await bazaar.over(moved)
    for _ in range(2):
        more = await bazaar.churn()
        moved = {"gone": moved["gone"] + more["gone"], "new": more["new"]}
        await bazaar.over(moved)
    overlapping = await bazaar.rows(
        "SELECT 1 FROM contract_runs a JOIN contract_runs b ON a.id < b.id"
        " AND a.started_at < b.finished_at AND b.started_at < a.finished_at"
    )
    assert overlapping == []
