"""A third party adds a site with one installed package."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.waiting import LIMIT_S

from shared.scraping.dispatch import SourceRegistry
from trackers.games.settings import GamesSettings
from trackers.games.source import GamesSource

PACKAGE = Path(__file__).parents[2] / "data" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as an operator would install it, aside from the house's own environment."""
    folder = tmp_path_factory.mktemp("site-packages")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(folder), str(PACKAGE)], check=True)  # noqa: S603 -- our own package
    return folder


@pytest.fixture
def harbour() -> Iterator[str]:
    """A site with one harbour's table on it."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"harbour": "Eastmole", "high_water": "04:17"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that the base class gives
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def trackers(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(  # noqa: S603 -- our own command
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


@pytest.mark.slow
async def test_an_installed_package_is_a_source_like_any_other(
    installed: Path, harbour: str, environ: dict[str, str]
) -> None:
    environ = {**environ, "PYTHONPATH": str(installed), "COLUMNS": "200"}
    assert "off: set TIDES_BASE_URL" in trackers(environ, "doctor").stdout

    environ["TIDES_BASE_URL"] = harbour
    looked = trackers(environ, "scrape", "tides", "eastmole")
    assert (looked.returncode, "04:17" in looked.stdout) == (0, True), looked.stdout + looked.stderr

    connection = await asyncpg.connect(environ["TRACKERS_DATABASE_URL"].replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE tides (harbour text PRIMARY KEY, high_water text NOT NULL)")
    followed = trackers(environ, "follow", "tides", "eastmole", "--every", "3600")
    assert "eastmole is followed" in followed.stdout, followed.stderr
    worked = trackers(environ, "worker", "--burst")
    assert worked.returncode == 0, worked.stderr
    assert await connection.fetchval("SELECT high_water FROM tides") == "04:17"
    assert await connection.fetchval("SELECT last_status FROM scrape_targets") == "completed"
    await connection.close()


def test_two_sources_of_one_name_are_refused() -> None:
    source = GamesSource(settings=GamesSettings(), recorder=lambda: None)  # type: ignore[arg-type,return-value]  # never asked to record
    with pytest.raises(ValueError, match="two sources are called 'games'"):
        SourceRegistry([source, source])
