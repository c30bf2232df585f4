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

# The locks are taken before the first number of `seq` is: within an aggregate that is then the order of the commits.
# They are taken in the order of their numbers, so that two transactions with the same aggregates wait and never cross.
_ADD: Final = text(f"""
WITH told AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        jsonb_to_recordset(CAST(:events AS jsonb))
        AS (id uuid, event text, aggregate text, payload jsonb, user_id uuid, key text)
    ) WITH ORDINALITY AS t (id, event, aggregate, payload, user_id, key, place)
), locked AS MATERIALIZED (
    SELECT count({take_number("number")}) AS aggregates
    FROM (SELECT DISTINCT {aggregate_number("aggregate")} AS number FROM told ORDER BY number) AS numbers
)
INSERT INTO outbox_events (id, event, aggregate, payload, user_id, key, occurred_at)
SELECT id, event, aggregate, payload, user_id, key, CAST(:now AS timestamptz)
FROM told WHERE (SELECT aggregates FROM locked) > 0 ORDER BY place
ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
""")  # noqa: S608 -- our own locks
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
""")  # noqa: S608 -- our own condition
_NOTE_FAILURE: Final = text(f"""
UPDATE outbox_events SET attempts = attempts + 1, error = :error, due_at = :due_at, dead_at = :dead_at
WHERE id = :id AND attempts = :attempts AND {WAITS}
RETURNING id
""")  # noqa: S608 -- our own condition
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
    """Events on their way."""

    async def add(self, events: Sequence[WrittenEvent], *, now: datetime) -> None:
        """All of them in one statement, but those whose key is known already; waits for who writes about the same."""
        await self.session.execute(_ADD, {"events": msgspec.json.encode(events).decode(), "now": now})

    async def try_lock(self) -> bool:
        """Be the one relay until the transaction ends; False where another one is."""
        return bool((await self.session.execute(_TRY_LOCK)).scalar_one())

    async def claim(self, *, now: datetime, limit: int) -> list[ClaimedEvent]:
        """Mark the first events that are due as relayed and give them their positions; in the order of writing.

        Events of an aggregate one of which is tried again later wait for that one. Only for the holder: positions are
        in the order of the commits because only one transaction at a time gives them.
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
        """Whether it counts: not where the event was relayed, tried or removed meanwhile."""
        result = await self.session.execute(
            _NOTE_FAILURE,
            {"id": claimed.event.id, "attempts": claimed.attempts, **msgspec.structs.asdict(failure)},
        )
        return result.scalar_one_or_none() is not None

    async def redrive(self, event_id: UUID | None = None) -> list[tuple[UUID, UUID | None]]:
        """Have a dead event, or all, tried anew; the ids of the events and of whose things they tell."""
        return [(row.id, row.user_id) for row in await self.session.execute(_REDRIVE, {"id": event_id})]

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove events that were relayed, or given up, before a moment; how many. What waits stays."""
        removed = 0
        for statement in (_REMOVE_RELAYED, _REMOVE_DEAD):
            result = await self.session.execute(statement, {"before": before, "limit": limit - removed})
            removed += int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
        return removed

    async def of_person(self, user_id: UUID) -> list[ExportedEvent]:
        """Everything that was told of what is theirs, the oldest first."""
        return [ExportedEvent(**row._mapping) for row in await self.session.execute(_OF_PERSON, {"user_id": user_id})]  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def erase(self, user_id: UUID) -> None:
        await self.session.execute(_ERASE, {"user_id": user_id})

    async def forget(
        self,
        aggregates: Sequence[str],
        names: Sequence[str],  # noqa: ARG002 -- every EventCopies gets them
        values: Mapping[str, Sequence[str | int]],
    ) -> None:
        """Delete all events about these things or with these values, relayed or not."""
        await self.session.execute(_FORGET, {"aggregates": list(aggregates)})
        for field, those in values.items():
            await self.session.execute(_FORGET_VALUES, {"field": field, "values": [str(value) for value in those]})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to})
