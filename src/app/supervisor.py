"""`trackers up`: the API and a worker as child processes, restarted when they fall, with a status line meanwhile."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import structlog
from rich.console import Console
from rich.live import Live
from rich.text import Text
from sqlalchemy import text

from app.container import AppContainer
from app.runtime import Runtime

STOP_PATIENCE: Final = 30.0
RESTART_REST: Final = 1.0
PR_SET_PDEATHSIG: Final = 1
PARENT: Final = "TRACKERS_UP_PID"
"""Tells a child whose it is."""

_COUNTS: Final = text("""
SELECT (SELECT count(*) FROM scrape_targets) AS followed,
       (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NOT NULL) AS in_progress,
       (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NULL AND due_at <= now()) AS due,
       (SELECT min(due_at) FROM scrape_schedule WHERE lease_until IS NULL AND due_at < 'infinity') AS next_due
""")


@dataclass
class Child:
    """One process that is kept running."""

    name: str
    arguments: list[str]
    environ: dict[str, str]
    output: IO[bytes] | None
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    log: Any = field(default_factory=lambda: structlog.get_logger("up"))

    async def keep(self) -> None:
        """Start it, and start it again whenever it ends."""
        while True:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app",
                *self.arguments,
                env=self.environ,
                stdout=self.output,
                stderr=self.output,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
            code = await self.process.wait()
            self.log.error("process_ended", name=self.name, code=code)
            self.restarts += 1
            await asyncio.sleep(RESTART_REST)

    async def stop(self) -> None:
        """Ask it to finish, and insist after a while."""
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_PATIENCE)
        except TimeoutError:
            self.process.kill()


def run_everything(runtime: Runtime) -> int:
    """Run API and worker until Ctrl-C or SIGTERM; the exit code."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(runtime))
    return 0


async def _run(runtime: Runtime) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    console = Console(stderr=True)
    logs = runtime.settings.home.resolve() / "logs" if console.is_terminal else None
    address = f"http://{runtime.settings.host}:{runtime.settings.port}"
    if logs is not None:
        logs.mkdir(parents=True, exist_ok=True)
        console.print(f"API [bold]{address}[/bold], its schema at {address}/schema; logs in {logs}. Ctrl-C stops all.")
    async with _kept_running(runtime, logs) as children:
        container = runtime.container("trackers-up")
        try:
            await _show_status(console, container, children, stopping)
        finally:
            await container.database().close()


@asynccontextmanager
async def _kept_running(runtime: Runtime, logs: Path | None) -> AsyncIterator[list[Child]]:
    with contextlib.ExitStack() as files:
        children = [
            Child(
                name=name,
                arguments=[name],
                environ={**runtime.environ(), PARENT: str(os.getpid())},
                output=files.enter_context((logs / f"{name}.log").open("ab")) if logs else None,
            )
            for name in ("api", "worker")
        ]
        keeping = [asyncio.create_task(child.keep()) for child in children]
        try:
            yield children
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
            await asyncio.gather(*(child.stop() for child in children))


async def _show_status(
    console: Console, container: AppContainer, children: list[Child], stopping: asyncio.Event
) -> None:
    """A line that says what is going on, in a terminal; elsewhere the children's own log lines do."""
    if not console.is_terminal:
        await stopping.wait()
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stopping.is_set():
            live.update(await _status(container, children), refresh=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 1.0)
    console.print("stopping")


async def _status(container: AppContainer, children: list[Child]) -> Text:
    try:
        counts = await container.reader().row(_COUNTS)
    except Exception as error:  # noqa: BLE001 -- a status line must not end what it reports on
        return Text(f"database away: {type(error).__name__}", style="red")
    if counts is None:
        return Text("")
    restarts = sum(child.restarts for child in children)
    line = "{followed} followed, {due} due, {in_progress} in progress".format(**counts)
    if counts["next_due"] is not None:
        line += f", next due {counts['next_due']:%H:%M:%S} UTC"
    return Text(line + (f", {restarts} restarts" if restarts else ""), style="yellow" if restarts else "green")


def end_with_parent() -> None:
    """In a child: be told to stop when the process that started us dies, however it dies (Linux)."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(1)
