"""Somebody who wants to fly, on a clock that a test puts forward."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from dependency_injector import providers
from sqlalchemy import text
from tests.clock import MovedClock
from tests.conftest import Bench, container_of
from tests.integration.people import People, Person
from tests.upstreams.client import SimulatedFlights, SimulatedSites

from app.container import AppContainer
from app.worker import WorkerProcess


@dataclass
class Traveller:
    """A person with trips and watches, the site that is asked, and the workers that ask it."""

    api: Bench
    clock: MovedClock
    site: SimulatedFlights
    people: People
    person: Person

    def day(self, ahead: int = 60) -> str:
        return str((self.clock.now() + timedelta(days=ahead)).date())

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """With a token of the time that the test's clock shows."""
        answer = await self.person.ask(method, path, body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self.person = await self.people.logged_in(self.person.login)
            answer = await self.person.ask(method, path, body)
        return answer

    async def told(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def plan(self, **more: Any) -> str:
        """A trip's id."""
        body = {"origin": "JFK", "destination": "LAX", "departs_on": self.day(), **more}
        return str((await self.told("POST", "/api/trips", body))["id"])

    async def watch(self, trip: str, target: int = 30_000, **more: Any) -> str:
        """A watch's id."""
        body = {"trip_id": trip, "target_price": target, **more}
        return str((await self.told("POST", "/api/watches", body))["id"])

    async def alerts(self, watch: str) -> list[tuple[str, int]]:
        """(rule, price) of what was told, the oldest first."""
        items = (await self.told("GET", f"/api/watches/{watch}/alerts"))["items"]
        return [(one["rule"], one["price"]) for one in reversed(items)]

    async def work(self) -> None:
        """Fetch everything that is due, on the test's clock."""
        container = container_of(self.api.environ, clock=self.clock)
        assert await WorkerProcess(container).burst() == 0

    async def look(self, after: timedelta = timedelta(0), *, price: int | None = None) -> None:
        """Let time pass, let the site show a price, and look at everything that is due."""
        self.clock.ahead += after
        if price is not None:
            self.site.set_price(price)
        await self.work()

    async def evaluate(self, after: timedelta = timedelta(0)) -> None:
        """What workers do every ten seconds."""
        self.clock.ahead += after
        await self.api.container.flights.waiting_job().run()

    async def depart(self) -> None:
        """What workers do every five minutes."""
        await self.api.container.flights.departure_job().run()

    async def push(self, trip: str, price: int, **more: Any) -> Any:
        return await self.told("POST", f"/api/trips/{trip}/prices", {"price": price, **more})

    async def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        return await self.api.container.reader().rows(text(statement), parameters)

    async def events(self, name: str) -> list[dict[str, Any]]:
        """What was published, in order."""
        rows = await self.rows("SELECT payload FROM outbox_events WHERE event = :name ORDER BY id", name=name)
        return [row["payload"] for row in rows]

    def searches(self) -> int:
        """How often the site was asked for flights."""
        return len(self.site.requests("/travel/flights/search"))


@pytest.fixture
def clock(container: AppContainer) -> Iterator[MovedClock]:
    """Everybody's clock; asked for before the API, whose parts keep the clock that they are built with."""
    moved = MovedClock()
    with container.clock.override(providers.Object(moved)):
        yield moved


@pytest.fixture
async def ada(clock: MovedClock, api: Bench, people: People, sites: SimulatedSites) -> Traveller:
    return Traveller(api, clock, sites.flights, people, await people.register("ada"))


@pytest.fixture
async def ben(ada: Traveller, people: People) -> Traveller:
    return Traveller(ada.api, ada.clock, ada.site, people, await people.register("ben"))
