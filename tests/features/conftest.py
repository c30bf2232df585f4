"""The features' ground: the service they are told to, the guard against steps that never run, the table at the end.

`make features` starts the API (a process of its own on a migrated database), the simulated sites and workers as the
scenarios want them. With BASE_URL and BOT_KEY in the environment nothing is started: the scenarios are told to that
deployment, whose own worker looks; with SITES_URL too (the control of the simulated sites that it is pointed at),
also those in which something goes wrong on the sites, and with ADMIN_TOKEN (an admin's access token) those that take
one. PATIENCE is how many seconds its worker is given (120). Everybody registers from one address: the deployment's
TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS must let them (500), or scenarios are skipped. RECEIVER_URL is the address under
which the deployment reaches port RECEIVER_PORT of this machine (left out: the port in that address), where webhooks
are received.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry
from tests.conftest import SECRET, TEMPLATE, container_of, create_database, database_of
from tests.features.guard import pytest_bdd_before_step_call
from tests.features.proof import PROOFS, RULE, counted, proofs_of, tabulated
from tests.features.service import OwnWorker, Service, running_api
from tests.features.users.people import Login
from tests.upstreams.client import SimulatedSites

from app.people import create_admin

__all__ = ["pytest_bdd_before_step_call"]

BASE_URL = os.environ.get("BASE_URL", "").rstrip("/")
SITES_URL = os.environ.get("SITES_URL", "").rstrip("/")
TAGS = {
    "internal": "told to a bot's endpoints",
    "events": "about what bots are told of; the bot's key has the scope events",
    "receiver": "needs the service to reach an endpoint of ours",
    "games": "about the game trackers",
    "hiscores": "about players of the hiscores; the bot's key has the scope players",
    "flights": "about flight prices; the deployment has Google Flights turned on",
    "fencers": "about fencers and clubs, and digests",
    "contracts": "about public contracts; the bot's key has the scope contracts",
    "guilds": "about guilds; the bot's key has the scopes guilds and users",
    "public": "told to people's endpoints",
    "users": "about people; the bot's key has the scope users",
    "admin": "told to admins' endpoints; a deployment's admin is told by ADMIN_TOKEN",
    "own_service": "needs a service of its own: a deployment could be harmed",
    "sites": "needs the simulated sites' control",
    "own_worker": "needs a worker of its own: another clock, a crash, or none at all",
}


def pytest_configure(config: pytest.Config) -> None:
    for tag, meaning in {**TAGS, **PROOFS}.items():
        config.addinivalue_line("markers", f"{tag}: {meaning}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Scenarios carry their rule into the report, stay together in one process, and are skipped where they must be."""
    for item in items:
        if not isinstance(item, pytest.Function) or item.function not in scenario_wrapper_template_registry:
            continue
        scenario = scenario_wrapper_template_registry[item.function]
        item.user_properties.append((RULE, scenario.rule.name if scenario.rule else scenario.feature.name))
        item.user_properties += proofs_of(item)
        item.add_marker(pytest.mark.xdist_group(scenario.feature.rel_filename))
        if reason := _why_not(item):
            item.add_marker(pytest.mark.skip(reason=reason))


def _why_not(item: pytest.Item) -> str | None:
    if BASE_URL and item.get_closest_marker("own_worker"):
        return "a deployment's worker has its own clock and life"
    if BASE_URL and item.get_closest_marker("own_service"):
        return "what could harm a deployment is told to a service of our own only"
    if BASE_URL and "ADMIN_TOKEN" not in os.environ and item.get_closest_marker("admin"):
        return "without ADMIN_TOKEN nobody can do what admins do"
    if BASE_URL and not SITES_URL and item.get_closest_marker("sites"):
        return "without SITES_URL nobody can tell the sites what to do"
    if BASE_URL and "RECEIVER_URL" not in os.environ and item.get_closest_marker("receiver"):
        return "without RECEIVER_URL the deployment reaches no endpoint of ours"
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How the contract went rule by rule, and what of the game trackers' is proven by how many scenarios."""
    for heading, rows in counted(terminalreporter.stats).items():
        terminalreporter.section(heading)
        for line in tabulated(rows):
            terminalreporter.write_line(line.text, **{line.markup: True})


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all scenarios; they keep out of each other's way by their names."""
    if BASE_URL:
        sites = SimulatedSites(SITES_URL) if SITES_URL else None
        deployed = Service.at(BASE_URL, os.environ.get("BOT_KEY", ""), sites=sites, worker=None)
        with deployed.open():
            yield deployed
        if sites is not None:
            sites.close()
        return
    servers = request.getfixturevalue("servers")
    request.getfixturevalue("template_url")
    sites = request.getfixturevalue("running_sites")
    asyncio.run(create_database(servers, "features", template=TEMPLATE))
    environ = {
        "TRACKERS_ENV": "test",
        "TRACKERS_PORT": "0",
        "TRACKERS_DATABASE_URL": database_of(servers, "features"),
        "TRACKERS_REDIS_URL": f"{servers.redis_url}?db=1",
        "TRACKERS_SECRET_KEY": SECRET,
        "TRACKERS_GAMES_BASE_URL": sites.games.url,
        "TRACKERS_GAMES_DELAY": "0",
        "TRACKERS_GAMES_TIMEOUT": "1.5",
        "TRACKERS_GAMES_FIRST_SEASONS": "0",
        "TRACKERS_HISCORES_BASE_URL": sites.hiscores.url,
        "TRACKERS_HISCORES_DELAY": "0",
        "TRACKERS_HISCORES_TIMEOUT": "1.5",
        "TRACKERS_HISCORES_FETCH_COOLDOWN": "0",
        "TRACKERS_HISCORES_FALL_LASTS": "0",
        "TRACKERS_FLIGHTS_ENABLED": "true",
        "TRACKERS_FLIGHTS_GOOGLE_URL": sites.flights.url,
        "TRACKERS_FLIGHTS_DELAY": "0",
        "TRACKERS_FLIGHTS_TIMEOUT": "1.5",
        "FENCER_BASE_URL": sites.fencers.url,
        "FENCER_SCRAPE_DELAY_SEC": "0.001",
        "FENCER_SCRAPE_JITTER_SEC": "0",
        "TRACKERS_CONTRACTS_BASE_URL": sites.contracts.url,
        "TRACKERS_CONTRACTS_REGION_IDS": "10000002",
        "TRACKERS_CONTRACTS_DELAY": "0",
        "TRACKERS_CONTRACTS_DOWNTIME": "none",
        "TRACKERS_AUTH_HASH_MEMORY_KIB": "8192",
        "TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS": "10000",  # everybody here logs in from one
        "TRACKERS_RATE_LIMIT_ADDRESS": "0",  # likewise
        "TRACKERS_NOTIFY_ALLOW_PRIVATE": "true",  # our receiver's is one
    }
    folder: Path = tmp_path_factory.mktemp("features")
    key = asyncio.run(_bot_key(environ))
    worker = OwnWorker(environ=environ, folder=folder)
    with running_api(environ, folder) as url:
        started = Service.at(url, key, sites=sites, worker=worker)
        with started.open():
            yield started


async def _bot_key(environ: dict[str, str]) -> str:
    container = container_of(environ)
    try:
        async with container.database().unit_of_work():
            scopes = ["trackers", "players", "contracts", "fencers", "users", "guilds", "events"]
            return str((await container.users.keys().create("features", scopes)).text)
    finally:
        await container.database().close()


@pytest.fixture(scope="session")
def admin_token(service: Service) -> Callable[[], str]:
    """Makes the first admin where the service is ours; a deployment's is told by ADMIN_TOKEN."""
    if service.worker is None:
        return lambda: os.environ["ADMIN_TOKEN"]
    login = {"login": f"root-{secrets.token_hex(4)}", "password": secrets.token_urlsafe(16)}
    asyncio.run(_make_admin(service.worker.environ, login["login"], login["password"]))

    def log_in() -> str:
        answer = service.http.post("/api/auth/login", json=login, headers={"Authorization": ""})
        assert answer.status_code == httpx.codes.OK, answer.text
        return Login.given(answer).access

    return log_in


async def _make_admin(environ: Mapping[str, str], username: str, password: str) -> None:
    """What `trackers users create-admin` does."""
    container = container_of(dict(environ))
    try:
        async with container.database().unit_of_work():
            await create_admin(
                container, email=None, username=username, discord_id=None, password=password, existing=False
            )
    finally:
        await container.database().close()
