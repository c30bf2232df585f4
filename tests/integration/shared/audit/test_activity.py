"""What happened to a thing is told in the transaction in which it happened."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers
from litestar import post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct
from sqlalchemy import event, text
from tests.clock import FixedClock
from tests.conftest import Bench, container_of
from tests.integration.shared.audit.conftest import ADMIN, Rows, served
from tests.integration.stored_texts import places_of

from app.container import AppContainer
from shared.audit.activity import ActivityLog
from shared.audit.schemas import ActivityEvent
from shared.errors import Conflict
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.failures import TargetNotFound
from shared.scraping.fetch_context import FetchContext
from shared.scraping.observation import Observation
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target
from shared.web.identity import BotIdentity

ADD = "/internal/trackers/add"
BODY = {"user_id": "281474976710656001", "url": "https://tracker.gg/rocket-league/profile/epic/somebody"}


class Colour(Struct, frozen=True, kw_only=True):
    name: str
    token: str


class MoodySource(Source[str]):
    """A site that answers, or does not."""

    name = "moody"

    def __init__(self) -> None:
        self.policy = Policy(host="moody.example", delay=0.0, batch_size=10, dead_after=1)
        self.fails: set[str] = set()
        self.bugs: set[str] = set()
        self.why = "there is nobody of that name"

    async def collect(self, target: Target, context: FetchContext) -> str:
        if target.key in self.fails:
            raise TargetNotFound(self.why, http_status=404)
        if target.key in self.bugs:
            raise LookupError(self.why)
        return target.key

    async def record(self, observations: Sequence[Observation[str]]) -> set[UUID]:
        return set()


@pytest.fixture
async def moody(environ: dict[str, str]) -> AsyncIterator[tuple[AppContainer, MoodySource, FixedClock]]:
    container, source, clock = container_of(environ), MoodySource(), FixedClock()
    container.sources.override(providers.Object(SourceRegistry([source])))
    container.clock.override(providers.Object(clock))
    container.queue.override(providers.Object(Deaf()))
    yield container, source, clock
    await container.database().close()
    await container.redis().aclose()


class Deaf:
    """A queue that takes everything and runs nothing."""

    async def enqueue(self, job: str, *arguments: Any, job_id: str | None = None) -> None: ...

    async def enqueue_many(self, job: str, arguments: Sequence[tuple[Any, ...]]) -> None: ...


async def follow(container: AppContainer, *keys: str) -> dict[str, UUID]:
    async with container.database().unit_of_work():
        return await container.targets().track("moody", {key: key for key in keys}, interval=timedelta(days=1))


async def claim(container: AppContainer, clock: FixedClock) -> list[Any]:
    async with container.database().unit_of_work():
        return await container.scraping_repository().claim_due(
            "moody", now=clock.now(), lease_until=clock.now() + timedelta(minutes=1), limit=10
        )


async def test_a_registration_is_told_with_whose_it_is_and_which_request_made_it(api: Bench, activities: Rows) -> None:
    answer = await api.http.post(ADD, json=BODY, headers={"X-Request-Id": "bot-4711-abc"})
    (row,) = [row for row in await activities() if row["event"] == "tracker.registered"]
    (tracker,) = answer.json()["trackers"]
    assert (row["subject"], row["subject_id"]) == ("tracker", tracker["id"])
    assert row["user_id"] == UUID(answer.json()["user_id"])
    assert row["details"] == {"game": "rocket-league", "platform": "epic", "identifier": "somebody"}
    assert row["request_id"] == "bot-4711-abc"
    assert row["actor_kind"] == "bot"


async def test_what_is_rolled_back_did_not_happen(container: AppContainer, activities: Rows) -> None:
    @post("/paint")
    async def paint(activity: NamedDependency[SkipValidation[ActivityLog]]) -> None:
        await activity.record("wall.painted", subject="wall", subject_id=1)
        raise Conflict("It is wet.")

    async with served(container, paint) as http:
        assert (await http.post("/paint")).status_code == 409
    assert await activities() == []


async def test_who_did_it_is_told_and_secrets_are_not(container: AppContainer, activities: Rows) -> None:
    bot = BotIdentity(key_id=ADMIN, name="b", scopes=frozenset())
    async with container.database().unit_of_work():
        log = container.activity()
        await log.record(
            "wall.painted", subject="wall", subject_id=7, actor=bot, details=Colour(name="red\0", token="x")
        )
        await log.record_many([])
        await log.record_many([ActivityEvent(event="wall.dried", subject="wall", subject_id="7", user_id=ADMIN)] * 2)
    painted, *dried = await activities()
    assert (painted["actor_kind"], painted["actor_id"]) == ("bot", ADMIN)
    assert painted["details"] == {"name": "red�", "token": "[removed]"}
    assert [(row["event"], row["subject_id"], row["user_id"], row["details"]) for row in dried] == [
        ("wall.dried", "7", ADMIN, None)
    ] * 2


async def test_a_scrape_that_failed_is_told(
    moody: tuple[AppContainer, MoodySource, FixedClock], activities: Rows
) -> None:
    container, source, clock = moody
    targets = await follow(container, "a", "b", "c")
    source.fails = {"a", "c"}
    claims = await claim(container, clock)
    runs = {claimed.target_id: str(claimed.run_id) for claimed in claims}
    assert await container.runner().run("moody", claims) == 3
    rows = {row["subject_id"]: row for row in await activities()}
    assert rows.keys() == {str(targets["a"]), str(targets["c"])}
    row = rows[str(targets["a"])]
    assert (row["event"], row["subject"], row["at"]) == ("scrape.failed", "target", clock.now())
    assert row["details"] == {
        "source": "moody",
        "run_id": runs[targets["a"]],
        "reason": "not_found",
        "error": "there is nobody of that name",
        "http_status": None,
    }


async def test_what_a_site_says_of_a_failure_is_kept_without_keys_of_addresses(
    moody: tuple[AppContainer, MoodySource, FixedClock],
) -> None:
    container, source, clock = moody
    await follow(container, "a", "b")
    source.fails, source.why = {"a"}, "gone to https://chat.example.org/hooks/sesame, ask sesame@example.org"
    source.bugs = {"b"}
    await container.runner().run("moody", await claim(container, clock))
    failed = await container.reader().rows(text("SELECT error FROM scrape_runs WHERE error IS NOT NULL"))
    assert len(failed) == 2
    assert await places_of(container, ["sesame"]) == {}


async def test_a_target_given_up_because_it_lost_its_workers_is_told(
    moody: tuple[AppContainer, MoodySource, FixedClock], activities: Rows
) -> None:
    container, _, clock = moody
    targets = await follow(container, "a")
    (claimed,) = await claim(container, clock)
    clock.advance(timedelta(minutes=2))
    assert await container.dispatcher().reclaim_expired_leases() == 1
    (row,) = await activities()
    assert (row["event"], row["subject_id"]) == ("scrape.failed", str(targets["a"]))
    assert (row["details"]["reason"], row["details"]["run_id"]) == ("error", str(claimed.run_id))
    assert "workers were lost" in row["details"]["error"]


async def test_scrapes_that_succeed_ask_nothing_of_the_log(
    moody: tuple[AppContainer, MoodySource, FixedClock], activities: Rows
) -> None:
    container, _, clock = moody
    await follow(container, "a", "b")
    claims = await claim(container, clock)
    asked: list[str] = []
    event.listen(container.engine().sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    await container.runner().run("moody", claims)
    assert asked
    assert not [statement for statement in asked if "activity_log" in statement]
    assert await activities() == []
