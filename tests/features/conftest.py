"""The features' ground: the service that they run against, the guard against steps that never run, the last tables.

`make features` starts the API (a process of its own on a migrated database), the simulated sites and workers as the
scenarios want them. With BASE_URL nothing is started: the scenarios are run against that deployment, whose own worker
fetches (deployment.py).
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry
from tests.conftest import SECRET, TEMPLATE, container_of, create_database, database_of
from tests.demo.postbox import Postbox, postbox
from tests.features.deployment import (
    DEPLOYMENT,
    NO_MAILBOX,
    OWN_SERVICE,
    OWN_WORKER,
    SCOPES,
    AdminSession,
    refuse_to_start,
    settings_on,
)
from tests.features.guard import pytest_bdd_before_step_call
from tests.features.proof import PROOFS, RULE, counted, proofs_of, tabulated
from tests.features.service import ClockAhead, OwnWorker, Service, running_api
from tests.upstreams.client import SimulatedSites

from app.people import create_admin

__all__ = ["pytest_bdd_before_step_call"]

TAGS = {
    "internal": "told to a bot's endpoints",
    "events": "about what bots are told of; the bot's key has the scope events",
    "receiver": "needs the service to reach an endpoint of ours",
    "mailbox": NO_MAILBOX,
    "games": "about the game trackers",
    "hiscores": "about players of the hiscores; the bot's key has the scope players",
    "flights": "about flight prices; the deployment has Google Flights turned on",
    "fencers": "about fencers and clubs, and digests",
    "contracts": "about public contracts; the bot's key has the scope contracts",
    "guilds": "about guilds; the bot's key has the scopes guilds and users",
    "public": "told to people's endpoints",
    "users": "about people; the bot's key has the scope users",
    "admin": "told to admins' endpoints",
    "own_service": OWN_SERVICE,
    "sites": "needs the simulated sites' control",
    "own_worker": OWN_WORKER,
}


LEFT_OUT: Final = pytest.StashKey[Counter[str]]()
"""Scenarios that are not run against the deployment, by the reason."""


def pytest_configure(config: pytest.Config) -> None:
    for tag, meaning in {**TAGS, **PROOFS}.items():
        config.addinivalue_line("markers", f"{tag}: {meaning}")
    config.stash[LEFT_OUT] = Counter()
    refuse_to_start(DEPLOYMENT)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Scenarios carry their rule into the report; a deployment gets those that it can hold."""
    for item in items:
        if not isinstance(item, pytest.Function) or item.function not in scenario_wrapper_template_registry:
            continue
        scenario = scenario_wrapper_template_registry[item.function]
        item.user_properties.append((RULE, scenario.rule.name if scenario.rule else scenario.feature.name))
        item.user_properties += proofs_of(item)
    if DEPLOYMENT is not None:
        reasons = {item: DEPLOYMENT.left_out(item.get_closest_marker) for item in items}
        left_out = [item for item in items if reasons[item]]
        config.stash[LEFT_OUT].update(reason for reason in reasons.values() if reason)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not reasons[item]]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """How the contract went, rule by rule and requirement by requirement; what a deployment was not asked, and why."""
    for heading, rows in counted(terminalreporter.stats).items():
        terminalreporter.section(heading)
        for line in tabulated(rows):
            terminalreporter.write_line(line.text, **{line.markup: True})
    if left_out := config.stash[LEFT_OUT]:
        terminalreporter.section(f"not run against the deployment: {left_out.total()} scenarios")
        for reason, count in left_out.most_common():
            terminalreporter.write_line(f"{count:4}  {reason}")


@pytest.fixture(scope="session")
def running_sites(sites_on_machine_time: SimulatedSites) -> SimulatedSites:
    return sites_on_machine_time


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Postbox]:
    with postbox() as made:
        yield made


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all scenarios; they keep out of each other's way by their names."""
    if DEPLOYMENT is not None:
        sites = SimulatedSites(DEPLOYMENT.sites_url) if DEPLOYMENT.sites_url else None
        deployed = Service.at(
            DEPLOYMENT.url, DEPLOYMENT.bot_key, sites=sites, worker=None, patience=DEPLOYMENT.patience_s
        )
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
        **settings_on(sites),
    }
    mailbox: Postbox = request.getfixturevalue("mailbox")
    environ |= mailbox.settings
    folder: Path = tmp_path_factory.mktemp("features")
    key = asyncio.run(_bot_key(environ))
    worker = OwnWorker(environ=environ, folder=folder)
    with running_api(environ, folder) as url:
        started = Service.at(url, key, sites=sites, worker=worker, mailbox=mailbox)
        with started.open():
            yield started


async def _bot_key(environ: dict[str, str]) -> str:
    container = container_of(environ, clock=ClockAhead())
    try:
        async with container.database().unit_of_work():
            return str((await container.users.keys().create("features", list(SCOPES))).text)
    finally:
        await container.database().close()


@pytest.fixture(scope="session")
def admin_token(service: Service) -> Callable[[], str]:
    """An admin's access token: of the deployment's admin, or of the first where the service is ours."""
    if DEPLOYMENT is not None:
        return AdminSession(service.http, DEPLOYMENT.admin_login, DEPLOYMENT.admin_password).token
    login, password = f"root-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    asyncio.run(_make_admin(service.own_worker.environ, login, password))
    return AdminSession(service.http, login, password).token


async def _make_admin(environ: Mapping[str, str], username: str, password: str) -> None:
    """What `trackers users create-admin` does."""
    container = container_of(dict(environ), clock=ClockAhead())
    try:
        async with container.database().unit_of_work():
            await create_admin(
                container, email=None, username=username, discord_id=None, password=password, existing=False
            )
    finally:
        await container.database().close()
