"""Directories and user of the embedded servers, decided once per TRACKERS_HOME (called home here)."""

import fcntl
import hashlib
import logging
import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedServersError

RECORD = "servers-live-in"
SOCKET_PATH_BYTES = 103  # sun_path without the final zero on macOS; Linux has four bytes more
LONGEST_SOCKET = "/.s.PGSQL.5432"


@dataclass(frozen=True)
class OsUser:
    """An operating system user that the servers run as."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """The directories of the servers of one home."""

    home: Path
    root: Path
    """Directory for data, sockets and locks: the home itself or its substitute."""
    account: OsUser | None
    """User that the servers run as; None: the user of this process."""

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def sockets(self) -> Path:
        run = self.root / "run"
        fits = len(os.fsencode(f"{run}{LONGEST_SOCKET}")) <= SOCKET_PATH_BYTES
        if fits and "," not in str(run):  # asyncpg treats a comma as the end of a host name
            return run
        name = f"trackers-{self.uid}-{_short_hash(self.root)}"
        return Path("/tmp") / name  # noqa: S108 -- short on every system; `own_directory` refuses a directory of another user

    def leave_sockets(self) -> None:
        """Remove the socket directory from /tmp, unless another process has a server in it."""
        if self.sockets.parent != self.root:
            with suppress(OSError):
                self.sockets.rmdir()

    @property
    def uid(self) -> int:
        return self.account.uid if self.account else os.geteuid()

    def own_directory(self, path: Path) -> Path:
        """Return a directory that only the user of the servers may enter; create it if it is missing.

        Raises EmbeddedServersError if it belongs to another user.
        """
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        about = path.lstat()
        if self.account and about.st_uid == os.geteuid() and stat.S_ISDIR(about.st_mode) and not any(path.iterdir()):
            os.chown(
                path, self.account.uid, self.account.gid
            )  # new, or from a process that was killed before this line
            about = path.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != self.uid:
            owner = _name(about.st_uid)
            raise EmbeddedServersError(
                f"{path} belongs to user {owner}, but the servers would run as {_name(self.uid)}. Run as {owner}, or "
                "(as root) set TRACKERS_EMBEDDED_USER to that name, or choose another TRACKERS_HOME."
            )
        if about.st_mode & 0o077:
            path.chmod(0o700)
        return path

    def programs(self) -> Path:
        """Directory for copies of the binaries; only used by root."""
        kept_in = _outside(self.account) / "programs"
        kept_in.mkdir(mode=0o755, exist_ok=True)
        return kept_in


def settle(home: Path) -> DataDirectory:
    """Choose and create the directories of a home's servers; all processes on the home get the same.

    Raises EmbeddedServersError if they cannot be created.
    """
    try:
        home.mkdir(
            mode=0o711, parents=True, exist_ok=True
        )  # the servers' user can enter it, and no other user can list it
        home = home.resolve()
        (home / "logs").mkdir(mode=0o700, exist_ok=True)
        with _one_at_a_time(home / "places.lock"):
            root = _recorded(home)
            account = _account(root or home)
            if root is None:
                root = home if account is None or can_enter(home, account) else _stand_in(home, account)
        place = DataDirectory(home=home, root=root, account=account)
        for directory in (root / "redis", place.sockets):
            place.own_directory(directory)
    except OSError as error:
        raise EmbeddedServersError(
            f"Cannot prepare {home} for the servers: {error}. Make room or make it writable for "
            f"{_name(os.geteuid())}, or set TRACKERS_HOME to another directory."
        ) from error
    return place


def can_enter(path: Path, account: OsUser) -> bool:
    """True if the user may enter all directories of this path, and enter or run the last part itself."""
    real = path.resolve()
    for step in {path, *path.parents, real, *real.parents}:
        about = step.stat()
        if about.st_uid == account.uid:
            needed = 0o100
        elif about.st_gid == account.gid:
            needed = 0o010
        else:
            needed = 0o001
        if not about.st_mode & needed:
            return False
    return True


def _account(root: Path) -> OsUser | None:
    if os.geteuid() != 0:
        return None
    if user := os.environ.get("TRACKERS_EMBEDDED_USER"):
        names = [user]
    else:
        for files in (root / "postgres", root / "redis"):
            if files.is_dir() and (about := files.stat()).st_uid != 0:
                return OsUser(about.st_uid, about.st_gid)
        names = ["postgres", "nobody"]
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return OsUser(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServersError(
        f"If you are root, the servers need an unprivileged user, and there is none named {' or '.join(names)}: "
        "set TRACKERS_EMBEDDED_USER to an existing user, or do not run as root."
    )


def _recorded(home: Path) -> Path | None:
    record = home / RECORD
    if not record.exists():
        return None
    root = Path(record.read_text(encoding="utf-8").strip())
    if not root.is_dir():
        raise EmbeddedServersError(
            f"The data of {home} was kept in {root}, which is not there any more. Restore it, or remove {record} to "
            "start with empty servers."
        )
    return root


def _stand_in(home: Path, account: OsUser) -> Path:
    if (home / "postgres").exists():
        raise EmbeddedServersError(
            f"{home}/postgres holds data, but user {_name(account.uid)} can no longer enter {home}: allow it "
            "(chmod o+x on each parent directory), or move TRACKERS_HOME to another place."
        )
    root = Path(tempfile.mkdtemp(prefix=f"{_short_hash(home)}-", dir=_outside(account)))
    root.chmod(0o711)
    written = home / f"{RECORD}.new"
    try:
        written.write_text(f"{root}\n", encoding="utf-8")
        written.rename(home / RECORD)
    except OSError:
        written.unlink(missing_ok=True)
        root.rmdir()
        raise
    logging.getLogger(__name__).warning(
        "user %s cannot enter %s: the servers keep their data in %s", _name(account.uid), home, root
    )
    return root


def _outside(account: OsUser | None) -> Path:
    """A directory of root that the servers' user may enter and no other user may change.

    Raises EmbeddedServersError if there is no place for it.
    """
    for base in (Path("/var/lib/trackers"), Path("/var/tmp/trackers"), Path(tempfile.gettempdir()) / "trackers"):  # noqa: S108 -- refused below unless root owns it
        try:
            base.mkdir(mode=0o711, exist_ok=True)
            about = base.lstat()
        except OSError:
            continue
        ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o022
        if ours and os.access(base, os.W_OK) and (account is None or can_enter(base, account)):
            return base
    raise EmbeddedServersError(
        "The servers' user can enter neither TRACKERS_HOME nor a directory that we could create under /var/lib or "
        "/var/tmp: set TRACKERS_HOME to a directory that all users may enter (chmod o+x), or do not run as root."
    )


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock on a file that no other user can open: other users could block every command on this home."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(lock, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
