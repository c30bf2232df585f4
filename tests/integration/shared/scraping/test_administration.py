"""Sources as admins see and steer them: health that agrees with what happened, pauses that hold everywhere."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers
from sqlalchemy import text
from tests.clock import START, FixedClock
from tests.conftest import Bench, container_of
from tests.integration.people import People, Person
from tests.integration.shared.audit.conftest import ADMIN, FakePeople
from tests.waiting import LIMIT_S, eventually

from app.container import AppContainer
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.failures import Blocked, PageChanged, TargetNotFound
from shared.scraping.fetch_context import FetchContext
from shared.scraping.observation import Observation
from shared.scraping.policy import Policy
from shared.scraping.runner import FLUSH
from shared.scraping.source import Source
from shared.scraping.target import Status, Target

DAY = timedelta(days=1)
SOURCES = "/api/admin/sources"


class SlowSite(Source[str]):
    """A site in memory that answers when it is told to."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.policy = Policy(host=f"{name}.example", delay=0.0, batch_size=10, cooldown=30.0, dead_after=2)
        self.answers: dict[str, Exception] = {}
        self.fetches: list[str] = []
        self.recorded: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def collect(self, target: Target, context: FetchContext) -> str:
        self.fetches.append(target.key)
        await self.open.wait()
        context.requests += 2
        if target.key in self.answers:
            raise self.answers[target.key]
        return target.key

    async def record(self, observations: Sequence[Observation[str]]) -> set[UUID]:
        self.recorded += [observation.value for observation in observations]
        return {observation.target.id for observation in observations}


@dataclass
class Process:
    """A container of its own, as another process has it, with a queue that runs nothing by itself."""

    container: AppContainer
    site: SlowSite
    queued: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    async def enqueue(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        self.queued.append((job, arguments))

    async def enqueue_many(self, job: str, arguments: Sequence[tuple[Any, ...]]) -> None:
        self.queued += [(job, args) for args in arguments]

    async def dispatch(self) -> list[tuple[Any, ...]]:
        self.queued.clear()
        await self.container.dispatcher().dispatch(self.site.name)
        return [arguments for job, arguments in self.queued if job == "scraping.scrape"]

    async def round(self) -> int:
        return sum([await self.container.runner().run(*batch) for batch in await self.dispatch()])

    async def follow(self, *keys: str) -> dict[str, UUID]:
        async with self.container.database().unit_of_work():
            return await self.container.targets().track(self.site.name, {key: key for key in keys}, interval=DAY)

    async def request_run(self, *targets: UUID) -> dict[UUID, UUID]:
        async with self.container.database().unit_of_work():
            return await self.container.targets().request_run(self.site.name, targets)

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in await self.container.reader().rows(text(statement))]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def site(container: AppContainer, clock: FixedClock) -> SlowSite:
    """Two sources, of which tests use the first; on a clock that stands."""
    made = SlowSite()
    container.sources.override(providers.Object(SourceRegistry([made, SlowSite("quiet")])))
    container.clock.override(providers.Object(clock))
    return made


@pytest.fixture
def worker(container: AppContainer, site: SlowSite) -> Process:
    made = Process(container, site)
    container.queue.override(providers.Object(made))
    return made


@pytest.fixture
async def other_worker(environ: dict[str, str], site: SlowSite, clock: FixedClock) -> AsyncIterator[Process]:
    container = container_of(environ)
    made = Process(container, site)
    container.sources.override(providers.Object(SourceRegistry([site])))
    container.clock.override(providers.Object(clock))
    container.queue.override(providers.Object(made))
    yield made
    await container.database().close()
    await container.redis().aclose()


@pytest.fixture
def admin(worker: Process, api: Bench, container: AppContainer) -> Person:
    """Whose token outlives every clock."""
    container.users.person_authenticator.override(providers.Object(FakePeople()))
    return Person(api.http, ADMIN, "root", {"access_token": "anything"})


async def asked(admin: Person, method: str, path: str = "", body: Any = None) -> Any:
    answer = await admin.ask(method, f"{SOURCES}{path}", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def noted(people: People) -> list[tuple[str, str, UUID, Any]]:
    rows = await people.rows("SELECT * FROM activity_log WHERE subject = 'source' ORDER BY id")
    return [(row["event"], row["subject_id"], row["actor_id"], row["details"]) for row in rows]


async def test_a_source_that_nothing_was_asked_of(admin: Person) -> None:
    nothing = {"runs": 0, "requests": 0, "failed": {}}
    assert await asked(admin, "GET", "/quiet") == {
        "name": "quiet",
        "enabled": True,
        "disabled_because": None,
        "paused": None,
        "host": "quiet.example",
        "pace": {"delay": 0.0, "jitter": 0.0, "interval": None, "in_flight": 2000},
        "breaker": {"state": "closed", "seconds_left": None, "failures": 0, "cooldown": 30.0},
        "targets": {
            "total": 0,
            "by_status": {"pending": 0, "in_progress": 0, "completed": 0, "failed": 0},
            "by_reason": {},
            "due_now": 0,
            "oldest_due": None,
            "dead": 0,
        },
        "last_success_at": None,
        "last_failure": None,
        "last_hour": nothing,
        "last_day": nothing,
    }
    unknown = await admin.ask("GET", f"{SOURCES}/nowhere")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_source")
    for act in ("pause", "resume", "redrive", "close-breaker"):
        body: dict[str, str] | None = {} if act == "pause" else None
        assert (await admin.ask("POST", f"{SOURCES}/nowhere/{act}", body)).status_code == 404


async def test_health_agrees_with_what_happened(admin: Person, worker: Process, clock: FixedClock) -> None:
    worker.site.answers |= {"gone": TargetNotFound("no such player"), "odd": PageChanged("stats are missing")}
    await worker.follow("a", "b", "gone", "odd")
    assert await worker.round() == 4
    clock.advance(timedelta(minutes=90))
    found = await worker.follow("new", "newer")
    await worker.request_run(found["new"])
    (batch,) = await worker.dispatch()
    assert len(batch[1]) == 3  # the changed page is tried again, too
    await worker.follow("newest")
    health = await asked(admin, "GET", "/fake")
    assert health["targets"] == {
        "total": 7,
        "by_status": {"pending": 1, "in_progress": 3, "completed": 2, "failed": 1},
        "by_reason": {"not_found": 1},
        "due_now": 1,
        "oldest_due": clock.now().isoformat().replace("+00:00", "Z"),
        "dead": 0,
    }
    assert health["last_day"] == {"runs": 4, "requests": 8, "failed": {"not_found": 1, "page_changed": 1}}
    assert health["last_hour"] == {"runs": 0, "requests": 0, "failed": {}}
    assert health["last_success_at"] == START.isoformat().replace("+00:00", "Z")
    assert health["last_failure"]["reason"] in {"not_found", "page_changed"}
    await worker.container.runner().run(*batch)
    health = await asked(admin, "GET", "/fake")
    assert health["last_hour"] == {"runs": 3, "requests": 6, "failed": {"page_changed": 1}}
    assert health["last_day"]["runs"] == 7
    assert [one["name"] for one in (await asked(admin, "GET"))["items"]] == ["fake", "quiet"]


async def test_a_breaker_is_shown_and_can_be_closed(admin: Person, people: People, worker: Process) -> None:
    worker.site.answers["a"] = Blocked("no", http_status=403)
    await worker.follow("a", "b")
    await worker.round()
    breaker = (await asked(admin, "GET", "/fake"))["breaker"]
    assert (breaker["state"], breaker["cooldown"]) == ("open", 60.0)
    assert 25 < breaker["seconds_left"] <= 30
    assert await asked(admin, "POST", "/fake/close-breaker") == {"was_open": True}
    assert (await asked(admin, "GET", "/fake"))["breaker"]["state"] == "closed"
    assert await asked(admin, "POST", "/fake/close-breaker") == {"was_open": False}
    assert await noted(people) == [("source.breaker_closed", "fake", admin.id, {"host": "fake.example"})]


async def test_a_breaker_whose_rest_is_over_waits_for_its_probe(admin: Person, container: AppContainer) -> None:
    half_open: Any = container.redis().hset(
        "breaker:fake.example", mapping={"open_until": 1, "level": 9, "failures": 9}
    )
    await half_open
    breaker = (await asked(admin, "GET", "/fake"))["breaker"]
    assert breaker == {"state": "half_open", "seconds_left": 0.0, "failures": 9, "cooldown": 3600.0}


async def test_a_paused_source_is_left_alone_by_every_process_until_it_is_resumed(
    admin: Person, people: People, worker: Process, other_worker: Process
) -> None:
    (target,) = (await worker.follow("a")).values()
    await worker.follow("b", "c")
    paused = await asked(admin, "POST", "/fake/pause", {"reason": "the site asked us to"})
    assert paused == {"since": START.isoformat().replace("+00:00", "Z"), "reason": "the site asked us to"}
    task = (await worker.request_run(target))[target]
    assert await worker.dispatch() == []
    assert await other_worker.dispatch() == []
    assert (await worker.container.task_queries().task(task)).status is Status.PENDING
    health = await asked(admin, "GET", "/fake")
    assert (health["paused"]["reason"], health["targets"]["due_now"]) == ("the site asked us to", 3)
    assert (await asked(admin, "GET", "/quiet"))["paused"] is None
    assert await asked(admin, "POST", "/fake/resume") == {"was_paused": True}
    assert ("scraping.dispatch", ("fake",)) in worker.queued
    assert await other_worker.round() == 3
    assert (await worker.container.task_queries().task(task)).status is Status.COMPLETED
    assert await asked(admin, "POST", "/fake/resume") == {"was_paused": False}
    assert await noted(people) == [
        ("source.paused", "fake", admin.id, {"reason": "the site asked us to"}),
        ("source.resumed", "fake", admin.id, None),
    ]


async def test_pausing_twice_keeps_since_when(admin: Person, clock: FixedClock) -> None:
    first = await asked(admin, "POST", "/fake/pause")
    assert first["reason"] is None
    clock.advance(DAY)
    again = await asked(admin, "POST", "/fake/pause", {"reason": "for good"})
    assert again == {"since": first["since"], "reason": "for good"}
    assert (await admin.ask("POST", f"{SOURCES}/fake/pause", {"reason": " "})).status_code == 422


async def test_batches_that_wait_for_a_worker_go_back_when_the_source_is_paused(
    admin: Person, worker: Process, other_worker: Process
) -> None:
    found = await worker.follow("a", "b")
    task = (await worker.request_run(found["a"]))[found["a"]]
    (batch,) = await worker.dispatch()
    await asked(admin, "POST", "/fake/pause", {})
    assert await other_worker.container.runner().run(*batch) == 0
    assert worker.site.fetches == []
    assert await worker.rows("SELECT count(*) FROM scrape_schedule WHERE lease_until IS NULL AND attempt = 0") == [(2,)]
    assert (await worker.container.task_queries().task(task)).status is Status.PENDING


async def test_what_is_under_way_is_broken_off_within_two_seconds(admin: Person, worker: Process) -> None:
    worker.site.open.clear()
    found = await worker.follow("a", "b")
    task = (await worker.request_run(found["a"]))[found["a"]]
    (batch,) = await worker.dispatch()
    running = asyncio.create_task(worker.container.runner().run(*batch))

    async def both_under_way() -> bool:
        return len(worker.site.fetches) == 2

    await eventually(both_under_way, what="both are visited")
    await asked(admin, "POST", "/fake/pause", {})
    assert FLUSH < 2  # seconds between two looks at whether the source is paused
    assert await asyncio.wait_for(running, LIMIT_S) == 0  # the visits themselves would not end
    assert (await worker.container.task_queries().task(task)).status is Status.PENDING
    assert await worker.rows("SELECT count(*) FROM scrape_schedule WHERE lease_until IS NULL AND attempt = 0") == [(2,)]
    worker.site.open.set()
    await asked(admin, "POST", "/fake/resume")
    assert await worker.round() == 2
    assert sorted(worker.site.recorded) == ["a", "b"]


async def test_what_was_given_up_is_tried_again(
    admin: Person, people: People, worker: Process, clock: FixedClock
) -> None:
    worker.site.answers["bad"] = RuntimeError("a bug")
    await worker.follow("bad", "good")
    for _ in range(2):
        await worker.round()
        clock.advance(timedelta(hours=8))
    health = await asked(admin, "GET", "/fake")
    assert (health["targets"]["dead"], health["targets"]["by_reason"]) == (1, {"error": 1})
    worker.site.answers.clear()
    assert await asked(admin, "POST", "/fake/redrive") == {"redriven": 1}
    assert (await asked(admin, "GET", "/fake"))["targets"]["by_status"]["pending"] == 1
    assert await asked(admin, "POST", "/fake/redrive") == {"redriven": 0}
    assert await worker.round() == 1
    assert worker.site.fetches[-1] == "bad"
    assert (await asked(admin, "GET", "/fake"))["targets"]["dead"] == 0
    assert await worker.rows("SELECT status FROM scrape_runs ORDER BY id DESC LIMIT 1") == [("completed",)]
    assert await noted(people) == [("source.redriven", "fake", admin.id, {"targets": 1})]


async def test_a_target_that_lost_its_workers_is_tried_again_alone(
    admin: Person, worker: Process, clock: FixedClock
) -> None:
    await worker.follow("killer")
    for _ in range(2):
        await worker.dispatch()
        clock.advance(timedelta(minutes=2))
        await worker.container.dispatcher().reclaim_expired_leases()
    assert await worker.dispatch() == []
    await worker.follow("a", "b")
    assert await asked(admin, "POST", "/fake/redrive") == {"redriven": 1}
    assert sorted(len(claims) for _, claims in await worker.dispatch()) == [1, 2]


async def test_what_guilds_switched_off_is_neither_dead_nor_tried_again(
    admin: Person, worker: Process, container: AppContainer
) -> None:
    await worker.follow("a")
    await container.standalone_writer().execute(
        text("UPDATE scrape_schedule SET due_at = 'infinity', priority = 5, usual_priority = 5")
    )
    assert (await asked(admin, "GET", "/fake"))["targets"]["dead"] == 0
    assert await asked(admin, "POST", "/fake/redrive") == {"redriven": 0}
