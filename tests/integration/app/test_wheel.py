"""The package as it is installed: what it needs lies in it, wherever it is run from."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.conftest import create_database, database_of, drop_database
from tests.waiting import LIMIT_S

from app.embedded import Endpoints

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 -- our own package
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_every_file_of_the_source_that_is_no_code_is_in_it(installed: Path) -> None:
    for folder in (ROOT / "src", ROOT / "migrations"):
        base = folder if folder.name == "src" else ROOT
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                assert (installed / path.relative_to(base)).is_file(), path


@pytest.mark.slow
async def test_it_migrates_a_database_from_anywhere(installed: Path, servers: Endpoints, tmp_path: Path) -> None:
    name = "t_of_the_wheel"
    await create_database(servers, name)
    environ = {**os.environ, "PYTHONPATH": str(installed), "TRACKERS_DATABASE_URL": database_of(servers, name)}
    try:
        where = [
            sys.executable,
            "-c",
            "import app.migrations; print(app.migrations.config().get_main_option('script_location'))",
        ]
        for command, told in ((where, str(installed)), ([sys.executable, "-m", "app", "migrate"], "empty -> ")):
            done = subprocess.run(  # noqa: S603, ASYNC221 -- our own command; nothing else runs meanwhile
                command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LIMIT_S
            )
            assert done.returncode == 0, done.stderr
            assert told in done.stdout
    finally:
        await drop_database(servers, name)
