"""A person whom only a guild's own key put into the guild: the guild's bot and admins get what strangers get."""

from typing import Any, Final
from uuid import UUID

import jwt
import pytest
from tests.integration.app.test_access import (
    ENDPOINTS,
    LINK,
    OTHER_GUILD,
    OWNER,
    STRANGER,
    Endpoint,
    World,
    database_url,
    environ,
    first_world,
    world,
)
from tests.integration.app.test_nested_access import private_things

from app.container import AppContainer
from users.accounts.schemas import DISCORD, UserData

__all__ = ["database_url", "environ", "first_world", "world"]

SNAPSHOTS: Final = f"/guilds/{OTHER_GUILD}/manual-snapshots"


async def bot(world: World, method: str, path: str, body: Any = None) -> Any:
    """Ask with the key of the guild that put the owner."""
    headers = {"Authorization": f"Bearer {world.keys['other guild']}"}
    return await world.http.request(method, f"/internal{path}", json=body, headers=headers)


async def staff(world: World, method: str, path: str, body: Any = None) -> Any:
    """Ask as an admin of the guild that put the owner."""
    headers = {"Authorization": f"Bearer {world.tokens['stranger']}"}
    return await world.http.request(method, f"/api{path}", json=body, headers=headers)


@pytest.fixture
async def put(world: World, container: AppContainer) -> World:
    """The key of the other guild puts the owner, and the stranger as an admin, into its guild."""
    stranger = UUID(jwt.decode(world.tokens["stranger"], options={"verify_signature": False})["sub"])
    async with container.database().unit_of_work():
        accounts = container.users.accounts()
        emptied = await accounts.from_external(DISCORD, STRANGER, UserData())
        await container.users.account_repository().move_identities(emptied, to=stranger)
    members = [{"user_id": OWNER}, {"user_id": STRANGER, "admin": True}]
    answer = await bot(world, "PUT", f"/guilds/{OTHER_GUILD}/members", {"members": members})
    assert answer.json() == {"added": 2, "updated": 0, "unchanged": 0}
    await container.events.relay().run()
    return world


@pytest.mark.parametrize("audience", ["/internal/", "/api/"])
async def test_who_only_a_guilds_key_put_is_a_stranger_to_its_bot_and_admins(put: World, audience: str) -> None:
    credential = put.keys["other guild"] if audience == "/internal/" else put.tokens["stranger"]
    asked = 0
    for endpoint in ENDPOINTS:  # first: afterwards the export holds what was asked for
        if endpoint.audience != audience or endpoint.method != "GET" or endpoint.stranger not in {"own", "all"}:
            continue
        answer = await put.ask(endpoint, credential)
        assert answer.status_code == 200, (endpoint, answer.text)
        shown = [thing for thing in private_things(put) if thing in answer.text]
        assert not shown, (endpoint, shown, answer.text)
        asked += 1
    for endpoint in ENDPOINTS:
        if endpoint.audience != audience or endpoint.stranger in {"-", "own", "all"}:
            continue
        answer = await put.ask(endpoint, credential)
        assert answer.status_code == int(endpoint.stranger), (endpoint, answer.text)
        asked += 1
    assert asked >= 60


@pytest.mark.parametrize("ask", [bot, staff])
async def test_in_its_own_guild_neither_gets_anything_of_the_person(put: World, ask: Any) -> None:
    members = (await ask(put, "GET", f"/guilds/{OTHER_GUILD}/members")).json()["items"]
    nothing = {"user_id": None, "username": None, "global_name": None, "avatar": None, "confirmed": False}
    assert [{**member, "joined_at": ""} for member in members] == [
        {**nothing, "external_id": OWNER, "admin": False, "joined_at": ""},
        {**nothing, "external_id": STRANGER, "admin": True, "joined_at": ""},
    ]
    for status in ("", "?status=waiting", "?status=confirmed"):
        assert (await ask(put, "GET", f"{SNAPSHOTS}{status}")).json()["items"] == []
    entered = put.bodies["internal_confirm_manual_snapshot"]
    for verb, body in (("confirm", entered), ("reject", None)):
        answer = await ask(put, "POST", f"{SNAPSHOTS}/{put.names['snapshot_id']}/{verb}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "manual_snapshot_not_found"), verb
    lists = (
        f"/trackers?guild_id={OTHER_GUILD}",
        f"/trackers/leaderboard?guild_id={OTHER_GUILD}",
        f"/players?guild_id={OTHER_GUILD}",
        f"/players/leaderboard?metric=slayer&guild_id={OTHER_GUILD}",
    )
    for path in lists:
        answer = await ask(put, "GET", path)
        assert (answer.status_code, answer.json()["items"]) == (200, []), path


async def test_staff_of_its_own_guild_register_nothing_for_the_person(put: World) -> None:
    given = {"guild_id": OTHER_GUILD, "staff_id": STRANGER, "user_id": OWNER, "urls": [LINK.format("Mondkalb")]}
    assert (await bot(put, "POST", "/trackers/register-by-staff", given)).status_code == 403


async def test_another_guilds_list_does_not_tell_where_a_member_was_put(put: World) -> None:
    """The owner is a confirmed member of one guild; who reads their trackers there does not learn of the other."""
    headers = {"Authorization": f"Bearer {put.keys['everything']}"}
    answer = await put.http.get(f"/internal/trackers?guild_id={OTHER_GUILD}", headers=headers)
    assert answer.json()["items"] == []


async def test_an_admin_who_refreshes_a_guild_refreshes_its_confirmed_members_only(put: World) -> None:
    headers = {"Authorization": f"Bearer {put.tokens['admin']}"}

    async def put_ahead(guild_id: str) -> int:
        path = "/api/admin/trackers/batch-refresh"
        answer = await put.http.post(path, json={"guild_id": guild_id}, headers=headers)
        return int(answer.json()["queued"])

    assert await put_ahead(OTHER_GUILD) == 0
    assert await put_ahead(put.names["guild_id"]) == 1


def of(operation: str) -> Endpoint:
    (found,) = [endpoint for endpoint in ENDPOINTS if endpoint.operation == operation]
    return found


async def test_a_bot_of_two_guilds_reads_no_note_for_the_guild_that_put_the_person(
    put: World, container: AppContainer
) -> None:
    """One guild reads the owner's tracker and counts no manual snapshots; the other counts them and put the owner."""
    everything = {"Authorization": f"Bearer {put.keys['everything']}"}
    settings = {"name": "Comets", "settings": {"manual_snapshots": "none"}}
    guild = put.names["guild_id"]
    assert (await put.http.put(f"/internal/guilds/{guild}", json=settings, headers=everything)).status_code == 200
    async with container.database().unit_of_work():
        both = await container.users.keys().create("both", ["trackers"], guild_ids=[guild, OTHER_GUILD])
    answer = await put.ask(of("internal_get_tracker_snapshots"), str(both.text))
    (snapshot,) = answer.json()["items"]
    assert (snapshot["id"], snapshot["note"], snapshot["evidence_url"]) == (put.names["snapshot_id"], None, None)
