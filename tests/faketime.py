"""`-p tests.faketime`: what pytest needs under libfaketime, for `.ci/dates`; nothing else loads it.

PostgreSQL and Valkey get the same library: the embedded launcher hands on next to nothing of our environment. They get
it after the launcher changed the user, because the library's semaphore belongs to the user that made it.

Sessions have no timeouts. While PostgreSQL waits in epoll_wait, the library shows its signal handlers the real time: on
a later date no timeout would ever end anything, on an earlier one the next alarm would end everything.
"""

import logging.handlers
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, SupportsIndex

import asyncpg

from app.embedded.keeper import Keeper

HANDED_ON: Final = ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC")
_ENV: Final = shutil.which("env") or "/usr/bin/env"
_NO_TIMEOUTS: Final = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
_process = Keeper._process
_connect = asyncpg.connect


def sleep(seconds: float | SupportsIndex, /) -> None:
    """As time.sleep, without clock_nanosleep: libfaketime 0.9.10 reckons its end by the wrong clock (issue 426)."""
    select.select([], [], [], float(seconds))


def process_under_faketime(
    keeper: Keeper, command: list[str], stop: signal.Signals, lock: int
) -> "AbstractContextManager[subprocess.Popen[bytes]]":
    given = [f"{name}={os.environ[name]}" for name in HANDED_ON]
    return _process(keeper, [_ENV, *given, *command], stop, lock)


def connect(*where: Any, server_settings: Mapping[str, str] | None = None, **how: Any) -> Any:
    return _connect(*where, server_settings={**(server_settings or {}), **_NO_TIMEOUTS}, **how)


def nothing(listener: logging.handlers.QueueListener) -> None:
    """Instead of starting or stopping its thread."""


time.sleep = sleep
asyncpg.connect = connect
Keeper._process = process_under_faketime  # type: ignore[method-assign, assignment]  # for a process that runs under libfaketime
logging.handlers.QueueListener.start = nothing  # type: ignore[method-assign, assignment]  # its parameter is called self
logging.handlers.QueueListener.stop = nothing  # type: ignore[method-assign, assignment]  # its parameter is called self
