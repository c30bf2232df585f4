"""A stage on which everything may be killed: real servers, worker processes, simulated sites, and rounds of scrapes.

A *round* is: half of the players play a match, everybody becomes due, a third is asked for by hand. However rough it
gets, in the end every target was settled once and exactly the played matches are stored.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import redis as redis_client
from arq.constants import default_queue_name
from sqlalchemy import text
from tests import waiting
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer, running_app
from app.embedded import Endpoints
from app.modules import all_settings
from shared.scraping.targets import DISPATCH
from shared.settings import Secret, load
from users.accounts.schemas import UserData

ROOT: Final = Path(__file__).parents[3]
SECRET: Final = "a secret for tests, long enough to be one"
FOLLOWED: Final = 200
PLAYERS: Final = [f"auto-{number:03}" for number in range(FOLLOWED)]
PROFILES: Final = "/api/v2/rocket-league/standard/profile/epic/"
PROFILE_PAGE: Final = "https://rocketleague.tracker.network/rocket-league/profile/epic"
DOUBLES: Final = 11
MUCH_LONGER_THAN_A_TEST: Final = 3600
"""Seconds of a lease that must not be waited for."""
AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, redis_client.RedisError)
"""What a client of a server sees that was just killed."""


class Servers:
    """PostgreSQL and Redis that a test may kill; their keeper starts them again at the same address."""

    def __init__(self, home: Path, endpoints: Endpoints) -> None:
        assert endpoints.database_url
        assert endpoints.redis_url
        self._home = home
        self._database_url = endpoints.database_url
        self.redis_url = endpoints.redis_url

    def url_of(self, database: str) -> str:
        head, _, tail = self._database_url.partition("?")
        return f"{head.rpartition('/')[0]}/{database}?{tail}"

    async def run(self, statement: str) -> None:
        """One statement outside any test's database."""
        connection = await asyncpg.connect(self._database_url.replace("+asyncpg", ""))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def redis(self) -> redis_client.Redis:
        return redis_client.Redis.from_url(self.redis_url)

    async def crash_postgres(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Every connection is cut, and the next ones are refused until the log has been replayed."""
        before = self._postmaster()
        assert before, "PostgreSQL is away already"  # 0 would be this very process and all that it started
        os.kill(before, signal.SIGQUIT)
        meanwhile()

        async def back() -> bool:
            if self._postmaster() == before:
                return False
            await self.run("SELECT 1")
            return True

        await eventually(back, "PostgreSQL is back")

    def forget_queues(self) -> None:
        """What workers of other tests left behind would be carried out by those of the next."""
        with self.redis() as client:
            client.flushall()

    async def crash_redis(self) -> None:
        before = self._redis_pid()
        os.kill(before, signal.SIGKILL)

        async def back() -> bool:
            return self._redis_pid() != before

        await eventually(back, "Redis is back")

    @contextmanager
    def hanging_redis(self) -> Iterator[None]:
        """It keeps its connections and answers nothing."""
        pid = self._redis_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _postmaster(self) -> int:
        with suppress(FileNotFoundError):
            return int((self._home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        return 0

    def _redis_pid(self) -> int:
        with self.redis() as client:
            return int(client.info("server")["process_id"])


class WorkerProcess:
    """One worker as a process of the operating system."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        self._process.terminate()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    async def exit_code(self) -> int:
        """Waits for the process to end by itself."""

        async def ended() -> bool:
            return not self.alive

        await eventually(ended, f"{self.log.name} ends")
        return int(self._process.returncode)

    def said(self, event: str) -> int:
        """How many lines of its log tell of an event."""
        return self.log.read_text(errors="replace").count(f'"event":"{event}"')


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round has to end in."""

    began: datetime
    played: dict[str, tuple[int, int]]
    """Player -> rating in doubles before and after."""
    tasks: list[UUID]
    """Runs that were asked for by hand."""
    request: int
    """Number of the last request before the round."""


@dataclass
class Stage:
    """A database with 200 followed and once scraped accounts, the sites, and the workers of one test."""

    servers: Servers
    database_url: str
    sites: SimulatedSites
    folder: Path
    workers: list[WorkerProcess] = field(default_factory=list)
    program: str = "app"
    """The module that is `trackers`."""

    def environ(self, **settings: object) -> dict[str, str]:
        """The environment of a process: everything real, no pacing, short leases; `settings` by variable."""
        return {
            "TRACKERS_ENV": "test",
            "TRACKERS_DATABASE_URL": self.database_url,
            "TRACKERS_REDIS_URL": self.servers.redis_url,
            "TRACKERS_SECRET_KEY": SECRET,
            "TRACKERS_LOG_FORMAT": "json",
            "TRACKERS_SCRAPE_LEASE": "3",
            "TRACKERS_GAMES_BASE_URL": self.sites.games.url,
            "TRACKERS_GAMES_DELAY": "0",
            "TRACKERS_GAMES_TIMEOUT": "2",
            "TRACKERS_GAMES_FIRST_SEASONS": "0",
            "TRACKERS_GAMES_CONCURRENCY": "5",
            **{name: str(value) for name, value in settings.items()},
        }

    def worker(self, **settings: object) -> WorkerProcess:
        """Start `trackers worker`."""
        return self._started([self.program, "worker"], settings)

    async def api(self, **settings: object) -> tuple[WorkerProcess, str]:
        """Start `trackers api`; the process and its address."""
        announcement = self.folder / f"address-{len(self.workers)}"
        process = self._started(
            [self.program, "api", "--announce", str(announcement)], {"TRACKERS_PORT": 0, **settings}
        )

        async def listens() -> bool:
            assert process.alive, process.log.read_text()[-3000:]
            return announcement.exists()

        await eventually(listens, "the API listens")
        return process, announcement.read_text()

    def odd_worker(self, habit: str, **settings: object) -> WorkerProcess:
        """Start a worker that differs from `trackers worker` in one habit; see odd_worker.py."""
        return self._started(["tests.integration.faults.odd_worker", habit], settings)

    def _started(self, command: Sequence[str], settings: Mapping[str, object]) -> WorkerProcess:
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(WorkerProcess(command, self.environ(**settings), log))
        return self.workers[-1]

    @asynccontextmanager
    async def engine(self, **settings: object) -> AsyncIterator[AppContainer]:
        """The whole graph, in this process, for a step that a person or a bot takes."""
        container = AppContainer(loaded=load(all_settings(), self.environ(**settings)), secret=Secret(SECRET))
        async with running_app(container):
            yield container

    # ---- the database, as an observer sees it ----

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        """Rows of one statement, on a connection of its own: the server may have been restarted since the last."""
        connection = await asyncpg.connect(self.database_url.replace("+asyncpg", ""))
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def value(self, statement: str, *arguments: object) -> Any:
        (row,) = await self.rows(statement, *arguments)
        return row[0]

    # ---- rounds ----

    async def follow(self, players: Sequence[str] = PLAYERS) -> None:
        """Register players through the front door, four to a person."""
        async with self.engine() as container:
            for start in range(0, len(players), 4):
                person = f"{281474976710656001 + start}"
                links = [f"{PROFILE_PAGE}/{player}/overview" for player in players[start : start + 4]]
                async with container.database().unit_of_work():
                    await container.games.service().register_trackers(person, links, UserData())

    async def begin_round(self) -> Round:
        """Half of the players play, everybody is due at once; a third is asked for by hand.

        All are due and asked for in one transaction: in two, a worker that runs already could complete a target that
        is due before it is asked for, and would rightly fetch it again.
        """
        played = {}
        for player in PLAYERS[::2]:
            rating = self.sites.games.play("epic", player, DOUBLES, rating=12)["playlist_states"][str(DOUBLES)][
                "rating"
            ]
            played[player] = (rating - 12, rating)
        log = self.sites.requests()
        keys = [f"rocket-league:epic:{player}" for player in PLAYERS[::3]]
        targets = [row[0] for row in await self.rows("SELECT id FROM scrape_targets WHERE key = ANY($1)", keys)]
        async with self.engine() as container, container.database().unit_of_work() as session:
            began = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
            await session.execute(text("UPDATE scrape_schedule SET due_at = clock_timestamp()"))
            tasks = list((await container.targets().request_run("games", targets)).values())
        return Round(began=began, played=played, tasks=tasks, request=log[-1].number if log else 0)

    def visits(self, the: Round) -> Counter[str]:
        """Player -> requests for it since a round began."""
        return Counter(entry.path.removeprefix(PROFILES) for entry in self.sites.requests(PROFILES, after=the.request))

    async def in_the_middle_of(self, the: Round, *, share: float = 0.25) -> None:
        """Wait until a share of a round's visits has been made, and see that it is not over."""
        wanted = FOLLOWED * share

        async def far_enough() -> bool:
            return len(self.visits(the)) >= wanted

        await eventually(far_enough, f"{wanted:.0f} players are visited", self.workers)
        assert await self.settled(the) < FOLLOWED, "the round was over before anything could go wrong"

    async def ready(self, worker: WorkerProcess) -> WorkerProcess:
        """Wait until a worker looks at the queue."""

        async def started() -> bool:
            return worker.said("worker_started") > 0

        await eventually(started, "the worker has started", self.workers)
        return worker

    async def leased(self) -> int:
        """How many targets workers hold now."""
        return int(await self.value("SELECT count(*) FROM scrape_schedule WHERE lease_until IS NOT NULL"))

    async def nothing_leased(self) -> None:
        """Wait until no worker holds a target."""

        async def none() -> bool:
            return await self.leased() == 0

        await eventually(none, "no target is leased", self.workers)

    async def dispatched(self) -> None:
        """Have a worker dispatch once more, and wait until it has: a target that may be claimed is leased then."""
        job_id = f"dispatch-{uuid4()}"
        async with self.engine() as container:
            await container.queue().enqueue(DISPATCH, "games", job_id=job_id)

        async def done() -> bool:
            with self.servers.redis() as redis:
                return redis.zscore(default_queue_name, job_id) is None

        await eventually(done, "a worker has dispatched", self.workers)

    async def settled(self, the: Round) -> int:
        """How many targets a round has settled for good."""
        return int(
            await self.value(
                "SELECT count(DISTINCT target_id) FROM scrape_runs WHERE requested_at >= $1 AND status = 'completed'",
                the.began,
            )
        )

    async def failed(self, the: Round) -> dict[str, str]:
        """Player -> reason of a run of this round that failed."""
        rows = await self.rows(
            "SELECT t.key, r.reason FROM scrape_runs r JOIN scrape_targets t ON t.id = r.target_id"
            " WHERE r.requested_at >= $1 AND r.status = 'failed'",
            the.began,
        )
        return {row["key"].rpartition(":")[2]: row["reason"] for row in rows}

    async def breaker_opens(self, *, times: int = 1) -> None:
        """Wait until the site is left alone, `times` times without a success between."""
        breaker = f"breaker:{self.sites.games.url.partition('://')[2]}"

        async def opened() -> bool:
            with self.servers.redis() as redis:
                return int(redis.hget(breaker, "level") or 0) >= times

        await eventually(opened, "the breaker opens", self.workers)

    async def end_of(self, the: Round) -> None:
        """Wait until every target of a round is settled."""

        async def over() -> bool:
            return await self.settled(the) == FOLLOWED

        await eventually(over, "every target is settled", self.workers)

    async def assert_settled_once(self, the: Round, *, failed: Iterable[str] = ()) -> None:
        """Every target completed once, nothing is left under way, exactly what was played is stored.

        `failed`: reasons of failed runs that may lie before a target's completed one; a task that somebody was given
        is one run, so it may end like that.
        """
        await self.assert_nothing_under_way()
        runs = await self.rows("SELECT target_id, status, reason FROM scrape_runs WHERE requested_at >= $1", the.began)
        completed = Counter(row["target_id"] for row in runs if row["status"] == "completed")
        assert set(completed.values()) == {1}, f"settled more than once: {completed.most_common(3)}"
        assert len(completed) == FOLLOWED
        assert {row["reason"] for row in runs if row["status"] == "failed"} <= set(failed)
        tasks = await self.rows("SELECT status, reason FROM scrape_runs WHERE id = ANY($1)", the.tasks)
        assert len(tasks) == len(the.tasks)
        assert {row["reason"] for row in tasks if row["status"] != "completed"} <= set(failed)
        standing = await self.rows("SELECT last_status, count(*) FROM scrape_targets GROUP BY last_status")
        assert [tuple(row) for row in standing] == [("completed", FOLLOWED)]
        await self.assert_exactly_played(the)

    async def assert_nothing_under_way(self) -> None:
        assert await self.leased() == 0
        open_runs = "SELECT count(*) FROM scrape_runs WHERE status IN ('pending', 'in_progress')"
        assert await self.value(open_runs) == 0

    async def assert_exactly_played(self, the: Round) -> None:
        """No change is lost and none is stored twice; every rating goes on from the one before it."""
        stored = await self.rows(
            """
            SELECT a.identifier, r.playlist_key, r.rating_before, r.rating
            FROM game_snapshots s
            JOIN game_ratings r ON r.snapshot_id = s.id
            JOIN game_accounts a ON a.id = s.account_id
            WHERE s.captured_at >= $1 ORDER BY a.identifier
            """,
            the.began,
        )
        assert [tuple(row) for row in stored] == [
            (player, str(DOUBLES), before, after) for player, (before, after) in sorted(the.played.items())
        ]
        assert await self.value("SELECT count(*) FROM game_snapshots") == FOLLOWED + len(the.played)
        assert (
            await self.value(
                """
            SELECT count(*) FROM (
                SELECT r.rating_before, lag(r.rating) OVER (
                    PARTITION BY s.account_id, s.season_key, r.playlist_key ORDER BY s.captured_at) AS previous
                FROM game_snapshots s JOIN game_ratings r ON r.snapshot_id = s.id
            ) AS chain WHERE rating_before IS DISTINCT FROM previous
            """
            )
            == 0
        )
        unequal = """
            SELECT count(*) FROM game_playlist_states g JOIN game_accounts a ON a.id = g.account_id
            WHERE a.identifier = $1 AND g.playlist_key = $2 AND g.rating <> $3
        """
        for player, (_, after) in list(the.played.items())[:5]:
            assert await self.value(unequal, player, str(DOUBLES), after) == 0


async def eventually(
    condition: Callable[[], Awaitable[bool]], what: str, workers: Sequence[WorkerProcess] = ()
) -> None:
    """Wait until a condition holds, a server that is away counting as no; else show the last log lines of workers."""

    async def holds() -> bool:
        with suppress(*AWAY):
            return await condition()
        return False

    try:
        await waiting.eventually(holds, what=what)
    except AssertionError as error:
        logs = [f"--- {worker.log.name}\n{worker.log.read_text(errors='replace')[-3000:]}" for worker in workers]
        raise AssertionError("\n".join([str(error), *logs])) from None
