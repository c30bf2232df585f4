"""All SQL that changes schedules, or that reads them for a change."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.ids import new_id
from trackers.games.schedule_schemas import ProcessingReport, ScheduleReason, ScheduleStatus, ScheduleView

COLUMNS: Final = """
    g.id, g.guild_id, g.status, g.reason, g.scheduled_at, g.cron, g.time_zone, g.metadata, g.created_at,
    g.cancelled_at, g.planned_for, g.started_at, g.finished_at, g.report
"""
"""Columns of `game_schedules g` for a ScheduleView, except the progress."""
PROGRESS: Final = """
LEFT JOIN LATERAL (
    SELECT json_build_object(
        'total', count(*),
        'ok', count(*) FILTER (WHERE x.status = 'completed' AND x.changed),
        'unchanged', count(*) FILTER (WHERE x.status = 'completed' AND x.changed IS NOT TRUE),
        'failed', count(*) FILTER (WHERE x.status = 'failed' OR x.id IS NULL)
    ) AS progress
    FROM game_schedule_runs r LEFT JOIN scrape_runs x ON x.id = r.run_id WHERE r.schedule_id = g.id
) p ON g.under_way
"""

_ADD: Final = text("""
INSERT INTO game_schedules (id, guild_id, status, scheduled_at, cron, time_zone, metadata, created_at)
VALUES (:id, :guild_id, 'PENDING', :scheduled_at, :cron, :time_zone, CAST(:metadata AS jsonb), :now)
""")
_FROM: Final = "FROM game_schedules g"
_GUILD_OF: Final = text("SELECT guild_id FROM game_schedules WHERE id = :id")
_CANCEL: Final = text("""
UPDATE game_schedules SET status = 'CANCELLED', cancelled_at = :now
WHERE id = :id AND status = 'PENDING' AND (NOT under_way OR cron IS NOT NULL)
RETURNING id
""")
_SCHEDULE: Final = text(f"SELECT {COLUMNS}, p.progress {_FROM} {PROGRESS} WHERE g.id = :id")

_CLAIM_DUE: Final = text("""
SELECT id, guild_id, scheduled_at, cron, time_zone, metadata FROM game_schedules
WHERE status = 'PENDING' AND NOT under_way AND scheduled_at <= :now AND id <> ALL(CAST(:apart AS uuid[]))
ORDER BY scheduled_at LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_BEGIN: Final = text("""
UPDATE game_schedules
SET under_way = true, planned_for = scheduled_at, started_at = :now, finished_at = NULL, reason = NULL, report = NULL,
    scheduled_at = coalesce(CAST(:next_at AS timestamptz), scheduled_at)
WHERE id = :id
""")
_AWAIT_RUNS: Final = text("""
INSERT INTO game_schedule_runs (schedule_id, run_id)
SELECT CAST(:id AS uuid), run_id FROM unnest(CAST(:runs AS uuid[])) AS run_id ON CONFLICT DO NOTHING
""")
_CLAIM_OVER: Final = text("""
SELECT id, guild_id, planned_for AS scheduled_at, cron, time_zone, metadata FROM game_schedules g
WHERE under_way AND id <> ALL(CAST(:apart AS uuid[])) AND (started_at < :deadline OR NOT EXISTS (
    SELECT 1 FROM game_schedule_runs r JOIN scrape_runs x ON x.id = r.run_id
    WHERE r.schedule_id = g.id AND x.status IN ('pending', 'in_progress')
))
ORDER BY started_at LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_OUTCOMES: Final = text("""
SELECT CASE WHEN x.id IS NULL THEN 'failed' ELSE x.status END AS status, x.changed IS TRUE AS changed,
       CASE WHEN x.id IS NULL THEN 'gone' ELSE x.reason END AS reason, count(*) AS runs
FROM game_schedule_runs r LEFT JOIN scrape_runs x ON x.id = r.run_id WHERE r.schedule_id = :id
GROUP BY 1, 2, 3
""")
_END: Final = text("""
WITH heard AS (DELETE FROM game_schedule_runs WHERE schedule_id = :id)
UPDATE game_schedules
SET under_way = false, finished_at = :now, planned_for = :planned_for, reason = :reason,
    report = CAST(:report AS jsonb), scheduled_at = coalesce(CAST(:next_at AS timestamptz), scheduled_at),
    status = CASE WHEN status = 'PENDING' AND cron IS NULL THEN :status ELSE status END
WHERE id = :id
""")

_OF_THE_GUILD: Final = """
FROM guild_members m
JOIN game_trackers t ON t.user_id = m.user_id AND t.deleted_at IS NULL AND t.active
JOIN game_accounts a ON a.id = t.account_id
WHERE m.guild_id = :guild_id AND m.confirmed_by IS NOT NULL
"""
_TARGETS_OF_GUILD: Final = text(f"""
SELECT DISTINCT a.target_id {_OF_THE_GUILD} AND (CAST(:after AS uuid) IS NULL OR a.target_id > :after)
ORDER BY a.target_id LIMIT :limit
""")
_TARGETS_IN_ALL: Final = text(f"SELECT count(DISTINCT a.target_id) {_OF_THE_GUILD}")


class ClaimedSchedule(Struct, frozen=True, kw_only=True):
    """A schedule that is locked until the transaction ends, with the time to process."""

    id: UUID
    guild_id: str
    scheduled_at: datetime
    cron: str | None
    time_zone: str | None
    metadata: dict[str, Any]


class Outcome(Struct, frozen=True, kw_only=True):
    """The number of runs with the same result, or without a result yet."""

    status: str
    changed: bool
    reason: str | None
    runs: int


class ScheduleRepository(Repository):
    """Schedules, the runs that they wait for, and the targets of guild members."""

    async def add(
        self,
        guild_id: str,
        *,
        scheduled_at: datetime,
        cron: str | None,
        time_zone: str | None,
        metadata: Mapping[str, Any],
        now: datetime,
    ) -> ScheduleView:
        values = {"scheduled_at": scheduled_at, "cron": cron, "time_zone": time_zone, "now": now}
        encoded = msgspec.json.encode(metadata).decode()
        schedule_id = new_id()
        await self.session.execute(_ADD, {**values, "id": schedule_id, "guild_id": guild_id, "metadata": encoded})
        return await self.schedule(schedule_id)

    async def guild_of(self, schedule_id: UUID) -> str | None:
        """Return the guild of a schedule; None if the schedule does not exist."""
        guild_id: str | None = (await self.session.execute(_GUILD_OF, {"id": schedule_id})).scalar_one_or_none()
        return guild_id

    async def schedule(self, schedule_id: UUID) -> ScheduleView:
        row = (await self.session.execute(_SCHEDULE, {"id": schedule_id})).one()
        return schedule_view(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def cancel(self, schedule_id: UUID, *, now: datetime) -> bool:
        """Cancel a schedule; False if it has started or is over. A recurring one can be cancelled at any time."""
        cancelled = await self.session.execute(_CANCEL, {"id": schedule_id, "now": now})
        return cancelled.scalar_one_or_none() is not None

    async def claim_due(self, *, now: datetime, apart: Collection[UUID] = ()) -> ClaimedSchedule | None:
        """Lock and return a due schedule, except those `apart`; other workers skip it until the transaction ends."""
        return await self._claimed(_CLAIM_DUE, now=now, apart=list(apart))

    async def begin(self, schedule_id: UUID, runs: Sequence[UUID], *, now: datetime, next_at: datetime | None) -> None:
        """Store that the schedule has started, the runs that it waits for, and its next time."""
        await self.session.execute(_BEGIN, {"id": schedule_id, "now": now, "next_at": next_at})
        await self.session.execute(_AWAIT_RUNS, {"id": schedule_id, "runs": list(runs)})

    async def claim_over(self, *, deadline: datetime, apart: Collection[UUID] = ()) -> ClaimedSchedule | None:
        """Lock and return a schedule whose runs are finished or that started before the deadline; not those `apart`."""
        return await self._claimed(_CLAIM_OVER, deadline=deadline, apart=list(apart))

    async def outcomes(self, schedule_id: UUID) -> list[Outcome]:
        """Return the results of the runs that a schedule waits for."""
        rows = (await self.session.execute(_OUTCOMES, {"id": schedule_id})).all()
        return [Outcome(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def end(
        self,
        schedule: ClaimedSchedule,
        report: ProcessingReport,
        *,
        status: ScheduleStatus,
        reason: ScheduleReason | None,
        now: datetime,
        next_at: datetime | None = None,
    ) -> None:
        """Store the report and the new status of a schedule; a recurring schedule waits for its next time.

        A schedule that was cancelled in the meantime stays cancelled.
        """
        values = {"status": status, "reason": reason, "now": now, "next_at": next_at}
        encoded = msgspec.json.encode(report).decode()
        await self.session.execute(
            _END, {**values, "id": schedule.id, "planned_for": schedule.scheduled_at, "report": encoded}
        )

    async def targets_of_guild(self, guild_id: str, *, after: UUID | None, limit: int) -> list[UUID]:
        """Return a page of targets of active trackers of a guild's members, by id, from the id after `after` on."""
        targets = await self.session.execute(_TARGETS_OF_GUILD, {"guild_id": guild_id, "after": after, "limit": limit})
        return list(targets.scalars())

    async def targets_in_guild(self, guild_id: str) -> int:
        """Return the number of all these targets."""
        return int((await self.session.execute(_TARGETS_IN_ALL, {"guild_id": guild_id})).scalar_one())

    async def _claimed(self, statement: Any, **parameters: Any) -> ClaimedSchedule | None:
        row = (await self.session.execute(statement, parameters)).one_or_none()
        return None if row is None else ClaimedSchedule(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping


def schedule_view(row: Mapping[Any, Any]) -> ScheduleView:
    """Return the schedule of a row with its columns."""
    return msgspec.convert(dict(row), ScheduleView)
