"""The command `trackers`, as an operator types it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def trackers(
    environ: dict[str, str], *arguments: str, cwd: Path | None = None, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "app", *arguments],
        env={**os.environ, **environ},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
    )
