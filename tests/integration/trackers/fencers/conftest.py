"""The stage of fencers and clubs: people, the simulated site, a worker, mail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from dependency_injector import providers
from sqlalchemy import text
from tests.clock import MovedClock
from tests.conftest import Bench, container_of
from tests.integration.people import People, Person
from tests.upstreams.client import SimulatedFencers, SimulatedSites

from app.container import AppContainer
from app.worker import WorkerProcess

ALEX, BLAKE, CASEY = 100_000_011, 100_000_012, 100_000_013
CLUB, OTHER_CLUB = 100_000_910, 100_000_920
EPEE, FOIL, SABER = 18_501, 18_502, 18_503
SOON = "2026-12-12"
LATER = "2026-12-19"


BEGINS = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""Before the days that these tests name."""


@pytest.fixture
def environ(environ: dict[str, str], sites: SimulatedSites) -> dict[str, str]:
    return environ | {
        "FENCER_BASE_URL": sites.fencers.url,
        "FENCER_SCRAPE_DELAY_SEC": "0.001",
        "FENCER_SCRAPE_JITTER_SEC": "0",
        "TRACKERS_RATE_LIMIT_PERSON": "0",
    }


@pytest.fixture
def clock(container: AppContainer) -> Iterator[MovedClock]:
    """Everybody's clock; asked for before the API, whose parts keep the clock that they are built with."""
    moved = MovedClock(BEGINS)
    with container.clock.override(providers.Object(moved)):
        yield moved


@dataclass
class Salle:
    """Everything that a test of fencers does."""

    bench: Bench
    people: People
    site: SimulatedFencers
    clock: MovedClock

    @property
    def container(self) -> AppContainer:
        return self.bench.container

    def stage(self) -> None:
        """A club with two fencers in three events to come."""
        self.site.add_club(CLUB, "Lakeside Fencing")
        self.site.add_fencer(ALEX, "Alex Abendroth", CLUB)
        self.site.add_fencer(BLAKE, "Blake Brandauer", CLUB)
        self.site.add_event(EPEE, "Junior Women\u2019s Epee (JNRWE)", "October NAC", SOON)
        self.site.add_event(FOIL, "Division I Men\u2019s Foil (DV1MF)", "October NAC", SOON)
        self.site.add_event(SABER, "Youth 12 Men\u2019s Saber (Y12MS)", "Harbour Cup", LATER)
        self.site.register(ALEX, EPEE)
        self.site.register(BLAKE, FOIL)

    async def track(self, who: Person, kind: str, given: object, **more: Any) -> dict[str, Any]:
        answer = await who.ask("POST", f"/api/{kind}s", {kind: str(given), **more})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def ask(self, who: Person, method: str, path: str, body: Any = None) -> httpx.Response:
        """As a person, who logs in again where time has passed."""
        answer = await who.ask(method, path, body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            who.tokens = (await self.people.logged_in(who.login)).tokens
            answer = await who.ask(method, path, body)
        return answer

    async def read(self, who: Person, path: str) -> Any:
        answer = await self.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def look(self, *, again: bool = False, environ: Mapping[str, str] | None = None) -> None:
        """Have the worker look at everything that is due, or at everything."""
        if again:
            await self.execute("UPDATE scrape_schedule SET due_at = '2000-01-01' WHERE lease_until IS NULL")
        made = container_of({**self.bench.environ, **(environ or {})}, clock=self.clock)
        assert await WorkerProcess(made).burst() == 0

    async def job(self, name: str) -> Any:
        """Do once what workers do by themselves."""
        (run,) = (one.run for one in self.container.jobs() if one.name == name)
        return await run()

    async def told(self) -> list[dict[str, Any]]:
        """What was told of registrations so far, oldest first."""
        rows = await self.people.rows(
            "SELECT payload FROM outbox_events WHERE event = 'fencer.registrations_changed' ORDER BY id"
        )
        return [row["payload"] for row in rows]

    async def kinds(self) -> list[str]:
        rows = await self.people.rows("SELECT kind FROM fencing_changes ORDER BY at, id")
        return [row["kind"] for row in rows]

    async def execute(self, statement: str, **parameters: Any) -> None:
        await self.container.standalone_writer().execute(text(statement), parameters)


async def followers(salle: Salle) -> list[set[UUID]]:
    """Who is told each event that is news to anybody, oldest first."""
    async with salle.container.database().unit_of_work():
        registrations = salle.container.fencers.registrations()
        everybody = [
            await registrations.followers(
                news["fencer_id"], clubs=news["clubs"], weapon=news["weapon"], known_through=news["known_through"]
            )
            for news in await salle.told()
        ]
    return [{user_id for _, user_id in told} for told in everybody if told]


@pytest.fixture
def salle(clock: MovedClock, api: Bench, people: People, sites: SimulatedSites) -> Salle:
    return Salle(api, people, sites.fencers, clock)


@pytest.fixture
async def ada(people: People) -> Person:
    return await people.register("ada")


@pytest.fixture
async def ben(people: People) -> Person:
    return await people.register("ben")
