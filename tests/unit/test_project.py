"""The project's own papers are true: locks, map, decisions."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_name_no_index_and_pin_every_file_by_hash(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"--(extra-)?index-url|--find-links|https?://", text)
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "==" in block
        assert "--hash=sha256:" in block


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {"app": project["dependencies"], "embedded": extras["embedded"], "dev": extras["dev"]}
    for lock, names in wanted.items():
        locked = (ROOT / "requirements" / f"{lock}.txt").read_text()
        for name in names:
            bare = re.split(r"[\[<>=; ]", name)[0]
            assert f"\n{bare}==" in f"\n{locked}", f"{bare} is missing from {lock}.txt: run make lock"


def test_every_python_that_is_promised_is_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    classifiers = "\n".join(project["classifiers"])
    promised = re.findall(r"^Programming Language :: Python :: ([\d.]+)$", classifiers, re.MULTILINE)
    (checked,) = re.findall(r"^PYTHONS +:= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert checked.split() == promised
    assert project["requires-python"] == f">={promised[0]}"
    assert f"Python {promised[0]} to {promised[-1]}" in (ROOT / "README.md").read_text()


def test_the_map_knows_every_package_and_invents_none() -> None:
    text = (ROOT / "docs" / "map.md").read_text()
    told = {
        folder for line in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for folder in re.findall(r"`([^`]+)`", line)
    }
    packages = {str(init.parent.relative_to(ROOT)) for init in (ROOT / "src").glob("*/*/__init__.py")}
    assert packages <= told
    assert [thing for thing in sorted(told) if not (ROOT / thing).exists()] == []


def test_decisions_are_numbered_without_gaps_and_have_the_four_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        for part in ("Context", "Decision", "Consequences", "Alternatives"):
            assert part in page.read_text(), f"{page.name} says nothing of its {part.lower()}"


def test_no_test_reads_what_lies_beside_the_project() -> None:
    """Neither by the folders above a file nor by a path of one machine; what is not in a clone is tested nowhere."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text, depth = path.read_text(), len(path.relative_to(ROOT).parts) - 1
        above = [int(number) for number in re.findall(r"Path\(__file__\)(?:\.resolve\(\))?\.parents\[(\d+)\]", text)]
        assert all(number <= depth for number in above), f"{path} looks above the project"
        assert not re.search(r"parents\[\d+\]\.parent|\bROOT\.parent\b", text), f"{path} looks above the project"
