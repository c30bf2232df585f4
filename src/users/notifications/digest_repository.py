"""SQL of digests: people's settings, and the ledger of the digests that were made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from users.notifications.digest_schedule import Period, Plan
from users.notifications.schemas import Mode

SETTINGS: Final = text("""
SELECT p.period, p.hour, p.weekday, p.channel_id, u.time_zone, p.next_at,
       (SELECT max(d.sent_at) FROM digests d WHERE d.user_id = u.id) AS last_sent_at
FROM users u LEFT JOIN digest_preferences p ON p.user_id = u.id WHERE u.id = :user_id
""")
SENT: Final = text("""
SELECT id, period, since, until, entries, state, created_at, sent_at FROM digests
WHERE user_id = :user_id ORDER BY id DESC LIMIT :limit
""")
_MAILBOX: Final = """
SELECT c.id FROM notification_channels c
WHERE c.user_id = {whose} AND c.kind = 'email' AND c.verified_at IS NOT NULL AND c.suspended_at IS NULL
  AND ({chosen} IS NULL OR c.id = {chosen})
ORDER BY c.verified_at, c.id LIMIT 1
"""
_OWN_MAILBOX: Final = text(_MAILBOX.format(whose=":user_id", chosen="CAST(:channel_id AS uuid)"))
_SETTLE: Final = text("""
INSERT INTO digest_preferences (user_id, period, hour, weekday, channel_id, time_zone, next_at, created_at)
VALUES (:user_id, :period, :hour, :weekday, CAST(:channel_id AS uuid), :time_zone, :next_at, :now)
ON CONFLICT (user_id) DO UPDATE
SET period = excluded.period, hour = excluded.hour, weekday = excluded.weekday, channel_id = excluded.channel_id,
    time_zone = excluded.time_zone, next_at = excluded.next_at
""")
# Pending digests are dropped too. Deliveries are locked before digests, as in the sender.
_SWITCH_OFF: Final = text("""
WITH gone AS (
    DELETE FROM digest_preferences WHERE user_id = :user_id RETURNING user_id
), dropped AS (
    UPDATE notification_deliveries n SET state = 'skipped', last_error = 'digests were switched off'
    FROM gone JOIN digests d ON d.user_id = gone.user_id AND d.state = 'pending'
    WHERE n.id = d.delivery_id AND n.state = 'pending' RETURNING n.id
), given_up AS (
    UPDATE digests d SET state = 'superseded' FROM dropped WHERE d.delivery_id = dropped.id
)
SELECT user_id FROM gone
""")
# Lock the accounts too, because new rows refer to them. Erasure and mergers lock accounts first: skip those.
_HELD: Final = "FOR NO KEY UPDATE OF p SKIP LOCKED FOR KEY SHARE OF u SKIP LOCKED"
_CLAIM: Final = f"""
SELECT p.user_id, p.period, p.hour, p.weekday, u.time_zone, p.time_zone <> u.time_zone AS moved, p.next_at,
       p.created_at, box.id AS channel_id, last.until AS told_until,
       open.id AS open_id, open.delivery_id AS open_delivery, open.state AS open_state
FROM digest_preferences p
JOIN users u ON u.id = p.user_id AND u.deactivated_at IS NULL
LEFT JOIN LATERAL ({_MAILBOX.format(whose="p.user_id", chosen="p.channel_id")}) box ON TRUE
LEFT JOIN LATERAL (
    SELECT until FROM digests d WHERE d.user_id = p.user_id AND d.state IN ('sent', 'empty')
    ORDER BY until DESC LIMIT 1
) last ON TRUE
LEFT JOIN LATERAL (
    SELECT d.id, d.delivery_id, n.state
    FROM digests d LEFT JOIN notification_deliveries n ON n.id = d.delivery_id
    WHERE d.user_id = p.user_id AND d.state = 'pending' ORDER BY d.id DESC LIMIT 1
) open ON TRUE
WHERE {{due}}
ORDER BY p.next_at LIMIT :limit
{{locked}}
"""  # noqa: S608 -- fragments of our own
_CLAIM_DUE: Final = text(_CLAIM.format(due="(p.next_at <= :now OR p.time_zone <> u.time_zone)", locked=_HELD))
_CLAIM_ONE: Final = text(_CLAIM.format(due="p.user_id = :user_id", locked=_HELD))
_ONE: Final = text(_CLAIM.format(due="p.user_id = :user_id", locked=""))
# Locked before any channel, as in the claim: removing or moving a channel changes these rows too.
_LOCK: Final = text("""
SELECT user_id FROM digest_preferences WHERE user_id = ANY(CAST(:users AS uuid[])) ORDER BY user_id FOR UPDATE
""")
_MODES: Final = text("""
SELECT user_id, subject_id, event, mode FROM notification_preferences WHERE user_id = ANY(CAST(:users AS uuid[]))
""")
_ADD: Final = text("""
INSERT INTO digests (id, user_id, period, since, until, entries, state, delivery_id, created_at)
SELECT id, user_id, period, since, until, entries, state, delivery_id, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (
    id uuid, user_id uuid, period text, since timestamptz, until timestamptz, entries bigint, state text,
    delivery_id uuid
)
""")
_HAD: Final = text("""
SELECT d.user_id FROM digests d
JOIN unnest(CAST(:users AS uuid[]), CAST(:periods AS text[])) AS x (user_id, period) USING (user_id, period)
""")
# Keeps the sender from starting a pending digest while its updates move to a later one.
_LOCK_OPEN: Final = text("""
SELECT d.id, n.state, c.lease_until > :now AS busy
FROM digests d
JOIN notification_deliveries n ON n.id = d.delivery_id
JOIN notification_channels c ON c.id = n.channel_id
WHERE d.id = ANY(CAST(:ids AS uuid[]))
ORDER BY c.id FOR NO KEY UPDATE OF c
""")
_CLOSE: Final = text("""
WITH dropped AS (
    UPDATE notification_deliveries SET state = 'skipped', last_error = 'a later digest contains its updates'
    WHERE id = ANY(CAST(:deliveries AS uuid[])) AND state = 'pending'
)
UPDATE digests d SET state = x.state
FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[])) AS x (id, state) WHERE d.id = x.id AND d.state = 'pending'
""")
_PLAN: Final = text("""
UPDATE digest_preferences p SET next_at = x.next_at, time_zone = x.time_zone
FROM unnest(CAST(:users AS uuid[]), CAST(:next_at AS timestamptz[]), CAST(:zones AS text[]))
    AS x (user_id, next_at, time_zone)
WHERE p.user_id = x.user_id
""")
_NOTE_EVENTS: Final = text("""
INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)
SELECT id, :event, aggregate, payload, user_id, :now, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (id uuid, aggregate text, payload jsonb, user_id uuid)
""")
# The channel is its own subject, so that quiet hours do not delay a digest: the person chose its hour.
_DELIVER: Final = text("""
INSERT INTO notification_deliveries (id, event_id, channel_id, user_id, subject_id, due_at)
SELECT delivery_id, id, channel_id, user_id, channel_id, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (id uuid, delivery_id uuid, channel_id uuid, user_id uuid)
""")
_REMOVE_OLD: Final = text("""
DELETE FROM digests WHERE id IN (
    SELECT d.id FROM digests d WHERE d.created_at < :before AND EXISTS (
        SELECT FROM digests n WHERE n.user_id = d.user_id AND n.until > d.until AND n.state IN ('sent', 'empty')
    ) ORDER BY d.created_at LIMIT :limit
)
""")
_ERASE: Final = (
    text("DELETE FROM digest_preferences WHERE user_id = :user_id"),
    text("DELETE FROM digests WHERE user_id = :user_id"),
)
_HAND_OVER: Final = (
    text("""
    DELETE FROM digest_preferences p WHERE p.user_id = :user_id
        AND EXISTS (SELECT FROM digest_preferences o WHERE o.user_id = :to)
    """),
    text("UPDATE digest_preferences SET user_id = :to WHERE user_id = :user_id"),
    text("""
    DELETE FROM digests d USING digests o
    WHERE d.user_id = :user_id AND o.user_id = :to AND o.period = d.period
    """),
    text("UPDATE digests SET user_id = :to WHERE user_id = :user_id"),
)


class DueDigest(Struct, frozen=True, kw_only=True):
    """A person whose digest is due, or whose time zone changed; locked until the transaction ends."""

    user_id: UUID
    period: Period
    hour: int
    weekday: int
    time_zone: str
    moved: bool
    """The time zone changed after the next digest was planned."""
    next_at: datetime
    created_at: datetime
    """Time at which the person switched digests on."""
    channel_id: UUID | None
    """The mailbox to send to; None if the person has none."""
    told_until: datetime | None
    """End of the window of the last digest that was sent or empty."""
    open_id: UUID | None
    """Id of a digest that was made and not sent yet."""
    open_delivery: UUID | None
    open_state: str | None

    @property
    def plan(self) -> Plan:
        return Plan(period=self.period, hour=self.hour, weekday=self.weekday, time_zone=self.time_zone)


class LedgerRow(Struct, frozen=True, kw_only=True):
    """A digest as it is stored in the ledger."""

    id: UUID
    user_id: UUID
    period: str
    since: datetime
    until: datetime
    entries: int
    state: str
    delivery_id: UUID | None = None


class Outgoing(Struct, frozen=True, kw_only=True):
    """A digest on its way to a channel."""

    id: UUID
    """Id of the event."""
    delivery_id: UUID
    channel_id: UUID
    user_id: UUID
    aggregate: str
    payload: Any


class DigestRepository(Repository):
    """Digest settings of people, and the digests that were made."""

    async def own_mailbox(self, user_id: UUID, channel_id: UUID | None) -> UUID | None:
        """Return an active e-mail channel of a person: the given one, else the oldest; None if there is none."""
        result = await self.session.execute(_OWN_MAILBOX, {"user_id": user_id, "channel_id": channel_id})
        mailbox: UUID | None = result.scalar_one_or_none()
        return mailbox

    async def time_zone(self, user_id: UUID) -> str:
        return str((await self.session.execute(SETTINGS, {"user_id": user_id})).one().time_zone)

    async def settle(
        self, user_id: UUID, plan: Plan, *, channel_id: UUID | None, next_at: datetime, now: datetime
    ) -> None:
        values = {"user_id": user_id, "channel_id": channel_id, "next_at": next_at, "now": now}
        await self.session.execute(_SETTLE, {**values, **msgspec.structs.asdict(plan)})

    async def switch_off(self, user_id: UUID) -> bool:
        """Switch digests off and drop the pending one; return False if they were off already."""
        return (await self.session.execute(_SWITCH_OFF, {"user_id": user_id})).first() is not None

    async def lock(self, *users: UUID) -> None:
        """Lock the digest settings of people until the transaction ends, so that no run makes their digests.

        Call it before you lock their channels: a run locks a person's digest settings first, then their channel.
        """
        await self.session.execute(_LOCK, {"users": list(users)})

    async def claim_due(self, *, now: datetime, limit: int) -> list[DueDigest]:
        """Lock up to `limit` people whose digest is due or whose time zone changed; skip people locked elsewhere."""
        rows = await self.session.execute(_CLAIM_DUE, {"now": now, "limit": limit})
        return [msgspec.convert(dict(row), DueDigest) for row in rows.mappings()]

    async def claim_one(self, user_id: UUID) -> list[DueDigest]:
        """Lock one person, due or not; return nobody if they get no digests or are locked elsewhere."""
        rows = await self.session.execute(_CLAIM_ONE, {"user_id": user_id, "limit": 1})
        return [msgspec.convert(dict(row), DueDigest) for row in rows.mappings()]

    async def one(self, user_id: UUID) -> DueDigest | None:
        """Read one person without a lock; None if they get no digests."""
        rows = await self.session.execute(_ONE, {"user_id": user_id, "limit": 1})
        row = rows.mappings().first()
        return None if row is None else msgspec.convert(dict(row), DueDigest)

    async def modes(self, users: Sequence[UUID]) -> dict[UUID, dict[tuple[UUID, str], Mode]]:
        """Return the preferences of people: person -> (subject, event) -> mode."""
        modes: dict[UUID, dict[tuple[UUID, str], Mode]] = {}
        for row in await self.session.execute(_MODES, {"users": list(users)}):
            modes.setdefault(row.user_id, {})[row.subject_id, row.event] = Mode(row.mode)
        return modes

    async def had(self, periods: Mapping[UUID, str]) -> set[UUID]:
        """Return the people who have a digest of their given period already."""
        values = {"users": list(periods), "periods": list(periods.values())}
        return set((await self.session.execute(_HAD, values)).scalars())

    async def add(self, rows: Sequence[LedgerRow], *, now: datetime) -> None:
        """Store digests; a unique constraint refuses a second one of a person and period."""
        await self.session.execute(_ADD, {"rows": _json(rows), "now": now})

    async def lock_open(self, open_ones: Sequence[UUID], *, now: datetime) -> set[UUID]:
        """Lock the channels of pending digests; return the digests that the sender has started or sent already."""
        rows = await self.session.execute(_LOCK_OPEN, {"ids": list(open_ones), "now": now})
        return {row.id for row in rows if row.busy or row.state == "sent"}

    async def close(self, open_ones: Mapping[UUID, tuple[UUID | None, str]]) -> None:
        """End digests that were not sent: id -> (delivery id, new state)."""
        values = {
            "ids": list(open_ones),
            "states": [state for _, state in open_ones.values()],
            "deliveries": [delivery for delivery, _ in open_ones.values() if delivery is not None],
        }
        await self.session.execute(_CLOSE, values)

    async def plan(self, next_at: Mapping[UUID, datetime], zones: Mapping[UUID, str]) -> None:
        """Store the times at which people's next digests are due."""
        values = {"users": list(next_at), "next_at": list(next_at.values()), "zones": [zones[u] for u in next_at]}
        await self.session.execute(_PLAN, values)

    async def send(self, event: str, outgoing: Sequence[Outgoing], *, now: datetime) -> None:
        """Hand digests to the sender: an event and a delivery for each."""
        rows = _json(outgoing)
        await self.session.execute(_NOTE_EVENTS, {"rows": rows, "event": event, "now": now})
        await self.session.execute(_DELIVER, {"rows": rows, "now": now})

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove digests made before a time, but keep each person's last; return their number."""
        result = await self.session.execute(_REMOVE_OLD, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it

    async def erase(self, user_id: UUID) -> None:
        for statement in _ERASE:
            await self.session.execute(statement, {"user_id": user_id})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Move settings and digests to another account; where both have them, those of `to` stay."""
        for statement in _HAND_OVER:
            await self.session.execute(statement, {"user_id": user_id, "to": to})


def _json(rows: Any) -> str:
    return msgspec.json.encode(rows).decode()
