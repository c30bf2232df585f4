"""`trackers up`: runs the API and a worker as child processes, restarts them when they end, shows a status line."""

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
from time import monotonic
from typing import IO, Any, Final

import click
import structlog
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text
from sqlalchemy import text

from app.container import AppContainer
from app.runtime import Runtime

STOP_PATIENCE: Final = 30.0
FIRST_DELAY_S: Final = 1.0
MAX_DELAY_S: Final = 60.0
"""Maximum seconds before a restart: a process that ends early again and again is restarted after 1, 2, 4 ... s."""
STATUS_EVERY: Final = 1.0
EARLY_S: Final = 10.0
"""A process that ends within these seconds counts as ended early."""
MAX_LOG_BYTES: Final = 10_000_000
SHOWN_LINES: Final = 15
PR_SET_PDEATHSIG: Final = 1
PARENT: Final = "TRACKERS_UP_PID"
"""Variable with the process id of `trackers up`, for its child processes."""

_COUNTS: Final = text("""
SELECT (SELECT count(*) FROM scrape_targets) AS followed,
       (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NOT NULL) AS in_progress,
       (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NULL AND due_at <= :now) AS due,
       (SELECT min(due_at) FROM scrape_schedule WHERE lease_until IS NULL AND due_at < 'infinity') AS next_due
""")


@dataclass
class Child:
    """A child process that is kept running."""

    name: str
    arguments: list[str]
    environ: dict[str, str]
    log_file: Path | None
    """None: it logs to our own standard error."""
    output: IO[bytes] | None
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    log: Any = field(default_factory=lambda: structlog.get_logger("up"))

    async def keep(self) -> None:
        """Keep the process running: restart it when it ends, with growing delays while it ends early."""
        early_ends = 0
        while True:
            started = monotonic()
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # imports no modules from the working directory, in which anybody may have put files
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
            early_ends = early_ends + 1 if monotonic() - started < EARLY_S else 0
            delay = min(FIRST_DELAY_S * 2 ** max(0, early_ends - 1), MAX_DELAY_S)
            self.restarts += 1
            self.log.error("process_ended", name=self.name, code=code, early_ends=early_ends, restart_in_s=delay)
            if early_ends:
                self._show_last_lines()
            await asyncio.sleep(delay)

    def _show_last_lines(self) -> None:
        """In a terminal: show the last log lines of the process, because it logs to a file."""
        if self.log_file is None:
            return
        lines = self.log_file.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
        click.echo("\n  ".join([f"the last log lines of the {self.name}, from {self.log_file}:", *lines]), err=True)

    async def stop(self) -> None:
        """Terminate the process; kill it after STOP_PATIENCE seconds."""
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_PATIENCE)
        except TimeoutError:
            self.process.kill()


def run_everything(runtime: Runtime) -> int:
    """Run the API and a worker until Ctrl-C or SIGTERM; return the exit code."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(runtime))
    return 0


async def _run(runtime: Runtime) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    home = runtime.settings.home.resolve()
    # In a terminal, the children log to files and we show the status line; otherwise no logs are written to the home.
    announced = home / "api.address" if _in_terminal() else None
    if announced is not None:
        home.mkdir(parents=True, exist_ok=True)
        announced.unlink(missing_ok=True)
    async with _kept_running(runtime, announced) as (children, keeping):
        container = runtime.container("trackers-up")
        showing = asyncio.create_task(_show_status(container, children, announced))
        asked_to_stop = asyncio.create_task(stopping.wait())
        try:
            done, _ = await asyncio.wait({asked_to_stop, showing, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (asked_to_stop, showing):
                task.cancel()
            await asyncio.gather(asked_to_stop, showing, return_exceptions=True)
            await container.database().close()
            if announced is not None:
                click.echo("stopping", err=True)
                announced.unlink(missing_ok=True)


@asynccontextmanager
async def _kept_running(
    runtime: Runtime, announced: Path | None
) -> AsyncIterator[tuple[list[Child], list[asyncio.Task[None]]]]:
    announcing = ["--announce", str(announced)] if announced else []
    with contextlib.ExitStack() as files:
        children = [
            Child(
                name=name,
                arguments=arguments,
                environ={**runtime.environ(), PARENT: str(os.getpid())},
                log_file=log_file,
                output=files.enter_context(_opened(log_file)) if log_file else None,
            )
            for name, arguments in (("api", ["api", *announcing]), ("worker", ["worker"]))
            for log_file in (_log_of(name, runtime),)
        ]
        keeping = [asyncio.create_task(child.keep()) for child in children]
        try:
            yield children, keeping
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
            await asyncio.gather(*(child.stop() for child in children))


def _log_of(name: str, runtime: Runtime) -> Path | None:
    """Log file of a child in a terminal; None if the child logs to our own standard error."""
    return runtime.settings.home.resolve() / "logs" / f"{name}.log" if _in_terminal() else None


def _in_terminal() -> bool:
    return sys.stderr.isatty()


def _opened(log: Path) -> IO[bytes]:
    """Open a log for appending. A large log is renamed to `.1` first, which replaces an older one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    return log.open("ab")


def _read(announced: Path) -> str:
    try:
        return announced.read_text()
    except FileNotFoundError:
        return ""


async def _show_status(container: AppContainer, children: list[Child], announced: Path | None) -> None:
    """In a terminal, show the address of the API and a status line; otherwise show nothing and wait."""
    if announced is None:
        await asyncio.Event().wait()
        return
    console = Console(stderr=True, highlight=False)
    shown = ""
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            address = _read(announced)
            if address and address != shown:
                shown = address
                console.print(
                    f"API [bold]{escape(address)}[/bold], schema at {escape(address)}/schema; "
                    f"logs in {escape(str(announced.parent / 'logs'))}. Press Ctrl-C to stop."
                )
            live.update(await _status(container, children), refresh=True)
            await asyncio.sleep(STATUS_EVERY)


async def _status(container: AppContainer, children: list[Child]) -> Text:
    try:
        counts = await container.reader().row(_COUNTS, {"now": container.clock().now()})
    except Exception as error:  # noqa: BLE001 -- an error of the status line must not stop the processes
        return Text(f"database unavailable: {type(error).__name__}", style="red")
    if counts is None:
        return Text("")
    restarts = sum(child.restarts for child in children)
    line = "{followed} followed, {due} due, {in_progress} in progress".format(**counts)
    if counts["next_due"] is not None:
        line += f", next due {counts['next_due']:%H:%M:%S} UTC"
    return Text(line + (f", {restarts} restarts" if restarts else ""), style="yellow" if restarts else "green")


def end_with_parent() -> None:
    """In a child: have the kernel send SIGTERM when the parent process dies, for whatever reason (Linux)."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(1)
