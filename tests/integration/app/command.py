"""The command `trackers`, as an operator types it."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from tests.isolation import process_state_restored
from tests.waiting import LIMIT_S

from app.cli import main


def trackers(
    environ: dict[str, str], *arguments: str, cwd: Path | None = None, entered: str = ""
) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "app", *arguments],
        env={**os.environ, **environ},
        input=entered,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=cwd,
    )


def trackers_here(environ: dict[str, str], *arguments: str, entered: str = "") -> subprocess.CompletedProcess[str]:
    """In this process, which has loaded everything already: more than a second faster. Raises what would be a crash."""
    with process_state_restored():  # a command sets up logging, on streams that are closed when it ends
        result = CliRunner().invoke(main, arguments, input=entered, env=environ, prog_name="trackers")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)
