"""SQL that changes deliveries, or reads them for a change: fan-out, claims, results."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.events import Event
from shared.spellings import in_json
from users.notifications.digest import READY
from users.notifications.messages import Recipient
from users.notifications.schemas import ChannelKind, Claimed, ExportedNotification

_NOTE_EVENT: Final = text("""
INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)
VALUES (:id, :event, :aggregate, CAST(:payload AS jsonb), CAST(:user_id AS uuid), :occurred_at, :now)
ON CONFLICT (id) DO NOTHING
""")
# A channel gets an event once, for the recipient that wants it soonest. All ids are made at one moment, in the order of
# the rows, so that a channel's deliveries keep the order of their events.
FAN_OUT: Final = text("""
WITH recipients AS (
    SELECT r.user_id, r.subject_id, r.private, r.place,
           coalesce(o.mode, s.mode, e.mode, a.mode, 'instant') AS mode
    FROM unnest(CAST(:user_ids AS uuid[]), CAST(:subject_ids AS uuid[]), CAST(:privates AS boolean[]))
         WITH ORDINALITY AS r (user_id, subject_id, private, place)
    JOIN users u ON u.id = r.user_id AND u.deactivated_at IS NULL
    LEFT JOIN notification_preferences o
        ON o.user_id = r.user_id AND o.subject_id = r.subject_id AND o.event = CAST(:event AS text)
    LEFT JOIN notification_preferences s
        ON s.user_id = r.user_id AND s.subject_id = r.subject_id AND s.event = ''
    LEFT JOIN notification_preferences e
        ON e.user_id = r.user_id AND e.subject_id = CAST(:everything AS uuid) AND e.event = CAST(:event AS text)
    LEFT JOIN notification_preferences a
        ON a.user_id = r.user_id AND a.subject_id = CAST(:everything AS uuid) AND a.event = ''
), reachable AS (
    SELECT c.id AS channel_id, n.user_id, n.subject_id, n.place, n.mode = 'batched' AS gathered
    FROM recipients n JOIN notification_channels c ON c.user_id = n.user_id
    WHERE n.mode NOT IN ('off', 'digest') AND c.verified_at IS NOT NULL AND c.suspended_at IS NULL
    UNION ALL
    SELECT c.id, n.user_id, n.subject_id, n.place, false
    FROM recipients n JOIN guild_members m ON m.user_id = n.user_id AND m.confirmed_by IS NOT NULL
    JOIN notification_channels c ON c.guild_id = m.guild_id
    WHERE NOT n.private AND c.verified_at IS NOT NULL AND c.suspended_at IS NULL
), once AS (
    SELECT DISTINCT ON (channel_id) channel_id, user_id, subject_id, gathered FROM reachable
    ORDER BY channel_id, gathered, place
), written AS (
    INSERT INTO notification_deliveries (id, event_id, channel_id, user_id, subject_id, gathered, batch, due_at)
    SELECT uuidv7(), CAST(:event_id AS uuid), channel_id, user_id, subject_id, gathered,
           CASE WHEN gathered THEN CAST(:batch AS text) END,
           CASE WHEN gathered THEN CAST(:gathered_until AS timestamptz) ELSE CAST(:now AS timestamptz) END
    FROM once
    ON CONFLICT (event_id, channel_id) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM written
""")
_DIRECT: Final = text("""
INSERT INTO notification_deliveries (id, event_id, channel_id, user_id, subject_id, due_at)
VALUES (:id, :event_id, :channel_id, CAST(:user_id AS uuid), :channel_id, :now)
""")
_RELEASE: Final = text("""
UPDATE notification_deliveries SET due_at = :now WHERE batch = :batch AND state = 'pending' AND due_at > :now
""")
# A host gets no more leases than the sender has places for it, so that a slow host takes no more than its share.
_LEASE: Final = text("""
WITH waiting AS (
    SELECT d.channel_id, min(d.due_at) AS due_at
    FROM notification_deliveries d WHERE d.state = 'pending' AND d.due_at <= :now GROUP BY d.channel_id
), ranked AS (
    SELECT c.id, w.due_at, c.host, row_number() OVER (PARTITION BY c.host ORDER BY w.due_at) AS place
    FROM waiting w JOIN notification_channels c ON c.id = w.channel_id
    WHERE c.verified_at IS NOT NULL AND c.suspended_at IS NULL
      AND (c.rests_until IS NULL OR c.rests_until <= :now) AND (c.lease_until IS NULL OR c.lease_until <= :now)
), chosen AS (
    SELECT id FROM ranked r
    WHERE place <= CAST(:per_host AS bigint) - coalesce(CAST(CAST(:busy AS jsonb) ->> r.host AS bigint), 0)
    ORDER BY due_at LIMIT CAST(:limit AS bigint)
), held AS (
    SELECT c.id FROM notification_channels c JOIN chosen USING (id)
    WHERE c.suspended_at IS NULL AND (c.rests_until IS NULL OR c.rests_until <= :now)
      AND (c.lease_until IS NULL OR c.lease_until <= :now)
    ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED
)
UPDATE notification_channels c SET lease_until = :lease_until FROM held WHERE c.id = held.id RETURNING c.id
""")
_GATHER: Final = text("""
WITH first AS (
    SELECT DISTINCT ON (channel_id) id, channel_id, batch, message_id, gathered
    FROM notification_deliveries
    WHERE channel_id = ANY(CAST(:channel_ids AS uuid[])) AND state = 'pending' AND due_at <= :now
    ORDER BY channel_id, id
), ready AS (
    SELECT f.channel_id, f.id, f.batch FROM first f WHERE f.gathered AND f.message_id IS NULL
), of_one AS (
    SELECT d.id, r.id AS message_id FROM ready r CROSS JOIN LATERAL (
        SELECT id FROM notification_deliveries d
        WHERE d.channel_id = r.channel_id AND d.state = 'pending' AND d.gathered AND d.message_id IS NULL
          AND d.batch IS NOT DISTINCT FROM r.batch
        ORDER BY d.id LIMIT 50
    ) d
)
UPDATE notification_deliveries d SET message_id = o.message_id, due_at = least(d.due_at, :now)
FROM of_one o WHERE d.id = o.id
""")
_CLAIMED: Final = text("""
WITH first AS (
    SELECT DISTINCT ON (channel_id) id, channel_id, message_id
    FROM notification_deliveries
    WHERE channel_id = ANY(CAST(:channel_ids AS uuid[])) AND state = 'pending' AND due_at <= :now
    ORDER BY channel_id, id
)
SELECT c.id AS channel_id, c.user_id, c.guild_id, c.kind, c.target, c.host, c.failures,
       coalesce(u.locale, 'en') AS locale, coalesce(u.time_zone, 'UTC') AS time_zone, q.begins, q.ends,
       coalesce(f.message_id, f.id) AS message_id, d.id AS delivery_id, d.subject_id, d.user_id AS recipient,
       e.id AS event_id, e.event, e.aggregate, e.payload, e.user_id AS event_user_id, e.occurred_at,
       (d.user_id IS NOT NULL AND (
           NOT EXISTS (SELECT FROM users r WHERE r.id = d.user_id AND r.deactivated_at IS NULL)
           OR c.guild_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM guild_members m WHERE m.guild_id = c.guild_id AND m.user_id = d.user_id
                                                            AND m.confirmed_by IS NOT NULL)
       )) AS gone
FROM first f
JOIN notification_channels c ON c.id = f.channel_id
JOIN notification_deliveries d
    ON d.channel_id = f.channel_id AND d.state = 'pending'
   AND (d.id = f.id OR d.message_id = f.message_id)
JOIN notified_events e ON e.id = d.event_id
LEFT JOIN users u ON u.id = c.user_id
LEFT JOIN quiet_hours q ON q.user_id = c.user_id
ORDER BY c.id, d.id
""")
# Quiet hours do not delay messages about the channel itself: they were requested.
_KEEP_QUIET: Final = text("""
WITH quiet AS (
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:until AS timestamptz[])) AS q (channel_id, until)
), waits AS (
    UPDATE notification_deliveries d SET due_at = q.until FROM quiet q
    WHERE d.channel_id = q.channel_id AND d.state = 'pending' AND d.due_at <= :now AND d.subject_id <> d.channel_id
)
UPDATE notification_channels c SET lease_until = NULL FROM quiet q WHERE c.id = q.channel_id
""")
# Only the holder of a lease may write, so that a worker that lost its lease does not overwrite later results.
_LOCK_LEASED: Final = text("""
SELECT c.id FROM notification_channels c
JOIN unnest(CAST(:ids AS uuid[]), CAST(:leases AS timestamptz[])) AS l (id, lease_until)
    ON c.id = l.id AND c.lease_until = l.lease_until
ORDER BY c.id FOR NO KEY UPDATE OF c
""")
_SETTLE: Final = text("""
WITH settled AS (
UPDATE notification_deliveries d
SET state = s.state, attempts = d.attempts + s.tried, last_error = s.error,
    sent_at = CASE WHEN s.state = 'sent' THEN CAST(:now AS timestamptz) END,
    due_at = coalesce(s.due_at, d.due_at)
FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:tried AS bigint[]), CAST(:errors AS text[]),
            CAST(:due_ats AS timestamptz[])) AS s (id, state, tried, error, due_at)
WHERE d.id = s.id AND d.state = 'pending'
RETURNING d.id, d.state
)
UPDATE digests g SET state = 'sent', sent_at = :now FROM settled s WHERE s.state = 'sent' AND g.delivery_id = s.id
""")
_SETTLE_CHANNELS: Final = text("""
UPDATE notification_channels c
SET lease_until = NULL, failures = s.failures, rests_until = s.rests_until, last_error = s.error,
    suspended_at = CASE WHEN s.suspended THEN CAST(:now AS timestamptz) ELSE c.suspended_at END,
    suspended_because = CASE WHEN s.suspended THEN s.error ELSE c.suspended_because END
FROM unnest(CAST(:ids AS uuid[]), CAST(:failures AS bigint[]), CAST(:rests_until AS timestamptz[]),
            CAST(:errors AS text[]), CAST(:suspended AS boolean[])) AS s (id, failures, rests_until, error, suspended)
WHERE c.id = s.id
""")
_DROP_PENDING: Final = text("""
UPDATE notification_deliveries SET state = 'failed', last_error = 'the channel was suspended before it was sent'
WHERE channel_id = ANY(CAST(:ids AS uuid[])) AND state = 'pending'
""")
_ANOTHER: Final = text("""
SELECT o.id, o.user_id, c.name, c.shown FROM notification_channels c JOIN notification_channels o
    ON (o.user_id = c.user_id OR o.guild_id = c.guild_id) AND o.id <> c.id
WHERE c.id = :id AND o.verified_at IS NOT NULL AND o.suspended_at IS NULL
ORDER BY o.failures, o.verified_at, o.id LIMIT 1
""")
_REDRIVE: Final = text("""
UPDATE notification_deliveries d SET state = 'pending', due_at = :now, message_id = NULL, gathered = false, batch = NULL
FROM notification_channels c
WHERE d.id = :id AND d.state IN ('failed', 'skipped') AND c.id = d.channel_id
RETURNING c.verified_at IS NOT NULL AND c.suspended_at IS NULL AS open, c.shown
""")
_REMOVE_OLD: Final = text("""
DELETE FROM notified_events WHERE id IN (
    SELECT id FROM notified_events WHERE noted_at < :before ORDER BY noted_at LIMIT :limit
)
RETURNING 1
""")
_ERASE: Final = (
    text("DELETE FROM notification_deliveries WHERE user_id = :user_id"),
    text("DELETE FROM notified_events WHERE user_id = :user_id"),
)
_FORGET: Final = text("DELETE FROM notified_events WHERE aggregate = ANY(CAST(:aggregates AS text[]))")
_FORGET_VALUES: Final = text("DELETE FROM notified_events WHERE payload ->> :field = ANY(CAST(:values AS text[]))")
# A pending digest is dropped as a whole; the next one contains the rest of its updates.
_FORGET_DIGESTS: Final = text("""
WITH gone AS (
    DELETE FROM notified_events
    WHERE event = :digest AND (EXISTS (
        SELECT FROM unnest(CAST(:names AS text[])) AS n (name)
        WHERE strpos(lower(CAST(payload AS text)), lower(name)) > 0
    ) OR EXISTS (
        SELECT FROM regexp_split_to_table(CAST(payload AS text), '[^0-9]+') AS s (shown)
        WHERE shown = ANY(CAST(:numbers AS text[]))
    ))
    RETURNING aggregate
)
UPDATE digests d SET state = 'superseded' FROM gone WHERE gone.aggregate = 'digest:' || d.id AND d.state = 'pending'
""")
_HAND_OVER: Final = (
    text("UPDATE notification_deliveries SET user_id = :to WHERE user_id = :user_id"),
    text("UPDATE notified_events SET user_id = :to WHERE user_id = :user_id"),
)


class Settled(Struct, frozen=True, kw_only=True):
    """Result of one message: of its channel, and of each delivery in it."""

    channel_id: UUID
    lease_until: datetime
    deliveries: Sequence["SettledDelivery"]
    failures: int
    error: str | None = None
    rests_until: datetime | None = None
    suspended: bool = False


class SettledDelivery(Struct, frozen=True, kw_only=True):
    """Result of one delivery."""

    id: UUID
    state: str
    tried: bool = True
    error: str | None = None
    due_at: datetime | None = None


class AnotherChannel(Struct, frozen=True, kw_only=True):
    """Channel through which an owner is notified that another one was suspended."""

    id: UUID
    user_id: UUID | None
    name: str
    """Name of the suspended channel."""
    shown: str
    """Masked address of the suspended channel."""


class DeliveryRepository(Repository):
    """Deliveries: created by the fan-out, claimed and finished by the sender."""

    async def note_event(self, event: Event, *, now: datetime) -> None:
        """Store an event for its deliveries; repeated calls change nothing."""
        await self.session.execute(
            _NOTE_EVENT,
            {
                "id": event.id,
                "event": event.event,
                "aggregate": event.aggregate,
                "payload": msgspec.json.encode(event.payload).decode(),
                "user_id": event.user_id,
                "occurred_at": event.occurred_at,
                "now": now,
            },
        )

    async def fan_out(
        self,
        event: Event,
        recipients: Sequence[Recipient],
        *,
        batch: str | None,
        gathered_until: datetime,
        now: datetime,
    ) -> int:
        """Create a delivery of a stored event for each channel that should receive it; return how many are new."""
        written = await self.session.execute(
            FAN_OUT,
            {
                "event_id": event.id,
                "event": event.event,
                "everything": UUID(int=0),
                "user_ids": [recipient.user_id for recipient in recipients],
                "subject_ids": [recipient.subject_id for recipient in recipients],
                "privates": [recipient.private for recipient in recipients],
                "batch": batch,
                "gathered_until": gathered_until,
                "now": now,
            },
        )
        return int(written.scalar_one())

    async def add(
        self, delivery_id: UUID, event_id: UUID, channel_id: UUID, *, user_id: UUID | None, now: datetime
    ) -> None:
        """Create a delivery to a channel; its message is about the channel itself, such as a test."""
        await self.session.execute(
            _DIRECT, {"id": delivery_id, "event_id": event_id, "channel_id": channel_id, "user_id": user_id, "now": now}
        )

    async def release(self, batch: str, *, now: datetime) -> None:
        """Make the gathered deliveries of a batch due."""
        await self.session.execute(_RELEASE, {"batch": batch, "now": now})

    async def claim(
        self, *, now: datetime, lease_until: datetime, limit: int, per_host: int, busy: Mapping[str, int]
    ) -> list[Claimed]:
        """Lease up to `limit` channels with due deliveries; return the next message of each.

        Gathered deliveries form one message, which keeps its id. `busy` counts the messages in progress by host.
        """
        leased = await self.session.execute(
            _LEASE,
            {
                "now": now,
                "lease_until": lease_until,
                "limit": limit,
                "per_host": per_host,
                "busy": msgspec.json.encode(busy).decode(),
            },
        )
        parameters = {"channel_ids": list(leased.scalars()), "now": now}
        if not parameters["channel_ids"]:
            return []
        await self.session.execute(_GATHER, parameters)
        rows = (await self.session.execute(_CLAIMED, parameters)).mappings().all()
        return _messages(rows, lease_until)

    async def keep_quiet(self, until: Mapping[UUID, datetime], *, now: datetime) -> None:
        """Postpone the due deliveries of each channel to its time, and release the leases."""
        await self.session.execute(_KEEP_QUIET, {"ids": list(until), "until": list(until.values()), "now": now})

    async def settle(self, outcomes: Sequence[Settled], *, now: datetime) -> list[Settled]:
        """Store the results of messages whose channels are still leased; return these results."""
        locked = await self.session.execute(
            _LOCK_LEASED,
            {"ids": [result.channel_id for result in outcomes], "leases": [result.lease_until for result in outcomes]},
        )
        leased = set(locked.scalars())
        results = [result for result in outcomes if result.channel_id in leased]
        deliveries = [delivery for result in results for delivery in result.deliveries]
        await self.session.execute(
            _SETTLE,
            {
                "ids": [delivery.id for delivery in deliveries],
                "states": [delivery.state for delivery in deliveries],
                "tried": [int(delivery.tried) for delivery in deliveries],
                "errors": [delivery.error for delivery in deliveries],
                "due_ats": [delivery.due_at for delivery in deliveries],
                "now": now,
            },
        )
        await self.session.execute(
            _SETTLE_CHANNELS,
            {
                "ids": [result.channel_id for result in results],
                "failures": [result.failures for result in results],
                "rests_until": [result.rests_until for result in results],
                "errors": [result.error for result in results],
                "suspended": [result.suspended for result in results],
                "now": now,
            },
        )
        suspended = [result.channel_id for result in results if result.suspended]
        if suspended:
            await self.session.execute(_DROP_PENDING, {"ids": suspended})
        return results

    async def another_channel(self, channel_id: UUID) -> "AnotherChannel | None":
        """Return the owner's other channel with the fewest failures; None if there is none."""
        row = (await self.session.execute(_ANOTHER, {"id": channel_id})).one_or_none()
        return None if row is None else AnotherChannel(id=row.id, user_id=row.user_id, name=row.name, shown=row.shown)

    async def redrive(self, delivery_id: UUID, *, now: datetime) -> bool | None:
        """Make a failed or skipped delivery due again.

        Return True if its channel is active, False if not, None if there is no such delivery.
        """
        row = (await self.session.execute(_REDRIVE, {"id": delivery_id, "now": now})).one_or_none()
        return None if row is None else bool(row.open)

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove events stored before a time, with their deliveries; return the number of events."""
        gone = await self.session.execute(_REMOVE_OLD, {"before": before, "limit": limit})
        return len(gone.scalars().all())

    async def erase(self, user_id: UUID) -> None:
        """Remove deliveries to a person, and events about them."""
        for statement in _ERASE:
            await self.session.execute(statement, {"user_id": user_id})

    async def forget(
        self, aggregates: Sequence[str], names: Sequence[str], values: Mapping[str, Sequence[str | int]]
    ) -> None:
        """Delete events that belong to one of the aggregates or contain one of the payload values.

        Also deletes digests that show one of the names or numbers, and the deliveries of all these.
        """
        await self.session.execute(_FORGET, {"aggregates": list(aggregates)})
        for field, field_values in values.items():
            await self.session.execute(
                _FORGET_VALUES, {"field": field, "values": [str(value) for value in field_values]}
            )
        shown = {str(value) for field_values in values.values() for value in field_values if isinstance(value, int)}
        written = {in_json(name) for name in names}
        await self.session.execute(
            _FORGET_DIGESTS, {"digest": READY, "names": sorted(written), "numbers": sorted(shown)}
        )

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        for statement in _HAND_OVER:
            await self.session.execute(statement, {"user_id": user_id, "to": to})


def _messages(rows: Sequence[Mapping[Any, Any]], lease_until: datetime) -> list[Claimed]:
    """Group rows by channel into one message each."""
    messages: dict[UUID, Claimed] = {}
    for row in rows:
        message = messages.get(row["channel_id"])
        if message is None:
            message = messages[row["channel_id"]] = Claimed(
                channel_id=row["channel_id"],
                user_id=row["user_id"],
                guild_id=row["guild_id"],
                kind=ChannelKind(row["kind"]),
                target=row["target"],
                host=row["host"],
                failures=row["failures"],
                locale=row["locale"],
                time_zone=row["time_zone"],
                quiet=None if row["begins"] is None else (row["begins"], row["ends"]),
                lease_until=lease_until,
                message_id=row["message_id"],
                deliveries=[],
            )
        event = Event(
            id=row["event_id"],
            event=row["event"],
            aggregate=row["aggregate"],
            payload=row["payload"],
            user_id=row["event_user_id"],
            occurred_at=row["occurred_at"],
        )
        message.deliveries.append(
            ExportedNotification(
                delivery_id=row["delivery_id"], subject_id=row["subject_id"], event=event, gone=row["gone"]
            )
        )
    return list(messages.values())
