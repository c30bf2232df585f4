"""The product as the demo runs it: `trackers up` on a throw-away home, a bot's key, and the API that is asked."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx
from tests.waiting import LIMIT_S

START_SECONDS: Final = LIMIT_S
STOP_SECONDS: Final = LIMIT_S
REMOVE_SECONDS: Final = 5.0
POLL_INTERVAL_S: Final = 0.05
TAIL: Final = 40
"""Lines of the log that are shown when something went wrong."""
LINE: Final = 300
REQUEST: Final = '"event":"request"'
"""In the log line of every answered request: not what one looks for after a fall."""
STAND_IN: Final = "servers-live-in"
"""File that names the directory where the servers of a home live, when they cannot live in the home itself."""


class DemoFailed(Exception):  # noqa: N818 -- it is what the demo then says
    """The product did not do what the demo shows; the message says what, the log why."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of the product, with the memory that is its own share (PSS)."""

    name: str
    bytes: int


@dataclass(kw_only=True)
class Product:
    """`trackers up`, running."""

    home: Path
    environ: dict[str, str]
    address: str
    process: subprocess.Popen[bytes]
    http: httpx.Client

    @classmethod
    @contextmanager
    def started(cls, settings: Mapping[str, str]) -> Iterator[Self]:
        """Run everything on a home of its own; nothing of it is left when the block ends."""
        home = Path(tempfile.mkdtemp(prefix="trackers-demo-"))
        home.chmod(0o711)  # for root the servers run as somebody else, who must get through
        port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACKERS_")}
        environ = {
            **inherited,
            "TRACKERS_HOME": str(home),
            "TRACKERS_PORT": str(port),
            "TRACKERS_LOG_FORMAT": "json",
            "TRACKERS_RATE_LIMIT_BOT": "0",  # every task is watched at once, closer than a bot would
            **settings,
        }
        address = f"http://127.0.0.1:{port}"
        try:
            with (home / "demo.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "app", "up"],
                    cwd=home,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is ours: we stop it in order
                )
            try:
                with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
                    yield cls(home=home, environ=environ, address=address, process=process, http=http)
            finally:
                stopped = _stop(process)
            if not stopped:
                raise DemoFailed(f"`trackers up` did not stop within {STOP_SECONDS:g} s\n{_tail(home)}")
        finally:
            _remove(home)

    def wait_until_ready(self) -> None:
        """Until database, Redis and API answer."""
        until = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if self.http.get("/health/ready").status_code == httpx.codes.OK:
                    return
            if self.process.poll() is not None:
                raise DemoFailed(f"`trackers up` ended with exit code {self.process.returncode}")
            if time.monotonic() > until:
                raise DemoFailed(f"`trackers up` was not ready within {START_SECONDS:g} s")
            time.sleep(POLL_INTERVAL_S)  # between two looks; the demo has errors of its own

    def create_key(self, name: str, scopes: Sequence[str]) -> str:
        """`trackers keys create`, as an operator does it; used from then on."""
        made = self.command("keys", "create", name, *(f"--scope={scope}" for scope in scopes))
        key = made.strip().splitlines()[-1]
        self.http.headers["Authorization"] = f"Bearer {key}"
        return key

    def command(self, *arguments: str, entered: str = "") -> str:
        """One command of the product beside the running one, told what is `entered`; what it prints."""
        done = subprocess.run(  # noqa: S603 -- our own program
            [sys.executable, "-m", "app", *arguments],
            cwd=self.home,
            env=self.environ,
            input=entered,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise DemoFailed(f"`trackers {' '.join(arguments)}` failed: {done.stderr.strip()[-1000:]}")
        return done.stdout

    def ask(
        self, method: str, path: str, body: Any = None, *, expect: int = httpx.codes.OK, token: str | None = None
    ) -> Any:
        """One call with the bot's key, or with a person's `token` ("" for nobody's), answered with `expect`."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}" if token else ""}
        try:
            answer = self.http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            raise DemoFailed(f"{method} {path}: {error!r}") from error
        if answer.status_code != expect:
            raise DemoFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def log_tail(self) -> str:
        """The last lines that the product said, long ones cut."""
        return _tail(self.home)

    def processes(self) -> list[Process]:
        """What runs, by kind, with its memory; empty where the system does not tell."""
        found: dict[str, int] = {}
        counts: dict[str, int] = {}
        try:
            for pid in _family(self.process.pid):
                name = _name_of(pid)
                found[name] = found.get(name, 0) + _share_of_memory(pid)
                counts[name] = counts.get(name, 0) + 1
        except (OSError, ValueError):
            return []
        return [
            Process(name=f"{name} ({counts[name]} processes)" if counts[name] > 1 else name, bytes=share)
            for name, share in sorted(found.items(), key=lambda item: -item[1])
        ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[bytes]) -> bool:
    """Whether it stopped by itself when it was asked to."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # its children are told by the kernel
        process.wait()
        return False
    return True


def _tail(home: Path) -> str:
    path = home / "demo.log"
    if not path.exists():
        return ""
    lines = [line[:LINE] for line in path.read_text(errors="replace").splitlines() if REQUEST not in line]
    return "\n".join(lines[-TAIL:])


def _remove(home: Path) -> None:
    """The home, and what stands in for it; again while something is still being written there."""
    record = home / STAND_IN
    places = [home, *([Path(record.read_text().strip())] if record.exists() else [])]
    until = time.monotonic() + REMOVE_SECONDS
    while any(place.exists() for place in places) and time.monotonic() < until:
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
        time.sleep(POLL_INTERVAL_S)  # between two attempts


def _family(pid: int) -> Sequence[int]:
    """A process and everything that it started (Linux)."""
    members = [pid]
    for member in members:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            members += [int(child) for child in children.read_text().split()]
    return members


def _name_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    for sign, name in (
        ("-m app api", "API"),
        ("-m app worker", "worker"),
        ("-m app up", "supervisor"),
        ("redis", "Redis"),
    ):
        if sign in words:
            return name
    return "PostgreSQL" if "postgres" in words else "other"


def _share_of_memory(pid: int) -> int:
    """Proportional set size: memory shared by several processes is counted once in their sum."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(pid)
