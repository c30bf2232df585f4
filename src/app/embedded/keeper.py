"""Keeps one embedded server of a TRACKERS_HOME running.

A process owns the server, or shares it and takes it over when the owner exits.
"""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from app.embedded.errors import EmbeddedServersError
from app.embedded.servers import EmbeddedServer

LAUNCHER = Path(__file__).with_name("launch.py")
NO_PARENT_DEATH_SIGNAL = sys.platform != "linux"
POLL_INTERVAL_S = 0.2  # between two checks of a server that we own, or of the lock of a server that we share
GREET_SECONDS = 0.01  # between two checks of a server that is starting
STOP_SECONDS = 30.0
STEADY_SECONDS = 10.0  # a server that ran this long is restarted at once
LONGEST_PAUSE_SECONDS = 30.0
LOG_BYTES = 10_000_000
LOG_TAIL_LINES = 15
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # no other variables: the environment holds our secrets


class _LeavingError(Exception):
    """The keeper must stop during a start or a command."""


class Keeper:
    """Runs one thread that does all work for one server.

    It must be a single thread that lives as long as the server: the kernel sends the parent-death signal when the
    *thread* that started the process ends.
    """

    def __init__(self, server: EmbeddedServer, patience: float) -> None:
        self._server = server
        self._patience = patience
        self._leaving = threading.Event()
        self._settled = threading.Event()  # the server has answered once, or has failed
        self._failure: Exception | None = None
        self._log_began = 0
        self._thread = threading.Thread(target=self._keep, name=f"keeper of {server.title}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server if we own it. Further Ctrl-Cs wait for that, for a bounded time."""
        self._leaving.set()
        interruption: BaseException | None = None
        while self._thread.is_alive():
            try:
                self._thread.join()
            except (KeyboardInterrupt, SystemExit) as again:
                interruption = again
        if interruption and not error:
            raise interruption

    def wait_until_ready(self) -> None:
        self._settled.wait()
        if self._failure:
            raise self._failure

    def _keep(self) -> None:
        try:
            self._share_or_own()
        except _LeavingError:
            pass
        except OSError as error:
            self._failure = EmbeddedServersError(
                f"{self._server.title} cannot be started in {self._server.place.root}: {error}. Make room or make it "
                "writable, or set TRACKERS_HOME to another directory."
            )
            self._failure.__cause__ = error
        except Exception as error:  # noqa: BLE001 -- raised again in the waiting thread
            self._failure = error
        finally:
            self._settled.set()

    def _share_or_own(self) -> None:
        deadline = time.monotonic() + self._patience
        while not self._leaving.is_set():
            with self._ownership() as lock:
                if lock is not None:
                    self._own(lock)
                    return
            if not self._settled.is_set():
                self._see_whether_shared(deadline)
            self._leaving.wait(POLL_INTERVAL_S if self._settled.is_set() else GREET_SECONDS)

    @contextmanager
    def _ownership(self) -> Iterator[int | None]:
        """The lock, or None if an owner or a process of a former server holds it."""
        lock = os.open(self._server.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield lock
        finally:
            os.close(lock)  # never unlock: a server that still runs shares this lock

    def _see_whether_shared(self, deadline: float) -> None:
        if self._server.answers(owner=False):
            self._settled.set()
        elif time.monotonic() > deadline:
            raise EmbeddedServersError(
                f"Another process manages the {self._server.title} of {self._server.place.home}, but the server "
                f"did not answer for {self._patience:.0f} s. See {self._server.log}; "
                f"`fuser {self._server.lock}` shows the process."
            )

    def _own(self, lock: int) -> None:
        """Run the server until we leave. Only the first start may fail; later ones are tried again."""
        logger = logging.getLogger(__name__)
        pause = 0.0
        while not self._leaving.wait(pause):
            began = time.monotonic()
            try:
                self._serve(lock)
            except (EmbeddedServersError, OSError) as error:
                if not self._settled.is_set():
                    raise
                logger.warning("%s is not running: %s", self._server.title, error)
            steady = time.monotonic() - began > STEADY_SECONDS
            pause = 0.0 if steady else min(max(0.1, pause * 2), LONGEST_PAUSE_SECONDS)

    def _serve(self, lock: int) -> None:
        """Start the server once, and wait until it ends or we leave."""
        logger = logging.getLogger(__name__)
        server = self._server
        began = time.monotonic()
        server.prepare(lambda command: self._run(command, lock))
        with self._process(server.command(), server.stop_signal, lock) as process:
            while not server.answers(owner=True):
                self._go_on(process, began)
            logger.info("%s answers after %.0f ms", server.title, (time.monotonic() - began) * 1000)
            self._settled.set()
            while not self._leaving.wait(POLL_INTERVAL_S):
                if process.poll() is not None:
                    logger.warning("%s ended by itself (%s): starting it again", server.title, process.returncode)
                    return

    def _go_on(self, process: "subprocess.Popen[bytes]", began: float) -> None:
        """Wait a moment for a server that is starting.

        Raises EmbeddedServersError if it has ended or took too long, _LeavingError if we must stop.
        """
        if self._leaving.wait(GREET_SECONDS):
            raise _LeavingError
        if process.poll() is not None:
            raise self._did_not_start(f"ended with status {process.returncode}")
        if time.monotonic() - began > self._patience:
            raise self._did_not_start(f"did not answer within {self._patience:.0f} s")

    def _run(self, command: list[str], lock: int) -> None:
        """Run a program to its end. Raises EmbeddedServersError if it fails."""
        with self._process(command, signal.SIGTERM, lock) as process:
            while process.poll() is None:
                if self._leaving.wait(GREET_SECONDS):
                    raise _LeavingError
            if process.returncode:
                raise self._did_not_start(f"{Path(command[0]).name} ended with status {process.returncode}")

    @contextmanager
    def _process(self, command: list[str], stop: signal.Signals, lock: int) -> Iterator["subprocess.Popen[bytes]"]:
        """A child process that also holds the lock, dies with us, and is stopped at the end of the block."""
        account = self._server.place.account
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(stop))]
        launch += [str(int(NO_PARENT_DEATH_SIGNAL)), f"{account.uid}:{account.gid}" if account else ""]
        with self._log_file() as log:
            process = subprocess.Popen(  # noqa: S603 -- our launcher and a program that we found
                [*launch, *command],
                stdin=subprocess.PIPE if NO_PARENT_DEATH_SIGNAL else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={key: os.environ[key] for key in PASSED_ON if key in os.environ} | {"LC_ALL": "C", "TZ": "UTC"},
                pass_fds=(lock,),
                start_new_session=True,  # a Ctrl-C in the terminal is only for us; we decide when the servers stop
            )
        with process:
            try:
                yield process
            finally:
                self._stop(process, stop)

    def _stop(self, process: "subprocess.Popen[bytes]", stop: signal.Signals) -> None:
        process.send_signal(stop)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            logging.getLogger(__name__).warning("%s did not stop within %.0f s", self._server.title, STOP_SECONDS)
            os.killpg(process.pid, signal.SIGKILL)

    @contextmanager
    def _log_file(self) -> Iterator[int]:
        path = self._server.log
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._log_began = os.fstat(log).st_size
            yield log
        finally:
            os.close(log)

    def _did_not_start(self, what: str) -> EmbeddedServersError:
        with self._server.log.open("rb") as log:
            log.seek(self._log_began)
            output = log.read().decode(errors="replace")
        advice = "The end of its log may show the cause"
        if "No space left on device" in output:
            advice = "The disk is full: make room and start again"
        tail = "\n".join(f"  {line}" for line in output.splitlines()[-LOG_TAIL_LINES:])
        return EmbeddedServersError(f"{self._server.title} {what}. {advice} ({self._server.log}):\n{tail}")
