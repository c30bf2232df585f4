"""Operations that lock the same rows lock them in the order of docs/architecture.md.

Each test holds a row until two operations wait for it or for each other. In the documented order one of them then
finishes after the other. In the opposite order each has a row that the other needs, and PostgreSQL ends one of them.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.integration.locks import locked, waiting
from tests.integration.people import People, Person

from app.container import AppContainer
from shared.scraping.repository import ScrapingRepository

LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/{}/overview"
DISCORD_ID, GUILD = "281474976710656001", "81384788765712384"
DEADLOCKS = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
PLAYER = """
WITH target AS (
    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
    VALUES (uuidv7(), 'hiscores', 'regular:made up', 'regular:made up', 3600, now()) RETURNING id
)
INSERT INTO hiscore_players (id, target_id, username, display_name, mode, created_at)
SELECT uuidv7(), id, 'made up', 'Made Up', 'regular', now() FROM target
"""
SCHEDULE = """
WITH target AS (
    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
    VALUES (uuidv7(), 'hiscores', 'regular:made up', 'regular:made up', 3600, now()) RETURNING id
)
INSERT INTO scrape_schedule (target_id, due_at, priority, source) SELECT id, now(), 1, 'hiscores' FROM target
"""


@pytest.fixture(autouse=True)
async def no_deadlock(container: AppContainer) -> AsyncIterator[None]:
    """PostgreSQL found none, whatever the operations made of it."""
    yield
    assert await container.reader().value(DEADLOCKS) == 0


async def meet(
    container: AppContainer, first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any], rows: str, **held: Any
) -> tuple[Any, Any]:
    """What two operations return that meet: the second begins once the first waits for the held rows."""
    async with locked(container, rows, **held):
        one = asyncio.create_task(first)
        await waiting(container, 1)
        other = asyncio.create_task(second)
        await waiting(container, 2)
    return await one, await other


async def follows(person: Person, name: str) -> str:
    """The id of the tracker."""
    answer = await person.ask("POST", "/api/trackers/add", {"url": LINK.format(name)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["trackers"][0]["id"])


async def as_bot(people: People, scope: str, method: str, path: str, body: Any = None) -> httpx.Response:
    return await people.http.request(
        method, path, json=body, headers={"Authorization": f"Bearer {await people.bot(scope)}"}
    )


async def claimed(people: People, person: Person) -> httpx.Response:
    """The answer to a person who claims the identity that bots know."""
    made = await as_bot(people, "users", "POST", "/internal/users/claim-codes", {"user_id": DISCORD_ID})
    assert made.status_code == 201, made.text
    return await person.ask("POST", "/api/users/me/claim", {"code": made.json()["code"]})


async def test_a_merger_and_a_recording_lock_schedules_before_accounts(people: People, container: AppContainer) -> None:
    admin, ada, eve = await people.admin(), await people.register(), await people.register("eve")
    await follows(ada, "Old")
    await follows(eve, "New")
    into, emptied = (row["id"] for row in await people.rows("SELECT id FROM game_accounts ORDER BY display"))
    async with container.database().transaction() as session:
        now = container.clock().now()
        claims = await ScrapingRepository(session).claim_due(
            "games", now=now, lease_until=now + timedelta(hours=1), limit=10
        )
    with capture_logs() as logs:
        merged, recorded = await meet(
            container,
            admin.ask("POST", f"/api/admin/trackers/accounts/{emptied}/merge", {"into": str(into)}),
            container.runner().run("games", claims),
            "FROM game_accounts WHERE id = :id",
            id=emptied,
        )
    assert merged.status_code == 200, merged.text
    assert (len(claims), recorded) == (2, 1)  # of the account that stays
    assert "batch_not_recorded" not in {entry["event"] for entry in logs}


async def test_an_erasure_and_a_transfer_lock_people_by_id(people: People, container: AppContainer) -> None:
    ada, admin = await people.register(), await people.admin()
    tracker = await follows(ada, "Old")
    assert ada.id < admin.id
    erased, transferred = await meet(
        container,
        admin.ask("DELETE", f"/api/admin/users/{ada.id}"),
        admin.ask("POST", f"/api/admin/trackers/{tracker}/transfer", {"user_id": str(admin.id)}),
        "FROM users WHERE id = :id",
        id=admin.id,
    )
    assert (erased.status_code, transferred.status_code) == (204, 404), (erased.text, transferred.text)


async def test_a_claim_and_the_removal_of_a_guild_lock_the_guild_before_its_members(
    people: People, container: AppContainer
) -> None:
    ada = await people.register()
    member = await people.known_to_the_bot(DISCORD_ID)
    await people.rows(
        "INSERT INTO guilds (id, name, settings, created_at, updated_at) VALUES (:id, 'Guild', '{}', now(), now())",
        id=GUILD,
    )
    await people.rows(
        "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
        " VALUES (:guild, :user, false, now(), 'operator')",
        guild=GUILD,
        user=member,
    )
    claim, removal = await meet(
        container,
        claimed(people, ada),
        as_bot(people, "guilds", "DELETE", f"/internal/guilds/{GUILD}"),
        "FROM guild_members WHERE user_id = :id",
        id=member,
    )
    assert (claim.status_code, removal.status_code) == (200, 204), (claim.text, removal.text)


async def test_memberships_are_locked_before_their_ids(people: People, container: AppContainer) -> None:
    ada = await people.register()
    given = {"members": [{"user_id": DISCORD_ID}]}
    path = f"/internal/guilds/{GUILD}"
    assert (await as_bot(people, "guilds", "PUT", path, {"name": "Guild"})).status_code == 200
    assert (await as_bot(people, "guilds", "PUT", f"{path}/members", given)).status_code == 200
    removed = {"user_ids": [DISCORD_ID]}
    claim, removal = await meet(
        container,
        claimed(people, ada),
        as_bot(people, "guilds", "POST", f"{path}/members/remove", removed),
        "FROM guild_member_identities WHERE external_id = :id",
        id=DISCORD_ID,
    )
    assert (claim.status_code, removal.status_code) == (200, 200), (claim.text, removal.text)
    turned = {"members": [{"user_id": DISCORD_ID, "admin": True}]}
    assert (await as_bot(people, "guilds", "PUT", f"{path}/members", given)).status_code == 200
    put, removal = await meet(
        container,
        as_bot(people, "guilds", "PUT", f"{path}/members", turned),
        as_bot(people, "guilds", "POST", f"{path}/members/remove", removed),
        "FROM guild_member_identities WHERE external_id = :id",
        id=DISCORD_ID,
    )
    assert (put.status_code, removal.status_code) == (200, 200), (put.text, removal.text)


async def test_who_acts_for_an_account_locks_the_guild_that_made_it_before_the_membership(
    people: People, container: AppContainer
) -> None:
    path = f"/internal/guilds/{GUILD}"
    assert (await as_bot(people, "guilds", "PUT", path, {"name": "Guild"})).status_code == 200
    key = await people.bot("guilds", guild_ids=[GUILD])
    put = await people.http.put(
        f"{path}/members", json={"members": [{"user_id": DISCORD_ID}]}, headers={"Authorization": f"Bearer {key}"}
    )
    assert put.status_code == 200
    acted, removal = await meet(
        container,
        as_bot(people, "users", "POST", "/internal/users/claim-codes", {"user_id": DISCORD_ID}),
        as_bot(people, "guilds", "DELETE", path),
        "FROM guild_members WHERE guild_id = :id",
        id=GUILD,
    )
    assert (acted.status_code, removal.status_code) == (201, 204), (acted.text, removal.text)


async def test_who_follows_a_player_is_locked_before_the_player(people: People, container: AppContainer) -> None:
    ada = await people.register()
    assert (await claimed(people, ada)).status_code == 200
    await people.rows(PLAYER)
    own, for_them = await meet(
        container,
        ada.ask("PUT", "/api/players/made%20up/follow"),
        as_bot(people, "players", "PUT", "/internal/players/made%20up/follow", {"user_id": DISCORD_ID}),
        "FROM hiscore_players",
    )
    assert (own.status_code, for_them.status_code) == (200, 200), (own.text, for_them.text)


async def test_a_merger_of_players_does_not_wait_for_who_follows_them(people: People, container: AppContainer) -> None:
    admin, ada = await people.admin(), await people.register()
    assert (await claimed(people, ada)).status_code == 200
    await people.rows(PLAYER)
    (kept,) = await people.rows("SELECT id FROM hiscore_players")
    await people.rows(PLAYER.replace("made up", "called now"))
    assert (await ada.ask("PUT", "/api/players/called%20now/follow")).status_code == 200
    renamed, followed = await meet(
        container,
        admin.ask("POST", f"/api/admin/players/{kept['id']}/rename", {"username": "called now"}),
        as_bot(people, "players", "PUT", "/internal/players/made%20up/follow", {"user_id": DISCORD_ID}),
        "FROM hiscore_players WHERE id = :id",
        id=kept["id"],
    )
    assert (renamed.status_code, followed.status_code) == (200, 404), (renamed.text, followed.text)
    follows_now = await people.rows("SELECT player_id, user_id FROM hiscore_follows")
    assert follows_now == [{"player_id": kept["id"], "user_id": ada.id}]


async def test_who_adds_a_player_is_locked_before_the_schedule(people: People, container: AppContainer) -> None:
    ada = await people.register()
    assert (await claimed(people, ada)).status_code == 200
    await people.rows(SCHEDULE)
    own, for_them = await meet(
        container,
        ada.ask("POST", "/api/players", {"username": "Made Up"}),
        as_bot(people, "players", "POST", "/internal/players", {"username": "Made Up", "user_id": DISCORD_ID}),
        "FROM scrape_schedule",
    )
    assert {own.status_code, for_them.status_code} <= {201, 404, 409}, (own.text, for_them.text)


async def test_a_registration_does_not_wait_for_a_block(people: People, container: AppContainer) -> None:
    admin, ada, late = await people.admin(), await people.register(), await people.register("late")
    await follows(ada, "Quiet")
    body = {"source": "games", "keys": [LINK.format("Quiet")]}
    async with locked(container, "FROM game_accounts WHERE identifier = :name", name="quiet"):
        blocking = asyncio.create_task(admin.ask("POST", "/api/admin/blocked", body))
        await waiting(container, 1)
        refused = await late.ask("POST", "/api/trackers/add", {"url": LINK.format("Other")})
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert (await blocking).status_code == 201
    assert await people.rows("SELECT 1 FROM game_trackers") == []
    assert await people.rows("SELECT 1 FROM scrape_targets") == []
