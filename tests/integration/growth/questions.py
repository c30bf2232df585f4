"""The questions that are asked all the time, each as its module asks it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.container import AppContainer
from shared.audit.schemas import ActivityFilter, AuditFilter, LogPage
from shared.outbox.schemas import FeedFilter
from shared.scraping.repository import ScrapingRepository
from shared.web.identity import PersonIdentity, Role
from trackers.contracts.schemas import ContractFilter
from trackers.fencers.links import SubjectKind
from trackers.fencers.schemas import TrackedFilter
from trackers.games.schemas import TrackerFilter
from trackers.hiscores.catalogue import MetricKind
from trackers.hiscores.schemas import GainPeriod
from trackers.hiscores.spans import AskedSpan
from users.notifications.digest import DigestWindow
from users.notifications.digest_repository import DigestRepository

DAY: Final = timedelta(days=1)
LIMIT: Final = 25


class _RolledBackError(Exception):
    """A question that changes something changes nothing here."""


class Asking:
    """A community's database, as its members, its bots and its workers ask it."""

    def __init__(self, container: AppContainer) -> None:
        self.container = container
        self.now = container.clock().now()

    async def value(self, statement: str) -> Any:
        return await self.container.reader().value(text(statement))

    async def person(self, number: int = 1) -> PersonIdentity:
        user_id = await self.value(f"SELECT id FROM person WHERE place = {number}")  # noqa: S608 -- a number
        return PersonIdentity(
            user_id=user_id, role=Role.ADMIN, session_id=UUID(int=1), token_id="t", expires_at=self.now + DAY
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self.container.database().unit_of_work() as session:
                yield session
                raise _RolledBackError  # noqa: TRY301 -- what rolls a unit of work back is an error that leaves it
        except _RolledBackError:
            pass


Question = Callable[[Asking], Awaitable[Any]]
QUESTIONS: Final[dict[str, Question]] = {}


def question(ask: Question) -> Question:
    QUESTIONS[ask.__name__] = ask
    return ask


@question
async def claim_of_due_targets(asking: Asking) -> None:
    async with asking.transaction() as session:
        claims = await ScrapingRepository(session).claim_due(
            "games", now=asking.now, lease_until=asking.now + DAY, limit=LIMIT
        )
        assert claims


@question
async def task_by_id(asking: Asking) -> None:
    await asking.container.task_queries().task(
        await asking.value("SELECT id FROM scrape_runs ORDER BY id DESC LIMIT 1")
    )


@question
async def typical_duration_of_a_target(asking: Asking) -> None:
    target = await asking.value("SELECT id FROM target WHERE source = 'games' AND place = 7")
    async with asking.transaction() as session:
        assert await ScrapingRepository(session).typical_seconds(target) is not None


@question
async def list_of_trackers_with_their_state(asking: Asking) -> None:
    listed = await asking.container.games.queries().list_trackers(
        await asking.person(), TrackerFilter(), per_page=LIMIT
    )
    assert len(listed.items) == LIMIT


@question
async def newest_page_of_snapshots(asking: Asking) -> None:
    tracker = await asking.value("SELECT id FROM game_trackers ORDER BY id LIMIT 1")
    read = await asking.container.games.snapshot_queries().get_snapshots(await asking.person(), tracker, limit=LIMIT)
    assert len(read.items) == LIMIT


@question
async def what_is_stored_of_an_account_that_was_looked_at(asking: Asking) -> None:
    target = await asking.value("SELECT id FROM target WHERE source = 'games' AND place = 7")
    async with asking.transaction():
        assert await asking.container.games.playlist_states().stored_accounts([target], seasons=["s60"])


@question
async def a_players_stats(asking: Asking) -> None:
    await asking.container.hiscores.queries().get_current_stats("player 7")


@question
async def a_players_gains_of_a_month(asking: Asking) -> None:
    await asking.container.hiscores.history_queries().get_history("player 7", AskedSpan(period="30d"))


@question
async def a_players_gains_of_all_time(asking: Asking) -> None:
    await asking.container.hiscores.history_queries().get_history("player 7", AskedSpan(period="all"))


@question
async def a_players_timeline_of_a_month(asking: Asking) -> None:
    await asking.container.hiscores.history_queries().get_timeline(
        "player 7", "m2", MetricKind.SKILL, AskedSpan(period="30d")
    )


@question
async def the_leaderboard_of_the_week(asking: Asking) -> None:
    board = await asking.container.hiscores.history_queries().get_leaderboard(
        await asking.person(), "m2", GainPeriod.WEEK
    )
    assert board.items


@question
async def list_of_live_contracts(asking: Asking) -> None:
    listed = await asking.container.contracts.queries().contracts(ContractFilter(), per_page=LIMIT)
    assert len(listed.items) == LIMIT


@question
async def a_ships_prices(asking: Asking) -> None:
    prices = await asking.container.contracts.ship_queries().prices(7, region_id=None, days=30)
    assert prices.sold


@question
async def price_history_of_a_trip(asking: Asking) -> None:
    trip = await asking.value("SELECT id FROM trip WHERE place = 10")
    assert (await asking.container.flights.price_queries().get_prices(await asking.person(), trip)).items


@question
async def list_of_watches_that_are_on(asking: Asking) -> None:
    listed = await asking.container.flights.watch_queries().list_watches(
        (await asking.person()).user_id, is_active=True, trip_id=None, page=1, per_page=LIMIT
    )
    assert listed.items


@question
async def list_of_tracked_fencers(asking: Asking) -> None:
    listed = await asking.container.fencers.queries().list_of(
        SubjectKind.FENCER, await asking.person(), TrackedFilter(), page=1, per_page=LIMIT
    )
    assert listed.items[0].registrations


@question
async def list_of_tracked_clubs(asking: Asking) -> None:
    listed = await asking.container.fencers.queries().list_of(
        SubjectKind.CLUB, await asking.person(2), TrackedFilter(), page=1, per_page=LIMIT
    )
    assert listed.items[0].registrations


@question
async def registrations_of_a_fencer(asking: Asking) -> None:
    tracked = await asking.value("SELECT id FROM tracked_fencers ORDER BY id LIMIT 1")
    read = await asking.container.fencers.queries().detail(SubjectKind.FENCER, await asking.person(), tracked)
    assert read.registrations


@question
async def registrations_of_a_club(asking: Asking) -> None:
    tracked = await asking.value("SELECT id FROM tracked_clubs ORDER BY id LIMIT 1")
    read = await asking.container.fencers.queries().detail(SubjectKind.CLUB, await asking.person(2), tracked)
    assert read.registrations


@question
async def newest_page_of_a_fencers_history(asking: Asking) -> None:
    tracked = await asking.value("SELECT id FROM tracked_fencers ORDER BY id LIMIT 1")
    person = await asking.person()
    assert (
        await asking.container.fencers.queries().history(SubjectKind.FENCER, person, tracked, before=None, limit=5)
    ).items


@question
async def newest_page_of_a_clubs_history(asking: Asking) -> None:
    tracked = await asking.value("SELECT id FROM tracked_clubs ORDER BY id LIMIT 1")
    person = await asking.person(2)
    assert (
        await asking.container.fencers.queries().history(SubjectKind.CLUB, person, tracked, before=None, limit=5)
    ).items


@question
async def what_a_fencers_page_told_before(asking: Asking) -> None:
    target = await asking.value("SELECT target_id FROM fencing_clubs ORDER BY id LIMIT 1")
    async with asking.transaction():
        assert await asking.container.fencers.registrations().listed(target, [], today=asking.now.date())


@question
async def events_that_wait_to_be_relayed(asking: Asking) -> None:
    async with asking.transaction():
        assert await asking.container.events.repository().claim(now=asking.now, limit=LIMIT)


@question
async def the_feed_of_events_after_a_cursor(asking: Asking) -> None:
    head = await asking.container.events.queries().head()
    assert (await asking.container.events.queries().feed(FeedFilter(), after=head - LIMIT, limit=LIMIT)).items


@question
async def deliveries_that_are_due(asking: Asking) -> None:
    async with asking.transaction():
        assert await asking.container.notifications.delivery_repository().claim(
            now=asking.now, lease_until=asking.now + DAY, limit=LIMIT, per_host=8, busy={}
        )


@question
async def newest_page_of_a_channels_deliveries(asking: Asking) -> None:
    channel = await asking.value("SELECT id FROM notification_channels ORDER BY id LIMIT 1")
    read = await asking.container.notifications.queries().every_delivery(channel_id=channel, before=None, limit=LIMIT)
    assert len(read.items) == LIMIT


@question
async def digests_that_are_due(asking: Asking) -> None:
    async with asking.transaction() as session:
        assert len(await DigestRepository(session).claim_due(now=asking.now, limit=LIMIT)) > 1


def digest_of(module: str, person: int) -> None:
    async def ask(asking: Asking) -> None:
        who = (await asking.person(person)).user_id
        window = DigestWindow(user_id=who, since=asking.now - 2 * DAY, until=asking.now)
        async with asking.transaction():
            await getattr(asking.container, module).digest().sections([window])

    QUESTIONS[f"what_a_digest_tells_of_{module}_to_{person}"] = ask


for of in ("games", "hiscores", "fencers", "contracts", "flights"):
    digest_of(of, 1)
digest_of("fencers", 2)


@question
async def newest_page_of_the_audit_log(asking: Asking) -> None:
    read = await asking.container.audit_queries().requests(AuditFilter(), LogPage(limit=LIMIT))
    assert len(read.items) == LIMIT


@question
async def newest_page_of_what_a_person_asked(asking: Asking) -> None:
    asker = AuditFilter(actor_id=(await asking.person()).user_id)
    assert len((await asking.container.audit_queries().requests(asker, LogPage(limit=LIMIT))).items) == LIMIT


@question
async def newest_page_of_what_happened_to_a_thing(asking: Asking) -> None:
    thing = ActivityFilter(subject="target", subject_id="7")
    assert len((await asking.container.audit_queries().activities(thing, LogPage(limit=LIMIT))).items) == LIMIT
