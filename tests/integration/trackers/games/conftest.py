"""The stage of scheduled processing."""

from collections.abc import Iterator

import pytest
from dependency_injector import providers
from tests.clock import MovedClock
from tests.conftest import Bench
from tests.integration.people import People
from tests.integration.trackers.games.club import Club
from tests.integration.trackers.games.league import GUILD, OTHER_GUILD, League

from app.container import AppContainer


@pytest.fixture
def clock(container: AppContainer) -> Iterator[MovedClock]:
    """Everybody's clock; asked for before the API, whose parts keep the clock that they are built with."""
    moved = MovedClock()
    with container.clock.override(providers.Object(moved)):
        yield moved


@pytest.fixture
async def club(clock: MovedClock, api: Bench) -> Club:
    async with api.container.database().unit_of_work():
        made = await api.container.users.keys().create("a bot", ["trackers", "guilds"])
    api.http.headers["Authorization"] = f"Bearer {made.text}"
    return Club(api, clock)


@pytest.fixture
async def league(api: Bench, people: People) -> League:
    api.http.headers["Authorization"] = f"Bearer {await people.bot('trackers', 'guilds', 'users')}"
    made = League(api, people, {})
    for guild_id in (GUILD, OTHER_GUILD):
        await made.bot("PUT", f"/internal/guilds/{guild_id}", {"name": "Comets"})
    return made
