"""Events as modules publish them, handlers that leave a trace, and relays that can be made to fail anywhere."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers
from msgspec import Struct
from sqlalchemy import text
from tests.clock import FixedClock
from tests.conftest import container_of

from app.container import AppContainer
from shared.events import Event, EventType, NewEvent, Readers

TRACES = "CREATE TABLE IF NOT EXISTS traces (seq bigint GENERATED ALWAYS AS IDENTITY, handler text, event_id uuid)"


class Deaf:
    """A queue that takes everything, runs nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def enqueue(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        self.asked.append((job, job_id))

    async def enqueue_many(self, job: str, arguments: Sequence[tuple[Any, ...]]) -> None: ...


@dataclass
class Tracer:
    """Writes down each event that it was handed, on the relay's session; fails over those that it is told to."""

    container: AppContainer
    name: str = "tracer"
    events: frozenset[str] = frozenset({"thing.moved"})
    fails_over: set[UUID] = field(default_factory=set)
    first: Callable[[], None] = lambda: None

    async def handle(self, events: Sequence[Event]) -> None:
        self.first()
        rows = [{"handler": self.name, "event_id": event.id} for event in events]
        await (
            self.container.database()
            .session()
            .execute(text("INSERT INTO traces (handler, event_id) VALUES (:handler, :event_id)"), rows)
        )
        for event in events:
            if event.id in self.fails_over:
                raise ValueError(f"cannot handle {event.payload}")


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payload of every event of these tests."""

    n: int | None = None
    large: str = ""


def type_of(name: str, readers: Readers = Readers.OWNERS_GUILDS) -> EventType:
    return EventType(name=name, when="In tests.", payload=Told, readers=readers)


NAMES = ("thing.moved", "thing.gone", "thing.kept", "thing.grew", "thingy.moved", "other.moved", "rare.bird")
DECLARED = {name: type_of(name) for name in NAMES}


def happened(name: str, aggregate: str = "thing:1", told: Told | None = None, **more: Any) -> NewEvent:
    return NewEvent(event=DECLARED[name], aggregate=aggregate, payload=told or Told(), **more)


def moved(thing: object, n: int = 0, **more: Any) -> NewEvent:
    return happened("thing.moved", f"thing:{thing}", Told(n=n), **more)


def declare(container: AppContainer) -> AppContainer:
    """Make these events the declared ones of a process."""
    container.events.types.override(providers.Object(list(DECLARED.values())))
    return container


@dataclass
class House:
    """A process's graph, with handlers and a clock of the test's own."""

    container: AppContainer
    clock: FixedClock
    queue: Deaf
    handlers: list[Any]

    @property
    def tracer(self) -> Tracer:
        made: Tracer = self.handlers[0]
        return made

    async def publish(self, *events: NewEvent) -> None:
        async with self.container.database().unit_of_work():
            await self.container.outbox().publish(*events)

    async def relay(self) -> int:
        return int(await self.container.events.relay().run())

    async def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        return await self.container.reader().rows(text(statement), parameters)

    async def events(self) -> list[dict[str, Any]]:
        """The table in the order of writing."""
        return await self.rows("SELECT * FROM outbox_events ORDER BY seq")

    async def traces(self, handler: str = "tracer") -> list[UUID]:
        """Events that a handler handled, in its order."""
        rows = await self.rows("SELECT event_id FROM traces WHERE handler = :handler ORDER BY seq", handler=handler)
        return [row["event_id"] for row in rows]

    async def assert_all_told_once(self, *, handlers: Sequence[str] = ("tracer",)) -> None:
        """Every event was relayed, handled once by each, and in order within its aggregate."""
        events = await self.events()
        assert all(row["relayed_at"] and row["position"] for row in events)
        written: dict[str, list[UUID]] = {}
        for row in events:
            written.setdefault(row["aggregate"], []).append(row["id"])
        aggregates = {row["id"]: row["aggregate"] for row in events}
        by_position = [row["id"] for row in sorted(events, key=lambda row: int(row["position"]))]
        for order in (by_position, *[await self.traces(handler) for handler in handlers]):
            told: dict[str, list[UUID]] = {}
            for event_id in order:
                told.setdefault(aggregates[event_id], []).append(event_id)
            assert told == written


@pytest.fixture
async def open_house(environ: dict[str, str]) -> AsyncIterator[Any]:
    """`await open_house()` gives another process on the same database."""
    async with AsyncExitStack() as stack:

        async def opened() -> House:
            container = declare(container_of(environ))
            stack.push_async_callback(container.database().close)
            stack.push_async_callback(container.redis().aclose)
            clock, queue = FixedClock(), Deaf()
            handlers: list[Any] = [Tracer(container)]
            container.clock.override(providers.Object(clock))
            container.queue.override(providers.Object(queue))
            container.events.handlers.override(providers.Object(handlers))
            await container.standalone_writer().execute(text(TRACES))
            return House(container, clock, queue, handlers)

        yield opened


@pytest.fixture
async def house(open_house: Any) -> House:
    made: House = await open_house()
    return made
