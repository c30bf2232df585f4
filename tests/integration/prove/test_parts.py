"""Each part of `make prove`, asked for seconds: it runs, and what it says of today's product holds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.prove.__main__ import PARTS

ROOT = Path(__file__).parents[3]
PATIENCE = 900
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("part", PARTS)
def test_a_part_holds(part: str, tmp_path: Path) -> None:
    page = tmp_path / "proof.md"
    done = subprocess.run(  # noqa: S603 -- our own module
        [sys.executable, "-m", "tests.prove", part, "--report", str(page)],
        cwd=ROOT,
        env={**os.environ, "SECONDS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    told = page.read_text()
    assert f"## {part}" in told
    if (skipped := re.search(r"^Skipped: (.+)$", told, re.MULTILINE)) is not None:
        pytest.skip(skipped[1])
