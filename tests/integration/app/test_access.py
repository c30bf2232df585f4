"""Every endpoint of the schema, asked with every credential: `docs/access.md` says what each must answer."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import jwt
import msgspec
import pytest
from sqlalchemy import text
from tests.application import application, transport
from tests.conftest import (
    SECRET,
    TEMPLATE,
    Bench,
    Databases,
    container_of,
    create_database,
    database_of,
    emptied_redis,
    environ_of,
)
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer
from app.embedded import Endpoints
from app.modules import MODULES
from app.schema import openapi_schema
from shared.installation_secret import InstallationSecret
from shared.settings import Secret
from users.auth.tokens import ALGORITHM, AUDIENCE, ISSUER, TYPE

DOCS: Final = Path(__file__).parents[3] / "docs" / "access.md"
ROW: Final = re.compile(r"\| `([A-Z]+) (/[^`]*)` \| (\w+) \| ([^|]+) \| ([^|]+) \|")
OWNER, STRANGER, NEW = "281474976710656001", "281474976710656002", "281474976710656003"
SCOPES: Final = (
    "trackers",
    "players",
    "fencers",
    "contracts",
    "users",
    "guilds",
    "events",
)
BOTH: Final = ("read", "write")
HALVES: Final = {"events": ("read",), "contracts": ("read",)}
GUILD, OTHER_GUILD = "81384788765712384", "613425648685547541"
LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/{}/overview"
PASSWORD = "correct horse battery staple"
WEBHOOK = {"kind": "webhook", "url": "https://bot.example.org/hook"}
SNAPSHOT = {
    "playlists": [{"playlist": "11", "rating": 900, "matches_played": 10}],
    "note": "read off the screen",
    "season": "34",
}


def trip_after(now: datetime) -> dict[str, str]:
    """A trip that departs in three months."""
    return {"origin": "JFK", "destination": "LAX", "departs_on": str((now + timedelta(days=90)).date())}


@dataclass(frozen=True)
class Endpoint:
    """A row of the table."""

    method: str
    path: str
    operation: str
    opens_with: str
    stranger: str

    @property
    def audience(self) -> str:
        for prefix in ("/api/admin/", "/internal/", "/api/"):
            if self.path.startswith(prefix):
                return prefix
        return "/"

    @property
    def open(self) -> bool:
        return self.opens_with == "-"


ENDPOINTS: Final = [Endpoint(*(cell.strip() for cell in row)) for row in ROW.findall(DOCS.read_text())]

CHANGES: Final = [endpoint for endpoint in ENDPOINTS if endpoint.method != "GET"]
"""Each is asked in a world of its own."""

BODIES: Final[Mapping[str, Any]] = {
    "register": {"username": "newcomer", "password": PASSWORD},
    "login": {"login": "owner", "password": PASSWORD},
    "change_password": {"current_password": PASSWORD, "new_password": "another long password"},
    "change_my_account": {"display_name": "Somebody"},
    "erase_me": {"current_password": PASSWORD},
    "change_guild_settings": {"tracker_processing": False},
    "validate_rating_formula": {"formula": {"kind": "peak_mmr"}},
    "preview_rating_formula": {"formula": {"kind": "peak_mmr"}},
    "change_account": {"role": "admin"},
    "create_key": {"name": "made", "scopes": ["trackers"]},
    "put_my_leaderboards": {"hidden_everywhere": True},
    "pause_source": {"reason": "the site asked us to"},
    "block": {"source": "hiscores", "keys": ["Quiet Lynx"]},
    "register_trackers": {"urls": [LINK.format("Nachtigall")]},
    "add_tracker": {"url": LINK.format("Wasserfloh")},
    "update_tracker": {"active": False},
    "add_manual_snapshot": SNAPSHOT,
    "change_manual_snapshot": {"note": "read once more"},
    "internal_change_manual_snapshot": {"note": "read once more"},
    "internal_update_tracker": {"active": False},
    "internal_add_manual_snapshot": SNAPSHOT,
    "internal_register_by_staff": {
        "guild_id": GUILD,
        "staff_id": OWNER,
        "user_id": OWNER,
        "urls": [LINK.format("Abendstern")],
    },
    "internal_issue_claim_code": {"user_id": OWNER},
    "internal_put_guild": {"name": "Comets"},
    "internal_put_guild_members": {"members": [{"user_id": OWNER}]},
    "internal_remove_guild_members": {"user_ids": [OWNER]},
    "internal_parse_link": {"url": LINK.format("Lintwurm")},
    "internal_register_trackers": {"user_id": NEW, "urls": [LINK.format("Glimmer")]},
    "internal_process_guild": {"guild_id": GUILD},
    "internal_schedule_processing": {"guild_id": GUILD, "cron": "0 18 * * MON"},
    "internal_add_tracker": {"user_id": OWNER, "url": LINK.format("Mondkalb")},
    "add_contract_watch": {"type_id": 61_001},
    "change_contract_watch": {"max_price": 5_000_000},
    "run_contract_aggregation": {},
    "put_my_notifications": {"quiet_hours": {"from": "22:00", "to": "07:00"}},
    "put_my_subject_notifications": {"events": {"*": "off"}},
    **{f"add_{whose}_channel": WEBHOOK for whose in ("my", "guild")},
    **{f"change_{whose}_channel": {"name": "Home"} for whose in ("my", "guild")},
    **{f"verify_{whose}_channel": {} for whose in ("my", "guild")},
    "internal_add_guild_channel": WEBHOOK,
    "internal_change_guild_channel": {"name": "Home"},
    "internal_verify_guild_channel": {},
    "add_player": {"username": "Another One"},
    "change_player": {"interval": 900},
    "rename_player": {"username": "Renamed"},
    "internal_add_player": {"username": "Third One", "user_id": OWNER},
    "internal_follow_player": {"user_id": OWNER},
    "update_trip": {"notes": "window seats"},
    "scrape_trip": {},
    "push_trip_price": {"price": 28840},
    "update_watch": {"target_price": 25000},
}

FENCER, CLUB = "100000011", "100000910"
FENCER_BODIES: Final[Mapping[str, Any]] = {
    "track_fencer": {"fencer": FENCER[::-1]},
    "track_club": {"club": CLUB[::-1].lstrip("0")},
    "internal_track_fencer": {"user_id": OWNER, "fencer": "100000077"},
    "internal_track_club": {"user_id": OWNER, "club": "100000977"},
    **{
        f"{audience}update_tracked_{kind}": {"weapons": "epee"}
        for audience in ("", "internal_")
        for kind in ("fencer", "club")
    },
    "put_my_digest": {"period": "off"},
    "run_digests": {},
}

QUERIES: Final[Mapping[str, Any]] = {
    "get_leaderboard": {"guild_id": GUILD},
    "internal_get_leaderboard": {"guild_id": GUILD},
    "internal_unfollow_player": {"user_id": OWNER},
    **{f"{whose}get_many_player_stats": {"usernames": "Lynx Titan"} for whose in ("", "internal_")},
    **{f"{whose}get_player_leaderboard": {"metric": "slayer"} for whose in ("", "internal_")},
    "compare_players": {"usernames": "Lynx Titan"},
}


@dataclass
class World:
    """Two people, an admin, two guilds, keys of every kind, and one of everything that can be named."""

    http: httpx.AsyncClient
    tokens: dict[str, str]
    keys: dict[str, str]
    names: dict[str, str]
    bodies: dict[str, Any]
    database: str = ""
    """The name of the database that copies are made of."""

    def names_for(self, endpoint: Endpoint) -> dict[str, str]:
        """What exists, by the names in an endpoint's path."""
        names = self.names | ({"user_id": OWNER} if endpoint.audience == "/internal/" else {})
        if "{guild_id}" in endpoint.path:
            names |= {"channel_id": names["guild_channel_id"]}
        if "/clubs/" in endpoint.path:
            names |= {"tracked_id": names["tracked_club_id"]}
        if "/contracts/" in endpoint.path:
            names |= {"watch_id": names["contract_watch_id"]}
        return names

    def query_for(self, endpoint: Endpoint) -> dict[str, str]:
        """The query parameters without which an endpoint refuses."""
        if endpoint.path.endswith("/unsubscribe"):
            return {"token": self.names["unsubscribe_token"]}
        if endpoint.path.endswith("/email-confirmation"):
            return {"token": self.names["confirmation_token"]}
        return dict(QUERIES.get(endpoint.operation, {}))

    async def ask(self, endpoint: Endpoint, credential: str | None, **headers: str) -> httpx.Response:
        path, names = endpoint.path, self.names_for(endpoint)
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, path
        return await self.http.request(
            endpoint.method,
            path,
            json=self.bodies.get(endpoint.operation),
            params=self.query_for(endpoint),
            headers={"Authorization": f"Bearer {credential}" if credential else "", **headers},
        )


LIMITLESS: Final = {
    **{f"TRACKERS_RATE_LIMIT_{who}": "0" for who in ("PERSON", "BOT", "ADDRESS")},
    "TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS": "1000",
    "TRACKERS_AUTH_MESSAGES_PER_ADDRESS": "10000",
    "TRACKERS_AUTH_MESSAGES_PER_HOST": "10000",
    "TRACKERS_AUTH_ACCESS_LIFETIME": "3600",
    "TRACKERS_HISCORES_FETCH_COOLDOWN": "0",
}
"""Nobody is told to come back later here."""


@pytest.fixture(scope="session")
async def first_world(servers: Endpoints, template_url: str, running_sites: SimulatedSites) -> World:
    """One world, made once; each test gets a copy of its database."""
    redis_url = emptied_redis(servers)  # messages that earlier tests counted would limit those that make the world
    running_sites.reset()
    running_sites.hiscores.configure(auto_players=True)
    name = f"world_{uuid4().hex}"  # each module that imports this fixture has a world of its own
    await create_database(servers, name, template=TEMPLATE)
    environ = environ_of(database_of(servers, name), redis_url, running_sites) | LIMITLESS
    container = container_of(environ)
    async with httpx.AsyncClient(transport=transport(application(container)), base_url="http://test") as http:
        made = await make_world(http, container)
    await container.database().close()
    await container.redis().aclose()
    await container.clients().close()
    running_sites.reset()
    return replace(made, database=name)


@pytest.fixture
def database_url(databases: Databases, first_world: World) -> Iterator[str]:
    """A copy of the first world."""
    with databases.fresh(first_world.database) as url:
        yield url


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return environ | LIMITLESS


@pytest.fixture
def world(first_world: World, api: Bench, sites: SimulatedSites) -> World:
    sites.hiscores.configure(auto_players=True)
    api.container.events.streams().end()  # what listens is answered, and not for ever
    return replace(first_world, http=api.http)


async def make_world(http: httpx.AsyncClient, container: AppContainer) -> World:
    """Everybody and everything that the endpoints name."""

    async def call(method: str, path: str, body: Any, credential: str = "") -> Any:
        answer = await http.request(method, path, json=body, headers={"Authorization": f"Bearer {credential}"})
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def key(*scopes: str, guild_ids: list[str] | None = None) -> str:
        async with container.database().unit_of_work():
            made = await container.users.keys().create("a bot", scopes, guild_ids=guild_ids)
        return str(made.text)

    async def register(name: str, **more: str) -> dict[str, Any]:
        made: dict[str, Any] = await call(
            "POST", "/api/auth/register", {"username": name, "password": PASSWORD, **more}
        )
        return made

    everything = await key(*SCOPES)
    for guild in (GUILD, OTHER_GUILD):
        await call("PUT", f"/internal/guilds/{guild}", {"name": guild}, everything)
    code = await call("POST", "/internal/users/claim-codes", {"user_id": OWNER}, everything)
    owner = await register("owner", claim_code=code["code"])
    members = {"members": [{"user_id": OWNER, "admin": True}]}
    await call("PUT", f"/internal/guilds/{GUILD}/members", members, everything)
    followed = await call(
        "POST",
        "/internal/trackers/register-multiple",
        {"user_id": OWNER, "urls": [LINK.format("Lintwurm")]},
        everything,
    )
    scheduled = await call("POST", "/internal/trackers/schedule", {"guild_id": GUILD, "cron": "0 18 * * *"}, everything)
    stranger, admin = await register("stranger"), await register("root")
    async with container.database().unit_of_work():
        await container.users.accounts().make_admin(UUID(admin["user_id"]))
    other_session = await call("POST", "/api/auth/login", {"login": "owner", "password": PASSWORD})
    other = jwt.decode(other_session["access_token"], options={"verify_signature": False})["sid"]
    another = await call("POST", "/internal/users/claim-codes", {"user_id": NEW}, everything)
    channel = await call("POST", "/api/users/me/channels", WEBHOOK, owner["access_token"])
    guild_channel = await call("POST", f"/api/guilds/{GUILD}/channels", WEBHOOK, owner["access_token"])
    player = await call("POST", "/api/players", {"username": "Lynx Titan"}, owner["access_token"])
    fencer = await call("POST", "/api/fencers", {"fencer": FENCER}, owner["access_token"])
    club = await call("POST", "/api/clubs", {"club": CLUB}, owner["access_token"])
    contract_watch = await call("POST", "/api/contracts/watches", {"type_id": 61_000}, owner["access_token"])
    new_trip = trip_after(container.clock().now())
    trip = await call("POST", "/api/trips", new_trip, owner["access_token"])
    watched = {"trip_id": trip["id"], "target_price": 30000}
    watch = await call("POST", "/api/watches", watched, owner["access_token"])
    entered = await call(
        "POST", f"/api/trackers/{followed['trackers'][0]['id']}/snapshots", SNAPSHOT, owner["access_token"]
    )
    blocked = {"source": "hiscores", "keys": ["Quiet Soul"]}
    block = await call("POST", "/api/admin/blocked", blocked, admin["access_token"])
    accounts = await two_accounts(container, followed["trackers"][0]["id"])
    tokens = {
        who["user_id"]: await waiting_address(container, UUID(who["user_id"]), f"{name}@example.org")
        for name, who in (("owner", owner), ("stranger", stranger))
    }
    return World(
        http=http,
        tokens={
            "owner": owner["access_token"],
            "stranger": stranger["access_token"],
            "admin": admin["access_token"],
            "expired": expired(owner["access_token"]),
        },
        keys={
            "everything": everything,
            "other guild": await key(*SCOPES, guild_ids=[OTHER_GUILD]),
            **{f"{scope}:{half}": await key(f"{scope}:{half}") for scope in SCOPES for half in HALVES.get(scope, BOTH)},
        },
        names={
            "tracker_id": followed["trackers"][0]["id"],
            "snapshot_id": entered["id"],
            "task_id": followed["trackers"][0]["task_id"],
            "schedule_id": scheduled["id"],
            "guild_id": GUILD,
            "user_id": owner["user_id"],
            "session_id": other,
            "prefix": everything.split("_")[1],
            "provider": "discord",
            "external_id": OWNER,
            "event_id": str(await dead_event(container)),
            "channel_id": channel["channel"]["id"],
            "guild_channel_id": guild_channel["channel"]["id"],
            "subject_id": followed["trackers"][0]["id"],
            "tracked_id": fencer["tracked"]["id"],
            "tracked_club_id": club["tracked"]["id"],
            "page_id": fencer["tracked"]["page_id"],
            "unsubscribe_token": container.notifications.unsubscribing().token(UUID(owner["user_id"])),
            "confirmation_token": tokens[owner["user_id"]],
            "name": "games",
            "player_id": player["id"],
            "username": player["username"],
            "kind": "skills",
            "metric": "slayer",
            "mode": "regular",
            "contract_id": str(await a_contract(container)),
            "type_id": "61000",
            "trip_id": trip["id"],
            "watch_id": watch["id"],
            "contract_watch_id": contract_watch["id"],
            "account_id": accounts[0],
            "block_id": block["id"],
            "delivery_id": str(await failed_delivery(container, UUID(channel["channel"]["id"]))),
        },
        bodies={
            **BODIES,
            **FENCER_BODIES,
            "refresh_tokens": {"refresh_token": owner["refresh_token"]},
            "confirm_email": {"token": tokens[stranger["user_id"]]},  # not that of the page: each works once
            "claim_identity": {"code": another["code"]},
            **{f"{whose}confirm_manual_snapshot": {"entered_at": entered["entered_at"]} for whose in ("", "internal_")},
            "transfer_tracker": {"user_id": stranger["user_id"]},
            "merge_accounts": {"into": accounts[1]},
            "create_trip": new_trip,
            "create_watch": watched,
            "admin_refresh_trackers": {"tracker_ids": [followed["trackers"][0]["id"]]},
        },
    )


async def a_contract(container: AppContainer) -> int:
    """One of a region that is looked at."""
    await container.contracts.follow_job().run()
    await container.standalone_writer().execute(
        text(
            "INSERT INTO contracts (contract_id, region_id, type, status, title, price, collateral, reward, volume,"
            " days_to_complete, issuer_id, issuer_corporation_id, for_corporation, date_issued, date_expired, row_hash,"
            " first_seen_at, items_state) VALUES (300, 10000002, 'loan', 'live', '', 1, 0, 0, 0, 0, 1, 1, false, now(),"
            " now() + interval '1 day', 0, now(), 'none')"
        )
    )
    return 300


async def waiting_address(container: AppContainer, user_id: UUID, address: str) -> str:
    """The token of a link that waits to be used; the account gets the address by it."""
    users, now = container.users, container.clock().now()
    async with container.database().unit_of_work():
        await users.address_service().ask(user_id, address)
        mail = await users.account_mails().claim(now=container.clock().now(), retry_at=now + timedelta(days=1))
        token, digest = users.confirmation_tokens().make(mail.id)
        await users.account_mails().put_digest(mail.id, digest)
    return str(token)


async def dead_event(container: AppContainer) -> UUID:
    """One that nobody could handle."""
    event_id = uuid4()
    await container.standalone_writer().execute(
        text(
            "INSERT INTO outbox_events (id, event, aggregate, payload, occurred_at, dead_at, error)"
            " VALUES (:id, 'thing.broke', 'thing:1', '{}', now(), now(), 'why')"
        ),
        {"id": event_id},
    )
    return event_id


async def two_accounts(container: AppContainer, tracker_id: str) -> list[str]:
    """The account that a tracker follows, and another that nobody follows."""
    writer = container.standalone_writer()
    followed = await writer.value(
        text("SELECT account_id FROM game_trackers WHERE id = CAST(:id AS uuid)"), {"id": tracker_id}
    )
    other = uuid4()
    await writer.execute(
        text(
            "INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)"
            " VALUES (:id, 'games', 'rocket-league:epic:renamed', 'rocket-league:epic:Renamed', 86400, now())"
        ),
        {"id": other},
    )
    await writer.execute(
        text(
            "INSERT INTO game_accounts (id, target_id, game, platform, identifier, display)"
            " VALUES (:id, :id, 'rocket-league', 'epic', 'renamed', 'Renamed')"
        ),
        {"id": other},
    )
    return [str(followed), str(other)]


async def failed_delivery(container: AppContainer, channel_id: UUID) -> UUID:
    """One that did not arrive, at a time when every channel was verified."""
    delivery_id = uuid4()
    writer = container.standalone_writer()
    await writer.execute(text("UPDATE notification_channels SET verified_at = now()"))
    await writer.execute(
        text(
            "INSERT INTO notified_events (id, event, aggregate, payload, occurred_at, noted_at)"
            " VALUES (:id, 'thing.broke', 'thing:1', '{}', now(), now())"
        ),
        {"id": delivery_id},
    )
    await writer.execute(
        text(
            "INSERT INTO notification_deliveries (id, event_id, channel_id, subject_id, state, due_at)"
            " VALUES (:id, :id, :channel_id, :channel_id, 'failed', now())"
        ),
        {"id": delivery_id, "channel_id": channel_id},
    )
    return delivery_id


def expired(token: str) -> str:
    """A token of ours, of an hour ago."""
    claims = jwt.decode(token, options={"verify_signature": False})
    claims |= {
        "iat": claims["iat"] - 3600,
        "exp": claims["exp"] - 3600,
        "aud": AUDIENCE,
        "iss": ISSUER,
        "jti": uuid4().hex,
    }
    return jwt.encode(
        claims, InstallationSecret(Secret(SECRET)).keys("access tokens")[0], algorithm=ALGORITHM, headers={"typ": TYPE}
    )


def test_the_table_names_every_endpoint_and_what_opens_it() -> None:
    schema = msgspec.json.decode(openapi_schema())
    scopes = {
        handler.opt.get("scope") and handler.operation_id: handler.opt.get("scope")
        for module in MODULES
        for controllers in module.controllers.values()
        for controller in controllers
        for handler in vars(controller).values()
        if hasattr(handler, "operation_id")
    }
    told = {(row.method, row.path, row.operation): row.opens_with for row in ENDPOINTS}
    meant = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            name = operation["operationId"]
            by_scheme = {"access_token": "admin" if path.startswith("/api/admin/") else "member", "bot_key": "any key"}
            schemes = [scheme for requirement in operation.get("security") or [] for scheme in requirement]
            meant[method.upper(), path, name] = scopes.get(name) or (by_scheme[schemes[0]] if schemes else "-")
    assert told == meant
    assert len(ENDPOINTS) == len(told)


async def test_without_a_token_and_with_an_expired_one(world: World) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.open:
            continue
        nobody, late = await world.ask(endpoint, None), await world.ask(endpoint, world.tokens["expired"])
        assert (nobody.status_code, late.status_code) == (401, 401), endpoint
        assert nobody.headers["www-authenticate"] == "Bearer", endpoint
        expected = "unauthenticated" if endpoint.audience == "/internal/" else "token_expired"
        assert late.json()["code"] == expected, endpoint


async def test_with_the_credential_of_another_audience(world: World) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.open:
            continue
        wrong = world.tokens["admin"] if endpoint.audience == "/internal/" else world.keys["everything"]
        assert (await world.ask(endpoint, wrong)).status_code == 401, endpoint
        assert (await world.ask(endpoint, None, **{"X-API-Key": world.tokens["admin"]})).status_code == 401, endpoint


async def test_with_a_key_of_the_wrong_scope(world: World) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.audience != "/internal/" or endpoint.opens_with == "any key":
            continue
        module, _, half = endpoint.opens_with.partition(":")
        wrong = [key for scope, key in world.keys.items() if ":" in scope and scope != endpoint.opens_with]
        assert module in HALVES or f"{module}:{'write' if half == 'read' else 'read'}" in world.keys
        for key in wrong:
            answer = await world.ask(endpoint, key)
            assert answer.status_code == 403, endpoint
            assert endpoint.opens_with in answer.json()["detail"], endpoint


async def test_as_a_stranger(world: World) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.stranger in {"-", "own", "all"}:
            continue
        stranger = world.keys["other guild"] if endpoint.audience == "/internal/" else world.tokens["stranger"]
        answer = await world.ask(endpoint, stranger)
        assert answer.status_code == int(endpoint.stranger), (endpoint, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", endpoint


FORM: Final = "application/x-www-form-urlencoded"


async def test_a_body_of_another_media_type_is_refused_everywhere(world: World) -> None:
    """A page of another site can send text/plain and forms without asking first, JSON it cannot."""
    asked = 0
    for endpoint in ENDPOINTS:
        if world.bodies.get(endpoint.operation) is None:
            continue
        asked += 1
        for kind in ("text/plain", FORM, "multipart/form-data; boundary=x", "application/octet-stream", ""):
            if kind == FORM and endpoint.operation == "login":  # OAuth 2's form, which is read as a form
                continue
            answer = await world.ask(endpoint, credential_of(world, endpoint), **{"Content-Type": kind})
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), (endpoint, kind)
    assert asked > 60


async def test_reading_as_the_right_one(world: World) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET":
            await opens(world, endpoint)


@pytest.mark.parametrize("endpoint", CHANGES, ids=lambda endpoint: endpoint.operation)
async def test_changing_as_the_right_one(world: World, endpoint: Endpoint) -> None:
    await opens(world, endpoint)


def credential_of(world: World, endpoint: Endpoint) -> str | None:
    """Of the right one."""
    newcomer = endpoint.operation == "register_trackers"  # the owner has trackers already
    right = {
        "member": world.tokens["stranger" if newcomer else "owner"],
        "admin": world.tokens["admin"],
        "any key": world.keys["users:read"],
    }
    return None if endpoint.open else right.get(endpoint.opens_with) or world.keys[endpoint.opens_with]


async def opens(world: World, endpoint: Endpoint) -> None:
    """The right one is let in; a stranger, where nobody is one, too."""
    answer = await world.ask(endpoint, credential_of(world, endpoint))
    assert 200 <= answer.status_code < 300, (endpoint, answer.text)
    if endpoint.stranger in {"own", "all"}:  # nobody is a stranger there
        somebody = world.keys["other guild"] if endpoint.audience == "/internal/" else world.tokens["stranger"]
        assert (await world.ask(endpoint, somebody)).status_code not in {401, 403, 404}, endpoint


async def test_admins_and_who_runs_a_shared_guild_read_what_a_member_follows(
    world: World, container: AppContainer
) -> None:
    (tracker,) = [row for row in ENDPOINTS if row.operation == "get_tracker"]

    async def stranger_in(guild_id: str, *, admin: bool) -> int:
        stranger = UUID(jwt.decode(world.tokens["stranger"], options={"verify_signature": False})["sub"])
        await container.standalone_writer().execute(
            text(
                "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
                " VALUES (:guild, :user, :admin, now(), 'operator')"
                " ON CONFLICT (guild_id, user_id) DO UPDATE SET admin = excluded.admin"
            ),
            {"guild": guild_id, "user": stranger, "admin": admin},
        )
        return (await world.ask(tracker, world.tokens["stranger"])).status_code

    assert await stranger_in(OTHER_GUILD, admin=True) == 403
    assert await stranger_in(GUILD, admin=False) == 403
    assert await stranger_in(GUILD, admin=True) == 200
    assert (await world.ask(tracker, world.tokens["admin"])).status_code == 200


async def test_a_key_for_a_guild_speaks_for_its_members(world: World, container: AppContainer) -> None:
    async with container.database().unit_of_work():
        made = await container.users.keys().create("its bot", ["trackers", "users"], guild_ids=[GUILD])
    later = {"PATCH": 1, "DELETE": 2}
    gentle_first = sorted(ENDPOINTS, key=lambda endpoint: (later.get(endpoint.method, 0), endpoint.operation))
    for endpoint in gentle_first:
        if endpoint.opens_with.startswith(("trackers:", "users:")):
            answer = await world.ask(endpoint, made.text)
            stranger_or_all = endpoint.operation in {"internal_register_trackers", "internal_process_pending"}
            assert answer.status_code == 403 if stranger_or_all else answer.status_code < 300, (endpoint, answer.text)
