"""Repository of the engine, with one named method per statement; the SQL is in statements.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text

from shared.audit.repository import ActivityRepository
from shared.database import Repository
from shared.ids import new_id
from shared.scraping import statements
from shared.scraping.target import Priority, Status, Target, Trigger


class Lease(NamedTuple):
    """A leased target with its run and the end of the lease; a later lease of the same run is a different lease."""

    target_id: UUID
    run_id: UUID
    lease_until: datetime


LAST_TRIES: Final = 2
"""Number of last tries that a target gets in a batch of its own, so that it takes no other targets down with it."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended, in the form that the statement FINISH takes."""

    target_id: UUID
    run_id: UUID
    status: Status
    started_at: datetime
    due_at: datetime | str
    parser_version: int
    failures: int
    """Consecutive failures with the same fault."""
    reason: str | None = None
    error: str | None = None
    http_status: int | None = None
    requests: int = 0
    bytes: int = 0
    changed: bool = False
    etag: str | None = None
    last_modified: str | None = None
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """A target whose worker was lost; `dead` if that happened too often."""

    target_id: UUID
    run_id: UUID
    dead: bool


class SourcePaused(msgspec.Struct, frozen=True, kw_only=True):
    """Pause of a source: its start and its reason."""

    since: datetime
    reason: str | None


class ScrapingRepository(Repository):
    """Targets, their schedule and their runs."""

    async def claim_due(self, source: str, *, now: datetime, lease_until: datetime, limit: int) -> list[Lease]:
        """Claim up to `limit` due targets of a source in order of priority, and lease them until `lease_until`."""
        rows = await self._all(statements.CLAIM, source=source, now=now, lease_until=lease_until, limit=limit)
        return await self._started(rows, now=now)

    async def claim_quarantined(self, source: str, *, now: datetime, lease_until: datetime) -> list[Lease]:
        """Claim one due target that lost workers before; none while another such target is under way."""
        rows = await self._all(statements.CLAIM_QUARANTINED, source=source, now=now, lease_until=lease_until)
        return await self._started(rows, now=now)

    async def claim_one(self, target: UUID, *, now: datetime, lease_until: datetime) -> Lease | None:
        """Claim one requested target, even if others are due before it; None if it is leased."""
        row = (
            await self.session.execute(statements.CLAIM_ONE, {"target": target, "now": now, "lease_until": lease_until})
        ).one_or_none()
        return Lease(*row) if row else None

    async def take_turn_to_claim(self, source: str) -> None:
        """Keep other dispatchers from counting and claiming targets of this source until the transaction ends."""
        await self.session.execute(statements.TAKE_TURN, {"source": source})

    async def leased_count(self, source: str, *, limit: int) -> int:
        """Number of leased targets of a source, counted up to `limit`."""
        statement = text(
            "SELECT count(*) FROM (SELECT 1 FROM scrape_schedule"
            " WHERE source = :source AND lease_until IS NOT NULL LIMIT :limit) AS leased"
        )
        result = await self.session.execute(statement, {"source": source, "limit": limit})
        return int(result.scalar_one())

    async def leased(self, claims: Sequence[Lease], *, now: datetime) -> list[Target]:
        """The targets that still have exactly these leases, without the targets of blocked keys."""
        rows = await self._all(statements.LEASED, **_columns(claims), now=now)
        return [
            Target(
                id=row.id,
                run_id=row.run_id,
                lease_until=row.lease_until,
                key=row.key,
                address=row.address,
                interval=timedelta(seconds=row.interval_seconds),
                failures=row.failures,
                last_reason=row.last_reason,
                attempts=row.attempts,
                etag=row.etag,
                last_modified=row.last_modified,
                content_hash=row.content_hash,
                parser_version=row.parser_version,
                quiet_since=row.quiet_since,
                steady=row.steady,
            )
            for row in rows
        ]

    async def lock_leased(self, claims: Sequence[Lease]) -> set[UUID]:
        """Lock the targets that still have these leases, so that nobody else finishes them; returns their ids."""
        return {row.target_id for row in await self._all(statements.LOCK_LEASED, **_columns(claims))}

    async def renew(self, claims: Sequence[Lease], *, now: datetime, lease_until: datetime) -> list[Lease]:
        """Extend the leases that are still valid until `lease_until`; returns the new leases."""
        rows = await self._all(statements.RENEW, **_columns(claims), now=now, lease_until=lease_until)
        return [Lease(*row) for row in rows]

    async def finish(self, results: Sequence[RunResult], *, now: datetime) -> None:
        """Finish runs: write the target's counters and validators, its next due time, and the run's row."""
        finished = msgspec.json.encode(results).decode()
        await self.session.execute(statements.FINISH, {"finished": finished, "now": now})

    async def release(self, claims: Sequence[Lease], *, due_at: datetime) -> None:
        """Release targets that were not fetched, due again at `due_at`; requested runs are pending again."""
        await self.lock_leased(claims)  # the same order of locks everywhere
        await self.session.execute(statements.RELEASE, {**_columns(claims), "due_at": due_at})

    async def reclaim_expired(self, source: str, *, now: datetime, dead_after: int) -> list[Reclaimed]:
        """Reclaim the targets of lost workers; one that lost `dead_after` of them waits for an admin."""
        quarantine_after = max(1, dead_after - LAST_TRIES)
        rows = await self._all(
            statements.RECLAIM,
            source=source,
            now=now,
            dead_after=dead_after,
            quarantine_after=quarantine_after,
            dead_letter_reason=dead_letter_reason(dead_after),
        )
        return [Reclaimed(row.target_id, row.lost_run, row.dead) for row in rows]

    async def track(
        self, source: str, addresses: Mapping[str, str], *, interval: timedelta, now: datetime
    ) -> dict[str, UUID]:
        """Follow new and known targets at this interval from now on; returns key -> target id."""
        keys, seconds = list(addresses), round(interval.total_seconds())
        columns = {"keys": keys, "addresses": list(addresses.values()), "ids": [new_id() for _ in keys]}
        while True:
            await self.session.execute(statements.TRACK, {"source": source, **columns, "interval": seconds, "now": now})
            await self.session.execute(statements.LOCK_KNOWN, {"source": source, "keys": keys})  # first, as everywhere
            rows = await self._all(statements.SCHEDULE, source=source, keys=keys, interval=seconds, now=now)
            if len(rows) == len(keys):  # else a target was erased while we waited for its lock: insert it again
                return {row.key: row.id for row in rows}

    async def ask_for_runs(
        self, targets: Sequence[UUID], *, trigger: Trigger, priority: Priority, now: datetime
    ) -> dict[UUID, UUID]:
        """Move targets to the front of the queue and create a run for each; a pending or running run is reused.

        Returns target id -> run id, without targets that nobody follows.
        """
        await self.lock(targets)
        # A separate statement after the locks: after waiting for a lock, it must see what the other transaction wrote.
        rows = await self._all(statements.RUNS_ASKED_FOR, targets=list(targets))
        runs = {row.target_id: row.run_id or new_id() for row in rows}
        known = [row.target_id for row in rows if row.known]
        if known:
            await self.session.execute(statements.BOOST, {"targets": known, "priority": int(priority), "now": now})
        fresh = [row for row in rows if not row.known]
        if fresh:
            await self.session.execute(
                statements.ASK,
                {
                    "targets": [row.target_id for row in fresh],
                    "runs": [runs[row.target_id] for row in fresh],
                    "leased": [row.leased for row in fresh],
                    "trigger": trigger,
                    "priority": int(priority),
                    "now": now,
                },
            )
        return runs

    async def set_priority(self, priorities: Mapping[UUID, Priority], *, now: datetime) -> None:
        """Set the priorities of targets from now on."""
        await self.lock(list(priorities))
        values = {"targets": list(priorities), "priorities": [int(priority) for priority in priorities.values()]}
        await self.session.execute(statements.SET_PRIORITY, {**values, "now": now})

    async def set_interval(self, target: UUID, *, interval: timedelta, steady: bool, now: datetime) -> None:
        """Set the interval of a target from now on."""
        values = {"target": target, "interval": round(interval.total_seconds()), "steady": steady}
        await self.session.execute(statements.SET_INTERVAL, {**values, "latest": now + interval})

    async def count_ahead(self, source: str, target: UUID, *, now: datetime, most: int) -> int:
        """Number of targets of a source that are fetched before a target, counted up to `most` per priority."""
        values = {"source": source, "target": target, "now": now, "most": most}
        return int((await self.session.execute(statements.COUNT_AHEAD, values)).scalar_one())

    async def typical_seconds(self, target: UUID) -> float | None:
        """Median duration of a target's last five runs in seconds; None without a finished run."""
        seconds = (await self.session.execute(statements.TYPICAL, {"target": target})).scalar_one()
        return None if seconds is None else float(seconds)

    async def forget(self, targets: Sequence[UUID], *, now: datetime) -> None:
        """Stop fetching targets; their history stays."""
        await self.lock(targets)
        await self.session.execute(statements.FORGET, {"targets": list(targets), "now": now})

    async def lock(self, targets: Sequence[UUID]) -> None:
        """Keep others from following or unfollowing these targets until the transaction ends."""
        await self.session.execute(statements.LOCK, {"targets": list(targets)})

    async def invalidate(self, targets: Sequence[UUID]) -> None:
        """Have the next fetch of targets compared with what is stored, even if the body is the same."""
        await self.session.execute(statements.INVALIDATE, {"targets": list(targets)})

    async def reset_failures(self, targets: Sequence[UUID]) -> None:
        """Reset the failures of targets to 0."""
        await self.lock(targets)
        await self.session.execute(statements.RESET_FAILURES, {"targets": list(targets)})

    async def erase(self, targets: Sequence[UUID]) -> None:
        """Delete targets with their runs and their entries in the activity log."""
        await self.lock(targets)
        await self.session.execute(statements.ERASE, {"targets": list(targets)})
        await ActivityRepository(self.session).forget_subjects("target", targets)

    async def remove_ownerless_runs(self, after: UUID, *, targets: int, limit: int) -> tuple[UUID | None, int]:
        """Check the next `targets` targets that have runs, and remove up to `limit` runs of targets that are erased.

        Returns the last checked target, None after the end, and the number of removed runs.
        """
        parameters = {"after": after, "targets": targets, "limit": limit}
        row = (await self.session.execute(statements.REMOVE_OWNERLESS, parameters)).one()
        return row.last, row.removed

    async def is_paused(self, source: str) -> bool:
        """True if an admin has paused the source."""
        return bool((await self.session.execute(statements.IS_PAUSED, {"source": source})).scalar_one())

    async def pause(self, source: str, *, reason: str | None, now: datetime) -> SourcePaused:
        """Stop claiming targets of a source; an existing pause keeps its start and gets this reason."""
        values = {"source": source, "reason": reason, "now": now}
        row = (await self.session.execute(statements.PAUSE, values)).one()
        return SourcePaused(since=row.since, reason=row.reason)

    async def resume(self, source: str) -> bool:
        """Claim targets of a source again; True if it was paused."""
        result = await self.session.execute(statements.RESUME, {"source": source})
        return bool(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

    async def redrive(self, source: str, *, now: datetime, limit: int) -> int:
        """Give up to `limit` dead targets a new run, due now; returns their number."""
        values = {"source": source, "trigger": Trigger.REQUEST, "now": now, "limit": limit}
        return int((await self.session.execute(statements.REDRIVE, values)).scalar_one())

    async def _started(self, rows: Sequence[Any], *, now: datetime) -> list[Lease]:
        """Leases of the claimed rows; requested runs are in progress from now on."""
        if asked_for := [row.run_id for row in rows if row.asked_for]:
            await self.session.execute(statements.START, {"runs": asked_for, "now": now})
        return [Lease(row.target_id, row.run_id, row.lease_until) for row in rows]

    async def _all(self, statement: TextClause, **parameters: Any) -> Sequence[Any]:
        return (await self.session.execute(statement, parameters)).all()


def dead_letter_reason(dead_after: int) -> str:
    """Error of a target that was given up because it lost its workers."""
    return f"{dead_after} workers were lost while they fetched this; ask for a refresh to try again"


def _columns(claims: Sequence[Lease]) -> dict[str, list[Any]]:
    return {
        "targets": [claim.target_id for claim in claims],
        "runs": [claim.run_id for claim in claims],
        "leases": [claim.lease_until for claim in claims],
    }
