"""Every declared event is asked for with every kind of key: its readers read it, in feed and stream, and no other key.

Built from the declared events, so a new event is covered as soon as it is declared.
"""

import asyncio
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import text
from tests.clock import START
from tests.conftest import Bench
from tests.waiting import LIMIT_S

from app.container import AppContainer
from app.modules import all_events, known_scopes
from shared.events import EventType, Readers
from shared.outbox.schemas import FeedFilter

ADA, BEN = UUID(int=1), UUID(int=2)
HERS, OTHER = "81384788765712384", "613425648685547541"
JOINED_LATER, LEFT, UNCONFIRMED = "281474976710657001", "281474976710657002", "281474976710657003"
GUILDS: Final = (HERS, OTHER, JOINED_LATER, LEFT, UNCONFIRMED)
KINDS: Final = {
    "all guilds": None,
    "the owner's guild": [HERS],
    "another guild": [OTHER],
    "a guild that the owner joined later": [JOINED_LATER],
    "a guild that the owner has left": [LEFT],
    "a guild whose own key added the owner": [UNCONFIRMED],
    "all of these guilds": list(GUILDS),
}
SCOPES: Final = {"every scope": known_scopes(), "events": ["events"], "events:read": ["events:read"]}
READ_BY: Final = {
    Readers.OWNER: set[str](),
    Readers.OWNERS_GUILDS: {"all guilds", "the owner's guild", "all of these guilds"},
    Readers.NAMED_GUILD: {"all guilds", "the owner's guild", "all of these guilds"},
    Readers.ALL_GUILDS: {"all guilds"},
    Readers.EVERYBODY: set(KINDS),
}
"""The kinds of keys that read an event of Ada's whose payload names her guild."""


@pytest.fixture
async def events(container: AppContainer) -> list[EventType]:
    """One event of every type, all Ada's, an hour after she became a member; and one of a type that is not declared."""
    writer = container.standalone_writer()
    for user_id in (ADA, BEN):
        await writer.execute(text("INSERT INTO users (id, created_at) VALUES (:id, now())"), {"id": user_id})
    for guild_id in GUILDS:
        await writer.execute(
            text("INSERT INTO guilds (id, name, created_at, updated_at) VALUES (:id, :id, now(), now())"),
            {"id": guild_id},
        )
    join = text(
        "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
        " VALUES (:guild_id, :user_id, true, :at, :confirmed_by)"
    )
    for guild_id, user_id, at in (
        (HERS, ADA, START - timedelta(hours=1)),
        (OTHER, BEN, START - timedelta(hours=1)),
        (JOINED_LATER, ADA, START + timedelta(hours=1)),
        (LEFT, ADA, START - timedelta(hours=1)),
        (UNCONFIRMED, ADA, START - timedelta(hours=1)),
    ):
        confirmed_by = None if guild_id == UNCONFIRMED else "operator"
        row = {"guild_id": guild_id, "user_id": user_id, "at": at, "confirmed_by": confirmed_by}
        await writer.execute(join, row)
    await writer.execute(text("DELETE FROM guild_members WHERE guild_id = :guild_id"), {"guild_id": LEFT})
    declared = all_events()
    for name in (*(event.name for event in declared), "undeclared.event"):
        await writer.execute(
            text("""
            INSERT INTO outbox_events (id, event, aggregate, user_id, payload, occurred_at, relayed_at, position)
            VALUES (uuidv7(), :event, 'a:1', :user_id, jsonb_build_object('guild_id', CAST(:guild_id AS text)), :now,
                    :now, nextval('outbox_positions'))
            """),
            {"event": name, "user_id": ADA, "guild_id": HERS, "now": START},
        )
    return declared


@pytest.mark.parametrize("scopes", SCOPES)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_event_is_read_by_its_readers_only(
    api: Bench, container: AppContainer, events: list[EventType], kind: str, scopes: str
) -> None:
    async with container.database().unit_of_work():
        made = await container.users.keys().create("reader", SCOPES[scopes], guild_ids=KINDS[kind])
    answer = await api.http.get(
        "/internal/events", params={"limit": 500}, headers={"Authorization": f"Bearer {made.text}"}
    )
    assert answer.status_code == 200
    read = answer.json()["items"]
    assert [item["event"] for item in read] == [event.name for event in events if kind in READ_BY[event.readers]]
    knows_ada = kind in READ_BY[Readers.OWNERS_GUILDS]
    assert {item["user_id"] for item in read} == {str(ADA) if knows_ada else None}

    stream = container.events.streams().open(uuid4(), FeedFilter(guild_ids=guilds_of(kind)), after=0)
    heard: list[Any] = []
    async with asyncio.timeout(LIMIT_S):
        await anext(stream)
        while len(heard) < len(read):
            if (said := await anext(stream)).event is not None:
                heard.append(said.event)
    stream.leave()
    assert msgspec.to_builtins(heard) == read


@pytest.mark.parametrize("kind", KINDS)
async def test_names_open_nothing_that_is_not_readable(
    container: AppContainer, events: list[EventType], kind: str
) -> None:
    for event in events:
        for name in (event.name, f"{event.name.partition('.')[0]}."):
            wanted = FeedFilter(events=(name,), guild_ids=guilds_of(kind))
            page = await container.events.queries().feed(wanted, after=0, limit=500)
            assert (event.name in {item.event for item in page.items}) == (kind in READ_BY[event.readers])


@pytest.mark.parametrize("guilds", [None, [HERS]])
async def test_a_key_with_every_scope_but_events_reads_none(
    api: Bench, container: AppContainer, events: list[EventType], guilds: list[str] | None
) -> None:
    scopes = [scope for scope in known_scopes() if not scope.startswith("events")]
    async with container.database().unit_of_work():
        made = await container.users.keys().create("reader", scopes, guild_ids=guilds)
    for path in ("/internal/events", "/internal/events/stream"):
        answer = await api.http.get(path, headers={"Authorization": f"Bearer {made.text}"})
        assert answer.status_code == 403, events


async def test_an_event_that_names_another_guild_is_not_read(container: AppContainer, events: list[EventType]) -> None:
    page = await container.events.queries().feed(FeedFilter(guild_ids=frozenset({OTHER})), after=0, limit=500)
    assert {item.event for item in page.items} == {e.name for e in events if e.readers is Readers.EVERYBODY}


def guilds_of(kind: str) -> frozenset[str] | None:
    guilds = KINDS[kind]
    return None if guilds is None else frozenset(guilds)
