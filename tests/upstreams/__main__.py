"""`python -m tests.upstreams`: the simulated sites until SIGTERM, Ctrl-C, or until whoever started them is gone."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from tests.clock import MovedClock
from tests.upstreams.server import SimulatedServer

_WATCH_SECONDS = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.upstreams", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the control; sites take the ports after it (0: any)")
    parser.add_argument("--announce", type=Path, help="file that gets the addresses as JSON once everything listens")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--now", type=datetime.fromisoformat, help="stop the sites' clock at this time (RFC 3339)")
    parser.add_argument("--tests-clock", action="store_true", help="run the sites' clock from where the tests began")
    parser.add_argument("--auto-players", action="store_true", help="the same as --set games.auto_players=true")
    parser.add_argument("--set", action="append", default=[], metavar="SITE.OPTION=JSON", dest="options")
    parser.add_argument("--until-stdin-closes", action="store_true", help="for parents that hold the other end")
    arguments = parser.parse_args()
    options = _options(arguments.options)
    if arguments.auto_players:
        options.setdefault("games", {})["auto_players"] = True
    uvloop.run(_serve(arguments, options))


def _options(given: list[str]) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = {}
    for text in given:
        name, _, value = text.partition("=")
        site, _, option = name.partition(".")
        try:
            options.setdefault(site, {})[option] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            options[site][option] = value
    return options


async def _serve(arguments: argparse.Namespace, options: dict[str, dict[str, Any]]) -> None:
    parent = os.getppid()
    server = SimulatedServer(seed=arguments.seed, clock=_clock(arguments), options=options)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if arguments.until_stdin_closes:
        await loop.connect_read_pipe(lambda: _UntilClosed(stopped), sys.stdin)
    async with server.listening(arguments.port):
        announcement = msgspec.json.encode({"pid": os.getpid(), "url": server.urls["control"], "sites": server.urls})
        if arguments.announce:
            _write(arguments.announce, announcement)
        sys.stdout.write(f"{announcement.decode()}\n")
        sys.stdout.flush()
        # Watched instead of PR_SET_PDEATHSIG: that one also fires when the *thread* that started us ends.
        while not stopped.is_set() and os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _WATCH_SECONDS)


def _write(path: Path, content: bytes) -> None:
    """At once, so that a reader never sees half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def _clock(arguments: argparse.Namespace) -> Callable[[], datetime]:
    if arguments.tests_clock:
        return MovedClock().now
    now: datetime | None = arguments.now
    if now is None:
        return lambda: datetime.now(UTC)  # real date: for products that run by it; tests compare no dates with it
    fixed = now if now.tzinfo else now.replace(tzinfo=UTC)
    return lambda: fixed


class _UntilClosed(asyncio.Protocol):
    def __init__(self, stopped: asyncio.Event):
        self._stopped = stopped

    def connection_lost(self, exc: Exception | None) -> None:
        self._stopped.set()


if __name__ == "__main__":
    main()
