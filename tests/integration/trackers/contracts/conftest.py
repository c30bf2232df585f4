"""The stage of contracts."""

from collections.abc import Iterator

import httpx
import pytest
from dependency_injector import providers
from tests.clock import MovedClock
from tests.conftest import Bench
from tests.integration.trackers.contracts.market import Market
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer


@pytest.fixture
def clock(container: AppContainer) -> Iterator[MovedClock]:
    """Everybody's clock; asked for before the API, whose parts keep the clock that they are built with."""
    moved = MovedClock()
    with container.clock.override(providers.Object(moved)):
        yield moved


@pytest.fixture
def market(clock: MovedClock, container: AppContainer, environ: dict[str, str], sites: SimulatedSites) -> Market:
    return Market(container, environ, clock, sites)


@pytest.fixture
async def bot(market: Market, api: Bench) -> httpx.AsyncClient:
    """The API as a bot asks it that may read contracts."""
    async with market.container.database().unit_of_work():
        made = await market.container.users.keys().create("a bot", ["contracts:read"])
    api.http.headers["Authorization"] = f"Bearer {made.text}"
    return api.http
