"""How pages are asked for: clubs first, at the pace, not at all when switched off, rarely when they fail."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.conftest import Bench
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, BLAKE, CLUB, OTHER_CLUB, Salle
from tests.waiting import LIMIT_S

from shared.scraping.repository import ScrapingRepository
from shared.scraping.target import Priority
from trackers.fencers.settings import FencersSettings
from trackers.fencers.source import FencersSource

DELAY, JITTER = 0.4, 0.3  # a fifth of the jitter is for the way to the wire, on a machine that is busy
SLOW = {"FENCER_SCRAPE_DELAY_SEC": str(DELAY), "FENCER_SCRAPE_JITTER_SEC": str(JITTER)}


async def test_clubs_are_looked_at_before_fencers_whoever_came_first(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.add_club(OTHER_CLUB, "Other Hall")
    await salle.track(ada, "fencer", ALEX)
    await salle.track(ada, "club", CLUB)
    await salle.track(ada, "fencer", BLAKE)
    await salle.track(ada, "club", OTHER_CLUB)
    # Claimed one at a time, as they are at a delay of seconds.
    assert _source(salle).policy.in_flight == 1
    await _one_by_one(salle)
    kinds = [request.path.split("/")[1] for request in salle.site.requests() if "robots" not in request.path]
    assert kinds == ["club", "club", "p", "p"]
    await salle.execute("UPDATE scrape_schedule SET due_at = '2000-01-01'")
    priorities = await salle.people.rows("SELECT DISTINCT usual_priority FROM scrape_schedule ORDER BY 1")
    assert [row["usual_priority"] for row in priorities] == [Priority.ROUTINE, Priority.BACKGROUND]
    before = len(salle.site.requests())
    await _one_by_one(salle)
    kinds = [request.path.split("/")[1] for request in salle.site.requests()[before:] if "robots" not in request.path]
    assert kinds == ["club", "club", "p", "p"]


def _source(salle: Salle) -> FencersSource:
    """At the pace that it has where nothing is set."""
    container = salle.container.fencers
    return FencersSource(
        settings=FencersSettings(), recorder=container.recorder.provider, pages=container.pages(), clock=salle.clock
    )


async def _one_by_one(salle: Salle) -> None:
    """Claim one and look at it, until none is due."""
    while True:
        now = salle.clock.now()
        async with salle.container.database().transaction() as session:
            claims = await ScrapingRepository(session).claim_due(
                "fencers", now=now, lease_until=now + timedelta(seconds=60), limit=1
            )
        if not claims:
            return
        await salle.container.runner().run("fencers", claims)


@pytest.mark.parametrize("off", [{"FENCER_SCRAPE_ENABLED": "false"}, {"FENCER_SCRAPE_DELAY_SEC": "0"}])
@pytest.mark.slow
async def test_switched_off_no_fencers_page_is_asked_for_and_clubs_go_on(
    salle: Salle, ada: Person, off: dict[str, str]
) -> None:
    salle.stage()
    await salle.track(ada, "fencer", ALEX)
    await salle.track(ada, "club", CLUB)
    await salle.look(environ=off)
    assert salle.site.requests("/p/") == []
    assert len(salle.site.requests("/club/")) == 1
    salle.clock.ahead += timedelta(minutes=20)
    await salle.look()
    assert len(salle.site.requests("/p/")) == 1


async def test_robots_txt_is_obeyed(salle: Salle, ada: Person) -> None:
    salle.stage()
    salle.site.robots("User-agent: *\nDisallow: /p/\n")
    made = (await salle.track(ada, "fencer", ALEX))["tracked"]
    await salle.look()
    assert salle.site.requests("/p/") == []
    assert (await salle.read(ada, f"/api/fencers/{made['id']}"))["tracked"]["reason"] == "blocked"


async def test_a_page_that_keeps_failing_rests_longer_each_time_until_an_admin_ends_it(
    salle: Salle, ada: Person
) -> None:
    salle.stage()
    await salle.track(ada, "fencer", ALEX)
    other = (await salle.track(ada, "fencer", BLAKE))["tracked"]
    await salle.look()
    fault = salle.site.fault(f"/p/{ALEX}/*", "changed")
    waits = []
    for _ in range(5):
        await salle.look(again=True)
        (row,) = await salle.people.rows(
            "SELECT extract(epoch FROM s.due_at - t.last_attempt_at) AS wait FROM scrape_schedule s"
            " JOIN scrape_targets t ON t.id = s.target_id WHERE t.last_status = 'failed'"
        )
        waits.append(round(float(row["wait"]) / 60))
    assert waits[2:] == [60, 120, 240]
    root = await salle.people.admin()
    health = await salle.read(root, "/api/admin/fencers")
    assert (health["fencers"]["followed"], health["fencers"]["failing"], health["fencers"]["cooling_down"]) == (2, 1, 1)
    (failing,) = (await salle.read(root, "/api/admin/fencers/failing"))["items"]
    assert (failing["upstream_id"], failing["failures"], failing["failed"], failing["successes"]) == (ALEX, 5, 5, 1)
    assert (failing["reason"], failing["cooling_down"], failing["followers"]) == ("page_changed", True, 1)
    pages = (await salle.read(root, "/api/admin/fencers/pages?kind=fencer"))["items"]
    assert [(one["upstream_id"], one["status"]) for one in pages][:1] == [(ALEX, "failed")]
    (well,) = [one for one in pages if one["upstream_id"] == BLAKE]
    assert (well["failed"], well["status"]) == (0, "completed")
    assert well["successes"] > 1
    assert (await salle.read(root, "/api/admin/fencers/pages?kind=club"))["items"] == []
    salle.site._sites.clear_fault(fault)
    reset = await salle.ask(root, "POST", f"/api/admin/fencers/{failing['id']}/reset-cooldown")
    assert reset.status_code == 202, reset.text
    await salle.look()
    assert (await salle.read(root, "/api/admin/fencers/failing"))["total"] == 0
    assert (await salle.read(ada, f"/api/tasks/{reset.json()['task_id']}"))["status"] == "completed"
    unknown = await salle.ask(root, "POST", f"/api/admin/fencers/{other['id']}/reset-cooldown")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "page_not_found")


async def test_throttling_rests_the_host_and_is_a_warning(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    await salle.track(ada, "fencer", ALEX)
    salle.site.fault("/club/*", "throttled", retry_after=600)
    with capture_logs() as logs:
        await salle.look()
    (said,) = [entry for entry in logs if entry["event"] == "page_throttled"]
    assert (said["log_level"], said["retry_after"], said["target"]) == ("warning", 600, f"club:{CLUB}")
    before = len(salle.site.requests())
    await salle.look(again=True)
    assert len(salle.site.requests()) == before, "the breaker is open for everybody"


async def test_server_errors_open_the_breaker_after_so_many(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "club", CLUB)
    salle.site.fault("/club/*", "unavailable")
    for _ in range(5):
        await salle.look(again=True)
    assert len(salle.site.requests("/club/")) == 3


PACED = """
import asyncio, json, sys
from tests.clock import MovedClock
from tests.conftest import container_of
from tests.integration.trackers.fencers.conftest import BEGINS
from app.worker import WorkerProcess
environ = json.loads(sys.stdin.readline())
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
sys.exit(asyncio.run(WorkerProcess(container_of(environ, clock=MovedClock(BEGINS))).burst()))
"""


@pytest.mark.slow
async def test_four_workers_keep_one_pace(salle: Salle, ada: Person, api: Bench) -> None:
    salle.site.configure(auto=True)
    for number in range(8):
        await salle.track(ada, "fencer", 300_000_001 + number)
    await salle.track(ada, "club", CLUB)
    processes = [
        subprocess.Popen(  # noqa: ASYNC220, S603 -- started by a test, which has nothing else to do
            [sys.executable, "-c", PACED],
            cwd=Path(__file__).parents[4],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": "src:."},
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(api.environ | SLOW) + "\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout
        process.stdout.readline()
    for process in processes:
        process.communicate("\n", timeout=LIMIT_S)
    for _ in range(3):  # what a burst gave back, because its slot was too far off
        if len({request.path for request in salle.site.requests("/p/")}) == 8:
            break
        await salle.look(environ=SLOW)
    times = [request.time for request in salle.site.requests()]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) >= 10
    assert min(gaps) >= DELAY - JITTER, sorted(gaps)[:3]
