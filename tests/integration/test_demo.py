"""`make demo`, shortened: it shows what it promises, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import LIMIT_S

ROOT = Path(__file__).parents[2]
PATIENCE = 5 * LIMIT_S  # the demo takes a minute on a quiet machine
pytestmark = pytest.mark.slow


def demo(temporary: Path, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.demo"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary), "ROUNDS": "2", **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo makes its home; the servers may run as another user.

    Not pytest's own folder: each start of pytest closes that one to other users, so beside another run it would fail.
    """
    with tempfile.TemporaryDirectory(prefix="trackers-demo-tests-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        yield folder


def test_the_demo_shows_ratings_that_moved(temporary: Path) -> None:
    with demo(temporary) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert "\x1b[" not in said  # not a terminal: plain lines
    assert re.search(r"409 duplicate_tracker: .*already.*Quiet Comet", said, re.IGNORECASE)
    for player in ("Mossy Kettle +xbl", "Grüner Blitz +epic", "Lintwurm +switch"):
        assert re.search(rf"{player} +(pending|in_progress|completed)", said)  # as the member sees them
    assert "403 forbidden: " in said
    assert re.search(r"Quiet Comet +Doubles 2v2 +1043 +\d+ +\+\d+ ", said)
    assert re.search(r"KETTLE ROW FENCING\n +Lakeside Open\n +- New: Fjodor Fontaine", said)  # as the mail says
    assert re.search(r"looks +18 completed, ", said)
    pace = re.search(r"gaps: smallest \d+ ms, median (\d+) ms", said)
    assert pace is not None
    assert int(pace[1]) >= 150  # 200 give or take 50; the smallest depends on how busy the machine is
    assert list(temporary.iterdir()) == []


def test_ctrl_c_ends_everything_that_was_started(temporary: Path) -> None:
    with demo(temporary, KEEP="1") as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "is ready after" in line)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert list(temporary.iterdir()) == []
    port = int(line.strip().rpartition(":")[2])
    assert not _listens(port)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the demo's child in /proc")
def test_a_product_that_falls_is_told_with_its_log(temporary: Path) -> None:
    with demo(temporary) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if "is ready after" in line)
        os.kill(_trackers_up(process.pid), signal.SIGKILL)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    assert "The demo failed: " in said
    assert "the last lines of the log" in said
    assert "api_listens" in said
    assert list(temporary.iterdir()) == []


def _trackers_up(demo_pid: int) -> int:
    children = Path(f"/proc/{demo_pid}/task/{demo_pid}/children").read_text().split()
    return next(int(pid) for pid in children if b"app\0up" in Path(f"/proc/{pid}/cmdline").read_bytes())


def _listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0
