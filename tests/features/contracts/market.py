"""The market of one scenario: what the simulated API holds, and what was found of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import asyncpg
import httpx
from tests.features.service import Meanwhile, Service, machine_time
from tests.features.users.people import ADMIN, People
from tests.upstreams.client import SimulatedContracts
from tests.upstreams.contracts_universe import FIRST_SHIP

FORGE: Final = 10000002
SECOND: Final = 10000043
LATER: Final = timedelta(minutes=31)
_CLEAN: Final = (
    "TRUNCATE contract_regions, contracts, contract_rejects, contract_runs, contract_watches CASCADE",
    "DELETE FROM scrape_targets WHERE source = 'contracts'",
)


@dataclass
class Market:
    """A region that is looked at."""

    service: Service
    people: People
    later: timedelta = timedelta(0)
    contracts: list[int] = field(default_factory=list)
    """Those that the scenario put there, in order."""
    latest: int = 0
    """The one that the scenario speaks of."""
    watches: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    """The workers' settings, where they differ."""
    at_work: list[Meanwhile] = field(default_factory=list)
    types_asked: int = 0
    """Requests for types before the last look."""

    @property
    def esi(self) -> SimulatedContracts:
        return self.service.simulated.contracts

    def open(self, size: int) -> None:
        """A market as nobody has seen it, which the worker follows."""
        self.service.simulated.reset()
        self.esi.configure(sizes={str(FORGE): size})
        self.service.own_worker.rest()
        asyncio.run(self._execute(*_CLEAN))
        self.service.own_worker.by_itself("contracts.follow_regions")

    def add_region(self, size: int) -> None:
        """One more region that the workers follow from now on."""
        self.environ = {"TRACKERS_CONTRACTS_REGION_IDS": f"{FORGE},{SECOND}"}
        self.esi.configure(sizes={str(SECOND): size})
        self.service.own_worker.by_itself("contracts.follow_regions", self.environ)

    def forget_types(self) -> None:
        asyncio.run(self._execute("DELETE FROM esi_types"))

    async def _execute(self, *statements: str) -> None:
        url = self.service.own_worker.environ["TRACKERS_DATABASE_URL"].replace("+asyncpg", "")
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def offer(self, name: str, price: float, **fields: Any) -> int:
        """A ship, alone in its contract."""
        included = fields.pop("included", True)
        item = {"type_id": self.type_of(name), "is_included": included}
        self.latest = self.esi.add_contract(items=[item], price=price, title="", **fields)
        self.contracts.append(self.latest)
        return self.latest

    @staticmethod
    def type_of(name: str) -> int:
        """`Ship 003`, as the simulated game calls it."""
        return FIRST_SHIP + int(name.rpartition(" ")[2])

    def look(self, *, later: bool = False) -> None:
        if later:
            self.later += LATER
        self.service.own_worker.burst(self.environ, later=self.later)

    def read(self, who: str, path: str) -> Any:
        if who not in self.people.logins and who != ADMIN:
            assert self.people.register(who).status_code == httpx.codes.CREATED
        return self.people.read(who, path)

    def as_bot(self, path: str) -> Any:
        return self.service.read(path)

    def last_run(self) -> Any:
        return self.people.read(ADMIN, "/api/admin/contracts/runs")["items"][0]

    @staticmethod
    def ago(minutes: int) -> str:
        return f"{machine_time() - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
