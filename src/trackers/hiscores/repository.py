"""All SQL that changes players and what is recorded of them, or reads it in order to."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.database import Repository, sqlstate_of
from trackers.hiscores.comparison import Entry, Known
from trackers.hiscores.errors import AlreadyTracked

UNIQUE_VIOLATION: Final = "23505"
_PLAYER: Final = """
SELECT p.id, p.no, p.target_id, p.username, p.display_name, p.mode, p.active, p.added_by, p.verified_at, p.flagged_at,
       t.interval_seconds, t.steady, t.last_attempt_at,
       EXISTS (SELECT FROM scrape_schedule s JOIN scrape_runs r ON r.id = s.run_id WHERE s.target_id = p.target_id)
           AS awaited
FROM hiscore_players p JOIN scrape_targets t ON t.id = p.target_id
"""
LISTED: Final = "p.removed_at IS NULL AND NOT p.provisional"
"""Whoever is tracked, for everybody to see."""
_BY_NAME: Final = text(f"{_PLAYER} WHERE p.username = :username AND {LISTED}")
_BY_ID: Final = text(f"{_PLAYER} WHERE p.id = :id AND {LISTED}")
_PROVISIONAL: Final = text(f"{_PLAYER} WHERE p.id = :id AND p.removed_at IS NULL")
_TAKEN: Final = text("""
SELECT display_name, mode, provisional FROM hiscore_players WHERE username = :username AND removed_at IS NULL
""")
_ACCEPT: Final = text("UPDATE hiscore_players SET provisional = false WHERE id = :id")
_HOLD: Final = text("""
SELECT 1 FROM hiscore_players WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY no FOR NO KEY UPDATE
""")
_ADDED_BY: Final = text("""
SELECT count(*) FROM hiscore_players WHERE added_by = :user_id AND removed_at IS NULL
""")
FORMER: Final = text("""
SELECT p.display_name FROM hiscore_names n JOIN hiscore_players p ON p.no = n.player
WHERE n.username = :username AND p.removed_at IS NULL ORDER BY n.until DESC LIMIT 1
""")
_ADD: Final = text("""
INSERT INTO hiscore_players (id, target_id, username, display_name, mode, added_by, created_at, provisional)
VALUES (:id, :target_id, :username, :display_name, :mode, CAST(:added_by AS uuid), :now, true)
ON CONFLICT DO NOTHING
RETURNING id
""")
# One who was removed comes back with their history, where they are looked at in the same table.
_REVIVE: Final = text("""
UPDATE hiscore_players p
SET removed_at = NULL, active = true, display_name = :display_name, added_by = CAST(:added_by AS uuid),
    provisional = true
WHERE p.id = (
    SELECT r.id FROM hiscore_players r WHERE r.target_id = :target_id AND r.removed_at IS NOT NULL
    ORDER BY r.verified_at IS NULL, r.removed_at DESC LIMIT 1
) AND NOT EXISTS (SELECT FROM hiscore_players o WHERE o.username = p.username AND o.removed_at IS NULL)
RETURNING id
""")
_CHANGE: Final = text("""
UPDATE hiscore_players SET target_id = :target_id, mode = :mode, active = :active WHERE id = :id
""")
_RENAME: Final = text("""
UPDATE hiscore_players
SET target_id = :target_id, username = :username, display_name = :display_name, mode = :mode, active = :active,
    verified_at = coalesce(verified_at, :verified_at), flagged_at = :flagged_at
WHERE id = :id
""")
_REMOVE: Final = text("UPDATE hiscore_players SET removed_at = :now, active = false WHERE id = :id")
_PURGE: Final = (
    text("DELETE FROM hiscore_gains WHERE player = :no"),
    text("DELETE FROM hiscore_bests WHERE player = :no"),
    text("DELETE FROM hiscore_players WHERE no = :no"),
)
_USED: Final = text("SELECT 1 FROM hiscore_players WHERE target_id = :target_id LIMIT 1")
_HOLDERS: Final = text("""
SELECT 1 FROM hiscore_players WHERE target_id = :target_id AND removed_at IS NULL AND active LIMIT 1
""")
_KNOWN: Final = text("""
SELECT p.target_id, p.id, p.no, p.username, p.display_name, p.mode, p.added_by, p.verified_at, p.flagged_at,
       p.provisional,
       s.metrics, s.vals, s.ranks, s.era, s.since_keyframe, s.looked_at
FROM hiscore_players p LEFT JOIN hiscore_states s ON s.player = p.no
WHERE p.target_id = ANY(CAST(:targets AS uuid[])) AND p.removed_at IS NULL
ORDER BY p.no FOR NO KEY UPDATE OF p
""")
_SEEN: Final = """
SELECT * FROM jsonb_to_recordset(CAST(:seen AS jsonb)) AS x (
    player integer, at timestamptz, kind smallint, era smallint, since_keyframe smallint, display_name text,
    metrics smallint[], vals bigint[], ranks integer[],
    state_metrics smallint[], state_vals bigint[], state_ranks integer[],
    overall_xp bigint, total_level integer, flagged boolean
)
"""
_RECORD: Final = text(f"""
INSERT INTO hiscore_records (player, era, kind, at, metrics, vals, ranks)
SELECT player, era, kind, at, metrics, vals, ranks FROM ({_SEEN}) AS seen WHERE kind IS NOT NULL
ON CONFLICT (player, at) DO NOTHING
""")  # noqa: S608 -- fragments of our own
_STATE: Final = text(f"""
INSERT INTO hiscore_states AS s (player, metrics, vals, ranks, era, since_keyframe, looked_at, looks, records)
SELECT player, state_metrics, state_vals, state_ranks, era, since_keyframe, at, 1,
       CASE WHEN kind IS NULL THEN 0 ELSE 1 END
FROM ({_SEEN}) AS seen ORDER BY player
ON CONFLICT (player) DO UPDATE
SET metrics = excluded.metrics, vals = excluded.vals, ranks = excluded.ranks, era = excluded.era,
    since_keyframe = excluded.since_keyframe, looked_at = excluded.looked_at, looks = s.looks + 1,
    records = s.records + excluded.records
""")  # noqa: S608 -- fragments of our own
_NOTE_PLAYERS: Final = text(f"""
UPDATE hiscore_players p
SET display_name = seen.display_name, verified_at = coalesce(p.verified_at, seen.at), provisional = false,
    flagged_at = CASE WHEN seen.flagged THEN coalesce(p.flagged_at, seen.at) END,
    recorded_at = CASE WHEN seen.kind IS NULL THEN p.recorded_at ELSE seen.at END,
    overall_xp = seen.overall_xp, total_level = seen.total_level
FROM ({_SEEN}) AS seen
WHERE p.no = seen.player AND (seen.kind IS NOT NULL OR p.display_name <> seen.display_name OR p.verified_at IS NULL
                              OR p.provisional OR (p.flagged_at IS NOT NULL) <> seen.flagged)
""")  # noqa: S608 -- fragments of our own
# What may have been gained more than a period before one begins, because nobody looked, counts for none of its length.
_GAIN: Final = text("""
WITH gained AS (
    SELECT x.player, x.metric, u.period, u.starts, sum(x.gain) AS gain
    FROM jsonb_to_recordset(CAST(:gains AS jsonb))
        AS x (player integer, metric smallint, gain bigint, at timestamptz, since timestamptz)
    CROSS JOIN LATERAL (VALUES
        (0, CAST(x.at AT TIME ZONE 'UTC' AS date), interval '1 day'),
        (1, CAST(date_trunc('week', x.at AT TIME ZONE 'UTC') AS date), interval '7 days'),
        (2, CAST(date_trunc('month', x.at AT TIME ZONE 'UTC') AS date), interval '1 month'),
        (3, CAST(date_trunc('year', x.at AT TIME ZONE 'UTC') AS date), interval '1 year')
    ) AS u (period, starts, length)
    WHERE x.since AT TIME ZONE 'UTC' >= u.starts - u.length
    GROUP BY x.player, x.metric, u.period, u.starts
), stands AS (
    INSERT INTO hiscore_gains AS g (player, metric, period, starts, gain)
    SELECT player, metric, period, starts, gain FROM gained ORDER BY player, metric, period, starts
    ON CONFLICT (player, metric, period, starts) DO UPDATE SET gain = g.gain + excluded.gain
    RETURNING player, metric, period, starts, gain
)
INSERT INTO hiscore_bests AS b (player, metric, period, starts, gain)
SELECT DISTINCT ON (player, metric, period) player, metric, period, starts, gain FROM stands WHERE gain > 0
ORDER BY player, metric, period, gain DESC
ON CONFLICT (player, metric, period) DO UPDATE SET starts = excluded.starts, gain = excluded.gain
WHERE excluded.gain > b.gain
""")
_ACHIEVE: Final = text("""
INSERT INTO hiscore_achievements (player, metric, threshold, after, before)
SELECT player, metric, threshold, after, before
FROM jsonb_to_recordset(CAST(:achieved AS jsonb))
    AS x (player integer, metric smallint, threshold bigint, after timestamptz, before timestamptz)
ORDER BY player, metric, threshold
ON CONFLICT (player, metric, threshold) DO NOTHING
""")
_REMOVE_OLD_GAINS: Final = text("""
DELETE FROM hiscore_gains WHERE ctid = ANY(ARRAY(
    SELECT g.ctid
    FROM (VALUES
        (0, CAST(:today AS date) - 1),
        (1, CAST(date_trunc('week', CAST(:today AS date)) AS date) - 7),
        (2, CAST(date_trunc('month', CAST(:today AS date)) - interval '1 month' AS date)),
        (3, CAST(date_trunc('year', CAST(:today AS date)) - interval '1 year' AS date))
    ) AS kept (period, since)
    CROSS JOIN LATERAL (
        SELECT ctid FROM hiscore_gains o WHERE o.period = kept.period AND o.starts < kept.since LIMIT :limit
    ) AS g
    LIMIT :limit
)) RETURNING 1
""")
_FORGET_GAINS: Final = (
    text("DELETE FROM hiscore_gains WHERE player = :no"),
    text("DELETE FROM hiscore_bests WHERE player = :no"),
)
_FORGET_ACHIEVEMENTS: Final = text("DELETE FROM hiscore_achievements WHERE player = :no")
# What the later history began with was reached between the two, where the earlier one knows that it was not yet.
_MOVE_ACHIEVEMENTS: Final = text("""
INSERT INTO hiscore_achievements (player, metric, threshold, after, before)
SELECT CAST(:into AS integer), metric, threshold,
       coalesce(after, CASE WHEN metric = ANY(CAST(:known AS smallint[])) THEN CAST(:seam AS timestamptz) END), before
FROM hiscore_achievements WHERE player = :no
ON CONFLICT DO NOTHING
""")
_HISTORY: Final = text("""
SELECT at, era, kind, metrics, vals, ranks FROM hiscore_records WHERE player = :no ORDER BY at
""")
_FIRST_KEYFRAME: Final = text("""
SELECT at, era, metrics, vals, ranks FROM hiscore_records WHERE player = :no AND kind = 1 ORDER BY at LIMIT 1
""")
_STATE_OF: Final = text("""
SELECT metrics, vals, ranks, era, since_keyframe, looked_at FROM hiscore_states WHERE player = :no
""")
_MOVE_RECORDS: Final = text("""
UPDATE hiscore_records SET player = :into, era = era + :eras WHERE player = :no
""")
_DROP_STATE: Final = text("DELETE FROM hiscore_states WHERE player = :no")
_MOVE_STATE: Final = text("""
UPDATE hiscore_states s
SET player = :into, era = s.era + :eras, looks = s.looks + :looks, records = s.records + :records
WHERE s.player = :no
""")
_MOVE_STANDING: Final = text("""
UPDATE hiscore_players p SET recorded_at = o.recorded_at, overall_xp = o.overall_xp, total_level = o.total_level
FROM hiscore_players o WHERE o.no = :no AND p.no = :into
""")
_COUNTS: Final = text("SELECT looks, records FROM hiscore_states WHERE player = :no")
_NOTE_NAME: Final = text("""
INSERT INTO hiscore_names (player, username, until) VALUES (:no, :username, :now) ON CONFLICT DO NOTHING
""")
_MOVE_NAMES: Final = text("""
INSERT INTO hiscore_names (player, username, until)
SELECT CAST(:into AS integer), username, until FROM hiscore_names WHERE player = :no ON CONFLICT DO NOTHING
""")


class Player(Struct, frozen=True, kw_only=True):
    """A player as the rules need them."""

    id: UUID
    no: int
    target_id: UUID
    username: str
    display_name: str
    mode: str
    active: bool
    added_by: UUID | None
    verified_at: datetime | None
    flagged_at: datetime | None
    interval_seconds: int
    steady: bool
    last_attempt_at: datetime | None
    awaited: bool
    """Whether somebody waits for a look that is pending or under way."""


class StoredPlayer(Struct, frozen=True, kw_only=True):
    """A player as the last look left them, held until the transaction ends."""

    id: UUID
    no: int
    username: str
    display_name: str
    mode: str
    added_by: UUID | None
    verified_at: datetime | None
    flagged_at: datetime | None
    provisional: bool
    known: Known | None


class SeenRow(Struct, frozen=True, kw_only=True):
    """A look: what is recorded of it, and how the player stands after it."""

    player: int
    at: datetime
    kind: int | None
    era: int
    since_keyframe: int
    display_name: str
    metrics: Sequence[int]
    vals: Sequence[int | None]
    ranks: Sequence[int | None]
    state_metrics: Sequence[int]
    state_vals: Sequence[int | None]
    state_ranks: Sequence[int | None]
    overall_xp: int | None
    total_level: int | None
    flagged: bool


class GainRow(Struct, frozen=True, kw_only=True):
    player: int
    metric: int
    gain: int
    at: datetime
    since: datetime
    """When somebody looked before."""


class AchievementRow(Struct, frozen=True, kw_only=True):
    player: int
    metric: int
    threshold: int
    after: datetime | None
    before: datetime


class StoredRecord(Struct, frozen=True, kw_only=True):
    """A record as it is stored."""

    at: datetime
    era: int
    kind: int
    entries: Mapping[int, Entry]


class PlayerRepository(Repository):
    """Players, and what is recorded of them."""

    async def by_name(self, username: str) -> Player | None:
        """The player of a canonical name."""
        row = (await self.session.execute(_BY_NAME, {"username": username})).mappings().one_or_none()
        return None if row is None else Player(**row)

    async def provisional(self, player_id: UUID) -> Player | None:
        """A player, whether anybody else may see them yet or not."""
        row = (await self.session.execute(_PROVISIONAL, {"id": player_id})).mappings().one_or_none()
        return None if row is None else Player(**row)

    async def taken(self, username: str) -> tuple[str, str, bool] | None:
        """Whose a name is: as they are shown, their mode, and whether somebody is only just adding them."""
        row = (await self.session.execute(_TAKEN, {"username": username})).one_or_none()
        return None if row is None else (row.display_name, row.mode, row.provisional)

    async def accept(self, player_id: UUID) -> None:
        """Have everybody see a player who waits to be seen by us."""
        await self.session.execute(_ACCEPT, {"id": player_id})

    async def by_id(self, player_id: UUID) -> Player | None:
        row = (await self.session.execute(_BY_ID, {"id": player_id})).mappings().one_or_none()
        return None if row is None else Player(**row)

    async def hold(self, *players: UUID) -> None:
        """Keep others from changing players until the transaction ends; their targets are held before."""
        await self.session.execute(_HOLD, {"ids": list(players)})

    async def renamed(self, username: str) -> str | None:
        """What a player is shown as who was called so before."""
        name: str | None = (await self.session.execute(FORMER, {"username": username})).scalar_one_or_none()
        return name

    async def added_by(self, user_id: UUID) -> int:
        """How many players somebody has added."""
        return int((await self.session.execute(_ADDED_BY, {"user_id": user_id})).scalar_one())

    async def add(
        self,
        player_id: UUID,
        *,
        target_id: UUID,
        username: str,
        display_name: str,
        mode: str,
        added_by: UUID | None,
        now: datetime,
    ) -> UUID | None:
        """The id of the player that is tracked from now on, one who was removed before with their history.

        None where the name is tracked already. Raises AlreadyTracked where it was taken this very moment.
        """
        values = {"target_id": target_id, "display_name": display_name, "added_by": added_by}
        async with name_taken(display_name, mode):
            revived: UUID | None = (await self.session.execute(_REVIVE, values)).scalar_one_or_none()
        if revived is not None:
            return revived
        made: UUID | None = (
            await self.session.execute(
                _ADD, {**values, "id": player_id, "username": username, "mode": mode, "now": now}
            )
        ).scalar_one_or_none()
        return made

    async def change(self, player_id: UUID, *, target_id: UUID, mode: str, active: bool) -> None:
        values = {"id": player_id, "target_id": target_id, "mode": mode, "active": active}
        await self.session.execute(_CHANGE, values)

    async def rename(
        self,
        player_id: UUID,
        *,
        target_id: UUID,
        username: str,
        display_name: str,
        mode: str,
        active: bool,
        verified_at: datetime | None,
        flagged_at: datetime | None,
    ) -> None:
        """Have a player go on under another name. Raises AlreadyTracked where it was taken this very moment."""
        async with name_taken(display_name, mode):
            await self.session.execute(
                _RENAME,
                {
                    "id": player_id,
                    "target_id": target_id,
                    "username": username,
                    "display_name": display_name,
                    "mode": mode,
                    "active": active,
                    "verified_at": verified_at,
                    "flagged_at": flagged_at,
                },
            )

    async def is_used(self, target_id: UUID) -> bool:
        """Whether there is a player of a target, removed or not."""
        return (await self.session.execute(_USED, {"target_id": target_id})).scalar_one_or_none() is not None

    async def remove(self, player_id: UUID, *, now: datetime) -> None:
        """Mark a player as removed."""
        await self.session.execute(_REMOVE, {"id": player_id, "now": now})

    async def purge(self, no: int) -> None:
        """Delete a player with all that was recorded."""
        for statement in _PURGE:
            await self.session.execute(statement, {"no": no})

    async def is_looked_at(self, target_id: UUID) -> bool:
        """Whether an active player stands behind a target."""
        return (await self.session.execute(_HOLDERS, {"target_id": target_id})).scalar_one_or_none() is not None

    async def stored(self, targets: Sequence[UUID]) -> dict[UUID, StoredPlayer]:
        """Target id -> the player as the last look left them."""
        rows = (await self.session.execute(_KNOWN, {"targets": list(targets)})).all()
        return {
            row.target_id: StoredPlayer(
                id=row.id,
                no=row.no,
                username=row.username,
                display_name=row.display_name,
                mode=row.mode,
                added_by=row.added_by,
                verified_at=row.verified_at,
                flagged_at=row.flagged_at,
                provisional=row.provisional,
                known=None if row.metrics is None else _known(row),
            )
            for row in rows
        }

    async def record(
        self, seen: Sequence[SeenRow], gains: Sequence[GainRow], achieved: Sequence[AchievementRow]
    ) -> None:
        """Write looks down, with what follows from them."""
        looks = {"seen": _json(seen)}
        for statement in (_RECORD, _STATE, _NOTE_PLAYERS):
            await self.session.execute(statement, looks)
        await self.add_derived(gains, achieved)

    async def add_derived(self, gains: Sequence[GainRow], achieved: Sequence[AchievementRow]) -> None:
        if gains:
            await self.session.execute(_GAIN, {"gains": _json(gains)})
        if achieved:
            await self.session.execute(_ACHIEVE, {"achieved": _json(achieved)})

    async def remove_old_gains(self, *, today: date, limit: int) -> int:
        """Gains of periods before the last one; how many."""
        gone = await self.session.execute(_REMOVE_OLD_GAINS, {"today": today, "limit": limit})
        return len(gone.scalars().all())

    # ---- merging two histories ----

    async def first_keyframe(self, no: int) -> StoredRecord | None:
        """The first record that holds everything."""
        row = (await self.session.execute(_FIRST_KEYFRAME, {"no": no})).one_or_none()
        return None if row is None else StoredRecord(at=row.at, era=row.era, kind=1, entries=entries_of(row))

    async def state(self, no: int) -> Known | None:
        row = (await self.session.execute(_STATE_OF, {"no": no})).one_or_none()
        return None if row is None else _known(row)

    async def move_history(self, no: int, *, into: int, eras: int, before: Known | None) -> None:
        """Make one player's records the later part of another's, whose state is now the one's.

        `before`: the state that the earlier part ends with.
        """
        counts = (await self.session.execute(_COUNTS, {"no": into})).one_or_none()
        await self.session.execute(_DROP_STATE, {"no": into})
        moved = {"no": no, "into": into, "eras": eras}
        await self.session.execute(_MOVE_RECORDS, moved)
        counted = {"looks": counts.looks if counts else 0, "records": counts.records if counts else 0}
        await self.session.execute(_MOVE_STATE, {**moved, **counted})
        await self.session.execute(_MOVE_STANDING, moved)
        known = (
            [] if before is None else [metric for metric, entry in before.entries.items() if entry.value is not None]
        )
        seam = {"known": known, "seam": None if before is None else before.looked_at}
        await self.session.execute(_MOVE_ACHIEVEMENTS, {"no": no, "into": into, **seam})
        await self.session.execute(_MOVE_NAMES, {"no": no, "into": into})

    async def note_name(self, no: int, username: str, *, now: datetime) -> None:
        """Remember what a player was called until now."""
        await self.session.execute(_NOTE_NAME, {"no": no, "username": username, "now": now})

    async def history(self, no: int) -> list[StoredRecord]:
        """All records of a player, the oldest first."""
        rows = (await self.session.execute(_HISTORY, {"no": no})).all()
        return [StoredRecord(at=row.at, era=row.era, kind=row.kind, entries=entries_of(row)) for row in rows]

    async def forget_gains(self, no: int) -> None:
        """Remove gains and bests, to be derived anew."""
        for statement in _FORGET_GAINS:
            await self.session.execute(statement, {"no": no})

    async def forget_derived(self, no: int) -> None:
        """Remove gains, bests and achievements: they were another's, or were rolled back."""
        await self.forget_gains(no)
        await self.session.execute(_FORGET_ACHIEVEMENTS, {"no": no})


@asynccontextmanager
async def name_taken(display_name: str, mode: str) -> AsyncIterator[None]:
    """Tell a name that was taken since it was looked for as what it is; the transaction is over with it."""
    try:
        yield
    except IntegrityError as error:
        if sqlstate_of(error) != UNIQUE_VIOLATION:
            raise
        raise AlreadyTracked(display_name, mode) from error


def entries_of(row: Any) -> dict[int, Entry]:
    """The metrics of a record or state."""
    return {no: Entry(value, rank) for no, value, rank in zip(row.metrics, row.vals, row.ranks, strict=True)}


def _known(row: Any) -> Known:
    return Known(entries=entries_of(row), era=row.era, since_keyframe=row.since_keyframe, looked_at=row.looked_at)


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
