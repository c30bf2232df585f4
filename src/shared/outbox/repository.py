"""All SQL that changes the outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.database import Repository
from shared.database.advisory_locks import AdvisoryLock, aggregate_number, take_number, try_to_take
from shared.events import Event
from shared.outbox.models import WAITS
from shared.outbox.schemas import ClaimedEvent, ExportedEvent, Failure, WrittenEvent

# Aggregates are locked before the first value of `seq` is drawn, so that `seq` is the order of the commits within an
# aggregate. Locks are taken in the order of their numbers, so that two transactions cannot deadlock.
_ADD: Final = text(f"""
WITH given AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        jsonb_to_recordset(CAST(:events AS jsonb))
        AS (id uuid, event text, aggregate text, payload jsonb, user_id uuid, key text)
    ) WITH ORDINALITY AS t (id, event, aggregate, payload, user_id, key, place)
), locked AS MATERIALIZED (
    SELECT count({take_number("number")}) AS aggregates
    FROM (SELECT DISTINCT {aggregate_number("aggregate")} AS number FROM given ORDER BY number) AS numbers
)
INSERT INTO outbox_events (id, event, aggregate, payload, user_id, key, occurred_at)
SELECT id, event, aggregate, payload, user_id, key, CAST(:now AS timestamptz)
FROM given WHERE (SELECT aggregates FROM locked) > 0 ORDER BY place
ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
""")  # noqa: S608 -- constant locks
_TRY_LOCK: Final = text(f"SELECT {try_to_take(AdvisoryLock.RELAY)}")
_CLAIM: Final = text(f"""
WITH due AS MATERIALIZED (
    SELECT e.id FROM outbox_events e
    WHERE {WAITS} AND (e.due_at IS NULL OR e.due_at <= :now)
      AND e.aggregate NOT IN (SELECT aggregate FROM outbox_events WHERE {WAITS} AND due_at > :now)
    ORDER BY e.seq LIMIT :limit
), placed AS MATERIALIZED (
    SELECT id, nextval('outbox_positions') AS position FROM due
)
UPDATE outbox_events e SET position = p.position, relayed_at = :now, due_at = NULL, error = NULL
FROM placed p WHERE e.id = p.id
RETURNING e.position, e.id, e.event, e.aggregate, CAST(e.payload AS text), e.user_id, e.occurred_at, e.attempts
""")  # noqa: S608 -- a constant condition
_NOTE_FAILURE: Final = text(f"""
UPDATE outbox_events SET attempts = attempts + 1, error = :error, due_at = :due_at, dead_at = :dead_at
WHERE id = :id AND attempts = :attempts AND {WAITS}
RETURNING id
""")  # noqa: S608 -- a constant condition
_REDRIVE: Final = text("""
UPDATE outbox_events SET dead_at = NULL, attempts = 0, error = NULL
WHERE dead_at IS NOT NULL AND (CAST(:id AS uuid) IS NULL OR id = :id)
RETURNING id, user_id
""")
_REMOVE_RELAYED: Final = text("""
DELETE FROM outbox_events WHERE id IN (
    SELECT id FROM outbox_events WHERE relayed_at < :before ORDER BY relayed_at LIMIT :limit
)
""")
_REMOVE_DEAD: Final = text("""
DELETE FROM outbox_events WHERE id IN (
    SELECT id FROM outbox_events WHERE dead_at IS NOT NULL AND dead_at < :before ORDER BY id LIMIT :limit
)
""")
_OF_PERSON: Final = text("""
SELECT event, aggregate, payload, occurred_at FROM outbox_events WHERE user_id = :user_id ORDER BY seq
""")
_ERASE: Final = text("DELETE FROM outbox_events WHERE user_id = :user_id")
_FORGET: Final = text("DELETE FROM outbox_events WHERE aggregate = ANY(CAST(:aggregates AS text[]))")
_FORGET_VALUES: Final = text("DELETE FROM outbox_events WHERE payload ->> :field = ANY(CAST(:values AS text[]))")
_HAND_OVER: Final = text("UPDATE outbox_events SET user_id = :to WHERE user_id = :user_id")


class OutboxRepository(Repository):
    """Writes, claims and removes events."""

    async def add(self, events: Sequence[WrittenEvent], *, now: datetime) -> None:
        """Insert events with one statement, without those whose key exists already.

        Waits for other transactions that write events of the same aggregates.
        """
        await self.session.execute(_ADD, {"events": msgspec.json.encode(events).decode(), "now": now})

    async def try_lock(self) -> bool:
        """Take the lock of the relay until the transaction ends; False if another relay has it."""
        return bool((await self.session.execute(_TRY_LOCK)).scalar_one())

    async def claim(self, *, now: datetime, limit: int) -> list[ClaimedEvent]:
        """Mark the first due events as relayed and assign their positions, in the order of writing.

        If an event waits for another try, later events of its aggregate wait, too. The caller must have the lock:
        positions are in the order of the commits only because one transaction at a time assigns them.
        """
        decode = msgspec.json.decode
        rows = (await self.session.execute(_CLAIM, {"now": now, "limit": limit})).all()
        return [
            ClaimedEvent(
                event=Event(
                    id=id_,
                    event=event,
                    aggregate=aggregate,
                    payload=decode(payload),  # five times faster than the driver's codec under SQLAlchemy
                    user_id=user_id,
                    occurred_at=occurred_at,
                ),
                attempts=attempts,
            )
            for _, id_, event, aggregate, payload, user_id, occurred_at, attempts in sorted(rows, key=itemgetter(0))
        ]

    async def note_failure(self, claimed: ClaimedEvent, failure: Failure) -> bool:
        """Count a failed try. False if the event was relayed, tried or removed in the meantime."""
        result = await self.session.execute(
            _NOTE_FAILURE,
            {"id": claimed.event.id, "attempts": claimed.attempts, **msgspec.structs.asdict(failure)},
        )
        return result.scalar_one_or_none() is not None

    async def redrive(self, event_id: UUID | None = None) -> list[tuple[UUID, UUID | None]]:
        """Reset a dead event, or all, to the first try; return (event id, user id) of each."""
        return [(row.id, row.user_id) for row in await self.session.execute(_REDRIVE, {"id": event_id})]

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove up to `limit` events that were relayed or died before a time; return how many. Waiting ones stay."""
        removed = 0
        for statement in (_REMOVE_RELAYED, _REMOVE_DEAD):
            result = await self.session.execute(statement, {"before": before, "limit": limit - removed})
            removed += int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it
        return removed

    async def of_person(self, user_id: UUID) -> list[ExportedEvent]:
        """All events of a person, oldest first."""
        return [ExportedEvent(**row._mapping) for row in await self.session.execute(_OF_PERSON, {"user_id": user_id})]  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def erase(self, user_id: UUID) -> None:
        await self.session.execute(_ERASE, {"user_id": user_id})

    async def forget(
        self,
        aggregates: Sequence[str],
        names: Sequence[str],  # noqa: ARG002 -- part of the protocol EventCopies
        values: Mapping[str, Sequence[str | int]],
    ) -> None:
        """Delete events that belong to one of the aggregates or contain one of the payload values, relayed or not."""
        await self.session.execute(_FORGET, {"aggregates": list(aggregates)})
        for field, field_values in values.items():
            await self.session.execute(
                _FORGET_VALUES, {"field": field, "values": [str(value) for value in field_values]}
            )

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to})
