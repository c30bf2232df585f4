"""Whatever is killed, paused or restarted: nothing lost, nothing doubled, nothing stuck, the pace held.

Two workers, the API, Redis and PostgreSQL are real processes; players of a simulated site play on, everybody is due
again and again, people are told by webhooks whose endpoint fails now and then, and a bot reads and asks for looks.
Meanwhile workers (which scrape, relay and send) are killed with -9, paused beyond their leases or told to stop; Redis
is killed or hangs; PostgreSQL crashes: which, when and in which order, the seed says. Afterwards everything is asked
of the database, of the site's own log and of what the endpoint took.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from statistics import median
from typing import Final

from tests.integration.faults.harness import DOUBLES, PLAYERS, Stage, WorkerProcess
from tests.integration.faults.notifying import (
    SETTINGS,
    Receiver,
    assert_told_once,
    everything_settled,
    give_channels,
    play_on,
)
from tests.prove.bot import Bot
from tests.prove.ground import close, ground
from tests.prove.report import Measure, Proof

from app.worker import WorkerProcess as OwnWorker

DELAY: Final = 0.02
PACED: Final = {"TRACKERS_GAMES_DELAY": str(DELAY), "TRACKERS_GAMES_JITTER": "0.004", "TRACKERS_RATE_LIMIT_BOT": "0"}
WINDOW: Final = 5.0
LATE: Final = 1.0
"""Seconds by which requests that left at the pace may arrive together: the wire, a paused sender, a busy machine."""
BLOWS: Final = {
    "worker killed": 5,
    "worker paused": 4,
    "worker stopped": 2,
    "Redis killed": 2,
    "Redis hung": 2,
    "PostgreSQL crashed": 2,
}
"""What happens, and how often beside the others."""


@dataclass
class Tormentor:
    """Deals the blows."""

    stage: Stage
    rng: random.Random
    dealt: Counter[str] = field(default_factory=Counter)
    workers: list[WorkerProcess] = field(default_factory=list)

    async def deal(self, until: float) -> None:
        """One blow after another until a time, but each kind once; which come again is chance."""
        self.workers = [self.stage.worker(**PACED, **SETTINGS) for _ in range(2)]
        loop = asyncio.get_running_loop()
        kinds = self.rng.sample(sorted(BLOWS), len(BLOWS))
        await self.stage.ready(self.workers[0])
        while kinds or loop.time() < until:
            await asyncio.sleep(self.rng.uniform(0.5, 2.0))  # blows come at any moment
            kind = kinds.pop() if kinds else self.rng.choices(list(BLOWS), list(BLOWS.values()))[0]
            await self._blows()[kind]()
            self.dealt[kind] += 1

    def _blows(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "worker killed": self._kill,
            "worker paused": self._pause,
            "worker stopped": self._stop,
            "Redis killed": self.stage.servers.crash_redis,
            "Redis hung": self._hang_redis,
            "PostgreSQL crashed": self.stage.servers.crash_postgres,
        }

    async def _kill(self) -> None:
        victim = self.rng.randrange(len(self.workers))
        self.workers[victim].kill()
        self.workers[victim] = self.stage.worker(**PACED, **SETTINGS)

    async def _pause(self) -> None:
        """Sometimes for longer than a lease, so that others take its targets."""
        victim = self.rng.choice(self.workers)
        victim.pause()
        try:
            await asyncio.sleep(self.rng.uniform(0.5, 5.0))  # how long it is paused
        finally:
            victim.go_on()

    async def _stop(self) -> None:
        victim = self.rng.randrange(len(self.workers))
        self.workers[victim].terminate()
        await self.workers[victim].exit_code()
        self.workers[victim] = self.stage.worker(**PACED, **SETTINGS)

    async def _hang_redis(self) -> None:
        with self.stage.servers.hanging_redis():
            await asyncio.sleep(self.rng.uniform(0.2, 2.0))  # how long Redis hangs


async def run(seconds: float, seed: int) -> Proof:
    """Torment it for so many seconds, then look."""
    rng = random.Random(seed)  # noqa: S311 -- a plan of blows, not a secret
    with ground(seed, games={"auto_players": True}) as own:
        stage = await own.stage()
        receiver = Receiver(rng)
        try:
            await stage.follow()
            async with stage.engine() as container:
                await OwnWorker(container).burst()
            _, address = await stage.api(**PACED)
            first = stage.sites.requests()[-1].number
            async with receiver.listening() as endpoint, Bot.of(stage, address, rng) as bot:
                channels = await give_channels(stage, endpoint)
                tormentor = Tormentor(stage, rng)
                meanwhile = [asyncio.create_task(one) for one in (play_on(stage, rng, inf), bot.ask_on(inf))]
                await tormentor.deal(asyncio.get_running_loop().time() + seconds)
                for task in meanwhile:
                    task.cancel()
                ended = await asyncio.gather(*meanwhile, return_exceptions=True)
                assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
                settled = await _held(_all_looked_at(stage), "every target settled, leases given back, events told")
            arrivals = [entry.time for entry in stage.sites.games.requests("/api/", after=first)]
            told = await _held(
                assert_told_once(stage, channels, receiver), "every change told once a channel, under one id"
            )
            return Proof(
                measures=[
                    _blows(tormentor),
                    settled,
                    await _held(_nothing_open(stage), "no run pending or in progress, every target due again"),
                    await _held(_what_was_served(stage), "what the site served last is what is stored, of all players"),
                    await _held(_chained(stage), "every rating goes on from the one before it, none is stored twice"),
                    told,
                    _messages(receiver),
                    bot.measure(may_be_away=True),
                    *paces(arrivals),
                ]
            )
        finally:
            close(stage)


async def _held(proven: Awaitable[str | int], what: str) -> Measure:
    try:
        came_out = await proven
    except AssertionError as error:
        return Measure(what=what, came_out=str(error)[:600], held=False)
    return Measure(what=what, came_out=str(came_out), held=True)


async def _all_looked_at(stage: Stage) -> str:
    """One more look at everybody after the last match, then rest."""
    began = asyncio.get_running_loop().time()
    await everything_settled(stage)
    await stage.rows("UPDATE scrape_schedule SET due_at = clock_timestamp()")
    await everything_settled(stage)
    return f"{asyncio.get_running_loop().time() - began:.1f} s after the last blow, two rounds of looks"


async def _nothing_open(stage: Stage) -> str:
    await stage.assert_nothing_under_way()
    due = "SELECT count(*) FROM scrape_schedule WHERE due_at > now() AND due_at < 'infinity'"
    again, runs = await stage.value(due), await stage.value("SELECT count(*) FROM scrape_runs")
    assert again == len(PLAYERS), f"{again} of {len(PLAYERS)} are due again"
    return f"{again} targets, {runs:,} runs"


async def _what_was_served(stage: Stage) -> str:
    stored = {
        row["identifier"]: row["rating"]
        for row in await stage.rows(
            "SELECT a.identifier, g.rating FROM game_playlist_states g JOIN game_accounts a ON a.id = g.account_id"
            " WHERE g.playlist_key = $1",
            str(DOUBLES),
        )
    }
    served = {
        player: stage.sites.games.player("epic", player)["playlist_states"][str(DOUBLES)]["rating"]
        for player in PLAYERS
    }
    wrong = {player: (stored.get(player), rating) for player, rating in served.items() if stored.get(player) != rating}
    assert not wrong, f"stored, served: {dict(list(wrong.items())[:5])}"
    return f"{len(served)} of {len(PLAYERS)}"


async def _chained(stage: Stage) -> str:
    (row,) = await stage.rows(
        """
        SELECT count(*) AS ratings, count(*) FILTER (WHERE rating_before IS DISTINCT FROM previous) AS broken,
               count(*) FILTER (WHERE rating = previous AND matches = matches_previous) AS doubled
        FROM (
            SELECT r.rating_before, r.rating, r.matches_played AS matches,
                   lag(r.rating) OVER chain AS previous, lag(r.matches_played) OVER chain AS matches_previous
            FROM game_snapshots s JOIN game_ratings r ON r.snapshot_id = s.id
            WINDOW chain AS (PARTITION BY s.account_id, s.season_key, r.playlist_key ORDER BY s.captured_at, s.id)
        ) AS chains
        """
    )
    assert (row["broken"], row["doubled"]) == (0, 0), dict(row)
    return f"{row['ratings']:,} ratings"


def _blows(tormentor: Tormentor) -> Measure:
    told = ", ".join(f"{kind} {number}" for kind, number in sorted(tormentor.dealt.items()))
    return Measure(
        what="blows, each kind at least once",
        came_out=f"{tormentor.dealt.total()}: {told}",
        held=None,  # it deals on until this is so
    )


def _messages(receiver: Receiver) -> Measure:
    ids = {told for told, _ in receiver.taken}
    return Measure(
        what="messages that the endpoint took, and distinct ids among them",
        came_out=f"{len(receiver.taken):,}, {len(ids):,}",
        held=None,
    )


def paces(arrivals: list[float]) -> list[Measure]:
    """Whether requests came at the pace, by when they arrived."""
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    most, first = 0, 0
    for last, arrived in enumerate(arrivals):
        while arrived - arrivals[first] >= WINDOW:
            first += 1
        most = max(most, last - first + 1)
    allowed = int((WINDOW + LATE) / DELAY)
    return [
        Measure(
            what=f"requests in any {WINDOW:g} s at the site, by its own log, at one every {DELAY:g} s",
            came_out=f"at most {most}; allowed {allowed}, {LATE:g} s of them for what arrives late",
            held=most <= allowed,
        ),
        Measure(
            what="requests at the site, and the gaps between them",
            came_out=f"{len(arrivals):,}; median {median(gaps) * 1000:.0f} ms, smallest {min(gaps) * 1000:.1f} ms",
            held=None,
        ),
    ]
