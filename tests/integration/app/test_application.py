"""Tests share what Litestar built, and nothing else (`tests/application.py`)."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.application import application, transport
from tests.conftest import TEMPLATE, Bench, Databases, container_of

from app.container import AppContainer, running_app

ADD = "/internal/trackers/add"
READ = "/internal/trackers/0190d1a5-7c1b-7a51-9d3c-5d9f6a1b2c3d"
BODY = {"user_id": "281474976710656001", "url": "https://tracker.gg/rocket-league/profile/epic/shared"}


@pytest.fixture
def other_environ(environ: dict[str, str], databases: Databases) -> Iterator[dict[str, str]]:
    with databases.fresh(TEMPLATE) as url:
        yield {**environ, "TRACKERS_DATABASE_URL": url}


@pytest.fixture
async def other(other_environ: dict[str, str]) -> AsyncIterator[AppContainer]:
    async with running_app(container_of(other_environ)) as made:
        yield made


async def test_each_container_answers_from_its_own_database_and_memory(api: Bench, other: AppContainer) -> None:
    async with other.database().unit_of_work():
        key = (await other.users.keys().create("another bot", ["trackers"])).text
    headers = {"Authorization": f"Bearer {key}"}
    asked = transport(application(other))
    async with httpx.AsyncClient(transport=asked, base_url="http://test", headers=headers) as http:
        # Both at once: each bot's key is known to one of them.
        answers = await asyncio.gather(*(client.post(ADD, json=BODY) for client in (api.http, http) * 5))
        assert {answer.status_code for answer in answers} == {201, 409}, [answer.text for answer in answers]
        assert [answer.status_code for answer in answers].count(201) == 2
        # A key that one of them remembers, the other has never seen.
        assert (await http.get(READ, headers=api.http.headers)).status_code == 401
        assert (await api.http.get(READ, headers=headers)).status_code == 401
