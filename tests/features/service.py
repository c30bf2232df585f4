"""The service that the features are told to: one that we start, or a deployment that is there already."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
import httpx
import redis
from tests.conftest import container_of
from tests.demo.postbox import Postbox
from tests.features.bot import ClientBot
from tests.features.deployment import DEFAULT_PATIENCE_S
from tests.upstreams.client import SimulatedSites
from tests.waiting import LIMIT_S, eventually_sync

from app.container import AppContainer, running_app
from app.worker import WorkerProcess
from shared.clock import SystemClock
from trackers_client import Retries

START_SECONDS: Final = LIMIT_S
POLL_INTERVAL_S: Final = 0.03  # 2000 requests a minute, which a bot key may make
SETTLED: Final = frozenset({"completed", "failed"})
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def eventually(holds: Callable[[], bool], *, what: str, within: float = LIMIT_S) -> None:
    """Wait until something holds, at a pace that a bot key may ask; `within`: seconds that a deployment is given."""
    eventually_sync(holds, what=what, within=within, poll=POLL_INTERVAL_S)


def machine_time() -> datetime:
    """What time it is for the service, which is other processes or another machine."""
    return SystemClock().now()  # real date: those processes read it, too; steps only name moments relative to it


class ClockAhead:
    """The machine's clock, put forward."""

    def __init__(self, by: timedelta = timedelta(0)) -> None:
        self._by = by

    def now(self) -> datetime:
        return machine_time() + self._by


class Meanwhile:
    """Something that goes on while the scenario does, a worker's burst say; `join` raises what it raised."""

    def __init__(self, does: Callable[[], None]) -> None:
        self._does = does
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._does()
        except BaseException as error:  # noqa: BLE001 -- raised again in the scenario's thread
            self._error = error

    def join(self) -> None:
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive(), "what went on meanwhile did not come to an end"
        if self._error is not None:
            raise self._error


@dataclass(kw_only=True)
class OwnWorker:
    """Workers that we start, on the servers of the API that we started."""

    environ: Mapping[str, str]
    folder: Path
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def burst(self, environ: Mapping[str, str] = NOTHING, *, later: timedelta = timedelta(0)) -> None:
        """Run everything that is due or queued until nothing is left; `later` puts the worker's clock forward."""
        container = container_of({**self.environ, **environ}, clock=ClockAhead(later))
        failed = asyncio.run(WorkerProcess(container).burst())
        assert failed == 0, f"{failed} jobs of the worker failed"

    def by_itself(self, job: str, environ: Mapping[str, str] = NOTHING, *, later: timedelta = timedelta(0)) -> None:
        """Do once what workers do by themselves every second, or every night."""
        container = container_of({**self.environ, **environ}, clock=ClockAhead(later))
        asyncio.run(self._run(container, job))

    @staticmethod
    async def _run(container: AppContainer, job: str) -> None:
        async with running_app(container):
            (run,) = (one.run for one in container.jobs() if one.name == job)
            await run()

    def in_background(self, environ: Mapping[str, str] = NOTHING) -> Meanwhile:
        return Meanwhile(lambda: self.burst(environ))

    def process(self, environ: Mapping[str, str] = NOTHING) -> subprocess.Popen[bytes]:
        """`trackers worker` in a process of its own."""
        log = self.folder / f"worker-{len(self._processes)}.log"
        made = _start(["worker"], {**self.environ, **environ}, log)
        self._processes.append(made)
        return made

    def end(self) -> None:
        """Stop every process that is still there."""
        for process in self._processes:
            _stop(process)
        self._processes.clear()

    def rest(self) -> None:
        """Between scenarios: what earlier ones follow is no longer looked at, breakers and queues are forgotten."""
        with redis.Redis.from_url(self.environ["TRACKERS_REDIS_URL"]) as client:
            client.flushdb()
        asyncio.run(self._stop_following())

    async def _stop_following(self) -> None:
        connection = await asyncpg.connect(self.environ["TRACKERS_DATABASE_URL"].replace("+asyncpg", ""))
        try:
            await connection.execute("DELETE FROM scrape_schedule")
        finally:
            await connection.close()


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a bot's author has: an address and a key. For us also the foreign sites and the worker, where they are."""

    http: httpx.Client
    """Whoever asks in their own way: people, and bots that send what no client would."""
    bot: ClientBot
    sites: SimulatedSites | None
    worker: OwnWorker | None
    patience: float
    """Seconds that a deployment's worker is given to look at something."""
    mailbox: Postbox | None = None
    """Everybody's mail, where the service is ours."""

    @property
    def simulated(self) -> SimulatedSites:
        assert self.sites is not None, "the scenario lacks the tag @sites"
        return self.sites

    @property
    def own_worker(self) -> OwnWorker:
        assert self.worker is not None, "the scenario lacks the tag @own_worker"
        return self.worker

    def work(self) -> None:
        """Have a worker of ours do everything that waits; a deployment's does it by itself, some time."""
        if self.worker is not None:
            self.worker.burst()

    def look(self, tasks: Sequence[str]) -> None:
        """Have everything looked at that waits; returns when these tasks are over, or cannot go on now."""
        self.work()
        if self.worker is not None:
            return
        assert tasks, "a deployment's worker is waited for by its tasks, and the scenario has kept none"
        for task in tasks:
            self.bot.call(lambda bot, task=task: bot.wait_for_task(UUID(task), within=self.patience))  # type: ignore[misc]  # bound per turn

    def status_of(self, task: str) -> str:
        return self.bot.call(lambda bot: bot.tasks.get_task(UUID(task))).status

    def read(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == httpx.codes.OK, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    @classmethod
    def at(
        cls,
        url: str,
        key: str,
        *,
        sites: SimulatedSites | None,
        worker: OwnWorker | None,
        patience: float = DEFAULT_PATIENCE_S,
        mailbox: Postbox | None = None,
    ) -> Self:
        """The service behind an address, used with a bot's key."""
        http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=30, trust_env=False
        )
        # Ours is never too busy: a 429 or 503 is what the scenario is about, and not to be asked again.
        bot = ClientBot(url, key, retries=Retries(attempts=4 if worker is None else 1))
        return cls(http=http, bot=bot, sites=sites, worker=worker, patience=patience, mailbox=mailbox)

    @contextmanager
    def open(self) -> Iterator[Self]:
        """The service for as long as the block runs; its connections are gone after it."""
        with self.http:
            try:
                yield self
            finally:
                self.bot.close()


@contextmanager
def running_api(environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    """`trackers api` in a process of its own; its address."""
    announcement, log = folder / "address", folder / "api.log"
    process = _start(["api", "--announce", str(announcement)], environ, log)
    try:
        eventually(
            lambda: process.poll() is not None or (announcement.exists() and announcement.read_text() != ""),
            within=START_SECONDS,
            what="the API",
        )
        assert process.poll() is None, f"the API did not start:\n{log.read_text()[-3000:]}"
        yield announcement.read_text()
    finally:
        _stop(process)


def _start(arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A command of ours, away from the working directory's `.env` and from this process's own settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACKERS_")}
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 -- our own program
            [sys.executable, "-m", "app", *arguments],
            cwd=log.parent,
            env={**inherited, **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
