"""The engine's questions to the database, a named method each; their SQL is in statements.py."""

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
    """A target that is held: by which run, and by which lease; a later lease of the same run is another one."""

    target_id: UUID
    run_id: UUID
    lease_until: datetime


LAST_TRIES: Final = 2
"""Tries before a target is given up that it makes alone: who merely stood beside a killer is then safe."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended, as the settle statement takes it."""

    target_id: UUID
    run_id: UUID
    status: Status
    started_at: datetime
    due_at: datetime | str
    parser_version: int
    failures: int
    """In a row, of the same kind."""
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
    """A target whose worker was lost; `dead` when that happened too often."""

    target_id: UUID
    run_id: UUID
    dead: bool


class SourcePaused(msgspec.Struct, frozen=True, kw_only=True):
    """Since when, and why, nothing of a source is looked at."""

    since: datetime
    reason: str | None


class ScrapingRepository(Repository):
    """Targets, their schedule and their runs."""

    async def claim_due(self, source: str, *, now: datetime, lease_until: datetime, limit: int) -> list[Lease]:
        """Take up to `limit` due targets of a source, who waits first; the rows are leased until `lease_until`."""
        rows = await self._all(statements.CLAIM, source=source, now=now, lease_until=lease_until, limit=limit)
        return await self._started(rows, now=now)

    async def claim_quarantined(self, source: str, *, now: datetime, lease_until: datetime) -> list[Lease]:
        """Take one due target over which workers were lost before; none while another such one is under way."""
        rows = await self._all(statements.CLAIM_QUARANTINED, source=source, now=now, lease_until=lease_until)
        return await self._started(rows, now=now)

    async def claim_one(self, target: UUID, *, now: datetime, lease_until: datetime) -> Lease | None:
        """Take one target that is asked for, whatever is due; None while somebody else holds it."""
        row = (
            await self.session.execute(statements.CLAIM_ONE, {"target": target, "now": now, "lease_until": lease_until})
        ).one_or_none()
        return Lease(*row) if row else None

    async def take_turn_to_claim(self, source: str) -> None:
        """Wait until no other dispatcher counts and claims targets of this source; holds until the transaction ends."""
        await self.session.execute(statements.TAKE_TURN, {"source": source})

    async def leased_count(self, source: str, *, limit: int) -> int:
        """How many targets of a source are held by workers, counted up to `limit`."""
        statement = text(
            "SELECT count(*) FROM (SELECT 1 FROM scrape_schedule"
            " WHERE source = :source AND lease_until IS NOT NULL LIMIT :limit) AS held"
        )
        result = await self.session.execute(statement, {"source": source, "limit": limit})
        return int(result.scalar_one())

    async def leased(self, claims: Sequence[Lease], *, now: datetime) -> list[Target]:
        """The targets that these claims still hold."""
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
        """Lock the targets that these claims still hold, so that nobody else settles them meanwhile."""
        return {row.target_id for row in await self._all(statements.LOCK_LEASED, **_columns(claims))}

    async def renew(self, claims: Sequence[Lease], *, now: datetime, lease_until: datetime) -> list[Lease]:
        """Hold on to what these claims still hold, until `lease_until`; the claims that hold it from now on."""
        rows = await self._all(statements.RENEW, **_columns(claims), now=now, lease_until=lease_until)
        return [Lease(*row) for row in rows]

    async def finish(self, results: Sequence[RunResult], *, now: datetime) -> None:
        """End runs: the target's counters and validators, its next due time, the run's row."""
        finished = msgspec.json.encode(results).decode()
        await self.session.execute(statements.FINISH, {"finished": finished, "now": now})

    async def release(self, claims: Sequence[Lease], *, due_at: datetime) -> None:
        """Give targets back unvisited, to be looked at again from `due_at`; what was asked for stays pending."""
        await self.lock_leased(claims)  # in the order that everybody locks in
        await self.session.execute(statements.RELEASE, {**_columns(claims), "due_at": due_at})

    async def reclaim_expired(self, source: str, *, now: datetime, dead_after: int) -> list[Reclaimed]:
        """Take back the targets of lost workers; one that lost `dead_after` of them waits to be re-driven by hand."""
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
        """Follow targets, new ones and known ones alike, at this interval from now on. key -> target id."""
        keys, seconds = list(addresses), round(interval.total_seconds())
        made = {"keys": keys, "addresses": list(addresses.values()), "ids": [new_id() for _ in keys]}
        while True:
            await self.session.execute(statements.TRACK, {"source": source, **made, "interval": seconds, "now": now})
            await self.session.execute(statements.LOCK_KNOWN, {"source": source, "keys": keys})  # as everybody, first
            rows = await self._all(statements.SCHEDULE, source=source, keys=keys, interval=seconds, now=now)
            if len(rows) == len(keys):  # else somebody erased one while it was waited for, and it is made anew
                return {row.key: row.id for row in rows}

    async def ask_for_runs(
        self, targets: Sequence[UUID], *, trigger: Trigger, priority: Priority, now: datetime
    ) -> dict[UUID, UUID]:
        """Put targets ahead and give each a run that can be asked about; one that is pending or under way is kept.

        target id -> run id; targets that are not followed are left out.
        """
        await self.lock(targets)
        # A statement of its own, begun when the locks are held: who waited for one must see what the other wrote.
        found = await self._all(statements.RUNS_ASKED_FOR, targets=list(targets))
        runs = {row.target_id: row.run_id or new_id() for row in found}
        known = [row.target_id for row in found if row.known]
        if known:
            await self.session.execute(statements.BOOST, {"targets": known, "priority": int(priority), "now": now})
        fresh = [row for row in found if not row.known]
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
        """Have targets looked at in these priorities from now on."""
        await self.lock(list(priorities))
        placed = {"targets": list(priorities), "priorities": [int(priority) for priority in priorities.values()]}
        await self.session.execute(statements.SET_PRIORITY, {**placed, "now": now})

    async def set_interval(self, target: UUID, *, interval: timedelta, steady: bool, now: datetime) -> None:
        """Have a target looked at this often from now on."""
        values = {"target": target, "interval": round(interval.total_seconds()), "steady": steady}
        await self.session.execute(statements.SET_INTERVAL, {**values, "latest": now + interval})

    async def count_ahead(self, source: str, target: UUID, *, now: datetime, most: int) -> int:
        """How many targets of a source are looked at before one, in each priority counted up to a bound."""
        values = {"source": source, "target": target, "now": now, "most": most}
        return int((await self.session.execute(statements.COUNT_AHEAD, values)).scalar_one())

    async def typical_seconds(self, target: UUID) -> float | None:
        """Median seconds of a target's last runs, from start to end; None where there was none."""
        found = (await self.session.execute(statements.TYPICAL, {"target": target})).scalar_one()
        return None if found is None else float(found)

    async def forget(self, targets: Sequence[UUID], *, now: datetime) -> None:
        """Stop looking at targets; their history stays."""
        await self.lock(targets)
        await self.session.execute(statements.FORGET, {"targets": list(targets), "now": now})

    async def lock(self, targets: Sequence[UUID]) -> None:
        """Keep others from following, or no longer following, these targets until the transaction ends."""
        await self.session.execute(statements.LOCK, {"targets": list(targets)})

    async def invalidate(self, targets: Sequence[UUID]) -> None:
        """Compare the next body of these with what is stored, even where it is the same as the last."""
        await self.session.execute(statements.INVALIDATE, {"targets": list(targets)})

    async def reset_failures(self, targets: Sequence[UUID]) -> None:
        """Count the failures of these from none again."""
        await self.lock(targets)
        await self.session.execute(statements.RESET_FAILURES, {"targets": list(targets)})

    async def erase(self, targets: Sequence[UUID]) -> None:
        """Delete targets with their runs."""
        await self.lock(targets)
        await self.session.execute(statements.ERASE, {"targets": list(targets)})
        await ActivityRepository(self.session).forget_subjects("target", targets)

    async def remove_ownerless_runs(self, after: UUID, *, targets: int, limit: int) -> tuple[UUID | None, int]:
        """Look at the next targets that have runs, and remove runs of those that are gone, so many at most.

        The last target that was looked at, None after all of them; how many runs went.
        """
        parameters = {"after": after, "targets": targets, "limit": limit}
        row = (await self.session.execute(statements.REMOVE_OWNERLESS, parameters)).one()
        return row.last, row.removed

    async def is_paused(self, source: str) -> bool:
        """Whether an operator has paused a source."""
        return bool((await self.session.execute(statements.IS_PAUSED, {"source": source})).scalar_one())

    async def pause(self, source: str, *, reason: str | None, now: datetime) -> SourcePaused:
        """Claim nothing of a source from now on; one that is paused already stays so, for this reason."""
        values = {"source": source, "reason": reason, "now": now}
        row = (await self.session.execute(statements.PAUSE, values)).one()
        return SourcePaused(since=row.since, reason=row.reason)

    async def resume(self, source: str) -> bool:
        """Claim of a source again; whether it was paused."""
        result = await self.session.execute(statements.RESUME, {"source": source})
        return bool(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

    async def redrive(self, source: str, *, now: datetime, limit: int) -> int:
        """Give up to `limit` targets that were given up another run, due now; how many."""
        values = {"source": source, "trigger": Trigger.REQUEST, "now": now, "limit": limit}
        return int((await self.session.execute(statements.REDRIVE, values)).scalar_one())

    async def _started(self, rows: Sequence[Any], *, now: datetime) -> list[Lease]:
        """What was claimed; of what was asked for the task is under way from now on."""
        if asked_for := [row.run_id for row in rows if row.asked_for]:
            await self.session.execute(statements.START, {"runs": asked_for, "now": now})
        return [Lease(row.target_id, row.run_id, row.lease_until) for row in rows]

    async def _all(self, statement: TextClause, **parameters: Any) -> Sequence[Any]:
        return (await self.session.execute(statement, parameters)).all()


def dead_letter_reason(dead_after: int) -> str:
    """What is said of a target that was given up because it lost its workers."""
    return f"{dead_after} workers were lost while they looked at this; ask for a refresh to try again"


def _columns(claims: Sequence[Lease]) -> dict[str, list[Any]]:
    return {
        "targets": [claim.target_id for claim in claims],
        "runs": [claim.run_id for claim in claims],
        "leases": [claim.lease_until for claim in claims],
    }
