"""Making the digests that are due: built for a batch of people at once, entered in the ledger and handed to the sender
in one transaction, so that each is made once however many schedulers there are, and none is half made.

The window begins where the last digest that was sent, or found nothing, ended: a day that was missed is told with the
next. One that was made and could not be sent yet is given up for the later one, which tells its news too.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.database import Database, connection_was_lost
from shared.ids import new_id
from users.notifications.digest import READY, Digest, DigestSection, DigestWindow, DigestWriter, composed
from users.notifications.digest_repository import DigestRepository, DueDigest, LedgerRow, Outgoing
from users.notifications.digest_schedule import last_due, length_of, next_due, period_of
from users.notifications.digest_schemas import DigestsRun
from users.notifications.job_enqueuer import JobEnqueuer

BATCH_SIZE: Final = 100
"""People of one transaction; memory holds the digests of so many."""
RUNS_FOR: Final = 45.0
"""Seconds for which a run takes up new ones."""
AGAIN_AFTER: Final = timedelta(minutes=2)
FAILED_AGAIN_AFTER: Final = timedelta(minutes=15)


class DigestBuilder:
    """Builds digests from what modules bring, on the session that is open."""

    def __init__(self, *, digests: DigestRepository, writers: Sequence[DigestWriter], settling: timedelta) -> None:
        self._digests = digests
        self._writers = writers
        self._settling = settling

    def window_of(self, due: DueDigest, now: datetime) -> tuple[datetime, datetime]:
        """Since when, and until when; transactions that are under way may still write what lies later.

        Who gave digests up and has them again is not told what was news meanwhile.
        """
        first = due.created_at - length_of(due.period)
        return max(due.told_until or first, first), now - self._settling

    async def build(
        self, spans: dict[UUID, tuple[datetime, datetime]], zones: Mapping[UUID, str]
    ) -> dict[UUID, Digest]:
        """Digests by person; those without entries tell nothing."""
        modes = await self._digests.modes(list(spans))
        windows = [
            DigestWindow(
                user_id=user_id, since=since, until=until, time_zone=zones[user_id], modes=modes.get(user_id, {})
            )
            for user_id, (since, until) in spans.items()
        ]
        sections: dict[UUID, list[DigestSection]] = {}
        for writer in self._writers:
            for user_id, brought in (await writer.sections(windows)).items():
                sections.setdefault(user_id, []).extend(brought)
        return {window.user_id: composed(window, sections.get(window.user_id, [])) for window in windows}


class DigestRun:
    """Sees to the digests that are due."""

    def __init__(
        self,
        *,
        database: Database,
        digests: Callable[[], DigestRepository],
        builder: Callable[[], DigestBuilder],
        enqueuer: Callable[[], JobEnqueuer],
        clock: Clock,
    ) -> None:
        self._database = database
        self._digests = digests
        self._builder = builder
        self._enqueuer = enqueuer
        self._clock = clock

    async def run(self) -> DigestsRun:
        """A batch at a time, until none is due or the run's time is over."""
        until = monotonic() + RUNS_FOR
        done = DigestsRun()
        while True:
            seen, batch = await self._batch()
            done = done.plus(batch)
            if seen < BATCH_SIZE or monotonic() >= until:
                return done

    async def run_for(self, user_id: UUID) -> DigestsRun:
        """One person's of the present period, due or not."""
        async with self._database.unit_of_work():
            return await self._make(await self._digests().claim_one(user_id))

    async def _batch(self) -> tuple[int, DigestsRun]:
        """One transaction; where it fails, one for each of its people, so that nobody's poison is everybody's."""
        now = self._clock.now()
        due: list[DueDigest] = []
        try:
            async with self._database.unit_of_work():
                due = await self._digests().claim_due(now=now, limit=BATCH_SIZE)
                return len(due), await self._make(due)
        except Exception as error:
            if connection_was_lost(error) or not due:
                raise
            structlog.get_logger(__name__).exception("digests_failed", people=len(due))
        done = DigestsRun()
        for one in due:
            done = done.plus(await self._alone(one.user_id))
        return len(due), done

    async def _alone(self, user_id: UUID) -> DigestsRun:
        try:
            return await self.run_for(user_id)
        except Exception as error:
            if connection_was_lost(error):
                raise
            structlog.get_logger(__name__).exception("digest_failed", user_id=str(user_id))
        now = self._clock.now()
        async with self._database.unit_of_work():
            for one in await self._digests().claim_one(user_id):
                await self._digests().plan({user_id: now + FAILED_AGAIN_AFTER}, {user_id: one.time_zone})
        return DigestsRun(put_off=1)

    async def _make(self, due: Sequence[DueDigest]) -> DigestsRun:
        """Make what is due of people who are held."""
        if not due:
            return DigestsRun()
        now, digests, builder = self._clock.now(), self._digests(), self._builder()
        next_at = {one.user_id: next_due(one.plan, now) for one in due}
        moved_only = {one.user_id for one in due if one.moved and one.next_at > now}
        periods = {one.user_id: period_of(one.plan, last_due(one.plan, now)) for one in due}
        had = await digests.had(periods)
        waiting = [one.open_id for one in due if one.open_id is not None and one.open_state == "pending"]
        begun = await digests.lock_open(waiting, now=now) if waiting else set()
        busy = {one.user_id for one in due if one.open_id in begun}
        next_at |= dict.fromkeys(busy - had - moved_only, now + AGAIN_AFTER)
        ready = [one for one in due if one.channel_id is not None and one.user_id not in had | busy | moved_only]
        zones = {one.user_id: one.time_zone for one in due}
        built = await builder.build({one.user_id: builder.window_of(one, now) for one in ready}, zones) if ready else {}
        ledger: list[LedgerRow] = []
        outgoing: list[Outgoing] = []
        for one in ready:
            row, mail = self._entered(one, periods[one.user_id], built[one.user_id])
            ledger.append(row)
            outgoing += mail
        open_ones = {
            one.open_id: (one.open_delivery, "superseded" if one.open_state == "pending" else "failed")
            for one in ready
            if one.open_id is not None
        }
        if open_ones:
            await digests.close(open_ones)
        if ledger:
            await digests.add(ledger, now=now)
        if outgoing:
            await digests.send(READY, outgoing, now=now)
            self._enqueuer().send()
        await digests.plan(next_at, zones)
        counted = DigestsRun(
            sent_off=len(outgoing),
            empty=len(ledger) - len(outgoing),
            had=len(had - moved_only),
            without_mailbox=sum(one.channel_id is None and one.user_id not in had | moved_only for one in due),
            put_off=len(busy - had - moved_only),
        )
        structlog.get_logger(__name__).info("digests_made", people=len(due), sent_off=counted.sent_off)
        return counted

    @staticmethod
    def _entered(one: DueDigest, period: str, digest: Digest) -> tuple[LedgerRow, list[Outgoing]]:
        digest_id, delivery_id = new_id(), new_id()
        row = LedgerRow(
            id=digest_id,
            user_id=one.user_id,
            period=period,
            since=digest.since,
            until=max(digest.since, digest.until),
            entries=digest.entries,
            state="pending" if digest.entries else "empty",
            delivery_id=delivery_id if digest.entries else None,
        )
        if not digest.entries or one.channel_id is None:
            return row, []
        mail = Outgoing(
            id=new_id(),
            delivery_id=delivery_id,
            channel_id=one.channel_id,
            user_id=one.user_id,
            aggregate=f"digest:{digest_id}",
            payload=digest,
        )
        return row, [mail]
