"""A private house for a run: servers of its own, a migrated database per benchmark, the product's own processes."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import asyncpg

from app.container import AppContainer
from app.embedded import Endpoints, embedded_servers
from app.migrations import migrate
from app.modules import all_settings
from app.supervisor import PARENT
from benchmarks.common import child
from shared.settings import Secret, load

SECRET: Final = "a secret for benchmarks, long enough to be one"  # noqa: S105 -- of a house that is torn down at once
START_PATIENCE: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class House:
    """Where a benchmark runs."""

    endpoints: Endpoints
    folder: Path

    async def new_database(self, name: str) -> str:
        """A migrated database of the benchmark's own; its address."""
        connection = await asyncpg.connect(plain(self.endpoints.database_url or ""))
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        head, _, tail = (self.endpoints.database_url or "").partition("?")
        url = f"{head.rpartition('/')[0]}/{name}?{tail}"
        await migrate(url)
        return url

    def environ(self, database_url: str, **more: str) -> dict[str, str]:
        """The settings of the product's processes; what is not named has its default."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRACKERS_")},
            "TRACKERS_HOME": str(self.folder),
            "TRACKERS_DATABASE_URL": database_url,
            "TRACKERS_REDIS_URL": self.endpoints.redis_url or "",
            "TRACKERS_SECRET_KEY": SECRET,
            "TRACKERS_GAMES_FIRST_SEASONS": "0",  # a look is one request, as it is after the first
            "TRACKERS_RATE_LIMIT_BOT": "1000000000",  # counted like any, never reached
            PARENT: str(os.getpid()),
            **more,
        }

    def container(self, environ: dict[str, str]) -> AppContainer:
        """The graph, in this process; its owner closes what it opens."""
        return AppContainer(loaded=load(all_settings(), environ), secret=Secret(SECRET))

    @contextmanager
    def worker(self, environ: dict[str, str]) -> Iterator[Popen[bytes]]:
        """One real `trackers worker`."""
        with child(["app", "worker"], environ=environ, log=self.folder / "worker.log") as process:
            yield process

    @contextmanager
    def api(self, environ: dict[str, str]) -> Iterator[tuple[Popen[bytes], int]]:
        """One real `trackers api`, and the port that it listens on."""
        announcement = self.folder / "api.address"
        announcement.unlink(missing_ok=True)
        command = ["app", "api", "--announce", str(announcement)]
        with child(command, environ=environ | {"TRACKERS_PORT": "0"}, log=self.folder / "api.log") as process:
            deadline = time.monotonic() + START_PATIENCE
            while not announcement.exists() or not announcement.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the API did not start; see {self.folder / 'api.log'}")
                time.sleep(0.05)
            yield process, int(announcement.read_text().rpartition(":")[2])


@contextmanager
def private_house(*, keep: bool = False) -> Iterator[House]:
    """Durable servers in memory, as honest as a tmpfs is; the folder goes with them unless it is to be kept."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own in it
    base = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="trackers-bench-", dir=base))
    folder.chmod(0o755)
    try:
        with embedded_servers(folder, durable=True) as endpoints:
            yield House(endpoints=endpoints, folder=folder)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def plain(url: str) -> str:
    """The address as asyncpg takes it."""
    return url.replace("+asyncpg", "")


async def connect(url: str) -> Any:
    """A bare connection to set a benchmark up with, outside what is measured."""
    return await asyncpg.connect(plain(url), command_timeout=120)
