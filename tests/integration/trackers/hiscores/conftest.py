"""A stage with players, and a clock that can be moved."""

from collections.abc import Iterator

import pytest
from dependency_injector import providers
from tests.clock import FixedClock, MovedClock
from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.integration.trackers.hiscores.stage import Stage
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer


@pytest.fixture
def clock(container: AppContainer) -> Iterator[MovedClock]:
    """Everybody's clock but that of logins, which would run out; asked for before the API, whose parts keep theirs."""
    moved = MovedClock()
    with (
        container.users.clock.override(providers.Object(FixedClock())),
        container.clock.override(providers.Object(moved)),
    ):
        yield moved


@pytest.fixture
async def ada(people: People) -> Person:
    return await people.register("ada")


@pytest.fixture
async def admin(people: People) -> Person:
    return await people.admin()


@pytest.fixture
def stage(clock: MovedClock, api: Bench, ada: Person, sites: SimulatedSites) -> Stage:
    return Stage(api=api, person=ada, clock=clock, site=sites.hiscores)
