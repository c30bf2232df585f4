"""Real servers for every test: PostgreSQL and Redis per pytest process, a fresh database per test that asks for one."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
import redis as redis_client
import structlog
from dependency_injector import providers
from tests.application import application, transport
from tests.clock import MovedClock
from tests.isolation import process_state_restored
from tests.skips import leave_out_what_needs_root, refuse_skips
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer
from app.embedded import Endpoints, embedded_servers
from app.migrations import migrate
from app.modules import all_settings
from app.worker import WorkerProcess
from shared.clock import Clock
from shared.settings import Secret, load

SECRET = "a secret for tests, long enough to be one"
TEMPLATE = "trackers_template"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "as_root: only root can do what it does, so nobody else collects it")
    refuse_skips(config, os.environ)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out_what_needs_root(config, items, uid=os.geteuid())


def pytest_collection_finish() -> None:
    """Five thousand tests, and what they import, live to the end: the collector need not visit them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """As structlog prints them by itself, with every local, one takes seconds on a busy machine."""
    *others, _ = structlog.get_config()["processors"]
    printed = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, printed])


@pytest.fixture(autouse=True)
def isolated(plain_tracebacks: None) -> Iterator[None]:
    """No test leaves logging or the environment changed for the next one: they run in any order."""
    with process_state_restored():
        yield


@pytest.fixture(scope="session")
def servers(worker_id: str) -> Iterator[Endpoints]:
    """PostgreSQL and Redis of this pytest process, in memory."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own in it
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else Path.cwd() / ".trackers"
    home = base / f"trackers-tests-{os.getuid()}-{os.getpid()}-{worker_id}"
    with embedded_servers(home, durable=False) as endpoints:
        yield endpoints
    _remove(home)


def _remove(home: Path) -> None:
    import shutil  # noqa: PLC0415 -- only here

    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template_url(servers: Endpoints) -> str:
    """A migrated, empty database that tests get copies of."""
    url = database_of(servers, TEMPLATE)
    asyncio.run(create_database(servers, TEMPLATE))
    asyncio.run(migrate(url))
    return url


class Databases:
    """Makes and drops databases on one connection, because thousands of tests would each wait for two more."""

    def __init__(self, servers: Endpoints) -> None:
        self._servers = servers
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(connected(servers))

    @contextmanager
    def fresh(self, template: str | None = None) -> Iterator[str]:
        """A copy of a database, or an empty one, for as long as the block runs."""
        name = f"t_{uuid4().hex}"
        self._runner.run(create(self._connection, name, template=template))
        yield database_of(self._servers, name)
        self._runner.run(drop(self._connection, name))

    def close(self) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()


@pytest.fixture(scope="session")
def databases(servers: Endpoints) -> Iterator[Databases]:
    made = Databases(servers)
    yield made
    made.close()


@pytest.fixture
def database_url(databases: Databases, template_url: str) -> Iterator[str]:
    """A fresh database of the test's own; gone with the test, because thousands of them fill the memory."""
    with databases.fresh(TEMPLATE) as url:
        yield url


@pytest.fixture
def redis_url(servers: Endpoints) -> str:
    return emptied_redis(servers)


def emptied_redis(servers: Endpoints) -> str:
    """Redis, emptied."""
    assert servers.redis_url
    with redis_client.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture(scope="session")
def running_sites() -> Iterator[SimulatedSites]:
    """The simulated sites, on the clock of `container_of`."""
    with SimulatedSites.started(tests_clock=True, games={"auto_players": True}) as sites:
        yield sites


@pytest.fixture(scope="session")
def sites_on_machine_time() -> Iterator[SimulatedSites]:
    """The same for tests of processes, which read the machine's clock; those override `running_sites` with it."""
    with SimulatedSites.started(games={"auto_players": True}) as sites:
        yield sites


@pytest.fixture
def sites(running_sites: SimulatedSites) -> Iterator[SimulatedSites]:
    """The simulated sites, without faults and with an empty log."""
    running_sites.reset()
    yield running_sites
    running_sites.reset()


@pytest.fixture
def environ(database_url: str, redis_url: str, sites: SimulatedSites) -> dict[str, str]:
    """The environment of a process under test: everything real, pacing off."""
    return environ_of(database_url, redis_url, sites)


def environ_of(database_url: str, redis_url: str, sites: SimulatedSites) -> dict[str, str]:
    """The same, on servers that are named."""
    return {
        "TRACKERS_ENV": "test",
        "TRACKERS_DATABASE_URL": database_url,
        "TRACKERS_REDIS_URL": redis_url,
        "TRACKERS_SECRET_KEY": SECRET,
        "TRACKERS_GAMES_BASE_URL": sites.games.url,
        "TRACKERS_GAMES_DELAY": "0",
        "TRACKERS_GAMES_TIMEOUT": "45",
        "TRACKERS_GAMES_FIRST_SEASONS": "0",  # a look is one request
        "TRACKERS_HISCORES_BASE_URL": sites.hiscores.url,
        "TRACKERS_HISCORES_DELAY": "0",
        "TRACKERS_HISCORES_TIMEOUT": "45",
        "TRACKERS_AUTH_HASH_MEMORY_KIB": "8192",
        "TRACKERS_CONTRACTS_BASE_URL": sites.contracts.url,
        "TRACKERS_CONTRACTS_DELAY": "0",
        "TRACKERS_CONTRACTS_TIMEOUT": "45",
        "TRACKERS_CONTRACTS_DOWNTIME": "none",
        "TRACKERS_CONTRACTS_REGION_IDS": "10000002",
        "TRACKERS_FLIGHTS_ENABLED": "true",
        "TRACKERS_FLIGHTS_GOOGLE_URL": sites.flights.url,
        "TRACKERS_FLIGHTS_DELAY": "0",
        "TRACKERS_FLIGHTS_TIMEOUT": "45",
        "TRACKERS_FLIGHTS_SCRAPE_COOLDOWN": "0",
    }


def container_of(environ: dict[str, str], *, clock: Clock | None = None) -> AppContainer:
    """The graph of a process under test, on a clock that runs from tests.clock.START where none is given."""
    made = AppContainer(loaded=load(all_settings(), environ), secret=Secret(SECRET))
    made.clock.override(providers.Object(clock or MovedClock()))
    return made


@pytest.fixture
async def container(environ: dict[str, str]) -> AsyncIterator[AppContainer]:
    """The whole graph, in this process; override providers on it."""
    made = container_of(environ)
    yield made
    await made.database().close()
    await made.redis().aclose()
    await made.clients().close()


@dataclass
class Bench:
    """The application as a bot uses it, and the worker that can be told to run."""

    container: AppContainer
    http: httpx.AsyncClient
    environ: dict[str, str]

    async def work(self) -> None:
        """Run everything that is due or queued, in a worker of its own, until nothing is left."""
        assert await WorkerProcess(container_of(self.environ)).burst() == 0


@pytest.fixture
async def bot_key(container: AppContainer) -> str:
    async with container.database().unit_of_work():
        return str((await container.users.keys().create("test bot", ["trackers", "players"])).text)


@pytest.fixture
async def api(container: AppContainer, bot_key: str, environ: dict[str, str]) -> AsyncIterator[Bench]:
    """The API in this process, asked over ASGI with a bot's key."""
    asked = transport(application(container))
    headers = {"Authorization": f"Bearer {bot_key}"}
    async with httpx.AsyncClient(transport=asked, base_url="http://test", headers=headers) as http:
        yield Bench(container=container, http=http, environ=environ)


def database_of(servers: Endpoints, name: str) -> str:
    assert servers.database_url
    head, _, tail = servers.database_url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{tail}"


async def connected(servers: Endpoints) -> asyncpg.Connection:
    assert servers.database_url
    return await asyncpg.connect(servers.database_url.replace("+asyncpg", ""))


async def drop(connection: asyncpg.Connection, name: str) -> None:
    """Cut off its clients, then drop it: with FORCE it may fail while a vacuum runs, without it the vacuum ends."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND backend_type = $2",
        name,
        "client backend",
    )
    with suppress(asyncpg.ObjectInUseError):  # a client that stays for seconds: the database goes with the server
        await connection.execute(f'DROP DATABASE "{name}"')


async def create(connection: asyncpg.Connection, name: str, *, template: str | None = None) -> None:
    using = f' TEMPLATE "{template}" STRATEGY file_copy' if template else ""
    await connection.execute(f'CREATE DATABASE "{name}"{using}')


async def drop_database(servers: Endpoints, name: str) -> None:
    connection = await connected(servers)
    try:
        await drop(connection, name)
    finally:
        await connection.close()


async def create_database(servers: Endpoints, name: str, *, template: str | None = None) -> None:
    connection = await connected(servers)
    try:
        await create(connection, name, template=template)
    finally:
        await connection.close()
