"""Becomes a server that does not outlive its parent; run as a script, by path, with nothing installed.

    python -I -S launch.py PARENT SIGNAL WATCH USER:GROUP PROGRAM [ARGUMENT ...]

Why a program and not `preexec_fn`: Python code between fork and exec can deadlock in a process with threads. Why the
order below: changing the user clears the parent-death signal, and a parent that died before it was set sends none.
USER:GROUP is empty to stay who we are. WATCH is 1 where the kernel has no parent-death signal (macOS): then this
process stays above the server, and the parent's end of its standard input tells when the parent is gone.
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
        sys.exit("the parent went away before the server began")
    _become(command)


def _become(command: list[str]) -> None:
    try:
        os.execv(command[0], command)  # noqa: S606 -- no shell wanted; the program is one that we looked up
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
    os._exit(abs(os.waitstatus_to_exitcode(status)))  # at once: a reading daemon thread must not hold us up


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
