"""Makes the digests that are due.

One transaction builds the digests of a batch of people, stores them in the ledger and hands them to the sender. So each
digest is made once, however many schedulers run, and none is half made.

The window of a digest begins where the window of the last sent or empty digest ended, so the digest after a missed day
covers that day too. A digest that could not be sent yet is superseded by the next one, which contains its updates.
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
"""People per transaction; memory holds the digests of that many."""
RUNS_FOR: Final = 45.0
"""Seconds for which a run starts new batches."""
AGAIN_AFTER: Final = timedelta(minutes=2)
FAILED_AGAIN_AFTER: Final = timedelta(minutes=15)


class DigestBuilder:
    """Builds digests from the sections of modules, on the open session."""

    def __init__(self, *, digests: DigestRepository, writers: Sequence[DigestWriter], settling: timedelta) -> None:
        self._digests = digests
        self._writers = writers
        self._settling = settling

    def window_of(self, due: DueDigest, now: datetime) -> tuple[datetime, datetime]:
        """Return begin and end of the window of a person's digest.

        It ends a while before now, because open transactions may still write later rows. It begins at most one period
        before the person switched digests on, so it leaves out updates from a time without digests.
        """
        first = due.created_at - length_of(due.period)
        return max(due.told_until or first, first), now - self._settling

    async def build(
        self, spans: dict[UUID, tuple[datetime, datetime]], zones: Mapping[UUID, str]
    ) -> dict[UUID, Digest]:
        """Build digests by person; a digest without entries is not sent."""
        modes = await self._digests.modes(list(spans))
        windows = [
            DigestWindow(
                user_id=user_id, since=since, until=until, time_zone=zones[user_id], modes=modes.get(user_id, {})
            )
            for user_id, (since, until) in spans.items()
        ]
        sections: dict[UUID, list[DigestSection]] = {}
        for writer in self._writers:
            for user_id, of_person in (await writer.sections(windows)).items():
                sections.setdefault(user_id, []).extend(of_person)
        return {window.user_id: composed(window, sections.get(window.user_id, [])) for window in windows}


class DigestRun:
    """Makes the digests that are due."""

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
        """Make digests batch by batch, until none is due or the time of the run is over."""
        until = monotonic() + RUNS_FOR
        done = DigestsRun()
        while True:
            people, batch = await self._batch()
            done = done.plus(batch)
            if people < BATCH_SIZE or monotonic() >= until:
                return done

    async def run_for(self, user_id: UUID) -> DigestsRun:
        """Make one person's digest of the present period, due or not."""
        async with self._database.unit_of_work():
            return await self._make(await self._digests().claim_one(user_id))

    async def _batch(self) -> tuple[int, DigestsRun]:
        """Make a batch in one transaction. If that fails, use one per person, so that one fault stops nobody else.

        Return the number of people, and the counts.
        """
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
        for person in due:
            done = done.plus(await self._alone(person.user_id))
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
            for person in await self._digests().claim_one(user_id):
                await self._digests().plan({user_id: now + FAILED_AGAIN_AFTER}, {user_id: person.time_zone})
        return DigestsRun(put_off=1)

    async def _make(self, due: Sequence[DueDigest]) -> DigestsRun:
        """Make the digests of people whose rows are locked."""
        if not due:
            return DigestsRun()
        now, digests, builder = self._clock.now(), self._digests(), self._builder()
        next_at = {person.user_id: next_due(person.plan, now) for person in due}
        moved_only = {person.user_id for person in due if person.moved and person.next_at > now}
        periods = {person.user_id: period_of(person.plan, last_due(person.plan, now)) for person in due}
        had = await digests.had(periods)
        waiting = [person.open_id for person in due if person.open_id is not None and person.open_state == "pending"]
        begun = await digests.lock_open(waiting, now=now) if waiting else set()
        busy = {person.user_id for person in due if person.open_id in begun}
        next_at |= dict.fromkeys(busy - had - moved_only, now + AGAIN_AFTER)
        left_out = had | busy | moved_only
        ready = [person for person in due if person.channel_id is not None and person.user_id not in left_out]
        zones = {person.user_id: person.time_zone for person in due}
        windows = {person.user_id: builder.window_of(person, now) for person in ready}
        built = await builder.build(windows, zones) if ready else {}
        ledger: list[LedgerRow] = []
        outgoing: list[Outgoing] = []
        for person in ready:
            row, mail = self._row_and_mail(person, periods[person.user_id], built[person.user_id])
            ledger.append(row)
            outgoing += mail
        open_digests = {
            person.open_id: (person.open_delivery, "superseded" if person.open_state == "pending" else "failed")
            for person in ready
            if person.open_id is not None
        }
        if open_digests:
            await digests.close(open_digests)
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
            without_mailbox=sum(person.channel_id is None and person.user_id not in had | moved_only for person in due),
            put_off=len(busy - had - moved_only),
        )
        structlog.get_logger(__name__).info("digests_made", people=len(due), sent_off=counted.sent_off)
        return counted

    @staticmethod
    def _row_and_mail(person: DueDigest, period: str, digest: Digest) -> tuple[LedgerRow, list[Outgoing]]:
        digest_id, delivery_id = new_id(), new_id()
        row = LedgerRow(
            id=digest_id,
            user_id=person.user_id,
            period=period,
            since=digest.since,
            until=max(digest.since, digest.until),
            entries=digest.entries,
            state="pending" if digest.entries else "empty",
            delivery_id=delivery_id if digest.entries else None,
        )
        if not digest.entries or person.channel_id is None:
            return row, []
        mail = Outgoing(
            id=new_id(),
            delivery_id=delivery_id,
            channel_id=person.channel_id,
            user_id=person.user_id,
            aggregate=f"digest:{digest_id}",
            payload=digest,
        )
        return row, [mail]
