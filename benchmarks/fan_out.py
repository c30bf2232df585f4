"""One event to ten thousand subscribers: how fast their deliveries are written, and that nothing waits for a send.

Written: beside the bare INSERT ... SELECT of as many rows into the same table, in turns, each on a transaction that is
rolled back. Sent: to an endpoint that takes its time, while the age of every transaction is watched.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import text

from app.container import AppContainer
from benchmarks.common import Result, ask, child, compared, hear, interleaved, median, spread
from benchmarks.house import House, connect
from shared.events import Event
from shared.ids import new_id
from users.notifications.messages import Message, Recipient, RecipientLocale
from users.notifications.schemas import ChannelAddress

SUBSCRIBERS: Final = 10_000
ROUNDS: Final = 7
WARM: Final = 50
TAKES: Final = 0.5
"""Seconds in which the endpoint answers."""
EVENT: Final = "game_account.changed"

_PEOPLE: Final = """
INSERT INTO users (id, created_at) SELECT uuidv7(), now() FROM generate_series(1, $1)
RETURNING id
"""
_CHANNELS: Final = """
INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at, verified_at)
SELECT c.id, c.user_id, 'webhook', 'w', c.target, 'w', '127.0.0.1', now(), now()
FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS c (id, user_id, target)
"""
# Each has settled something, a tenth of them of this very event.
_PREFERENCES: Final = """
INSERT INTO notification_preferences (user_id, subject_id, event, mode)
SELECT id, '00000000-0000-0000-0000-000000000000',
       CASE WHEN row_number() OVER () % 10 = 0 THEN 'game_account.changed' ELSE 'tracker.registered' END, 'instant'
FROM users
"""
_NOTE: Final = """
INSERT INTO notified_events (id, event, aggregate, payload, occurred_at, noted_at)
VALUES ($1, 'bare', 'bare', '{}', now(), now())
"""
_BARE: Final = """
INSERT INTO notification_deliveries (id, event_id, channel_id, user_id, subject_id, due_at)
SELECT uuidv7(), $1, id, user_id, user_id, now() FROM notification_channels
"""
_OLDEST: Final = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_PENDING: Final = text("SELECT count(*) FROM notification_deliveries WHERE state = 'pending'")


class Words:
    """What is said of the event."""

    events = frozenset({EVENT})

    def write(self, event: Event, subject_id: UUID, reader: RecipientLocale) -> Message:  # noqa: ARG002 -- what every writer is asked
        return Message(title="somebody", lines=("2v2 1,204 -> 1,251 (+47)",))


async def run(house: House) -> list[Result]:
    url = await house.new_database("bench_fan_out")
    environ = house.environ(url, TRACKERS_NOTIFY_ALLOW_PRIVATE="true", TRACKERS_NOTIFY_PER_HOST="200")
    container = house.container(environ)
    async with AsyncExitStack() as stack:
        for close in (container.database().close, container.redis().aclose, container.notifications.post().close):
            stack.push_async_callback(close)
        container.notifications.writers.override([Words()])
        connection: Any = await connect(url)
        stack.push_async_callback(connection.close)
        with child(["benchmarks.floors.sink", str(TAKES)], log=house.folder / "sink.log") as sink:
            recipients = await _subscribers(container, connection, f"http://127.0.0.1:{hear(sink)}/hook")
            written = await _written(container, connection, recipients)
            sent = await _sent(container, connection, recipients)
            taken = ask(sink, "taken?")
    assert taken == SUBSCRIBERS + WARM, f"{taken} messages arrived"
    return [written, sent]


async def _subscribers(container: AppContainer, connection: Any, url: str) -> list[Recipient]:
    """People with a verified webhook each."""
    people = [row["id"] for row in await connection.fetch(_PEOPLE, SUBSCRIBERS)]
    channels = [uuid4() for _ in people]
    target = msgspec.json.encode(ChannelAddress(address=url, secret="whs_bench"))  # noqa: S106 -- of a sink
    encryption = container.notifications.encryption()
    await connection.execute(_CHANNELS, channels, people, [encryption.seal(one, target) for one in channels])
    await connection.execute(_PREFERENCES)
    await connection.execute("VACUUM ANALYZE")
    return [Recipient(user_id=person, subject_id=uuid4()) for person in people]


async def _written(container: AppContainer, connection: Any, recipients: list[Recipient]) -> Result:
    async def ours() -> float:
        started = time.perf_counter()
        async with container.database().unit_of_work() as session:
            told = await container.notifications.notifier().notify(_event(), recipients)
            seconds = time.perf_counter() - started
            await session.rollback()
        assert told == SUBSCRIBERS, f"{told} deliveries"
        return SUBSCRIBERS / seconds

    async def bare() -> float:
        event_id = new_id()
        transaction = connection.transaction()
        started = time.perf_counter()
        await transaction.start()
        await connection.execute(_NOTE, event_id)
        made = await connection.execute(_BARE, event_id)
        seconds = time.perf_counter() - started
        await transaction.rollback()
        assert made == f"INSERT 0 {SUBSCRIBERS}", made
        return SUBSCRIBERS / seconds

    speeds = await interleaved({"ours": ours, "bare": bare}, rounds=1 + ROUNDS)
    counted = {name: values[1:] for name, values in speeds.items()}  # the first fills caches
    return compared(
        "fan_out", median(counted["ours"]), "deliveries/s", median(counted["bare"]), at_least=0.5,
        note=f"one event to {SUBSCRIBERS:,}, with preferences; floor: a bare INSERT ... SELECT into the same table; "
        f"{SUBSCRIBERS / median(counted['ours']):.2f} s; {spread(counted['ours'], counted['bare'])}",
    )  # fmt: skip


async def _sent(container: AppContainer, connection: Any, recipients: list[Recipient]) -> Result:
    async def fan_out(to: list[Recipient]) -> None:
        async with container.database().unit_of_work():
            await container.notifications.notifier().notify(_event(), to)

    await fan_out(recipients[:WARM])  # the driver asks once per connection what the types are
    await container.notifications.sender().send_due()
    await fan_out(recipients)
    ages: list[float] = []

    async def watch() -> None:
        while True:
            ages.append(float(await connection.fetchval(_OLDEST)))
            await asyncio.sleep(0.002)

    watching = asyncio.create_task(watch())
    started = time.perf_counter()
    pending = SUBSCRIBERS
    while pending:
        await container.notifications.sender().send_due()
        pending = await container.reader().value(_PENDING)
    seconds = time.perf_counter() - started
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return compared(
        "fan_out_longest_transaction", max(ages) * 1000, "ms", TAKES * 1000, at_most=1,
        note=f"floor: what one send takes; {len(ages):,} looks; {SUBSCRIBERS / seconds:,.0f} messages/s",
    )  # fmt: skip


def _event() -> Event:
    return Event(
        id=new_id(), event=EVENT, aggregate="game_account:1", payload={}, user_id=None, occurred_at=datetime.now(UTC)
    )
