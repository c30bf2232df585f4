"""The client as it is handed out: a package of its own, of the service's version, that needs nothing of the service."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import msgspec

from app.schema import openapi_schema

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "clients/python"
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]


def test_service_schema_and_client_are_of_one_version() -> None:
    assert msgspec.json.decode(openapi_schema())["info"]["version"] == version("trackers")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert PROJECT["version"] == declared


def test_the_changelog_tells_of_this_version() -> None:
    """Released, or as the next one."""
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert PROJECT["version"] in headings or f"this will be {PROJECT['version']}." in text


def test_it_imports_what_it_declares_and_nothing_else() -> None:
    declared = {re.split("[<>=]", one)[0] for one in PROJECT["dependencies"]}
    imported = set()
    for path in (FOLDER / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    assert imported - set(sys.stdlib_module_names) == declared | {"trackers_client"}


def test_it_can_be_built_and_brings_its_types(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=FOLDER, check=True, capture_output=True)  # noqa: S603 -- a tool of ours
    (wheel,) = tmp_path.glob("trackers_client-*.whl")
    names = set(ZipFile(wheel).namelist())
    assert {"trackers_client/py.typed", "trackers_client/generated/bot/trackers.py"} <= names
    assert not any(name.startswith(("app/", "shared/", "generate")) for name in names)
