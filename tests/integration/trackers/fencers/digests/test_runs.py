"""How digests are made: once, whoever makes them, whatever fails meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers
from sqlalchemy import text
from tests.conftest import container_of
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, CLUB, SABER, Salle
from tests.integration.trackers.fencers.digests.conftest import GuardedHttpClient
from tests.waiting import LIMIT_S, eventually

from trackers.fencers.digest import NEWS
from users.notifications.digest import DigestSection, DigestWindow, spans
from users.notifications.digest_repository import DigestRepository


async def test_two_schedulers_at_once_send_one(post: GuardedHttpClient, salle: Salle, ada: Person, ben: Person) -> None:
    for who in (ada, ben):
        await salle.track(who, "club", CLUB)
        await post.subscribe(who)
    await salle.look()
    salle.clock.ahead += timedelta(days=1)
    others = [container_of(salle.bench.environ) for _ in range(3)]
    for other in others:
        other.clock.override(providers.Object(salle.clock))
    runs = [salle.container.notifications.digest_run(), *(other.notifications.digest_run() for other in others)]
    done = await asyncio.gather(*(run.run() for run in runs))
    assert sum(one.sent_off for one in done) == 2
    await asyncio.gather(*(other.notifications.sender().send_due() for other in others))
    await post.send()
    assert sorted(str(mail["To"]) for mail in post.mailbox.digests()) == ["ada@example.org", "ben@example.org"]
    for other in others:
        await other.database().close()
        await other.redis().aclose()


async def test_a_crash_between_send_and_mark_repeats_it_under_its_message_id(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    salle.clock.ahead += timedelta(days=1)
    await salle.job("notifications.digests")
    sender = salle.container.notifications.sender()
    settle, sender._settle = sender._settle, _dies
    with pytest.raises(ConnectionResetError):
        await sender.send_due()
    sender._settle = settle
    await post.send()
    assert len(post.mailbox.digests()) == 1, "the lease still holds"
    salle.clock.ahead += timedelta(minutes=5)
    await post.send()
    await post.send()
    first, again = post.mailbox.digests()
    assert first["Message-ID"] == again["Message-ID"]
    (entry,) = (await salle.read(ada, "/api/users/me/digest/sent"))["items"]
    assert entry["state"] == "sent"


async def _dies(outcomes: object) -> None:
    raise ConnectionResetError


async def test_one_that_could_not_be_sent_is_given_up_for_the_next_which_tells_its_news_too(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    post.mailbox.down = True
    await post.a_day_passes()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    post.mailbox.down = False
    salle.clock.ahead += timedelta(days=1)
    await salle.job("notifications.digests")
    await post.send()
    salle.clock.ahead += timedelta(hours=12)
    await post.send()
    (text,) = post.texts()
    assert text.count("New: ") == 3
    states = [one["state"] for one in (await salle.read(ada, "/api/users/me/digest/sent"))["items"]]
    assert states == ["sent", "superseded"]


class SendsMeanwhile:
    """A module whose section takes so long that the sender comes by."""

    name = "slow"

    def __init__(self, send: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._send = send

    async def sections(self, windows: list[DigestWindow]) -> dict[Any, list[DigestSection]]:
        await asyncio.create_task(self._send(), context=Context())
        return {}


async def test_one_that_the_next_gives_up_is_not_sent_while_that_is_made(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    post.mailbox.down = True
    await post.a_day_passes()
    post.mailbox.down = False
    salle.clock.ahead += timedelta(days=1)
    notifications = salle.container.notifications
    slow = providers.Callable(lambda: [salle.container.fencers.digest(), SendsMeanwhile(post.send)])
    with notifications.digest_writers.override(slow):
        await notifications.digest_run().run()
    await post.send()
    (text,) = post.texts()
    assert text.count("New: ") == 2


class Poisoned:
    """A module whose section of one person cannot be written."""

    name = "poisoned"

    def __init__(self, victim: object) -> None:
        self._victim = victim

    async def sections(self, windows: list[DigestWindow]) -> dict[Any, list[DigestSection]]:
        if any(window.user_id == self._victim for window in windows):
            raise RuntimeError("sesame")
        return {}


async def test_one_persons_poison_is_not_everybodys(
    post: GuardedHttpClient, salle: Salle, ada: Person, ben: Person
) -> None:
    for who in (ada, ben):
        await salle.track(who, "club", CLUB)
        await post.subscribe(who)
    await salle.look()
    salle.clock.ahead += timedelta(days=1)
    notifications = salle.container.notifications
    poisoned = providers.Callable(lambda: [salle.container.fencers.digest(), Poisoned(ada.id)])
    with notifications.digest_writers.override(poisoned):
        ran = await notifications.digest_run().run()
    assert (ran.sent_off, ran.put_off) == (1, 1)
    await post.send()
    assert [str(mail["To"]) for mail in post.mailbox.digests()] == ["ben@example.org"]
    salle.clock.ahead += timedelta(minutes=20)
    await notifications.digest_run().run()
    await post.send()
    assert len(post.mailbox.digests()) == 2


async def blocked(salle: Salle) -> None:
    """Until one transaction waits for another."""
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await eventually(lambda: salle.people.rows(waits), what="one transaction waits for another")


@pytest.mark.parametrize("waiting", [True, False], ids=["a digest waits", "none waits"])
@pytest.mark.parametrize("ends", ["the channel", "the account"])
async def test_who_ends_a_channel_while_its_digest_is_made_waits_and_neither_fails(
    post: GuardedHttpClient, salle: Salle, ada: Person, waiting: bool, ends: str
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    if waiting:
        post.mailbox.down = True
        await post.a_day_passes()
    salle.clock.ahead += timedelta(days=1)
    (channel,) = (await salle.read(ada, "/api/users/me/channels"))["items"]
    notifications, database = salle.container.notifications, salle.container.database()
    locked, ended = asyncio.Event(), asyncio.Event()

    async def remove() -> int:
        await locked.wait()
        try:
            if ends == "the account":
                return (await ada.erase()).status_code
            return (await salle.ask(ada, "DELETE", f"/api/users/me/channels/{channel['id']}")).status_code
        finally:
            ended.set()

    class Waits(DigestRepository):
        """One that lets somebody come between what a run claims and what it holds then."""

        async def had(self, periods: Mapping[UUID, str]) -> set[UUID]:
            locked.set()
            await blocked(salle)
            return await super().had(periods)

    removal = asyncio.create_task(remove())
    with notifications.digest_repository.override(providers.Factory(Waits, notifications.session)):
        ran = await notifications.digest_run().run()
    assert await asyncio.wait_for(removal, LIMIT_S) == 204
    assert (ran.sent_off, ran.put_off) == (1, 0)
    assert await salle.people.rows("SELECT 1 FROM notification_channels") == []
    async with database.unit_of_work():
        assert await notifications.digest_repository().claim_due(now=salle.clock.now(), limit=9) == []


OLD = (
    "SET LOCAL statement_timeout = 0",
    """
    INSERT INTO fencing_tournaments (id, name, folded, season) VALUES (uuidv7(), 'Old Cup', 'old cup', 2021)
    """,
    """
    INSERT INTO fencing_events (id, upstream_id, tournament_id, name, code, weapon, held_on)
    SELECT uuidv7(), 1000 + n, t.id, 'Epee', 'DV1ME', 'epee', '2021-01-01'
    FROM fencing_tournaments t, generate_series(1, 100) AS n WHERE t.season = 2021
    """,
    "INSERT INTO fencers (id, upstream_id, name) SELECT uuidv7(), n, 'Old Hand' FROM generate_series(1, 1000) AS n",
    """
    INSERT INTO fencing_registrations (id, fencer_id, event_id, first_seen_at, last_seen_at)
    SELECT uuidv7(), f.id, e.id, '2020-12-01', '2021-01-01' FROM fencers f, fencing_events e
    WHERE f.upstream_id <= 1000 AND e.held_on = '2021-01-01'
    """,
    """
    INSERT INTO fencing_listings (target_id, registration_id, listed_on, listed_at, gone_at)
    SELECT c.target_id, r.id, '2021-01-01', '2020-12-01', '2021-01-02'
    FROM fencing_registrations r, fencing_clubs c WHERE r.first_seen_at = '2020-12-01'
    """,
    """
    INSERT INTO fencing_changes (id, registration_id, kind, at)
    SELECT uuidv7(), id, 'registered', first_seen_at FROM fencing_registrations WHERE first_seen_at = '2020-12-01'
    """,
    "ANALYZE fencing_registrations, fencing_listings, fencing_changes, fencing_events, fencers",
)
"""A hundred thousand registrations of one club, long over."""


def read_rows(plan: dict[str, Any]) -> int:
    """Rows that a plan's scans read, also those that they threw away."""
    own = 0
    if "Relation Name" in plan or plan["Node Type"].startswith("Bitmap Index"):
        rows = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        )
        own = round(rows * plan["Actual Loops"])
    return own + sum(read_rows(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize("newcomer", [False, True], ids=["one who followed before", "one who has just begun"])
@pytest.mark.slow
async def test_a_digest_reads_what_its_window_holds_and_not_what_is_old(
    post: GuardedHttpClient, salle: Salle, ada: Person, newcomer: bool
) -> None:
    await salle.track(ada, "club", CLUB)
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    async with salle.container.database().transaction() as session:
        for statement in OLD:
            await session.execute(text(statement))
    if not newcomer:
        await salle.execute("UPDATE tracked_clubs SET followed_since = '2020-01-01'")
        await salle.execute("UPDATE tracked_fencers SET followed_since = '2020-01-01'")
    now = salle.clock.now()
    window = DigestWindow(user_id=ada.id, since=now - timedelta(days=1), until=now)
    (plan,) = await salle.container.reader().rows(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {NEWS}"), spans([window]))
    top = plan["QUERY PLAN"]
    assert top[0]["Plan"]["Actual Rows"] == 3, "the club's two, and the fencer's one"
    assert read_rows(top[0]["Plan"]) < 1_000, top
