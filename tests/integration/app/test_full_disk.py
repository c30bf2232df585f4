"""A disk that is full: what people and operators are told, what goes on, and that nothing stays lying about.

The quick tests have PostgreSQL say that its disk is full. The slow ones fill a real file system of their own, which
they mount.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.conftest import Bench, container_of
from tests.integration.app.command import trackers
from tests.integration.app.test_cli import BOT_LINK, up
from tests.integration.people import People
from tests.upstreams.client import SimulatedSites
from tests.waiting import LIMIT_S, eventually_sync

from app.container import AppContainer
from app.worker import WorkerProcess

TRIP = {"origin": "JFK", "destination": "LAX", "departs_on": "2027-03-01", "notes": "n" * 1000}
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file "base/1": No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


async def fill(container: AppContainer, table: str) -> None:
    await container.standalone_writer().execute(text(FULL))
    await container.standalone_writer().execute(
        text(f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION full_disk()")
    )


async def make_room(container: AppContainer) -> None:
    await container.standalone_writer().execute(text("DROP FUNCTION full_disk CASCADE"))


async def test_a_write_answers_503_with_what_to_do_and_changes_nothing(api: Bench, people: People) -> None:
    ada = await people.register()
    await fill(api.container, "flight_trips")
    answer = await ada.ask("POST", "/api/trips", TRIP)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_full")
    assert "made room" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) == 60
    assert (await ada.ask("GET", "/api/trips")).json()["items"] == []
    await make_room(api.container)
    assert (await ada.ask("POST", "/api/trips", TRIP)).status_code == 201


async def test_no_event_is_given_up_for_a_full_disk(api: Bench, people: People) -> None:
    ada = await people.register()
    tracked = await ada.ask("POST", "/api/trackers/add", {"url": BOT_LINK})
    assert tracked.status_code == 201, tracked.text
    await fill(api.container, "notified_events")
    channel = """
    INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at, verified_at)
    VALUES (uuidv7(), :user_id, 'webhook', 'Bot', '', 'bot.invalid', 'bot.invalid', now(), now())
    """
    await api.container.standalone_writer().execute(text(channel), {"user_id": ada.id})
    event = """
    INSERT INTO outbox_events (id, event, aggregate, user_id, payload, occurred_at)
    SELECT uuidv7(), 'game_account.unreachable', 'game_account:' || a.id, :user_id,
           jsonb_build_object('account_id', a.id, 'game', a.game, 'platform', a.platform, 'name', a.display,
                              'url', 'https://example.org', 'season', NULL, 'reason', 'private'), now()
    FROM game_accounts a
    """
    await api.container.standalone_writer().execute(text(event), {"user_id": ada.id})
    relay = api.container.events.relay()
    for _ in range(10):
        with pytest.raises(Exception, match="No space left"):
            await relay.run()
    rows = await people.rows("SELECT attempts, dead_at FROM outbox_events WHERE event = 'game_account.unreachable'")
    assert [(row["attempts"], row["dead_at"]) for row in rows] == [(0, None)]
    await make_room(api.container)
    assert await relay.run() > 0


async def test_a_target_is_given_back_and_its_attempt_not_counted(api: Bench, people: People) -> None:
    ada = await people.register()
    assert (await ada.ask("POST", "/api/trackers/add", {"url": BOT_LINK})).status_code == 201
    await fill(api.container, "game_snapshots")
    container = container_of({**api.environ, "TRACKERS_SCRAPE_LEASE": "2"})
    assert await WorkerProcess(container).burst() > 0
    rows = await people.rows("SELECT lease_until, attempt FROM scrape_schedule")
    assert [(row["lease_until"], row["attempt"]) for row in rows] == [(None, 0)]
    await make_room(api.container)
    await api.container.standalone_writer().execute(text("UPDATE scrape_schedule SET due_at = '2000-01-01'"))
    await api.work()
    assert await people.rows("SELECT 1 FROM game_snapshots")


@dataclass
class SmallDisk:
    """A file system of a few MB."""

    path: Path

    @property
    def home(self) -> Path:
        return self.path / "home"

    @property
    def filler(self) -> Path:
        return self.path / "filler"

    def fill(self) -> None:
        """Until not a byte more can be written."""
        with self.filler.open("ab", buffering=0) as file:
            for size in (65_536, 512, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def make_room(self) -> None:
        self.filler.unlink()

    def left(self) -> list[str]:
        """What lies about in the home."""
        return sorted(path.name for path in self.home.iterdir())


@pytest.fixture
def disk(request: pytest.FixtureRequest) -> Iterator[SmallDisk]:
    """As large as the test says."""
    path = Path(tempfile.mkdtemp(prefix="trackers-small-disk-"))
    path.chmod(0o755)  # the servers' user must pass through
    options = f"size={request.param}m,mode=0755"
    mounted = subprocess.run(  # noqa: S603 -- numbers and a folder of ours
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)],  # noqa: S607 -- the system's own
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        shutil.rmtree(path)
        pytest.skip(f"no file system can be mounted here, and nothing else is a full disk: {mounted.stderr}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)  # noqa: S603, S607 -- what was mounted above
        path.rmdir()


@pytest.fixture
def on_small_disk(disk: SmallDisk, sites: SimulatedSites) -> dict[str, str]:
    """The environment of an installation that lives there."""
    return {
        "TRACKERS_HOME": str(disk.home),
        "TRACKERS_PORT": "0",
        "TRACKERS_GAMES_BASE_URL": sites.games.url,
        "TRACKERS_GAMES_DELAY": "0.05",
        "TRACKERS_GAMES_JITTER": "0.01",
        "COLUMNS": "200",
    }


@pytest.fixture(scope="session")
def running_sites(sites_on_machine_time: SimulatedSites) -> SimulatedSites:
    return sites_on_machine_time


@pytest.mark.slow
@pytest.mark.as_root  # mounts a file system
@pytest.mark.parametrize("disk", [160], indirect=True)
def test_a_full_disk_is_told_everywhere_and_everything_goes_on_once_there_is_room(
    disk: SmallDisk, on_small_disk: dict[str, str], tmp_path: Path
) -> None:
    with up(on_small_disk, tmp_path) as (process, address), httpx.Client(base_url=address, timeout=LIMIT_S) as http:
        account = http.post("/api/auth/register", json={"username": "ada", "password": "correct horse battery staple"})
        http.headers["Authorization"] = f"Bearer {account.json()['access_token']}"

        def health() -> dict[str, Any]:
            told: dict[str, Any] = http.get("/health/ready").json()
            return told

        assert health()["parts"]["disk"]["ok"]
        before = disk.left()
        disk.fill()

        def is_refused() -> bool:
            answer = http.post("/api/trips", json=TRIP)
            if answer.status_code == httpx.codes.CREATED:  # into what PostgreSQL had left
                disk.fill()
                return False
            assert (answer.status_code, answer.json()["code"]) == (503, "storage_full"), answer.text
            return True

        eventually_sync(is_refused, what="a write is refused")
        login = {"login": "ada", "password": "correct horse battery staple"}
        for path, body in (
            ("/api/auth/login", login),
            ("/api/auth/register", {"username": "eve", "password": login["password"]}),
            ("/api/trackers/add", {"url": BOT_LINK}),
            ("/api/auth/refresh", {"refresh_token": account.json()["refresh_token"]}),
        ):
            answer = http.post(path, json=body)
            assert answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR, (path, answer.text)
        eventually_sync(lambda: not health()["parts"]["disk"]["ok"], what="readiness names the disk")
        assert "make room" in health()["parts"]["disk"]["error"]
        for arguments, where in (
            (("doctor",), "make room"),
            (("keys", "create", "a bot"), "make room"),
            (("backup", str(disk.path / "trackers.dump")), "No space left on device"),
        ):
            told = trackers(on_small_disk, *arguments)
            assert told.returncode == 1, arguments
            assert where in told.stdout + told.stderr, told.stdout + told.stderr
            assert "Traceback" not in told.stdout + told.stderr
        assert disk.left() == before
        assert sorted(path.name for path in disk.path.iterdir()) == ["filler", "home"]
        disk.make_room()
        assert process.poll() is None

        def tracked() -> str | None:
            answer = http.post("/api/trackers/add", json={"url": BOT_LINK})
            return answer.json()["trackers"][0]["id"] if answer.status_code == httpx.codes.CREATED else None

        tracker = eventually_sync(tracked, what="writes are taken again")
        eventually_sync(
            lambda: http.get(f"/api/trackers/{tracker}").json()["status"] == "completed", what="the worker goes on"
        )
        eventually_sync(lambda: health()["ok"] and health()["parts"]["disk"]["ok"], what="all is well again")
    assert "request_failed" not in (tmp_path / "up.log").read_text()


@pytest.mark.slow
@pytest.mark.as_root  # mounts a file system
@pytest.mark.parametrize("disk", [8], indirect=True)
@pytest.mark.parametrize("filled", [False, True])
def test_a_home_without_room_for_the_servers_is_left_as_it_was(
    disk: SmallDisk, on_small_disk: dict[str, str], filled: bool
) -> None:
    if filled:
        disk.fill()
    for command in ("up", "doctor"):
        told = subprocess.run(  # noqa: S603 -- our own command
            [sys.executable, "-m", "app", command],
            env={**os.environ, **on_small_disk},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert told.returncode == 1
        said = told.stdout + told.stderr
        assert "room" in said, said
        assert "Traceback" not in said
    left = {path.name for path in disk.home.rglob("*")} if disk.home.exists() else set()
    assert {name for name in left if name.endswith(".new") or name.startswith("secret.")} == set()
    assert shutil.disk_usage(disk.path).used < (9 if filled else 3) * 2**20
