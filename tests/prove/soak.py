"""Sites that misbehave in every way they can, and a product that stays as it was.

A worker and the API run against simulated sites whose answers hang, are throttled, blocked, cut off, rebuilt, empty,
named wrongly, no HTTP at all, or lead elsewhere, by chance; everybody is due again and again. After a warm-up come
equal rounds of such faults. At the end of each, once all work is done, both processes say what they hold.

A pool of connections may grow to its size, and memory that was freed may stay with the process: neither is a leak, so
neither is measured. Connections in use, tasks, threads, and files outside the pools must return to what they were after
the warm-up; the bytes in use, as the C library counts them after a garbage collection, must not grow from round to
round.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any, Final

import redis as redis_client
from arq.constants import default_queue_name
from msgspec import Struct
from tests.conftest import environ_of
from tests.integration.faults.harness import AWAY, DOUBLES, PLAYERS, Stage, WorkerProcess, eventually
from tests.prove.bot import Bot
from tests.prove.ground import Ground, close, ground
from tests.prove.observed import ENVIRON, FOLDER, Vitals, observe
from tests.prove.report import Measure, Proof
from tests.upstreams.faults import FaultKind

from app.worker import WorkerProcess as OwnWorker

CHANCE: Final = 0.03
"""Of each kind of fault, at each request."""
ROUNDS: Final = 6
LEAST_ROUNDS: Final = 3
ROUND_S: Final = 4.0
"""Seconds of faults below which there are fewer rounds."""
WARM_UP: Final = 0.25
"""Share of the time before the first measurement."""
LEAK: Final = 500_000
"""Bytes in use that no process gains in three of four rounds; drivers cache statements, but in ever fewer rounds."""
RESIDENT_GROWTH: Final = 1.5
SLACK: Final = 2
"""What periodic jobs may hold at the moment of a sample; a leak adds at least one a round."""
SAMPLES: Final = 8
"""Samples of which the least counts: between two of them periodic jobs come to their end."""
QUIET_LIMIT_S: Final = 30.0
"""Seconds after which a count that has not returned counts as grown."""
BIG: Final = 5_000_000
"""Bytes of the answers that are too large; larger than what is read of one."""
FAULTS_LIMIT_S: Final = 60.0
"""Seconds that are added until each kind of fault was met; one that still was not is told."""
POOL_SIZE: Final = 5
"""Small, so that the warm-up fills it."""
NAMES: Final = [f"Soaked {number}" for number in range(12)]


class Resting(Struct, frozen=True, kw_only=True):
    """What a process holds at rest: the least of several samples."""

    allocated: int
    resident: int
    used: dict[str, int]
    """Connections in use, by pool: none at rest."""
    counts: dict[str, int]
    """What must return to what it was once warm."""
    database: int
    """Connections that its pool has open."""
    objects: dict[str, int]


async def run(seconds: float, seed: int) -> Proof:
    """A quarter of the time to warm up, the rest in equal rounds."""
    rng = random.Random(seed)  # noqa: S311 -- chance, repeatable
    rounds = max(LEAST_ROUNDS, min(ROUNDS, int(seconds * (1 - WARM_UP) / ROUND_S)))
    with ground(seed, games={"auto_players": True}, hiscores={"auto_players": True}) as own:
        stage = await own.stage()
        stage.program = "tests.prove.observed"
        environ = {
            **environ_of(stage.database_url, own.servers.redis_url, own.sites),
            **ENVIRON,
            FOLDER: str(stage.folder),
            "TRACKERS_LOG_LEVEL": "WARNING",
            "TRACKERS_HISCORES_FETCH_COOLDOWN": "0",
            "TRACKERS_DATABASE_POOL_SIZE": str(POOL_SIZE),
            **{f"TRACKERS_RATE_LIMIT_{who}": "0" for who in ("PERSON", "BOT", "ADDRESS")},
        }
        try:
            await stage.follow()
            async with stage.engine(**environ) as container:
                await OwnWorker(container).burst()
            api, address = await stage.api(**environ)
            processes = {"worker": stage.worker(**environ), "API": api}
            async with Bot.of(stage, address, rng) as bot:
                for name in NAMES:
                    await bot.ask("POST", "/internal/players", {"username": name, "user_id": "281474976710656001"})
                await _storm(stage, bot, rng, seconds * WARM_UP)
                rests = [await _at_rest(own, stage, processes)]
                hits: Counter[str] = Counter()
                for _ in range(rounds):
                    hits += await _storm(stage, bot, rng, seconds * (1 - WARM_UP) / rounds)
                    rests.append(await _at_rest(own, stage, processes, warm=rests[0]))
            strays = min([await _strays(stage, processes) for _ in range(SAMPLES)])
            runs = await stage.rows(
                "SELECT coalesce(reason, status) AS outcome, count(*) AS times FROM scrape_runs GROUP BY 1 ORDER BY 2"
            )
            outcomes = ", ".join(f"{row['outcome']}: {row['times']:,}" for row in runs)
            measures = [
                _faults(hits, rounds),
                Measure(what="runs, by how they ended", came_out=outcomes, held=None),
                *(measure for name in processes for measure in growth(name, [rest[name] for rest in rests])),
                Measure(
                    what=f"connections at the database that no pool knows of, the least of {SAMPLES} counts",
                    came_out=str(strays),
                    held=strays <= 0,
                ),
                bot.measure(may_be_away=False),
            ]
            broken = any(measure.held is False for measure in measures)
            return Proof(measures=measures, notes=list(_grown_types(rests)) if broken else [])
        finally:
            close(stage)


async def _storm(stage: Stage, bot: Bot, rng: random.Random, seconds: float) -> Counter[str]:
    """Everything goes wrong now and then for so many seconds, and once at least; how often each kind of fault did."""
    for chance in ({"count": 1}, {"probability": CHANCE}):  # each once for certain, then all by chance
        for number, kind in enumerate(FaultKind):
            stage.sites.fault("*", kind, seed=rng.randrange(2**32) + number, ms=200, size=BIG, retry_after=1, **chance)
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    asking = asyncio.create_task(bot.ask_on(until))
    while loop.time() < until or (
        loop.time() < until + FAULTS_LIMIT_S and not all(fault.hits for fault in stage.sites.faults() if fault.count)
    ):
        for player in rng.sample(PLAYERS, 20):
            await asyncio.to_thread(stage.sites.games.play, "epic", player, DOUBLES, rating=rng.choice((-9, 7)))
        with suppress(*AWAY):
            await stage.rows("UPDATE scrape_schedule SET due_at = clock_timestamp() WHERE lease_until IS NULL")
        await asyncio.sleep(0.5)  # the pace of play
    await asking
    hits: Counter[str] = Counter()
    for fault in stage.sites.faults():
        hits[fault.kind.value] += fault.hits
    stage.sites.clear_faults()
    return hits


async def _at_rest(
    own: Ground, stage: Stage, processes: Mapping[str, WorkerProcess], *, warm: Mapping[str, Resting] | None = None
) -> dict[str, Resting]:
    """What each process holds once nothing is due, queued or under way; `warm`: what it should have returned to."""

    async def nothing_left() -> bool:
        with own.servers.redis() as redis:
            queued = _queued(redis)
        (row,) = await stage.rows(
            "SELECT (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NOT NULL OR due_at <= now()) AS due,"
            " (SELECT count(*) FROM scrape_runs WHERE status IN ('pending', 'in_progress')) AS open"
        )
        return not queued and not any(row.values())

    await eventually(nothing_left, "nothing is due, queued or under way", stage.workers)
    return {
        name: await _resting(partial(observe, stage.folder, process.pid), None if warm is None else warm[name])
        for name, process in processes.items()
    }


async def _resting(sample: Callable[[], Vitals], warm: Resting | None) -> Resting:
    """Take samples until all counts are back, or the limit is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + QUIET_LIMIT_S
    samples: list[Vitals] = []
    while True:
        samples.append(await asyncio.to_thread(sample))
        least = least_of(samples)
        enough = len(samples) >= SAMPLES if warm is None else not grown(warm, least)
        if (len(samples) > 1 and enough) or loop.time() > until:
            return least
        await asyncio.sleep(0.1)  # another moment of the periodic jobs is sampled, not a condition waited for


def least_of(samples: Sequence[Vitals]) -> Resting:
    """The least of each figure."""
    last = samples[-1]
    counts = [
        {
            "tasks": each.tasks,
            "threads": each.threads,
            "files outside pools": each.unpooled,
        }
        for each in samples
    ]
    return Resting(
        allocated=min(each.allocated for each in samples),
        resident=min(each.resident for each in samples),
        used={pool: min(each.used[pool] for each in samples) for pool in last.used},
        counts={name: min(each[name] for each in counts) for name in counts[0]},
        database=last.used["database"] + last.idle["database"],
        objects=last.objects,
    )


def grown(warm: Resting, now: Resting) -> bool:
    """Whether connections are in use, or counts have not returned to what they were once warm."""
    return any(number > SLACK for number in now.used.values()) or any(
        number > warm.counts[name] + SLACK for name, number in now.counts.items()
    )


def growth(name: str, rests: Sequence[Resting]) -> Iterator[Measure]:
    """Judge a process by what it held once warm, then after each round."""
    warm, last = rests[0], rests[-1]
    used = ", ".join(f"{pool} {number}" for pool, number in last.used.items())
    counts = ", ".join(f"{what} {number} to {last.counts[what]}" for what, number in warm.counts.items())
    yield Measure(
        what=f"the {name} at rest: at most {SLACK} connections of a pool in use, {SLACK} more of the rest than warm",
        came_out=f"in use: {used}; {counts}",
        held=not grown(warm, last),
    )
    steady = steady_growth([rest.allocated for rest in rests])
    yield Measure(
        what=f"bytes in use of the {name}: three of four rounds grow by more than {LEAK / 1e6:g} MB only by a leak",
        came_out=f"{steady / 1e6:+.2f} MB a round; " + ", ".join(f"{rest.allocated / 1e6:.1f}" for rest in rests),
        held=steady <= LEAK,
    )
    yield Measure(
        what=f"memory of the {name} (RSS): at most {RESIDENT_GROWTH:g} times what it was once warm",
        came_out=f"{warm.resident / 1e6:.0f} MB, then {last.resident / 1e6:.0f} MB",
        held=last.resident <= warm.resident * RESIDENT_GROWTH,
    )
    yield Measure(
        what=f"database connections that the pool of the {name} has open: at most its size, {POOL_SIZE}",
        came_out=str(last.database),
        held=last.database <= POOL_SIZE,
    )


def steady_growth(values: Sequence[int]) -> int:
    """The lower quartile of the growth from one value to the next.

    A leak grows in every round. Caches that fill grow in some rounds and stop.
    """
    steps = sorted(later - earlier for earlier, later in pairwise(values))
    return steps[len(steps) // 4]


async def _strays(stage: Stage, processes: Mapping[str, WorkerProcess]) -> int:
    """Connections of the database that no pool has open; a pool may open another between the two counts."""
    connections = await _connections(stage)
    vitals = [await asyncio.to_thread(observe, stage.folder, process.pid) for process in processes.values()]
    return connections - sum(each.used["database"] + each.idle["database"] for each in vitals)


async def _connections(stage: Stage) -> int:
    return int(
        await stage.value(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    )


def _queued(redis: redis_client.Redis) -> int:
    """Count the waiting jobs, without periodic ones, which wait for their time."""
    waiting: Any = redis.zrange(default_queue_name, 0, -1)
    return sum(not job.startswith(b"cron:") for job in waiting)


def _faults(hits: Counter[str], rounds: int) -> Measure:
    told = ", ".join(f"{kind} {times}" for kind, times in hits.items())
    return Measure(
        what=f"faults that were met, in {rounds} rounds after the warm-up",
        came_out=told,
        held=all(hits[kind.value] for kind in FaultKind),
    )


def _grown_types(rests: Sequence[Mapping[str, Resting]]) -> Iterator[str]:
    """Objects of which there are more at the end than once warm, for the search for a leak."""
    for name, last in rests[-1].items():
        warm = rests[0][name].objects
        more = Counter({kind: number - warm.get(kind, number) for kind, number in last.objects.items()})
        lines = [f"{number:+,} {kind}" for kind, number in more.most_common(10) if number > 0]
        yield "\n".join([f"objects of the {name}, by type:", *lines])
