"""Runs a server that does not outlive its parent; started as a script, by path, without installed packages.

    python -I -S launch.py PARENT SIGNAL WATCH USER:GROUP PROGRAM [ARGUMENT ...]

It is a program and not a `preexec_fn` because Python code between fork and exec can deadlock in a process with threads.
The order of steps matters: changing the user clears the parent-death signal, and a parent that died before the signal
was set sends none. An empty USER:GROUP keeps the current user. WATCH is 1 if the kernel has no parent-death signal
(macOS): then this process stays the parent of the server, and the end of its standard input means that its own parent
has died.
"""

import ctypes
import os
import signal
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1


def main(parent: int, death: int, watch: str, account: str, command: list[str]) -> None:
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # an ignored signal (nohup, SIGPIPE in Python) would stay ignored
    if account:
        user, group = (int(part) for part in account.split(":"))
        os.setgroups([group])
        os.setgid(group)
        os.setuid(user)
    if watch == "1":
        _stay_above(death, command)
    _die_with_parent(death)
    if os.getppid() != parent:
        sys.exit("the parent process ended before the server started")
    _become(command)


def _become(command: list[str]) -> None:
    try:
        os.execv(command[0], command)  # noqa: S606 -- no shell; we found the program ourselves
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


def _die_with_parent(death: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, *map(ctypes.c_ulong, (death, 0, 0, 0))) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")


def _stay_above(death: int, command: list[str]) -> None:
    server = os.fork()
    if server == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _become(command)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(server, number)

    def outlive() -> None:
        while os.read(0, 1):
            pass
        os.kill(server, death)

    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, pass_on)
    threading.Thread(target=outlive, daemon=True).start()
    _, status = os.waitpid(server, 0)
    os._exit(abs(os.waitstatus_to_exitcode(status)))  # at once: the reading daemon thread must not delay the exit


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
