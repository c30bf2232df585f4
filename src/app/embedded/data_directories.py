"""Where the servers live and as whom, decided once per home."""

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
SOCKET_PATH_BYTES = 103  # sun_path without its final zero on macOS; Linux has four more
LONGEST_SOCKET = "/.s.PGSQL.5432"


@dataclass(frozen=True)
class OsUser:
    """A user that servers run as."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """The directories of one home's servers."""

    home: Path
    root: Path
    """Data, sockets and locks: the home itself, or a directory that stands in for it."""
    account: OsUser | None
    """Who the servers run as; None for whoever we are."""

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def sockets(self) -> Path:
        run = self.root / "run"
        fits = len(os.fsencode(f"{run}{LONGEST_SOCKET}")) <= SOCKET_PATH_BYTES
        if fits and "," not in str(run):  # asyncpg takes a comma for the end of a host's name
            return run
        name = f"trackers-{self.uid}-{_short_hash(self.root)}"
        return Path("/tmp") / name  # noqa: S108 -- short on every system; `own_directory` refuses one that is not ours

    def leave_sockets(self) -> None:
        """Remove the directory of the sockets from /tmp, unless another process serves in it now."""
        if self.sockets.parent != self.root:
            with suppress(OSError):
                self.sockets.rmdir()

    @property
    def uid(self) -> int:
        return self.account.uid if self.account else os.geteuid()

    def own_directory(self, path: Path) -> Path:
        """A directory that only the servers' account may enter, made when missing."""
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        about = path.lstat()
        if self.account and about.st_uid == os.geteuid() and stat.S_ISDIR(about.st_mode) and not any(path.iterdir()):
            os.chown(path, self.account.uid, self.account.gid)  # new, or left by one who was killed before this line
            about = path.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != self.uid:
            owner = _name(about.st_uid)
            raise EmbeddedServersError(
                f"{path} belongs to user {owner}, and the servers would run as {_name(self.uid)}. Run as {owner}, or "
                "(as root) set TRACKERS_EMBEDDED_USER to that name, or choose another TRACKERS_HOME."
            )
        if about.st_mode & 0o077:
            path.chmod(0o700)
        return path

    def programs(self) -> Path:
        """Where copies of binaries are kept; for root only."""
        kept_in = _outside(self.account) / "programs"
        kept_in.mkdir(mode=0o755, exist_ok=True)
        return kept_in


def settle(home: Path) -> DataDirectory:
    """Decide where the servers of a home live, the same for every process on it, and make the directories."""
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)  # enterable by the servers' account, listable by nobody
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
            f"{_name(os.geteuid())}, or set TRACKERS_HOME to a directory that is."
        ) from error
    return place


def can_enter(path: Path, account: OsUser) -> bool:
    """Whether every directory down to this one, or down to this program, may be entered (run) by that user."""
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
    if wanted := os.environ.get("TRACKERS_EMBEDDED_USER"):
        names = [wanted]
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
        f"As root the servers need an unprivileged user, and there is none named {' or '.join(names)}: "
        "set TRACKERS_EMBEDDED_USER to one that exists, or do not run as root."
    )


def _recorded(home: Path) -> Path | None:
    record = home / RECORD
    if not record.exists():
        return None
    root = Path(record.read_text(encoding="utf-8").strip())
    if not root.is_dir():
        raise EmbeddedServersError(
            f"The data of {home} was kept in {root}, which is not there any more. Bring it back, or remove {record} to "
            "begin empty."
        )
    return root


def _stand_in(home: Path, account: OsUser) -> Path:
    if (home / "postgres").exists():
        raise EmbeddedServersError(
            f"{home}/postgres holds data, but user {_name(account.uid)} cannot enter {home} any more: allow it to "
            "(chmod o+x on each directory above), or move the home."
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
    """A directory of root's that the servers' account may enter and nobody else may change."""
    for base in (Path("/var/lib/trackers"), Path("/var/tmp/trackers"), Path(tempfile.gettempdir()) / "trackers"):  # noqa: S108 -- refused below unless it is root's
        try:
            base.mkdir(mode=0o711, exist_ok=True)
            about = base.lstat()
        except OSError:
            continue
        ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o022
        if ours and os.access(base, os.W_OK) and (account is None or can_enter(base, account)):
            return base
    raise EmbeddedServersError(
        "The servers' user can enter neither TRACKERS_HOME nor a directory that we could make under /var/lib or "
        "/var/tmp: set TRACKERS_HOME to a directory that all may pass through (chmod o+x), or do not run as root."
    )


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock that no other user can open, or they could keep every command of this home waiting."""
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
