"""Things in things, things named in bodies and queries, and lists: none is a way to what `docs/access.md` closes."""

from typing import Any, Final
from uuid import UUID

import jwt
import pytest
from sqlalchemy import text
from tests.integration.app.test_access import (
    ENDPOINTS,
    GUILD,
    LINK,
    OTHER_GUILD,
    OWNER,
    SNAPSHOT,
    Endpoint,
    World,
    database_url,
    environ,
    first_world,
    world,
)
from tests.integration.app.test_secrets import handlers

from app.container import AppContainer
from shared.redaction import REMOVED

__all__ = ["database_url", "environ", "first_world", "world"]

NESTED: Final = [
    endpoint for endpoint in ENDPOINTS if endpoint.path.count("{") > 1 and "/guilds/{guild_id}/" in endpoint.path
]
PRIVATE: Final = (
    "channel_id",
    "contract_watch_id",
    "delivery_id",
    "guild_channel_id",
    "session_id",
    "snapshot_id",
    "tracked_club_id",
    "tracked_id",
    "tracker_id",
    "trip_id",
    "watch_id",
)
"""Names of the owner's things that no list of somebody else's may show."""
PRIVATE_PATHS: Final = ("/api/contracts/watches", "/api/trips", "/api/watches")
NAMED_IN_BODIES: Final = (
    ("POST", "/api/watches", {"trip_id": "{trip_id}", "target_price": 30_000}),
    ("PUT", "/api/users/me/digest", {"period": "weekly", "channel_id": "{channel_id}"}),
    ("PUT", "/api/users/me/notifications", {"events": {"*": ["{channel_id}"]}}),
    ("POST", "/internal/trackers/process", {"guild_id": GUILD}),
    ("POST", "/internal/trackers/schedule", {"guild_id": GUILD, "cron": "0 18 * * *"}),
    ("POST", "/internal/trackers/add", {"user_id": OWNER, "url": LINK.format("Mondkalb")}),
    ("POST", "/internal/trackers/register-multiple", {"user_id": OWNER, "urls": [LINK.format("Mondkalb")]}),
    (
        "POST",
        "/internal/trackers/register-by-staff",
        {"guild_id": GUILD, "staff_id": OWNER, "user_id": OWNER, "urls": [LINK.format("Mondkalb")]},
    ),
    (
        "POST",
        "/internal/trackers/register-by-staff",
        {"guild_id": OTHER_GUILD, "staff_id": OWNER, "user_id": OWNER, "urls": [LINK.format("Mondkalb")]},
    ),
    ("POST", "/internal/users/claim-codes", {"user_id": OWNER}),
    ("POST", "/internal/players", {"username": "Third One", "user_id": OWNER}),
    ("POST", "/internal/fencers", {"user_id": OWNER, "fencer": "100000077"}),
    ("POST", "/internal/clubs", {"user_id": OWNER, "club": "100000977"}),
)
OWNERS_DEEDS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("PUT", "/api/trackers/{tracker_id}", {"active": False}),
    ("PUT", "/api/trackers/{tracker_id}", {"active": True}),
    ("PATCH", "/api/fencers/{tracked_id}", {"weapons": "epee"}),
    ("PATCH", "/api/clubs/{tracked_club_id}", {"weapons": "epee"}),
    ("POST", "/api/watches", {"trip_id": "{trip_id}", "target_price": 30_000, "provider": "manual"}),
    ("POST", "/api/trips/{trip_id}/prices", {"price": 100}),
)
OWNERS_EVENTS: Final = ("tracker.updated", "fencer.tracking_updated", "club.tracking_updated", "price_watch.alerted")
NAMED_IN_QUERIES: Final = (
    f"/api/trackers?guild_id={GUILD}",
    f"/api/trackers/leaderboard?guild_id={GUILD}",
    f"/api/players?guild_id={GUILD}",
    f"/api/players/leaderboard?metric=slayer&guild_id={GUILD}",
    "/api/watches?trip_id={trip_id}",
    "/internal/trackers?user_id={user_id}",
    f"/internal/trackers?guild_id={GUILD}",
    f"/internal/trackers/leaderboard?guild_id={GUILD}",
    f"/internal/players?guild_id={GUILD}",
    f"/internal/players/leaderboard?metric=slayer&guild_id={GUILD}",
    "/internal/fencers?user_id={user_id}",
    "/internal/clubs?user_id={user_id}",
)


def stranger_at(world: World, path: str) -> str:
    """The credential of a stranger to the owner: a member's token, or the key of a guild where the owner is not."""
    return world.keys["other guild"] if path.startswith("/internal/") else world.tokens["stranger"]


def filled(what: Any, names: dict[str, str]) -> Any:
    """A body or a path with the owner's things where their names stand in braces."""
    if isinstance(what, str):
        for name, value in names.items():
            what = what.replace(f"{{{name}}}", value)
        return what
    if isinstance(what, dict):
        return {key: filled(value, names) for key, value in what.items()}
    return [filled(item, names) for item in what] if isinstance(what, list) else what


async def put_stranger(world: World, container: AppContainer, guild_id: str, *, admin: bool) -> None:
    """Make the stranger a confirmed member of a guild."""
    stranger = UUID(jwt.decode(world.tokens["stranger"], options={"verify_signature": False})["sub"])
    await container.standalone_writer().execute(
        text(
            "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
            " VALUES (:guild, :user, :admin, now() - interval '1 day', 'operator')"
        ),
        {"guild": guild_id, "user": stranger, "admin": admin},
    )


async def live(world: World, container: AppContainer) -> None:
    """Have the owner do things, and relay the events of them."""
    headers = {"Authorization": f"Bearer {world.tokens['owner']}"}
    for method, path, body in OWNERS_DEEDS:
        answer = await world.http.request(
            method, filled(path, world.names), json=filled(body, world.names), headers=headers
        )
        assert answer.status_code < 300, (path, answer.text)
    await container.events.relay().run()
    rows = await container.reader().rows(text("SELECT DISTINCT event FROM outbox_events WHERE position IS NOT NULL"))
    assert {row["event"] for row in rows} >= set(OWNERS_EVENTS)


def private_things(world: World) -> list[str]:
    """What no answer to a stranger may contain."""
    return [*(world.names[name] for name in PRIVATE), str(SNAPSHOT["note"])]


async def test_nothing_of_another_guild_is_reached_through_ones_own(world: World, container: AppContainer) -> None:
    await put_stranger(world, container, OTHER_GUILD, admin=True)
    assert len(NESTED) >= 20
    for endpoint in NESTED:
        mine = Endpoint(
            endpoint.method,
            endpoint.path.replace("{guild_id}", OTHER_GUILD),
            endpoint.operation,
            endpoint.opens_with,
            endpoint.stranger,
        )
        names = world.names_for(endpoint)  # of the owner's guild
        path = filled(mine.path, names)
        answer = await world.http.request(
            mine.method,
            path,
            json=world.bodies.get(mine.operation),
            headers={"Authorization": f"Bearer {stranger_at(world, path)}"},
        )
        assert answer.status_code == 404, (endpoint, answer.text)


@pytest.mark.parametrize(("method", "path", "body"), NAMED_IN_BODIES)
async def test_nothing_that_is_not_mine_can_be_named_in_a_body(
    world: World, method: str, path: str, body: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {stranger_at(world, path)}"}
    answer = await world.http.request(method, path, json=filled(body, world.names), headers=headers)
    assert answer.status_code in {403, 404, 409, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", NAMED_IN_QUERIES)
async def test_nothing_that_is_not_mine_is_listed_by_a_query(world: World, path: str) -> None:
    headers = {"Authorization": f"Bearer {stranger_at(world, path)}"}
    answer = await world.http.get(filled(path, world.names), headers=headers)
    assert answer.status_code in {200, 403, 404}, answer.text
    shown = [name for name in PRIVATE if name != "trip_id" and world.names[name] in answer.text]
    assert not shown, answer.text
    if answer.status_code == 200:
        assert answer.json()["items"] == [], answer.text


@pytest.mark.parametrize("guild_id", [None, GUILD])
async def test_no_list_export_or_feed_shows_what_is_not_mine(
    world: World, container: AppContainer, guild_id: str | None
) -> None:
    """Neither to somebody of no guild, nor to a member of the owner's guild, nor to another guild's bot."""
    if guild_id is not None:
        await put_stranger(world, container, guild_id, admin=False)
    await live(world, container)
    asked = 0
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET" or endpoint.stranger not in {"own", "all"}:
            continue
        answer = await world.ask(endpoint, stranger_at(world, endpoint.path))
        assert answer.status_code == 200, (endpoint, answer.text)
        shown = [thing for thing in private_things(world) if thing in answer.text]
        assert not shown, (endpoint, shown, answer.text)
        asked += 1
    assert asked >= 20


async def test_a_member_gets_no_event_of_another_member(world: World, container: AppContainer) -> None:
    await put_stranger(world, container, GUILD, admin=False)
    stranger = {"Authorization": f"Bearer {world.tokens['stranger']}"}
    owner = {"Authorization": f"Bearer {world.tokens['owner']}"}
    hook = {"kind": "webhook", "url": "https://stranger.example.org/hook"}
    made = await world.http.post("/api/users/me/channels", json=hook, headers=stranger)
    await container.standalone_writer().execute(text("UPDATE notification_channels SET verified_at = now()"))
    await live(world, container)

    async def delivered(channel_id: str, headers: dict[str, str]) -> list[str]:
        path = f"/api/users/me/channels/{channel_id}/deliveries"
        return [one["event"] for one in (await world.http.get(path, headers=headers)).json()["items"]]

    assert "price_watch.alerted" in await delivered(world.names["channel_id"], owner)
    assert await delivered(made.json()["channel"]["id"], stranger) == []
    mail, theirs = [
        (await world.http.get("/api/users/me/digest/preview", headers=who)).text for who in (owner, stranger)
    ]
    assert "JFK" in mail
    assert "JFK" not in theirs
    path = f"/api/guilds/{GUILD}/channels/{world.names['guild_channel_id']}/deliveries"
    assert (await world.http.get(path, headers=stranger)).status_code == 403
    for path in ("/internal/events", "/internal/events/stream"):
        assert (await world.http.get(path, headers=stranger)).status_code == 401


async def test_a_guilds_bot_reads_the_events_of_its_members_and_no_private_one(
    world: World, container: AppContainer
) -> None:
    await live(world, container)
    async with container.database().unit_of_work():
        key = await container.users.keys().create("its bot", ["events"], guild_ids=[GUILD])

    async def read(credential: str) -> set[str]:
        headers = {"Authorization": f"Bearer {credential}"}
        answer = await world.http.get("/internal/events?limit=500", headers=headers)
        return {item["event"] for item in answer.json()["items"] if item["event"] in OWNERS_EVENTS}

    assert await read(str(key.text)) == set(OWNERS_EVENTS) - {"price_watch.alerted"}
    assert await read(world.keys["everything"]) == set(OWNERS_EVENTS) - {"price_watch.alerted"}
    assert await read(world.keys["other guild"]) == set()


async def test_who_runs_a_shared_guild_changes_nothing_of_a_member(world: World, container: AppContainer) -> None:
    await put_stranger(world, container, GUILD, admin=True)
    asked = set()
    for endpoint in ENDPOINTS:
        public = endpoint.audience == "/api/" and not endpoint.path.startswith("/api/guilds/")
        if not public or endpoint.method == "GET" or endpoint.stranger not in {"403", "404"}:
            continue
        answer = await world.ask(endpoint, world.tokens["stranger"])
        assert answer.status_code in {403, int(endpoint.stranger)}, (endpoint, answer.text)
        asked.add(endpoint.operation)
    assert asked >= {"update_tracker", "delete_tracker", "add_manual_snapshot", "untrack_fencer", "update_tracked_club"}
    (tracker,) = [row for row in ENDPOINTS if row.operation == "get_tracker"]
    assert (await world.ask(tracker, world.tokens["stranger"])).status_code == 200


async def test_who_runs_a_shared_guild_gets_nothing_private_of_a_member(world: World, container: AppContainer) -> None:
    """Trips, price watches and contract watches, by their ids and in lists; both are confirmed members."""
    await put_stranger(world, container, GUILD, admin=True)
    await live(world, container)
    headers = {"Authorization": f"Bearer {world.tokens['stranger']}"}
    asked = 0
    for endpoint in ENDPOINTS:
        if not endpoint.path.startswith(PRIVATE_PATHS):
            continue
        if "{" in endpoint.path:
            answer = await world.ask(endpoint, world.tokens["stranger"])
            assert answer.status_code == 404, (endpoint, answer.text)
        elif endpoint.method == "GET":
            answer = await world.ask(endpoint, world.tokens["stranger"])
            assert (answer.status_code, answer.json()["items"]) == (200, []), (endpoint, answer.text)
        asked += 1
    assert asked >= 20
    deliveries = f"/api/guilds/{GUILD}/channels/{world.names['guild_channel_id']}/deliveries"
    for path in (deliveries, f"/api/watches?trip_id={world.names['trip_id']}"):
        answer = await world.http.get(path, headers=headers)
        assert (answer.status_code, answer.json()["items"]) == (200, []), answer.text


async def test_who_follows_the_same_account_reads_no_manual_snapshot_of_another(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.tokens['stranger']}"}
    body = {"urls": [LINK.format("Lintwurm")]}
    added = await world.http.post("/api/trackers/register", json=body, headers=headers)
    assert added.status_code == 201, added.text
    (tracker,) = added.json()["trackers"]
    for view in ("", "/detail", "/status", "/seasons", "/snapshots", "/history?playlist=11"):
        answer = await world.http.get(f"/api/trackers/{tracker['id']}{view}", headers=headers)
        assert answer.status_code in {200, 404}, (view, answer.text)
        assert str(SNAPSHOT["note"]) not in answer.text, view
        assert world.names["snapshot_id"] not in answer.text, view


TOLD_IN_PRIVATE: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("POST", "/api/contracts/watches", {"type_id": 61_001, "region_id": 10000002, "max_price": 7, "note": "mine"}),
    ("POST", "/api/contracts/watches", {"group_id": 9026}),
    ("PATCH", "/api/contracts/watches/{contract_watch_id}", {"active": False, "max_price": 9, "note": "mine"}),
    ("PATCH", "/api/trips/{trip_id}", {"notes": "window", "name": "Home"}),
    ("POST", "/api/trips/{trip_id}/scrape", {"cabin_class": "business", "currency": "USD"}),
    ("POST", "/api/trips/{trip_id}/prices", {"price": 28840}),
    ("POST", "/api/watches", {"trip_id": "{trip_id}", "target_price": 31_000}),
    ("PATCH", "/api/watches/{watch_id}", {"is_active": False, "target_price": 25_000}),
)


async def test_the_audit_log_keeps_nothing_that_people_say_of_private_things(world: World) -> None:
    """Any admin reads the log, and a person's contract watches are not for admins."""
    headers = {"Authorization": f"Bearer {world.tokens['owner']}"}
    for method, path, body in TOLD_IN_PRIVATE:
        given = filled(body, world.names)
        answer = await world.http.request(method, filled(path, world.names), json=given, headers=headers)
        assert answer.status_code < 500, answer.text
    admin = {"Authorization": f"Bearer {world.tokens['admin']}"}
    log = (await world.http.get("/api/admin/audit?limit=100", headers=admin)).json()["items"]
    kept = [entry for entry in log if str(entry["route"]).startswith(PRIVATE_PATHS)]
    assert len(kept) >= len(TOLD_IN_PRIVATE) + 3  # with those that made the world
    for entry in kept:
        assert set(entry["body"].values()) == {REMOVED}, entry


def test_no_route_of_private_things_names_a_field_that_the_audit_log_keeps() -> None:
    built = handlers()
    routes = [
        (endpoint, built[endpoint.operation]) for endpoint in ENDPOINTS if endpoint.path.startswith(PRIVATE_PATHS)
    ]
    assert len(routes) >= 20
    assert [endpoint.operation for endpoint, handler in routes if "audited" in handler.opt] == []
