"""Connections come back to the pool however their work ends, and none stays open outside of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from tests.waiting import eventually

from app.container import AppContainer
from shared.database import connection_was_lost

ROUNDS = 6
STEPS = 5
SLEEP = text("SELECT pg_sleep(30)")
OPEN = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
""")
END = text("""
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
""")
Step = Callable[[AppContainer], Awaitable[object]]


async def read(container: AppContainer) -> object:
    return await container.reader().value(SLEEP)


async def write(container: AppContainer) -> object:
    async with container.database().unit_of_work() as session:
        return await session.execute(SLEEP)


async def assert_all_came_back(container: AppContainer) -> None:
    pool = container.engine().pool
    assert isinstance(pool, QueuePool)

    async def came_back() -> bool:
        return pool.checkedout() == 0

    await eventually(came_back, what="every connection is back in its pool")

    async def none_outside() -> bool:
        opened = int(await container.reader().value(OPEN))
        return opened == pool.checkedin() + pool.checkedout() <= pool.size()

    await eventually(none_outside, what="the server has no connection that the pool does not know")


async def sleeping(container: AppContainer, number: int) -> bool:
    active = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    return int(await container.reader().value(text(active))) == number


@pytest.mark.parametrize("step", [read, write])
async def test_a_step_that_is_cancelled_gives_its_connection_back(container: AppContainer, step: Step) -> None:
    for _ in range(ROUNDS):
        tasks = [asyncio.ensure_future(step(container)) for _ in range(STEPS)]
        await eventually(lambda: sleeping(container, STEPS), what="all of them run")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await assert_all_came_back(container)


@pytest.mark.parametrize("step", [read, write])
async def test_a_step_whose_connection_the_server_ends_gives_it_back(container: AppContainer, step: Step) -> None:
    for _ in range(ROUNDS):
        tasks = [asyncio.ensure_future(step(container)) for _ in range(STEPS)]
        await eventually(lambda: sleeping(container, STEPS), what="all of them run")
        with suppress(DBAPIError):
            await container.reader().value(END)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(error, Exception) and connection_was_lost(error) for error in ended), ended
    await assert_all_came_back(container)
