"""The engine on a ten-line source: who is looked at, what is recorded, and what a failure means."""

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
from tests.conftest import container_of

from app.container import AppContainer
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.failures import Blocked, HostUnavailable, PageChanged, ScrapeFailure, TargetNotFound
from shared.scraping.fetch_context import FetchContext, Unchanged
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.policy import Policy
from shared.scraping.repository import ScrapingRepository
from shared.scraping.source import Source
from shared.scraping.target import Status, Target, Trigger

DAY = timedelta(days=1)


class FakeSource(Source[str]):
    """A site in memory: what a key answers, and what was recorded."""

    name = "fake"

    def __init__(self) -> None:
        self.policy = Policy(host="fake.example", delay=0.0, batch_size=10, cooldown=30.0, dead_after=3)
        self.answers: dict[str, str | Exception] = {}
        self.fetches: list[str] = []
        self.recorded: list[str] = []
        self.failures: list[str] = []
        self.poison: str | None = None

    async def collect(self, target: Target, context: FetchContext) -> str:
        self.fetches.append(target.key)
        answer = self.answers.get(target.key, f"state of {target.key}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def record(self, observations: Sequence[Observation[str]]) -> set[UUID]:
        if any(observation.value == self.poison for observation in observations):
            raise ValueError("cannot be stored")
        self.recorded += [observation.value for observation in observations]
        return {observation.target.id for observation in observations}

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        self.failures += [f"{failed.target.key}: {failed.failure.reason}" for failed in failures]


@dataclass
class Engine:
    """The engine around a fake source, with a clock that the test moves and a queue that runs nothing by itself."""

    container: AppContainer
    source: FakeSource
    clock: FixedClock
    queued: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    async def enqueue(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        self.queued.append((job, arguments))

    async def enqueue_many(self, job: str, arguments: Sequence[tuple[Any, ...]]) -> None:
        self.queued += [(job, args) for args in arguments]

    async def follow(self, *keys: str) -> dict[str, UUID]:
        async with self.container.database().unit_of_work():
            return await self.container.targets().track("fake", {key: key for key in keys}, interval=DAY)

    async def request_run(self, *targets: UUID) -> dict[UUID, UUID]:
        async with self.container.database().unit_of_work():
            return await self.container.targets().request_run("fake", targets)

    async def dispatch(self) -> list[tuple[Any, ...]]:
        """Claim what is due; the batches that were sent to workers."""
        self.queued.clear()
        await self.container.dispatcher().dispatch("fake")
        return [arguments for job, arguments in self.queued if job == "scraping.scrape"]

    async def round(self) -> int:
        """Dispatch and run everything once; how many targets were settled."""
        return sum([await self.container.runner().run(*batch) for batch in await self.dispatch()])

    async def rows(self, statement: str) -> list[Any]:
        return [tuple(row.values()) for row in await self.container.reader().rows(text(statement))]

    async def targets(self) -> dict[str, tuple[str, str | None, int]]:
        """key -> (status, reason, failures in a row)."""
        found = await self.rows("SELECT key, last_status, last_reason, failures FROM scrape_targets")
        return {key: (status, reason, failures) for key, status, reason, failures in found}

    async def in_progress(self) -> int:
        return len(await self.rows("SELECT 1 FROM scrape_schedule WHERE lease_until IS NOT NULL"))


@pytest.fixture
async def engine(environ: dict[str, str]) -> AsyncIterator[Engine]:
    container = container_of(environ)
    made = Engine(container=container, source=FakeSource(), clock=FixedClock())
    container.sources.override(providers.Object(SourceRegistry([made.source])))
    container.clock.override(providers.Object(made.clock))
    container.queue.override(providers.Object(made))
    yield made
    await container.database().close()
    await container.redis().aclose()


async def test_a_new_target_is_looked_at_once_and_then_after_its_interval(engine: Engine) -> None:
    await engine.follow("a")
    assert await engine.round() == 1
    assert await engine.round() == 0
    engine.clock.advance(DAY * 1.06)
    assert await engine.round() == 1
    assert engine.source.fetches == ["a", "a"]


async def test_a_target_followed_twice_is_one_target(engine: Engine) -> None:
    first = await engine.follow("a", "b")
    second = await engine.follow("b", "c")
    assert first["b"] == second["b"]
    assert await engine.round() == 3


async def test_work_is_sent_in_batches_of_the_sources_size(engine: Engine) -> None:
    await engine.follow(*(f"k{number}" for number in range(25)))
    assert [len(claims) for _, claims in await engine.dispatch()] == [10, 10, 5]


async def test_no_more_is_handed_out_than_the_pace_allows_in_the_next_seconds(engine: Engine) -> None:
    engine.source.policy = Policy(host="fake.example", delay=1.0, batch_size=1)
    await engine.follow(*(f"k{number}" for number in range(25)))
    assert len(await engine.dispatch()) == 6
    assert len(await engine.dispatch()) == 0


async def test_what_is_asked_for_by_hand_goes_first(engine: Engine) -> None:
    engine.source.policy = Policy(host="fake.example", delay=5.0, batch_size=1)
    found = await engine.follow("a", "b", "c", "d")
    await engine.request_run(found["d"])
    (first, *_) = await engine.dispatch()
    assert first[1][0][0] == found["d"]


async def test_asking_twice_while_one_waits_gives_the_same_task(engine: Engine) -> None:
    (target,) = (await engine.follow("a")).values()
    first, second = await engine.request_run(target), await engine.request_run(target)
    assert first == second
    batches = await engine.dispatch()
    assert await engine.request_run(target) == first
    assert (await engine.container.task_queries().task(first[target])).status is Status.IN_PROGRESS
    await engine.container.runner().run(*batches[0])
    assert (await engine.container.task_queries().task(first[target])).status is Status.COMPLETED
    assert (await engine.request_run(target)) != first


async def test_asking_while_a_routine_visit_is_under_way_gives_that_visits_task(engine: Engine) -> None:
    (target,) = (await engine.follow("a")).values()
    (batch,) = await engine.dispatch()
    task = (await engine.request_run(target))[target]
    assert task == batch[1][0][1]
    await engine.container.runner().run(*batch)
    assert (await engine.container.task_queries().task(task)).status is Status.COMPLETED
    assert engine.source.fetches == ["a"]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (TargetNotFound("no such player"), "not_found"),
        (PageChanged("stats.rating is missing"), "page_changed"),
        (HostUnavailable("the site answered 502"), "unavailable"),
        (RuntimeError("a bug"), "error"),
    ],
)
async def test_each_failure_is_told_by_its_reason_and_harms_nobody_else(
    engine: Engine, failure: Exception, reason: str
) -> None:
    engine.source.answers["bad"] = failure
    await engine.follow("bad", "good")
    assert await engine.round() == 2
    assert await engine.targets() == {"bad": ("failed", reason, 1), "good": ("completed", None, 0)}
    assert engine.source.failures == ([f"bad: {reason}"] if isinstance(failure, ScrapeFailure) else [])


async def test_nothing_new_is_a_success_that_changes_nothing(engine: Engine) -> None:
    engine.source.answers["a"] = Unchanged()
    await engine.follow("a")
    await engine.round()
    assert await engine.targets() == {"a": ("completed", None, 0)}
    assert engine.source.recorded == []
    assert await engine.rows("SELECT changed FROM scrape_runs") == [(False,)]


async def test_a_success_after_failures_starts_the_count_anew(engine: Engine) -> None:
    engine.source.answers["a"] = TargetNotFound("gone")
    await engine.follow("a")
    await engine.round()
    del engine.source.answers["a"]
    engine.clock.advance(DAY * 3)
    await engine.round()
    assert await engine.targets() == {"a": ("completed", None, 0)}


async def test_a_poisonous_result_harms_only_itself(engine: Engine) -> None:
    engine.source.poison = "state of k3"
    await engine.follow(*(f"k{number}" for number in range(8)))
    assert await engine.round() == 8
    failed = {key for key, (status, _, _) in (await engine.targets()).items() if status == "failed"}
    assert failed == {"k3"}
    assert sorted(engine.source.recorded) == [f"state of k{number}" for number in range(8) if number != 3]


async def test_what_a_bug_fails_too_often_waits_until_it_is_asked_for(engine: Engine) -> None:
    engine.source.answers["a"] = RuntimeError("a bug")
    (target,) = (await engine.follow("a")).values()
    for _ in range(6):
        await engine.round()
        engine.clock.advance(DAY * 2)
    assert await engine.targets() == {"a": ("failed", "error", 3)}
    del engine.source.answers["a"]
    await engine.request_run(target)
    await engine.round()
    assert await engine.targets() == {"a": ("completed", None, 0)}


async def test_while_a_host_blocks_us_nothing_more_is_asked_of_it(engine: Engine) -> None:
    engine.source.policy = Policy(host="fake.example", delay=0.001, batch_size=10, concurrency=1, max_in_flight=10)
    found = await engine.follow(*(f"k{number}" for number in range(5)))
    for key in found:
        engine.source.answers[key] = Blocked("Access denied")

    async def collect(target: Target, context: FetchContext) -> str:
        await context.pacer.slot(context.policy, max_wait=context.max_wait)
        return await FakeSource.collect(engine.source, target, context)

    engine.source.collect = collect  # type: ignore[method-assign]  # the fake asks the gate as a real one does
    await engine.round()
    statuses = [status for status, _, _ in (await engine.targets()).values()]
    assert statuses.count("failed") == 1
    assert await engine.in_progress() == 0
    assert await engine.dispatch() == []


async def test_dispatchers_at_the_same_moment_claim_no_more_than_the_pace_allows(engine: Engine) -> None:
    engine.source.policy = Policy(host="fake.example", delay=1.0, batch_size=1, max_in_flight=1)
    await engine.follow(*(f"k{number}" for number in range(20)))
    await asyncio.gather(*(engine.container.dispatcher().dispatch("fake") for _ in range(8)))
    assert await engine.in_progress() == 1


async def test_a_run_taken_for_lost_changes_nothing_when_it_comes_back(engine: Engine) -> None:
    await engine.follow("a")
    (late,) = await engine.dispatch()
    engine.clock.advance(timedelta(seconds=61))
    assert await engine.container.dispatcher().reclaim_expired_leases() == 1
    (fresh,) = await engine.dispatch()
    assert await engine.container.runner().run(*late) == 0
    assert await engine.container.runner().run(*fresh) == 1
    assert engine.source.recorded == ["state of a"]


async def test_a_slow_run_of_a_task_does_not_disturb_the_next_run_of_the_same_task(engine: Engine) -> None:
    (target,) = (await engine.follow("a")).values()
    await engine.request_run(target)
    (slow,) = await engine.dispatch()
    engine.clock.advance(timedelta(seconds=61))
    await engine.container.dispatcher().reclaim_expired_leases()
    (fresh,) = await engine.dispatch()
    assert slow[1][0][:2] == fresh[1][0][:2]
    async with engine.container.database().transaction() as session:
        await ScrapingRepository(session).release(slow[1], due_at=engine.clock.now())
    assert await engine.in_progress() == 1
    assert await engine.container.runner().run(*slow) == 0
    assert await engine.container.runner().run(*fresh) == 1


async def test_asking_hurries_what_waits_in_a_slower_lane(engine: Engine) -> None:
    engine.source.policy = Policy(host="fake.example", delay=5.0, batch_size=1)
    found = await engine.follow("a", "b", "c", "d")
    for target in found.values():
        async with engine.container.database().unit_of_work():
            await engine.container.targets().request_run("fake", [target], trigger=Trigger.REGISTRATION)
    await engine.request_run(found["d"])
    (first, *_) = await engine.dispatch()
    assert first[1][0][0] == found["d"]


async def test_a_sources_own_interval_holds_for_every_target(engine: Engine) -> None:
    await engine.follow("a")
    engine.source.policy = Policy(host="fake.example", delay=0.0, interval=3 * DAY.total_seconds())
    await engine.round()
    engine.clock.advance(DAY * 2)
    assert await engine.round() == 0
    engine.clock.advance(DAY * 1.3)
    assert await engine.round() == 1


async def test_what_cannot_even_be_settled_is_left_to_the_sweep_and_not_fetched_again_at_once(engine: Engine) -> None:
    found = await engine.follow("a", "b")
    async with engine.container.database().transaction() as session:
        for statement in (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''the disk is full''; END'",
            f"""CREATE TRIGGER refuse BEFORE INSERT ON scrape_runs FOR EACH ROW
                WHEN (NEW.target_id = '{found["a"]}') EXECUTE FUNCTION refuse()""",
        ):
            await session.execute(text(statement))
    assert await engine.round() == 1
    assert await engine.in_progress() == 1
    assert await engine.dispatch() == []
    engine.clock.advance(timedelta(seconds=61))
    assert await engine.container.dispatcher().reclaim_expired_leases() == 1


async def test_foreign_words_of_any_kind_can_be_told(engine: Engine) -> None:
    engine.source.answers["a"] = RuntimeError("\ud800 and \0")
    await engine.follow("a")
    assert await engine.round() == 1
    assert await engine.targets() == {"a": ("failed", "error", 1)}


async def test_following_and_settling_at_once_never_deadlock(engine: Engine) -> None:
    keys = [f"k{number}" for number in range(30)]
    await engine.follow(*keys)

    async def follow_all(hours: int) -> None:
        async with engine.container.database().unit_of_work():
            shuffled = {key: key for key in sorted(keys, key=lambda key: hash((key, hours)))}
            await engine.container.targets().track("fake", shuffled, interval=timedelta(hours=hours))

    batches = await engine.dispatch()
    runs = [engine.container.runner().run(*batch) for batch in batches]
    finished = await asyncio.gather(*runs, *(follow_all(hours) for hours in range(1, 9)))
    assert sum(count for count in finished if count) == 30


async def test_a_job_that_runs_twice_records_once(engine: Engine) -> None:
    await engine.follow("a")
    (batch,) = await engine.dispatch()
    finished = await asyncio.gather(*(engine.container.runner().run(*batch) for _ in range(2)))
    assert sorted(finished) == [0, 1]
    assert engine.source.recorded == ["state of a"]


async def test_a_task_whose_worker_was_lost_waits_and_is_done_by_the_next(engine: Engine) -> None:
    (target,) = (await engine.follow("a")).values()
    task = (await engine.request_run(target))[target]
    await engine.dispatch()
    engine.clock.advance(timedelta(seconds=61))
    await engine.container.dispatcher().reclaim_expired_leases()
    assert (await engine.container.task_queries().task(task)).status is Status.PENDING
    await engine.round()
    assert (await engine.container.task_queries().task(task)).status is Status.COMPLETED


async def test_a_target_that_loses_worker_after_worker_is_given_up_until_asked_for(engine: Engine) -> None:
    (target,) = (await engine.follow("a")).values()
    for _ in range(3):
        assert len(await engine.dispatch()) == 1
        engine.clock.advance(timedelta(seconds=61))
        await engine.container.dispatcher().reclaim_expired_leases()
    assert await engine.dispatch() == []
    assert await engine.targets() == {"a": ("failed", "error", 1)}
    await engine.request_run(target)
    assert await engine.round() == 1


async def test_a_stopped_job_gives_back_what_it_held_at_once(engine: Engine) -> None:
    hanging = asyncio.Event()

    async def collect(target: Target, context: FetchContext) -> str:
        hanging.set()
        await asyncio.Event().wait()
        return ""

    engine.source.collect = collect  # type: ignore[method-assign]  # the fake hangs
    await engine.follow("a", "b")
    (batch,) = await engine.dispatch()
    job = asyncio.create_task(engine.container.runner().run(*batch))
    await hanging.wait()
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    assert await engine.in_progress() == 0
    assert len((await engine.dispatch())[0][1]) == 2


async def test_what_cannot_be_sent_is_given_back(engine: Engine) -> None:
    await engine.follow("a")

    async def refuse(job: str, arguments: Sequence[tuple[Any, ...]]) -> None:
        raise ConnectionError("the queue is away")

    sending, engine.enqueue_many = engine.enqueue_many, refuse  # type: ignore[method-assign]  # the queue is away
    with pytest.raises(ConnectionError):
        await engine.dispatch()
    assert await engine.in_progress() == 0
    engine.enqueue_many = sending  # type: ignore[method-assign]  # and back
    assert await engine.round() == 1


async def test_what_nobody_follows_any_more_is_not_looked_at_and_its_late_result_is_dropped(engine: Engine) -> None:
    (target,) = (await engine.follow("a")).values()
    (batch,) = await engine.dispatch()
    async with engine.container.database().unit_of_work():
        await engine.container.targets().forget([target])
    assert await engine.container.runner().run(*batch) == 0
    engine.clock.advance(DAY * 2)
    assert await engine.round() == 0
    await engine.follow("a")
    assert await engine.round() == 1


async def test_a_target_that_is_erased_takes_its_runs_with_it(engine: Engine) -> None:
    targets = await engine.follow("a", "b")
    await engine.round()
    async with engine.container.database().unit_of_work():
        await engine.container.targets().erase([targets["a"]])
    assert await engine.rows("SELECT target_id FROM scrape_runs") == [(targets["b"],)]


async def test_a_claim_takes_each_target_once_however_many_ask(engine: Engine) -> None:
    await engine.follow(*(f"k{number}" for number in range(50)))

    async def claim() -> list[Any]:
        async with engine.container.database().transaction() as session:
            repository = ScrapingRepository(session)
            return await repository.claim_due("fake", now=START, lease_until=START + DAY, limit=20)

    claims = [claimed for batch in await asyncio.gather(*(claim() for _ in range(6))) for claimed in batch]
    assert len(claims) == len({claim.target_id for claim in claims}) == 50
