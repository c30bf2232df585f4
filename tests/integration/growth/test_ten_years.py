"""A question costs after ten years what it did after three: blocks touched, and no table read from end to end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from tests.conftest import TEMPLATE, Databases, container_of, environ_of
from tests.integration.growth.plans import MODES, cost_of
from tests.integration.growth.questions import QUESTIONS, Asking
from tests.integration.growth.years import live
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer
from shared.clock import SystemClock

YEARS = (3, 10)
"""Less would be so little that other plans are cheaper; what grows with the past grows threefold in between."""
AT_MOST = 1.5
A_FEW = 16
"""By which an answer may differ anyway: trees are a level higher, pages lie elsewhere."""
A_READ = 5
"""Blocks for which a row is found by an index; a bitmap, which is preferred while there is little, takes fewer."""


@pytest.fixture(scope="module")
def lived(databases: Databases, template_url: str) -> Iterator[dict[int, str]]:
    """Databases by years of use; made once, because nobody changes them."""
    assert template_url
    with databases.fresh(TEMPLATE) as young, databases.fresh(TEMPLATE) as old:
        urls = dict(zip(YEARS, (young, old), strict=True))
        for years, url in urls.items():
            asyncio.run(live(url, years=years))
        yield urls


@dataclass
class Community:
    """A container on one of them."""

    url: str
    container: AppContainer


@pytest.fixture
async def communities(
    lived: dict[int, str], redis_url: str, sites: SimulatedSites
) -> AsyncIterator[dict[int, Community]]:
    clock = SystemClock()  # real date: the database makes the years up to its own now()
    made = {
        years: Community(url, container_of(environ_of(url, redis_url, sites), clock=clock))
        for years, url in lived.items()
    }
    yield made
    for community in made.values():
        await community.container.database().close()
        await community.container.redis().aclose()
        await community.container.clients().close()


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
async def test_ten_years_cost_what_three_did(question: str, communities: dict[int, Community]) -> None:
    young, old = [
        await cost_of(
            community.container.database().engine,
            community.url,
            lambda one=community.container: QUESTIONS[question](Asking(one)),  # type: ignore[misc]  # bound to this one
        )
        for community in (communities[years] for years in YEARS)
    ]
    for mode in MODES:
        most = max(young[mode].blocks * AT_MOST, old[mode].reads * A_READ) + A_FEW
        assert old[mode].reads <= young[mode].reads * AT_MOST + A_FEW, (mode, young[mode], old[mode])
        assert old[mode].blocks <= most, (mode, young[mode], old[mode])
        assert not old[mode].scanned, (mode, old[mode])
