"""Targets a second from dispatch to settled in one worker process, beside a bare loop over the same pages.

Pacing is off and nothing fails: what is measured is the price of leases, fencing, conditional requests, comparing,
snapshots and bookkeeping. Two cases: every body is the one seen last, and every body has changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen
from typing import Any, Final

from tests.upstreams.client import SimulatedSites

from app.container import AppContainer, running_app
from benchmarks.common import (
    Result,
    ask,
    child,
    compared,
    cpu_seconds,
    cpu_seconds_of_family,
    interleaved,
    median,
    own_child,
    spread,
)
from benchmarks.followed import follow, scrape_all, warm_up
from benchmarks.house import House, connect, plain

TARGETS: Final = 5_000
ROUNDS: Final = 3
WITHIN: Final = 25.0
"""Seconds after which no further round begins: a busy machine gets fewer of them."""
PATIENCE: Final = 60.0
AT_LEAST: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one round over all targets took: seconds on the clock, and CPU seconds by whom."""

    seconds: float
    cpu: float
    site_cpu: float
    database_cpu: float


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_scrape")
    connection = await connect(database)
    await follow(connection, TARGETS)
    results: list[Result] = []
    try:
        with _sites() as (sites, site_pid):
            environ = house.environ(
                database,
                TRACKERS_GAMES_BASE_URL=sites.games.url,
                TRACKERS_GAMES_DELAY="0",
            )
            floor = ["benchmarks.floors.bare_scrape", plain(database), sites.games.url, str(TARGETS)]
            with (
                child(floor, log=house.folder / "bare_scrape.log") as bare,
                house.worker(environ) as worker,
            ):
                async with running_app(house.container(environ)) as container:
                    contenders = _Contenders(connection, container, sites, site_pid, bare, worker)
                    for case, mode, changed in (("unchanged", "frozen", 0), ("changed", "restless", TARGETS)):
                        sites.games.configure(mode=mode)
                        results += await contenders.compare(case, changed)
    finally:
        await connection.close()
    return results


class _Contenders:
    """The product and the bare loop, over the same pages and into the same database."""

    def __init__(
        self,
        connection: Any,
        container: AppContainer,
        sites: SimulatedSites,
        site_pid: int,
        bare: Popen[bytes],
        worker: Popen[bytes],
    ) -> None:
        self._connection = connection
        self._container = container
        self._sites = sites
        self._site_pid = site_pid
        self._bare = bare
        self._worker = worker
        self._database_pid = own_child("postgres")

    async def compare(self, case: str, changed: int) -> list[Result]:
        await warm_up(self._connection, self._container, patience=PATIENCE)
        ask(self._bare, "go")

        async def product() -> Cost:
            before = cpu_seconds(self._worker.pid), cpu_seconds(self._site_pid), self._database_cpu()
            made = await scrape_all(self._connection, self._container, patience=PATIENCE)
            assert made.changed == changed, f"{made.changed} of {TARGETS} changed"
            return self._cost(made.seconds, cpu_seconds(self._worker.pid) - before[0], before[1], before[2])

        async def floor() -> Cost:
            before = cpu_seconds(self._site_pid), self._database_cpu()
            answer = ask(self._bare, "go")
            return self._cost(answer["seconds"], answer["cpu"], *before)

        costs = await interleaved({"product": product, "floor": floor}, rounds=ROUNDS, within=WITHIN)
        self._sites.clear_requests()
        return _results(case, costs["product"], costs["floor"])

    def _cost(self, seconds: float, cpu: float, site_before: float, database_before: float) -> Cost:
        return Cost(
            seconds=seconds,
            cpu=cpu,
            site_cpu=cpu_seconds(self._site_pid) - site_before,
            database_cpu=self._database_cpu() - database_before,
        )

    def _database_cpu(self) -> float:
        return cpu_seconds_of_family(self._database_pid) if self._database_pid else 0.0


def _results(case: str, product: list[Cost], floor: list[Cost]) -> list[Result]:
    rates = [TARGETS / cost.seconds for cost in product]
    floors = [TARGETS / cost.seconds for cost in floor]
    cpus = [cost.cpu / TARGETS * 1e6 for cost in product]
    cpu_floors = [cost.cpu / TARGETS * 1e6 for cost in floor]
    return [
        compared(
            f"scrape_pipeline_{case}", median(rates), "targets/s", median(floors), at_least=AT_LEAST,
            note=f"{spread(rates, floors)}; of the time on CPU: {_shares(product)}; floor {_shares(floor)}",
        ),
        compared(
            f"scrape_pipeline_cpu_{case}", median(cpus), "µs/target", median(cpu_floors), at_most=1 / AT_LEAST,
            note=spread(cpus, cpu_floors),
        ),
    ]  # fmt: skip


def _shares(costs: list[Cost]) -> str:
    """How busy each process was: one at 100 % is what the others wait for."""
    parts = {
        "python": [cost.cpu / cost.seconds for cost in costs],
        "site": [cost.site_cpu / cost.seconds for cost in costs],
        "database": [cost.database_cpu / cost.seconds for cost in costs],
    }
    return ", ".join(f"{name} {median(shares):.0%}" for name, shares in parts.items())


@contextmanager
def _sites() -> Iterator[tuple[SimulatedSites, int]]:
    """The simulated sites, and the id of their process."""
    with SimulatedSites.started(games={"auto_players": True}) as sites:
        pid = own_child("tests.upstreams")
        assert pid is not None
        yield sites, pid
