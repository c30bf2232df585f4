"""A person's data: the export holds all of it, and an erasure leaves none of it in any column of any table."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from dependency_injector import providers
from sqlalchemy import Table
from tests.application import application, transport
from tests.conftest import Bench
from tests.integration.app.test_access import LIMITLESS, PASSWORD, SCOPES
from tests.integration.life import ADDRESS, AGENT, DISCORD_ID, Caller, Life
from tests.integration.stored_texts import Place, as_text, places_of, rows_of
from tests.integration.users.notifications.conftest import Endpoint, Mailbox, endpoint, mailbox
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer
from app.models import METADATA

pytestmark = pytest.mark.slow

__all__ = ["endpoint", "mailbox"]

PROOF: Final = {"current_password": PASSWORD}


@pytest.fixture
def environ(environ: dict[str, str], mailbox: Mailbox) -> dict[str, str]:
    return (
        environ
        | LIMITLESS
        | {
            "TRACKERS_NOTIFY_ALLOW_PRIVATE": "true",
            "TRACKERS_SMTP_HOST": "127.0.0.1",
            "TRACKERS_SMTP_PORT": str(mailbox.port),
            "TRACKERS_SMTP_STARTTLS": "false",
            "TRACKERS_NOTIFY_PUBLIC_URL": "https://trackers.example.org",
            "TRACKERS_SMTP_FROM": "trackers@example.org",
        }
    )


@pytest.fixture
async def life(
    api: Bench, container: AppContainer, endpoint: Endpoint, mailbox: Mailbox, sites: SimulatedSites
) -> AsyncIterator[Life]:
    sites.hiscores.configure(auto_players=True)
    async with container.database().unit_of_work():
        key = str((await container.users.keys().create("a bot", SCOPES)).text)
    app = application(container)
    hers = httpx.AsyncClient(
        transport=transport(app, client=ADDRESS), base_url="http://test", headers={"User-Agent": AGENT}
    )
    others = httpx.AsyncClient(transport=transport(app, client="198.51.100.5"), base_url="http://test")
    async with hers, others:
        ben, root, bot = Caller(others, "ben"), Caller(others, "root"), Caller(others, "bot", key)
        made = Life(api, Caller(hers, "ada"), ben, root, bot, endpoint, mailbox)
        await made.is_lived()
        yield made
    await container.notifications.post().close()
    await container.notifications.apprise().close()


async def standing(container: AppContainer, life: Life) -> dict[str, set[Place]]:
    """Which of her values stand where, by what they are; her requests' ids among them."""
    named = {**life.values, **{one: one for one in life.ada.request_ids}}
    found = await places_of(container, named.values())
    return {name: found[value] for name, value in named.items() if value in found}


PUBLIC: Final = frozenset(
    {"hiscore_players", "hiscore_states", "hiscore_records", "hiscore_achievements", "hiscore_gains", "hiscore_bests"}
)
"""Players of the hiscores are everybody's; that she added one is in her export, and goes with her."""
NOT_EXPORTED: Final[Mapping[Place, str]] = {
    ("users", "password_hash"): "a hash",
    ("auth_sessions", "token_digest"): "a hash",
    ("auth_sessions", "secret_id"): "a hash of the secret that the session was made under",
    ("claim_codes", "digest"): "a hash",
    ("game_guild_scores", "formula"): "a hash",
    ("flight_queries", "digest"): "a hash",
    ("notification_channels", "target"): "sealed; the address is shown masked, as its owner sees it",
    ("notification_channels", "host"): "of the address",
    ("notification_preferences", "subject_id"): "nil: whatever is not named",
    ("notified_events", "aggregate"): "the channel's id, which is there",
    ("guild_members", "confirmed_by"): "shown as confirmed or not",
    ("users", "password_changed_at"): "in the activity",
    ("claim_codes", "expires_at"): "of a code that nobody knows any more",
    ("game_guild_scores", "computed_at"): "of a score that follows from the ratings, which are there",
    ("outbox_events", "key"): "against sending twice",
    ("outbox_events", "relayed_at"): "likewise",
    ("digest_preferences", "created_at"): "of settings that are there",
    ("flight_trips", "ends_at"): "follows from the days, which are there",
    ("flight_queries", "ends_at"): "likewise",
    ("flight_queries", "key"): "the trip in one text",
    ("flight_queries", "created_at"): "of the search, which the trip is",
    ("flight_days", "day"): "of a price, which is there",
    **dict.fromkeys(
        (
            ("account_mails", "id"),
            ("outbox_events", "id"),
            ("flight_queries", "id"),
            ("flight_days", "query_id"),
            ("flight_snapshots", "query_id"),
            ("flight_trip_queries", "query_id"),
            ("price_watch_queries", "query_id"),
            ("price_alerts", "id"),
            ("price_alerts", "snapshot_id"),
            ("game_guild_scores", "account_id"),
            ("game_manual_snapshots", "account_id"),
            ("game_trackers", "account_id"),
            ("tracked_clubs", "club_id"),
            ("tracked_fencers", "fencer_id"),
        ),
        "joins tables of ours",
    ),
}
"""Columns of which not every value is in the export, and why."""


class Broken:
    """A module that cannot erase."""

    name = "broken"

    async def erase(self, user_id: UUID) -> None:
        raise RuntimeError("no")


async def test_an_erasure_leaves_nothing_of_a_person_or_changes_nothing(life: Life, container: AppContainer) -> None:
    before = await standing(container, life)
    assert set(life.values) - before.keys() == {"earlier email", "path of a webhook"}
    assert len(before.keys() & set(life.ada.request_ids)) > 25
    with container.events.personal_data.override(providers.Object(Broken())):
        assert (await life.ada.ask("DELETE", "/api/users/me", PROOF)).status_code == 500
    unchanged = await standing(container, life)
    assert {name: unchanged[name] for name in before} == before
    await life.ada.does("DELETE", "/api/users/me", PROOF)
    assert await standing(container, life) == {}
    assert await pseudonyms(container) == 1
    assert not [name for name, seconds in (await lifetimes(container, life)).items() if not 0 < seconds <= 86_400]


async def lifetimes(container: AppContainer, life: Life) -> dict[str, int]:
    """Of keys in Redis in which one of her values stands: the seconds until they go by themselves; -1: never."""
    redis = container.redis()
    texts = [value.encode() for value in life.values.values()]
    kept = {}
    async for key in redis.scan_iter():
        stored = key + (await redis.get(key) or b"" if await redis.type(key) == b"string" else b"")
        if any(one in stored for one in texts):
            kept[key.decode()] = await redis.ttl(key)
    return kept


async def pseudonyms(container: AppContainer) -> int:
    """By how many ids people are known in the logs of whom there is no account."""
    people = {row["id"] for row in await rows_of(container, "users")}
    logged = [
        row[name]
        for table, names in (("audit_log", ("actor_id",)), ("activity_log", ("actor_id", "user_id")))
        for row in await rows_of(container, table)
        if row["actor_kind"] != "bot"
        for name in names
    ]
    return len(set(logged) - people - {None})


def children(table: Table, rows: Mapping[str, list[dict[str, Any]]], owned: Mapping[str, Collection[int]]) -> set[int]:
    """Places of the rows that belong to owned ones of another table."""
    found: set[int] = set()
    for key in table.foreign_key_constraints:
        parent = key.referred_table.name
        columns = [(element.parent.name, element.column.name) for element in key.elements]
        parents = {tuple(rows[parent][one][theirs] for _, theirs in columns) for one in owned.get(parent, ())}
        for place, row in enumerate(rows[table.name]):
            value = tuple(row[own] for own, _ in columns)
            if value in parents and None not in value:
                found.add(place)
    return found


async def rows_about(container: AppContainer, *names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows in which one of these ids stands, and those that belong to them."""
    tables = {name: await rows_of(container, name) for name in METADATA.tables}
    about = {
        name: {place for place, row in enumerate(rows) if any(str(value) in names for value in row.values())}
        for name, rows in tables.items()
    }
    about["audit_log"] |= {
        place for place, row in enumerate(tables["audit_log"]) if set(row["mentions"] or ()) & set(names)
    }
    while True:
        more = {table.name: about[table.name] | children(table, tables, about) for table in METADATA.sorted_tables}
        if more == about:
            return ((name, tables[name][place]) for name, places in about.items() for place in places)
        about = more


def leaves(value: Any) -> Iterator[str]:
    """Texts, ids and times in a value, as JSON has them."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    elif isinstance(value, str | UUID | date):
        yield moment(value if isinstance(value, str) else as_text(value).strip('"'))
    elif isinstance(value, bytes):
        yield value.decode("latin-1")


def moment(text: str) -> str:
    """A time in one spelling, any other text as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat() if "T" in text else text
    except ValueError:
        return text


async def test_the_export_holds_everything_that_an_erasure_removes(life: Life, container: AppContainer) -> None:
    rows = [*await rows_about(container, life.id, DISCORD_ID)]
    held = set(leaves(await life.ada.does("GET", "/api/users/me/export")))
    missing = {
        (table, column)
        for table, row in rows
        for column, value in row.items()
        if (leaf := next((leaf for leaf in leaves(value) if leaf not in held), None))
        and not (table == "audit_log" and row["actor_kind"] in {"bot", "user"} and str(row["actor_id"]) != life.id)
        and table not in PUBLIC
        and leaf
    }
    assert missing == set(NOT_EXPORTED)
    asked_by_others = {moment(as_text(row["at"]).strip('"')) for table, row in rows if table == "audit_log"}
    assert asked_by_others <= held

    await life.root.does("DELETE", f"/api/admin/users/{life.id}")
    assert await standing(container, life) == {}
    assert (await life.ada.ask("GET", "/api/users/me/export")).status_code == 401
    assert await pseudonyms(container) == 1
    (erased,) = (await life.root.does("GET", "/api/admin/activity?event=user.erased"))["items"]
    pseudonym = erased["subject_id"]
    done = (await life.root.does("GET", f"/api/admin/audit?actor_id={pseudonym}&limit=200"))["items"]
    assert len(done) > 20, "what somebody did is still known to be done by one"
