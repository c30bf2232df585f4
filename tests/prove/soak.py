"""Sites that misbehave in every way they can, and a product that stays as it was.

A worker and the API run against simulated sites whose answers hang, are throttled, blocked, cut off, rebuilt, empty,
named wrongly, no HTTP at all, or lead elsewhere, by chance; everybody is due again and again. Once they have warmed up
and everything was left to rest, memory, open files and database connections are taken; after the faults went on for
twice as long, and another rest, they are taken again.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import redis as redis_client
from arq.constants import default_queue_name
from benchmarks.common import resident_bytes
from tests.conftest import environ_of
from tests.integration.faults.harness import AWAY, DOUBLES, PLAYERS, Stage, WorkerProcess, eventually
from tests.prove.bot import Bot
from tests.prove.ground import Ground, close, ground
from tests.prove.report import Measure, Proof
from tests.upstreams.faults import FaultKind

from app.worker import WorkerProcess as OwnWorker

CHANCE: Final = 0.03
"""Of each kind of fault, at each request."""
GROWTH: Final = 1.2
FILES: Final = 12
CONNECTIONS: Final = 4
"""More than before that may be open: connections come and go with what is kept alive."""
BIG: Final = 5_000_000
"""Bytes of the answers that are too large; larger than what is read of one."""
LATEST: Final = 60.0
"""Seconds that are added until each kind of fault was met; one that still was not is told."""
NAMES: Final = [f"Soaked {number}" for number in range(12)]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the product holds at rest, and how long it took to come to it."""

    seconds: float

    worker_bytes: int
    api_bytes: int
    worker_files: int
    api_files: int
    connections: int


async def run(seconds: float, seed: int) -> Proof:
    """A third of the time to warm up, the rest to see what grows."""
    rng = random.Random(seed)  # noqa: S311 -- chance, repeatable
    with ground(seed, games={"auto_players": True}, hiscores={"auto_players": True}) as own:
        stage = await own.stage()
        environ = {
            **environ_of(stage.database_url, own.servers.redis_url, own.sites),
            "TRACKERS_LOG_LEVEL": "WARNING",
            "TRACKERS_HISCORES_FETCH_COOLDOWN": "0",
            **{f"TRACKERS_RATE_LIMIT_{who}": "0" for who in ("PERSON", "BOT", "ADDRESS")},
        }
        try:
            await stage.follow()
            async with stage.engine(**environ) as container:
                await OwnWorker(container).burst()
            api, address = await stage.api(**environ)
            worker = await stage.ready(stage.odd_worker("forgives-soon", **environ | {"TRACKERS_LOG_LEVEL": "INFO"}))
            async with Bot.of(stage, address, rng) as bot:
                for name in NAMES:
                    await bot.ask("POST", "/internal/players", {"username": name, "user_id": "281474976710656001"})
                await _storm(stage, bot, rng, seconds / 3)
                before = await _at_rest(own, stage, worker, api)
                hits = await _storm(stage, bot, rng, seconds * 2 / 3)
                after = await _at_rest(own, stage, worker, api)
            runs = await stage.rows(
                "SELECT coalesce(reason, status) AS outcome, count(*) AS times FROM scrape_runs GROUP BY 1 ORDER BY 2"
            )
            outcomes = ", ".join(f"{row['outcome']}: {row['times']:,}" for row in runs)
            return Proof(
                measures=[
                    _faults(hits),
                    Measure(what="looks, by how they ended", came_out=outcomes, held=None),
                    *_growth(before, after),
                    Measure(
                        what="until nothing was due, queued, leased or under way once the faults had ended",
                        came_out=f"{after.seconds:.1f} s",
                        held=None,  # told alone: had it not come, the part would have broken off
                    ),
                    bot.measure(may_be_away=False),
                ]
            )
        finally:
            close(stage)


async def _storm(stage: Stage, bot: Bot, rng: random.Random, seconds: float) -> Counter[str]:
    """Everything goes wrong now and then for so many seconds, and once at least; how often each kind of fault did."""
    for chance in ({"count": 1}, {"probability": CHANCE}):  # each once for certain, then all by chance
        for number, kind in enumerate(FaultKind):
            stage.sites.fault("*", kind, seed=number, ms=200, size=BIG, retry_after=1, **chance)
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    asking = asyncio.create_task(bot.ask_on(until))
    while loop.time() < until or (
        loop.time() < until + LATEST and not all(fault.hits for fault in stage.sites.faults() if fault.count)
    ):
        for player in rng.sample(PLAYERS, 20):
            await asyncio.to_thread(stage.sites.games.play, "epic", player, DOUBLES, rating=rng.choice((-9, 7)))
        with suppress(*AWAY):
            await stage.rows("UPDATE scrape_schedule SET due_at = clock_timestamp() WHERE lease_until IS NULL")
        await asyncio.sleep(0.5)
    await asking
    hits: Counter[str] = Counter()
    for fault in stage.sites.faults():
        hits[fault.kind.value] += fault.hits
    stage.sites.clear_faults()
    return hits


async def _at_rest(own: Ground, stage: Stage, worker: WorkerProcess, api: WorkerProcess) -> Held:
    """Once all that is due was looked at, nothing is queued or under way: what is held then."""
    began = asyncio.get_running_loop().time()

    async def nothing_left() -> bool:
        with own.servers.redis() as redis:
            queued = _queued(redis)
        (row,) = await stage.rows(
            "SELECT (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NOT NULL OR due_at <= now()) AS due,"
            " (SELECT count(*) FROM scrape_runs WHERE status IN ('pending', 'in_progress')) AS open"
        )
        return not queued and not any(row.values())

    await eventually(nothing_left, "nothing is due, queued or under way", stage.workers)
    connections = await stage.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return Held(
        seconds=asyncio.get_running_loop().time() - began,
        worker_bytes=resident_bytes(worker.pid),
        api_bytes=resident_bytes(api.pid),
        worker_files=_open_files(worker.pid),
        api_files=_open_files(api.pid),
        connections=int(connections),
    )


def _queued(redis: redis_client.Redis) -> int:
    """Jobs that wait; those that wait for their time are the house's own clockwork."""
    waiting: Any = redis.zrange(default_queue_name, 0, -1)
    return sum(not job.startswith(b"cron:") for job in waiting)


def _open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _faults(hits: Counter[str]) -> Measure:
    told = ", ".join(f"{kind} {times}" for kind, times in hits.items())
    return Measure(
        what="faults that were met, after the warm-up", came_out=told, held=all(hits[kind.value] for kind in FaultKind)
    )


def _growth(before: Held, after: Held) -> Iterator[Measure]:
    for who, early, late in (
        ("worker", before.worker_bytes, after.worker_bytes),
        ("API", before.api_bytes, after.api_bytes),
    ):
        yield Measure(
            what=f"memory of the {who} at rest (RSS): at most {GROWTH:g} times what it was once warm",
            came_out=f"{early / 1e6:.0f} MB, then {late / 1e6:.0f} MB: {late / early:.2f}",
            held=late <= early * GROWTH,
        )
    for what, early, late, more in (
        ("files and sockets of the worker", before.worker_files, after.worker_files, FILES),
        ("files and sockets of the API", before.api_files, after.api_files, FILES),
        ("database connections", before.connections, after.connections, CONNECTIONS),
    ):
        yield Measure(
            what=f"open {what} at rest: at most {more} more than once warm",
            came_out=f"{early}, then {late}",
            held=late <= early + more,
        )
