"""Embedded PostgreSQL and Valkey (or Redis): how a keeper prepares, starts, checks and stops each of them."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import asyncpg

from app.embedded.data_directories import DataDirectory, can_enter
from app.embedded.errors import EmbeddedServersError
from app.embedded.programs import Programs, copy_of_postgres, copy_of_redis

VERSION = "18"
NAME = "trackers"  # name of the role and of its database
SUPERUSER = "postgres"
PORT = 5432  # only part of the socket's name
GREETING_SECONDS = 2.0


class EmbeddedServer(ABC):
    """Description of one embedded server of a TRACKERS_HOME; the keeper runs the process."""

    name: ClassVar[str]
    title: str
    stop_signal: ClassVar[signal.Signals]
    """Signal for a clean stop; sent by us when we leave and by the kernel when we die."""

    def __init__(self, place: DataDirectory, *, durable: bool) -> None:
        self.place = place
        self.durable = durable
        self.lock = place.root / f"{self.name}.lock"
        self.log = place.logs / f"{self.name}.log"
        self.files = place.root / self.name

    @property
    @abstractmethod
    def url(self) -> str:
        """Address for clients."""

    @abstractmethod
    def prepare(self, run: Callable[[list[str]], None]) -> None:
        """Prepare the files for a start; `run` runs a program as the servers' user. The caller holds the lock."""

    @abstractmethod
    def command(self) -> list[str]:
        """Command line of the server, which stays in the foreground."""

    @abstractmethod
    def answers(self, *, owner: bool) -> bool:
        """True if the server answers clients now. With `owner`, also create what the first client needs."""


class Postgres(EmbeddedServer):
    name = "postgres"
    title = "PostgreSQL"
    stop_signal = signal.SIGINT
    """Fast shutdown: rolls back open transactions and writes a checkpoint, so that the next start needs no recovery.
    Under load it took 0.2 s to stop and 0.16 s to start again; SIGQUIT took 0.04 s and 0.65 s, and more with a longer
    log."""

    def __init__(self, place: DataDirectory, programs: Programs, *, durable: bool) -> None:
        super().__init__(place, durable=durable)
        self._folder = programs.postgres()

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://{NAME}@/{NAME}?host={quote(str(self.place.sockets))}&port={PORT}"

    def prepare(self, run: Callable[[list[str]], None]) -> None:
        account = self.place.account
        if account and not can_enter(self._folder / "postgres", account):
            self._folder = copy_of_postgres(self._folder, self.place.programs())
        self.place.own_directory(self.place.sockets)
        if self.files.exists():
            self.place.own_directory(self.files)
            self._check_version()
            self._forget_reused_pids()
        else:
            self._initialise(run)

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": _quoted(self.place.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": 200,
            "shared_buffers": "256MB" if self.durable else "128MB",
            "work_mem": "8MB",
            "maintenance_work_mem": "128MB",
            "random_page_cost": 1.1,  # disks are SSDs
            "jit": "off",  # compilation takes longer than these short statements
            "max_parallel_workers_per_gather": 0,  # likewise; and it uses memory in /dev/shm, 64 MB in a container
            # Small tables that change all the time (targets, runs, outbox) bloat within seconds, not minutes.
            "autovacuum_naptime": "10s",
            "autovacuum_vacuum_scale_factor": 0.05,
            "autovacuum_vacuum_insert_scale_factor": 0.1,
            "autovacuum_analyze_scale_factor": 0.05,
            "autovacuum_vacuum_cost_limit": 1000,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_destination": "stderr",  # goes to home/logs/postgres.log
            "logging_collector": "off",
            "log_line_prefix": "%m [%p] ",
            "log_error_verbosity": "terse",  # otherwise errors quote whole rows with people's input
            "log_checkpoints": "off",  # would be a useless line every few minutes
            "log_min_duration_statement": "1s",
            "log_parameter_max_length": 0,  # logs the text of slow statements, never people's data
            "max_wal_size": "1GB" if self.durable else "256MB",
        }
        if self.durable:
            settings |= {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
        else:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
            settings |= {"wal_level": "minimal", "max_wal_senders": 0}
        arguments = [argument for key, value in settings.items() for argument in ("-c", f"{key}={value}")]
        return [str(self._folder / "postgres"), "-D", str(self.files), *arguments]

    def answers(self, *, owner: bool) -> bool:
        if not (self.place.sockets / f".s.PGSQL.{PORT}").exists():
            return False
        return asyncio.run(self._greet(make_database=owner))

    async def _greet(self, *, make_database: bool) -> bool:
        try:
            await (await self._connect(NAME, NAME)).close()
        except (asyncpg.TooManyConnectionsError, asyncpg.DiskFullError):  # the server runs: clients get this error, too
            return True
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError):
            if make_database:
                await self._make_database()
            return make_database
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    async def _make_database(self) -> None:
        """Create the role and its database.

        The role may create databases (for tests) but is not a superuser, so that SQL cannot run programs.
        """
        connection = await self._connect(SUPERUSER, "postgres")
        try:
            if not await connection.fetchval("SELECT FROM pg_roles WHERE rolname = $1", NAME, column=0):
                await connection.execute(f"CREATE ROLE {NAME} LOGIN CREATEDB")
            await connection.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")
        finally:
            await connection.close()

    async def _connect(self, user: str, database: str) -> Any:
        return await asyncpg.connect(
            host=str(self.place.sockets), port=PORT, user=user, database=database, timeout=GREETING_SECONDS
        )

    def _initialise(self, run: Callable[[list[str]], None]) -> None:
        """Create the data directory under a temporary name, so that an incomplete one is never used as data."""
        making = self.files.with_name("postgres.new")
        shutil.rmtree(making, ignore_errors=True)
        self.place.own_directory(making)
        # The builtin C.UTF-8 sorts by code point like C, but its lower() also handles letters beyond ASCII.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        options = ["--auth=trust", "--no-instructions", *([] if self.durable else ["--no-sync"])]
        try:
            run([str(self._folder / "initdb"), "-D", str(making), "-U", SUPERUSER, *locale, *options])
            making.rename(self.files)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)  # otherwise a full disk would stay full
            raise
        if self.durable:
            directory = os.open(self.files.parent, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)

    def _check_version(self) -> None:
        try:
            version = (self.files / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise EmbeddedServersError(
                f"{self.files} is not a PostgreSQL data directory (it has no PG_VERSION). Move it away to start empty."
            ) from None
        if version != VERSION:
            raise EmbeddedServersError(
                f"{self.files} was made by PostgreSQL {version} and this is {VERSION}. Dump it with pg_dump of version "
                f"{version}, move it away, start again and load the dump; or set TRACKERS_DATABASE_URL to a server of "
                f"version {version}."
            )

    def _forget_reused_pids(self) -> None:
        """Remove postmaster.pid if its process exists but is not a server on these files; and remove the socket's lock.

        PostgreSQL notices by itself if the process has ended. But it refuses to start if another process of the same
        user has the number now (after a reboot, in a new container), or if the process is a zombie. The working
        directory of a server is its data directory. If the process has ended, postmaster.pid stays: PostgreSQL uses it
        to check if children of the old server are still running.
        """
        (self.place.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)  # no other server uses this directory
        claim = self.files / "postmaster.pid"
        try:
            process = Path("/proc", str(int(claim.read_text(encoding="utf-8").split("\n", 1)[0])))
        except (FileNotFoundError, ValueError):
            return
        if not process.exists():
            return
        try:
            working_in = (process / "cwd").readlink()
        except OSError:
            working_in = None
        if working_in != self.files:
            claim.unlink(missing_ok=True)


class Redis(EmbeddedServer):
    """Valkey, or a Redis from PATH: they have the same protocol, settings and, up to a version, files."""

    name = "redis"
    stop_signal = signal.SIGTERM
    """Flushes the append-only file and exits."""

    def __init__(self, place: DataDirectory, programs: Programs, *, durable: bool) -> None:
        super().__init__(place, durable=durable)
        self._program = programs.redis()
        self.title = "Valkey" if self._program.name == "valkey-server" else "Redis"
        self._socket = place.sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}"

    def prepare(self, run: Callable[[list[str]], None]) -> None:  # noqa: ARG002 -- the server creates its files itself
        account = self.place.account
        if account and not can_enter(self._program, account):
            self._program = copy_of_redis(self._program, self.place.programs())
        self.place.own_directory(self.place.sockets)
        self.place.own_directory(self.files)
        self._check_version()

    def command(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.files),
            "daemonize": "no",
            "logfile": "",  # standard output, which goes to home/logs/redis.log
            "save": "",  # the append-only file is the only persistence
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",  # a last command that a crash cut off is dropped; the rest is loaded
            "maxmemory-policy": "noeviction",  # a full queue must raise an error instead of losing jobs
            "always-show-logo": "no",
        }
        return [str(self._program), *(argument for key, value in settings.items() for argument in (f"--{key}", value))]

    def answers(self, *, owner: bool) -> bool:  # noqa: ARG002 -- the first client needs no preparation
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(GREETING_SECONDS)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")  # it answers -LOADING while it reads the file
            except OSError:
                return False

    def _check_version(self) -> None:
        """Refuse files that this server cannot read: Redis 6 would ignore them, other versions report them as damaged.

        The single file of Redis before version 7 needs no check: every server can read it.
        """
        parts = self.files / "appendonlydir"
        if not parts.is_dir():
            return
        writer, readers = _format(parts)
        account = self.place.account
        output = subprocess.run(  # noqa: S603 -- a program that we found
            [str(self._program), "--version"],
            check=False,
            capture_output=True,
            text=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        ).stdout
        if not (version := re.match(r"(\w+) server v=(\d+)\.(\d+)", output)):
            return
        oldest = readers.get(version[1])
        if oldest is None or (int(version[2]), int(version[3])) < oldest:
            raise EmbeddedServersError(
                f"{self.files} was written by {writer} or newer, and {self._program} is {version[1]} "
                f"{version[2]}.{version[3]}, which cannot read it. Move the directory away to start with an empty "
                "queue, which loses nothing (PostgreSQL holds what is due), or set TRACKERS_REDIS_URL instead."
            )


def _format(parts: Path) -> tuple[str, dict[str, tuple[int, int]]]:
    """The oldest server that writes this format, and the oldest version of each server that reads it."""
    for base in parts.glob("*.base.*"):
        with base.open("rb") as file:
            magic = file.read(9)
        if magic.startswith(b"VALKEY"):
            return "Valkey 9", {"Valkey": (9, 0)}
        if magic.startswith(b"REDIS") and magic[5:] >= b"0012":
            return "Redis 7.4", {"Redis": (7, 4)}
    return "Redis 7", {"Redis": (7, 0), "Valkey": (7, 2)}


def _quoted(path: Path) -> str:
    """A path as one quoted entry of a PostgreSQL list of directories, so that it may contain commas and spaces."""
    return '"{}"'.format(str(path).replace('"', '""'))
