"""Every advisory lock has one number and one purpose, and both are in one file."""

import ast
import re
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final

import pytest

from shared.database.advisory_locks import AdvisoryLock, LockNamespace

ROOT: Final = Path(__file__).parents[3]
HOME: Final = ROOT / "src/shared/database/advisory_locks.py"
NUMBERS: Final = {int(number) for kind in (AdvisoryLock, LockNamespace) for number in kind}
SQL: Final = re.compile(r"pg_\w*advisory\w*|hashtext\w*", re.IGNORECASE)


def literals(source: str) -> Iterator[str]:
    """What a file spells that belongs into advisory_locks.py: SQL of such locks, and their numbers."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str):
            yield from (f"{node.lineno}: {sql}" for sql in SQL.findall(node.value))
            yield from (
                f"{node.lineno}: {digits}" for digits in re.findall(r"\d+", node.value) if int(digits) in NUMBERS
            )
        elif isinstance(node.value, int) and node.value in NUMBERS:
            yield f"{node.lineno}: {node.value}"


@pytest.mark.parametrize(
    "source",
    [
        'text("SELECT pg_advisory_xact_lock(5)")',
        'text(f"SELECT PG_TRY_ADVISORY_LOCK({KEY})")',
        'ORDER = "ORDER BY hashtext(key)"',
        'NUMBER = f"hashtextextended(key, {SEED})"',
        "ONE_AT_A_TIME = 7_266_031_154",
        'KEY = "7266031155"',
    ],
)
def test_a_literal_is_found(source: str) -> None:
    assert list(literals(source))


def test_no_other_file_spells_a_lock() -> None:
    files = [file for folder in ("src", "migrations") for file in (ROOT / folder).rglob("*.py") if file != HOME]
    assert len(files) > 100
    assert {str(file.relative_to(ROOT)): found for file in files if (found := list(literals(file.read_text())))} == {}


def repeated(kind: type[IntEnum]) -> list[str]:
    """Names whose number has another name already."""
    return [name for name, lock in kind.__members__.items() if name != lock.name]


@pytest.mark.parametrize("kind", [AdvisoryLock, LockNamespace])
def test_no_number_is_used_twice(kind: type[IntEnum]) -> None:
    assert repeated(kind) == []


def test_a_repeated_number_is_found() -> None:
    class Twice(IntEnum):
        FIRST = 1
        SECOND = 1

    assert repeated(Twice) == ["SECOND"]
