"""SQL of the records, gains and achievements of players, and of the merger of histories."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from trackers.hiscores.comparison import Known, MetricValue

_KNOWN: Final = text("""
SELECT p.target_id, p.id, p.no, p.username, p.display_name, p.mode, p.added_by, p.verified_at, p.flagged_at,
       p.provisional,
       s.metrics, s.vals, s.ranks, s.era, s.since_keyframe, s.fetched_at
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
INSERT INTO hiscore_states AS s (player, metrics, vals, ranks, era, since_keyframe, fetched_at, fetches, records)
SELECT player, state_metrics, state_vals, state_ranks, era, since_keyframe, at, 1,
       CASE WHEN kind IS NULL THEN 0 ELSE 1 END
FROM ({_SEEN}) AS seen ORDER BY player
ON CONFLICT (player) DO UPDATE
SET metrics = excluded.metrics, vals = excluded.vals, ranks = excluded.ranks, era = excluded.era,
    since_keyframe = excluded.since_keyframe, fetched_at = excluded.fetched_at, fetches = s.fetches + 1,
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
# A gain counts for a period only if the fetch before it was at most the length of a period before the period began.
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
# Only records before the last keyframe of that age: later records depend on the keyframe.
_REMOVE_OLD_RECORDS: Final = text("""
DELETE FROM hiscore_records r
USING (
    SELECT p.no, old.at
    FROM hiscore_players p
    CROSS JOIN LATERAL (
        SELECT k.at FROM hiscore_records k
        WHERE k.player = p.no AND k.kind = 1 AND k.at <= :before ORDER BY k.at DESC LIMIT 1
    ) AS last
    CROSS JOIN LATERAL (
        SELECT o.at FROM hiscore_records o WHERE o.player = p.no AND o.at < last.at ORDER BY o.at LIMIT :limit
    ) AS old
    LIMIT :limit
) AS gone
WHERE r.player = gone.no AND r.at = gone.at
""")
_FORGET_GAINS: Final = (
    text("DELETE FROM hiscore_gains WHERE player = :no"),
    text("DELETE FROM hiscore_bests WHERE player = :no"),
)
_FORGET_ACHIEVEMENTS: Final = text("DELETE FROM hiscore_achievements WHERE player = :no")
# The first achievements of the later history were reached between the two, if the earlier history has the metric.
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
SELECT metrics, vals, ranks, era, since_keyframe, fetched_at FROM hiscore_states WHERE player = :no
""")
_MOVE_RECORDS: Final = text("""
UPDATE hiscore_records SET player = :into, era = era + :eras WHERE player = :no
""")
_DROP_STATE: Final = text("DELETE FROM hiscore_states WHERE player = :no")
_MOVE_STATE: Final = text("""
UPDATE hiscore_states s
SET player = :into, era = s.era + :eras, fetches = s.fetches + :fetches, records = s.records + :records
WHERE s.player = :no
""")
_MOVE_TOTALS: Final = text("""
UPDATE hiscore_players p SET recorded_at = o.recorded_at, overall_xp = o.overall_xp, total_level = o.total_level
FROM hiscore_players o WHERE o.no = :no AND p.no = :into
""")
_COUNTS: Final = text("SELECT fetches, records FROM hiscore_states WHERE player = :no")
_MOVE_NAMES: Final = text("""
INSERT INTO hiscore_names (player, username, until)
SELECT CAST(:into AS integer), username, until FROM hiscore_names WHERE player = :no ON CONFLICT DO NOTHING
""")


class StoredPlayer(Struct, frozen=True, kw_only=True):
    """A player after the last fetch, locked until the transaction ends."""

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
    """A fetch: its record, and the state of the player after it."""

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
    """Time of the fetch before."""


class AchievementRow(Struct, frozen=True, kw_only=True):
    player: int
    metric: int
    threshold: int
    after: datetime | None
    before: datetime


class StoredRecord(Struct, frozen=True, kw_only=True):
    """A stored record."""

    at: datetime
    era: int
    kind: int
    entries: Mapping[int, MetricValue]


class RecordRepository(Repository):
    """Records of players, and data that is derived from them."""

    async def stored(self, targets: Sequence[UUID]) -> dict[UUID, StoredPlayer]:
        """Lock the tracked players of these targets; return target id -> player after its last fetch."""
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
        """Store fetches, and the gains and achievements that are derived from them."""
        rows = {"seen": _json(seen)}
        for statement in (_RECORD, _STATE, _NOTE_PLAYERS):
            await self.session.execute(statement, rows)
        await self.add_derived(gains, achieved)

    async def add_derived(self, gains: Sequence[GainRow], achieved: Sequence[AchievementRow]) -> None:
        if gains:
            await self.session.execute(_GAIN, {"gains": _json(gains)})
        if achieved:
            await self.session.execute(_ACHIEVE, {"achieved": _json(achieved)})

    async def remove_old_gains(self, *, today: date, limit: int) -> int:
        """Remove gains of periods before the last one; return their number."""
        removed = await self.session.execute(_REMOVE_OLD_GAINS, {"today": today, "limit": limit})
        return len(removed.scalars().all())

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove records on which no state since `before` depends; return their number."""
        result = await self.session.execute(_REMOVE_OLD_RECORDS, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

    async def first_keyframe(self, no: int) -> StoredRecord | None:
        """Return the first record that holds all metrics."""
        row = (await self.session.execute(_FIRST_KEYFRAME, {"no": no})).one_or_none()
        return None if row is None else StoredRecord(at=row.at, era=row.era, kind=1, entries=entries_of(row))

    async def state(self, no: int) -> Known | None:
        row = (await self.session.execute(_STATE_OF, {"no": no})).one_or_none()
        return None if row is None else _known(row)

    async def move_history(self, no: int, *, into: int, eras: int, before: Known | None) -> None:
        """Append the records of player `no` to those of player `into`, which also gets the state of `no`.

        `eras`: number to add to the eras of the moved records. `before`: the state at the end of the earlier part.
        """
        counts = (await self.session.execute(_COUNTS, {"no": into})).one_or_none()
        await self.session.execute(_DROP_STATE, {"no": into})
        moved = {"no": no, "into": into, "eras": eras}
        await self.session.execute(_MOVE_RECORDS, moved)
        counted = {"fetches": counts.fetches if counts else 0, "records": counts.records if counts else 0}
        await self.session.execute(_MOVE_STATE, {**moved, **counted})
        await self.session.execute(_MOVE_TOTALS, moved)
        known = (
            [] if before is None else [metric for metric, entry in before.entries.items() if entry.value is not None]
        )
        seam = {"known": known, "seam": None if before is None else before.fetched_at}
        await self.session.execute(_MOVE_ACHIEVEMENTS, {"no": no, "into": into, **seam})
        await self.session.execute(_MOVE_NAMES, {"no": no, "into": into})

    async def history(self, no: int) -> list[StoredRecord]:
        """Return all records of a player, the oldest first."""
        rows = (await self.session.execute(_HISTORY, {"no": no})).all()
        return [StoredRecord(at=row.at, era=row.era, kind=row.kind, entries=entries_of(row)) for row in rows]

    async def forget_gains(self, no: int) -> None:
        """Remove gains and bests, which are then derived again."""
        for statement in _FORGET_GAINS:
            await self.session.execute(statement, {"no": no})

    async def forget_derived(self, no: int) -> None:
        """Remove gains, bests and achievements, because they belong to another account or were rolled back."""
        await self.forget_gains(no)
        await self.session.execute(_FORGET_ACHIEVEMENTS, {"no": no})


def entries_of(row: Any) -> dict[int, MetricValue]:
    """Return the metrics of a record or state, by number."""
    return {no: MetricValue(value, rank) for no, value, rank in zip(row.metrics, row.vals, row.ranks, strict=True)}


def _known(row: Any) -> Known:
    return Known(entries=entries_of(row), era=row.era, since_keyframe=row.since_keyframe, fetched_at=row.fetched_at)


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
