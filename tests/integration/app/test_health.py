"""Whether the house can do its work, and what to do where it cannot: over HTTP, and for containers by a command."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text
from tests.conftest import Bench, container_of
from tests.waiting import LIMIT_S, eventually

from app.container import AppContainer, running_app
from app.migrations import head, known_revisions
from app.worker import WorkerProcess
from shared.jobs.heartbeat import WORKERS
from shared.storage import REDIS_MEMORY_FULL
from shared.web.health import HealthChecks, HealthPart, NotWell


async def asked(api: Bench) -> tuple[int, dict[str, Any]]:
    answer = await api.http.get("/health/ready")
    return answer.status_code, answer.json()


async def at_revision(container: AppContainer, revision: str | None) -> None:
    async with container.database().unit_of_work() as session:
        await session.execute(text("DELETE FROM alembic_version"))
        if revision:
            await session.execute(text("INSERT INTO alembic_version VALUES (:at)"), {"at": revision})


@asynccontextmanager
async def working(environ: dict[str, str]) -> AsyncIterator[None]:
    """A worker that takes up whatever comes."""
    process = WorkerProcess(container_of(environ))
    running = asyncio.create_task(process.run())
    yield
    process.stop()
    await running


async def test_every_part_tells_how_it_is_and_how_long_that_took(api: Bench) -> None:
    status, body = await asked(api)
    assert (status, body["ok"]) == (200, True)
    assert set(body["parts"]) == {"database", "redis", "queue", "migrations", "disk", "workers"}
    assert all(part["ms"] >= 0 for part in body["parts"].values())


@pytest.mark.parametrize("at", [None, min(known_revisions())], ids=["empty", "the first one"])
async def test_a_database_that_lacks_a_migration_is_not_ready(
    api: Bench, container: AppContainer, at: str | None
) -> None:
    await at_revision(container, at)
    status, body = await asked(api)
    assert (status, body["ok"]) == (503, False)
    assert not body["parts"]["migrations"]["ok"]
    assert "trackers migrate" in body["parts"]["migrations"]["error"]
    await at_revision(container, head())

    async def is_ready() -> bool:
        return (await asked(api))[0] == 200

    await eventually(is_ready, what="the API is ready")


async def test_a_database_ahead_of_this_version_is_ready(api: Bench, container: AppContainer) -> None:
    await at_revision(container, "a_revision_of_the_next_version")
    status, body = await asked(api)
    assert (status, body["parts"]["migrations"]["ok"]) == (200, True)


async def test_a_full_queue_is_named_and_the_api_stays_ready(api: Bench, container: AppContainer) -> None:
    redis = container.redis()
    await redis.config_set("maxmemory", "1")  # it answers, and takes nothing any more
    try:
        status, body = await asked(api)
        assert (status, body["parts"]["redis"]["ok"]) == (200, True)
        assert body["parts"]["queue"]["error"] == REDIS_MEMORY_FULL
    finally:
        await redis.config_set("maxmemory", "0")


async def test_without_a_worker_the_api_is_ready_and_says_so(api: Bench, environ: dict[str, str]) -> None:
    status, body = await asked(api)
    workers = body["parts"]["workers"]
    assert (status, workers["ok"], workers["required"]) == (200, False, False)
    assert "trackers worker" in workers["error"]

    async def worker_is_told() -> bool:
        return bool((await asked(api))[1]["parts"]["workers"]["ok"])

    async with working(environ):
        await eventually(worker_is_told, what="the worker is told of")
    assert await api.container.heartbeats().alive() == [], "one that stopped in good order is gone at once"


async def test_a_worker_that_is_not_heard_of_any_more_is_not_alive(api: Bench, container: AppContainer) -> None:
    await container.heartbeats().beat("host:1")
    assert await container.heartbeats().alive() == ["host:1"]
    assert await container.heartbeats().alive(host="elsewhere") == []
    await container.redis().zincrby(WORKERS, -31, "host:1")
    assert await container.heartbeats().alive() == []


async def test_parts_that_hang_are_asked_at_once_and_not_for_long() -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    async def complains() -> None:
        raise NotWell("do this")

    parts = {
        "one": HealthPart(ask=hangs, advice="start it"),
        "two": HealthPart(ask=hangs, advice="start it", required=False),
    }
    health = await HealthChecks({**parts, "three": HealthPart(ask=complains, advice="")}).run()
    assert not health.ok
    assert health.parts["one"].error == "start it (TimeoutError)"
    assert health.parts["three"].error == "do this"
    assert sum(part.ms for part in health.parts.values()) > 1.5 * max(part.ms for part in health.parts.values())


def probe(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "app", "health", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.slow
async def test_a_container_can_ask_by_a_command(environ: dict[str, str], container: AppContainer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = {**environ, "TRACKERS_PORT": str(port), "TRACKERS_HOST": "0.0.0.0"}  # noqa: S104 -- as a container listens; what is tested is where it asks
    asking = {**served}
    served["TRACKERS_HOST"] = "127.0.0.1"
    nobody = await asyncio.to_thread(probe, asking)
    assert (nobody.returncode, "trackers api" in nobody.stdout) == (1, True)
    api = await asyncio.create_subprocess_exec(sys.executable, "-m", "app", "api", env={**os.environ, **served})
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

            async def answers() -> bool:
                try:
                    return (await http.get("/health/live")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(answers, what="the API answers")
        well = await asyncio.to_thread(probe, asking)
        assert (well.returncode, well.stdout) == (0, "ok\n")
        await at_revision(container, min(known_revisions()))

        async def is_behind() -> bool:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                return (await http.get("/health/ready")).status_code == 503

        await eventually(is_behind, what="the database is behind")
        behind = await asyncio.to_thread(probe, asking)
        assert behind.returncode == 1
        assert behind.stdout.startswith("migrations: ")
        assert "trackers migrate" in behind.stdout
    finally:
        api.terminate()
        await api.wait()


async def test_a_workers_container_asks_for_its_own(
    environ: dict[str, str], container: AppContainer, tmp_path: Path
) -> None:
    await container.heartbeats().beat("another-host:1")
    alone = await asyncio.to_thread(probe, environ, "--worker")
    assert (alone.returncode, "trackers worker" in alone.stdout) == (1, True)

    async def is_heard_of() -> bool:
        return bool(await container.heartbeats().alive(host=socket.gethostname()))

    async with working(environ):
        await eventually(is_heard_of, what="the worker is heard of")
        assert (await asyncio.to_thread(probe, environ, "--worker")).returncode == 0
        held = tmp_path / "redis_url"
        held.write_text(environ["TRACKERS_REDIS_URL"])
        in_a_file = {**environ, "TRACKERS_REDIS_URL": "", "TRACKERS_REDIS_URL_FILE": str(held)}
        assert (await asyncio.to_thread(probe, in_a_file, "--worker")).returncode == 0
    away = await asyncio.to_thread(probe, {**environ, "TRACKERS_REDIS_URL": "unix:///nonexistent/sock"}, "--worker")
    assert (away.returncode, "TRACKERS_REDIS_URL" in away.stdout) == (1, True)


async def test_many_who_ask_at_once_are_told_what_was_found_once(api: Bench, container: AppContainer) -> None:
    borrowed: list[str] = []
    event.listen(container.engine().sync_engine, "checkout", lambda *_: borrowed.append("a connection"))
    answers = await asyncio.gather(*(asked(api) for _ in range(20)))
    assert [status for status, _ in answers] == [200] * 20
    assert len(borrowed) <= 2, "one a second, whoever asks"


async def test_one_answer_is_told_again_and_then_asked_for_anew() -> None:
    calls: list[str] = []

    async def answers() -> None:
        calls.append("asked")

    parts = {"one": HealthPart(ask=answers, advice="")}
    kept = HealthChecks(parts, kept=600)
    await asyncio.gather(*(kept.run() for _ in range(5)))
    assert len(calls) == 1
    anew = HealthChecks(parts, kept=0)
    await anew.run()
    await anew.run()
    assert len(calls) == 3


async def test_a_pool_in_use_is_not_taken_for_a_database_that_is_away(environ: dict[str, str]) -> None:
    container = container_of({**environ, "TRACKERS_DATABASE_POOL_SIZE": "1"})
    async with running_app(container):
        async with container.engine().connect():
            health = await container.health_checks().run()
        for part in ("database", "migrations"):
            assert "TRACKERS_DATABASE_POOL_SIZE" in (health.parts[part].error or "")
            assert "PostgreSQL does not answer" not in (health.parts[part].error or "")
    assert not health.ok


async def test_a_database_that_is_away_is_said_to_be(environ: dict[str, str]) -> None:
    away = {**environ, "TRACKERS_DATABASE_URL": "postgresql://nobody@/nothing?host=/nonexistent"}
    async with running_app(container_of(away)) as container:
        health = await container.health_checks().run()
    for part in ("database", "migrations"):
        assert (health.parts[part].error or "").startswith("PostgreSQL does not answer")
