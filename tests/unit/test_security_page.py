"""docs/security.md names a test for each thing that nobody can do, and every test that it names exists."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/security.md").read_text()
SECTION: Final = PAGE.partition("## What nobody can do")[2].partition("\n## ")[0]
ROWS: Final = [line.strip("|").split("|") for line in SECTION.splitlines() if line.startswith("|")][2:]
EXISTING: Final = frozenset(
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
)


def test_every_promise_names_tests_that_exist() -> None:
    assert len(ROWS) >= 25
    for who, cannot, tests in ROWS:
        named = re.findall(r"`(\w+)`", tests)
        assert named, f"no test holds that {who.strip()} cannot {cannot.strip()}"
        assert not set(named) - EXISTING, f"no such tests: {set(named) - EXISTING}"


def test_what_cannot_happen_is_said_in_one_place() -> None:
    """A promise elsewhere on the page would have no test."""
    assert "cannot" not in PAGE.replace(SECTION, "").replace("and cannot read the database", "")
