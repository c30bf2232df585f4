"""`python -m tests.prove.observed api|worker`: the process of that name, which answers on a socket what it holds.

The worker asks a failing host again within two seconds. Both connect to nothing outside this machine.
"""

import asyncio
import ctypes
import gc
import os
import socket
import sys
import threading
import traceback
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import uvloop
from aiohttp import BaseConnector
from msgspec import Struct
from redis.asyncio import ConnectionPool
from sqlalchemy.pool import QueuePool
from tests.prove.indoors import stay_indoors

from app.cli import main
from app.runtime import runtime
from app.worker import run_worker
from shared.logging import configure

FOLDER: Final = "OBSERVED_IN"
"""The environment variable that names the folder of the sockets."""
ENVIRON: Final = {"PYTHONMALLOC": "malloc"}
"""The C library makes every allocation, so that it knows how many bytes are in use."""
LISTED_TYPES: Final = 60
ANSWER_TIMEOUT_S: Final = 300.0
"""Generous: a sample costs a second of a quiet processor."""
TRIES: Final = 5
T = TypeVar("T")
_MALLINFO2: Final = [
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
]


class Vitals(Struct, frozen=True, kw_only=True):
    """What a process holds, after a garbage collection."""

    allocated: int
    """Bytes that the C library has handed out and not got back; free memory between them does not count."""
    resident: int
    """Bytes (RSS), after the C library has returned what it could."""
    tasks: int
    threads: int
    files: int
    used: dict[str, int]
    """Connections in use, by pool."""
    idle: dict[str, int]
    """Open connections that wait in a pool."""
    objects: dict[str, int]
    """Objects by type, of the most frequent types."""

    @property
    def unpooled(self) -> int:
        """Open files and sockets that are not connections of a pool."""
        return self.files - sum(self.used.values()) - sum(self.idle.values())


class _Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO2]


def vitals() -> Vitals:
    """Read this process's vitals."""
    gc.unfreeze()  # the API freezes what it has loaded, and its pools with it
    gc.collect()
    objects = gc.get_objects()
    types = Counter(map(type, objects))
    kinds = {kind for kind in types if issubclass(kind, (QueuePool, ConnectionPool, BaseConnector, asyncio.Task))}
    found = [each for each in objects if type(each) in kinds]

    def instances(parent: type[T]) -> list[T]:
        return [each for each in found if isinstance(each, parent)]

    databases, queues, connectors = instances(QueuePool), instances(ConnectionPool), instances(BaseConnector)
    by_name = Counter({f"{kind.__module__}.{kind.__qualname__}": number for kind, number in types.items()})
    library = ctypes.CDLL(None)
    library.malloc_trim(0)
    library.mallinfo2.restype = _Mallinfo2
    memory = library.mallinfo2()
    return Vitals(
        allocated=memory.uordblks + memory.hblkhd,
        resident=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        tasks=sum(not task.done() for task in instances(asyncio.Task)),
        threads=threading.active_count(),
        files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
        used={
            "database": sum(pool.checkedout() for pool in databases),
            "Redis": sum(len(pool._in_use_connections) for pool in queues),
            "sites": sum(len(each._acquired) for each in connectors),
        },
        idle={
            "database": sum(pool.checkedin() for pool in databases),
            "Redis": sum(each.is_connected for pool in queues for each in pool._available_connections),
            "sites": sum(len(waiting) for each in connectors for waiting in each._conns.values()),
        },
        objects=dict(by_name.most_common(LISTED_TYPES)),
    )


def observe(folder: Path, pid: int) -> Vitals:
    """Read the vitals of another process."""
    for _ in range(TRIES):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(ANSWER_TIMEOUT_S)
            client.connect(str(_address(folder, pid)))
            if answer := b"".join(iter(lambda: client.recv(65536), b"")):
                return msgspec.json.decode(answer, type=Vitals)
    raise RuntimeError(f"process {pid} could not read its vitals: its log has the reason")


def _address(folder: Path, pid: int) -> Path:
    return folder / f"{pid}.sock"


def _answer_in_thread(folder: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(_address(folder, os.getpid())))
    listening.listen()

    def answer() -> None:
        while True:
            client, _ = listening.accept()
            with client:
                try:
                    client.sendall(msgspec.json.encode(vitals()))
                except (RuntimeError, OSError):  # a pool changed while it was read, or the reader left
                    traceback.print_exc()

    threading.Thread(target=answer, daemon=True).start()


def _work() -> None:
    """`trackers worker`, with short cooldowns of hosts."""
    with runtime() as made:
        configure(level="WARNING", form="json")
        container = made.container("trackers-worker")
        for source in container.sources().all():
            source.policy = replace(source.policy, cooldown=0.5, cooldown_limit=2.0, retry=1.0)
        uvloop.run(run_worker(container))


if __name__ == "__main__":
    stay_indoors()
    _answer_in_thread(Path(os.environ[FOLDER]))
    if sys.argv[1] == "worker":
        _work()
    else:
        main()
