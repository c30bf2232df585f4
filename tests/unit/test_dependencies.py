"""docs/dependencies.md names all compiled code that an installation carries."""

import re
import subprocess
from collections.abc import Callable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.backends.openssl import backend
from yaml._yaml import get_version_string

from app.embedded.programs import Programs

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/dependencies.md").read_text()
LOCKED: Final = frozenset(
    re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/embedded.txt").read_text(), re.MULTILINE)
)
COMPILED: Final = (b"\x7fELF", b"\xcf\xfa\xed\xfe")
"""How programs and libraries begin on Linux and on macOS."""


def version_of(program: Path) -> str:
    """Of a server, as it says it: `postgres (PostgreSQL) 18.4`, `Valkey server v=9.1.2 ...`."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 -- a program of the lock
    found = re.search(r"\d+(\.\d+)+", said)
    assert found, said
    return found.group()


TOLD: Final[dict[str, Callable[[], str]]] = {
    "PostgreSQL 18, for embedded homes": lambda: version_of(Programs().postgres() / "postgres"),
    "PostgreSQL 16, installed but never started": lambda: version_of(
        Programs().postgres().parents[1] / "pginstall/bin/postgres"
    ),
    "Valkey, for embedded homes": lambda: version_of(Programs().redis()),
    "OpenSSL": lambda: backend.openssl_version_text().split()[1],
    "libyaml": get_version_string,
}
"""Code that says its version -> how it is asked."""


def with_compiled_code() -> set[str]:
    """Packages of the lock that are installed here and carry compiled code."""
    return {name for name in LOCKED if any(is_compiled(path) for path in files_of(name))}


def files_of(name: str) -> list[Path]:
    try:
        found: Distribution = distribution(name)
    except PackageNotFoundError:
        return []  # of another Python or platform
    return [Path(str(found.locate_file(file))) for file in found.files or ()]


def is_compiled(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in COMPILED


def rows() -> list[list[str]]:
    """`[package, code, version, what it reads]` of each row."""
    lines = re.findall(r"^\|(.+)\|$", PAGE, re.MULTILINE)[2:]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_every_package_with_compiled_code_is_listed() -> None:
    own = PAGE.rpartition("\n\n")[2].strip().split(", ")
    assert with_compiled_code() <= {row[0] for row in rows()} | set(own)
    assert {row[0] for row in rows()} | set(own) <= LOCKED


@pytest.mark.parametrize("code", TOLD)
def test_versions_are_those_that_are_installed(code: str) -> None:
    (version,) = (row[2] for row in rows() if row[1] == code)
    assert TOLD[code]() == version, f"docs/dependencies.md says {version} of {code}"
