"""No test and no service depends on the day: the machine's clock is read only where a line says why."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("src", "tests", "clients/python/src")
REASON: Final = "# real date: "
"""Marks a line that reads the machine's clock; what follows says why that is right on every day."""
READERS: Final = frozenset(
    {
        *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
        "datetime.date.today",
        *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime")),
        *(f"time.CLOCK_{name}" for name in ("REALTIME", "TAI")),
        *(f"email.utils.{name}" for name in ("formatdate", "localtime")),
        "shared.clock.SystemClock",
    }
)
SQL_READERS: Final = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\(\)"
    r"|\b(current_date|current_time|current_timestamp|localtime|localtimestamp)\b",
    re.IGNORECASE,
)


def readings(source: str) -> Iterator[int]:
    """The lines of a module that name something of READERS, whatever it is imported as."""
    tree = ast.parse(source)
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {
                one.asname or one.name.partition(".")[0]: (one.asname and one.name) or "" for one in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            imported |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and _full_name(node, imported) in READERS:
            yield node.end_lineno or node.lineno


def _full_name(node: ast.expr, imported: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return imported.get(node.id) or node.id
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, imported)}.{node.attr}"
    return ""


def unexplained(source: str) -> list[int]:
    """Lines that read the machine's clock and do not say why."""
    lines = source.splitlines()
    return sorted({line for line in readings(source) if not lines[line - 1].partition(REASON)[2].strip()})


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_machines_clock_is_read_only_for_a_reason(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in unexplained(path.read_text(encoding="utf-8"))
    ]
    assert found == [], f"inject a clock (tests/clock.py in tests), or say why on the line: {REASON}..."


def test_statements_are_given_the_time() -> None:
    """The database's clock decides nothing; migrations and what makes identifiers (uuidv7) may read it."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " in node.value  # a statement, not the name of a zone
        and SQL_READERS.search(node.value)
    ]
    assert found == [], "bind the time of the injected clock"


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, datetime\nx = datetime.now(UTC)",
        "import datetime as dt\nx = dt.datetime.now(dt.UTC)",
        "import datetime\nx = datetime.date.today()",
        "from datetime import datetime\nread = datetime.utcnow",
        "import time\nx = time.time()",
        "from time import time as seconds\nx = seconds()",
        "import time\nx = time.strftime('%Y')",
        "from shared.clock import SystemClock\nx = SystemClock()",
        "from time import time\nx = time()  # real date:",
    ],
)
def test_every_way_to_read_it_is_found(source: str) -> None:
    assert unexplained(source) == [2]


@pytest.mark.parametrize(
    "source",
    [
        "from time import time\nx = time()  # real date: for the test of this",
        "from time import monotonic, sleep\nx = monotonic()",
        "from datetime import datetime\nx = datetime.fromtimestamp(0)",
        "def f(clock, day):\n    return clock.now(), day.strftime('%Y'), day.today",
        "import shared.clock\nfrom shared.clock import Clock",
    ],
)
def test_nothing_else_is(source: str) -> None:
    assert unexplained(source) == []
