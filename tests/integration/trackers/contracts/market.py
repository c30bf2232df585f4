"""A market that is looked at: the simulated API, a worker, and a clock that a test puts forward."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from tests.clock import MovedClock
from tests.conftest import container_of
from tests.upstreams.client import SimulatedContracts, SimulatedSites
from tests.waiting import eventually

from app.container import AppContainer
from app.worker import WorkerProcess

FORGE, DOMAIN = 10000002, 10000043
SHIP, OTHER_SHIP, MODULE, BLUEPRINT = 61_000, 61_001, 62_000, 63_000
CACHED = timedelta(minutes=31)
"""After which the API has something newer."""


@dataclass
class Market:
    """What the API shows, and what is stored of it."""

    container: AppContainer
    environ: dict[str, str]
    clock: MovedClock
    sites: SimulatedSites

    @property
    def esi(self) -> SimulatedContracts:
        return self.sites.contracts

    def worker(self, **settings: object) -> AppContainer:
        """The graph of a worker on the same clock; its owner closes it."""
        environ = {**self.environ, **{name: str(value) for name, value in settings.items()}}
        return container_of(environ, clock=self.clock)

    async def follow(self) -> None:
        """What the job does every ten seconds."""
        await self.container.contracts.follow_job().run()

    async def look(self, **settings: object) -> int:
        """Look at every region that is due, to the end; how many jobs failed."""
        await self.follow()
        return await WorkerProcess(self.worker(**settings)).burst()

    async def look_later(self, **settings: object) -> int:
        """Look when the API has something newer."""
        self.clock.ahead += CACHED
        return await self.look(**settings)

    async def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        return await self.container.reader().rows(text(statement), parameters)

    async def value(self, statement: str, **parameters: Any) -> Any:
        return await self.container.reader().value(text(statement), parameters)

    async def somebody_waits(self) -> None:
        """Wait until one transaction waits for another."""
        waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await eventually(lambda: self.rows(waits), what="one transaction waits for another")

    async def ids(self, status: str = "live") -> set[int]:
        rows = await self.rows("SELECT contract_id FROM contracts WHERE status = :status", status=status)
        return {row["contract_id"] for row in rows}

    async def contract(self, contract_id: int) -> dict[str, Any]:
        (row,) = await self.rows("SELECT * FROM contracts WHERE contract_id = :id", id=contract_id)
        return row

    async def region(self, region_id: int = FORGE) -> dict[str, Any]:
        (row,) = await self.rows("SELECT * FROM contract_regions WHERE region_id = :id", id=region_id)
        return row

    async def runs(self) -> list[dict[str, Any]]:
        """The runs, the oldest first."""
        return await self.rows("SELECT * FROM contract_runs ORDER BY started_at, id")

    async def last_run(self) -> dict[str, Any]:
        return (await self.runs())[-1]

    def asked(self, prefix: str) -> list[str]:
        """What the API was asked for, with query."""
        return [f"{one.path}?{one.query}" for one in self.esi.requests(prefix)]
