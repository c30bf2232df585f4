"""The job that sends: claims what is due, writes it, sends it outside any transaction, and settles what became of it.

One run at a time in a process. A channel is sent one message at a time, so that its order is kept; what hangs costs one
place among many, and one of its host's, for as long as a message may take.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import msgspec
import structlog

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database, connection_was_lost
from shared.events import Event
from shared.ids import new_id
from shared.observability.telemetry import Telemetry
from users.notifications.delivery_repository import DeliveryRepository, Settled, SettledDelivery
from users.notifications.field_encryption import FieldEncryption, Unsealable
from users.notifications.messages import Message, MessageWriter, RecipientLocale, SendTimeWriter
from users.notifications.outbound_messages import MessageUpdate, OutboundMessage, SendFailed, Transport
from users.notifications.own_messages import SUSPENDED
from users.notifications.quiet import quiet_until
from users.notifications.schemas import ChannelAddress, ChannelKind, Claimed, DeliveryState, ExportedNotification

BATCH_SIZE: Final = 200
"""Messages under way in one process."""
CLAIMS_FOR: Final = 15.0
"""Seconds for which a run takes new work up."""
POLL_INTERVAL_S: Final = 0.25
"""Seconds after which it looks for more, whatever hangs."""
GATHERS_FOR: Final = 0.02
"""Seconds in which outcomes come together, to be written down at once."""
ROUNDS: Final = 3
"""Messages that wait in line for each place of a host."""
IN_A_ROW: Final = 10
"""Failures after which a channel is suspended."""
FIRST_REST: Final = 60.0
MAX_COOLDOWN_S: Final = 6 * 3600.0
LastWords = Mapping[UUID, Sequence[str] | DeliveryState]
"""Event id -> lines for the person alone, or the state in which it ends without being sent."""


class DeliverySender:
    """Sends what is due."""

    def __init__(
        self,
        *,
        database: Database,
        deliveries: Callable[[], DeliveryRepository],
        activity: Callable[[], ActivityLog],
        writers: Sequence[MessageWriter],
        transports: Mapping[ChannelKind, Transport],
        encryption: FieldEncryption,
        clock: Clock,
        telemetry: Telemetry,
        timeout: float,
        per_host: int,
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._activity = activity
        self._writers = {event: writer for writer in writers for event in writer.events}
        self._late = {event: one for event, one in self._writers.items() if isinstance(one, SendTimeWriter)}
        self._transports = transports
        self._encryption = encryption
        self._clock = clock
        self._telemetry = telemetry
        self._per_host = per_host
        self._lease = timedelta(seconds=60 + ROUNDS * (timeout + 1))
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._running = False

    async def send_due(self) -> None:
        """Until nothing is due. While another run of this process is at it, that one looks again by itself."""
        if self._running:
            return
        self._running = True
        try:
            await self._run()
        finally:
            self._running = False
            self._hosts.clear()

    async def _run(self) -> None:
        until = monotonic() + CLAIMS_FOR
        next_poll_at = 0.0
        under_way: dict[asyncio.Task[Settled], Claimed] = {}
        try:
            while True:
                # A look costs the more the more is due: it is worth it for half of the places, or every so often.
                if (now := monotonic()) < until and (len(under_way) <= BATCH_SIZE // 2 or next_poll_at <= now):
                    next_poll_at = now + POLL_INTERVAL_S
                    for claimed in await self._claim(under_way.values()):
                        under_way[asyncio.create_task(self._tell(claimed))] = claimed
                if not under_way:
                    return
                await asyncio.wait(under_way, timeout=POLL_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(GATHERS_FOR)
                done = [task for task in under_way if task.done()]
                await self._settle([(under_way[task], task.result()) for task in done])
                for task in done:
                    del under_way[task]
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _claim(self, under_way: Iterable[Claimed]) -> list[Claimed]:
        """Take up what is due; what meets quiet hours waits for their end."""
        now = self._clock.now()
        busy = Counter(claimed.host for claimed in under_way)
        async with self._database.unit_of_work():
            deliveries = self._deliveries()
            claimed = await deliveries.claim(
                now=now,
                lease_until=now + self._lease,
                limit=max(0, BATCH_SIZE - busy.total()),
                per_host=ROUNDS * self._per_host,
                busy=busy,
            )
            waiting = {one.channel_id: until for one in claimed if (until := _quiet(one, now)) is not None}
            if waiting:
                await deliveries.keep_quiet(waiting, now=now)
        return [one for one in claimed if one.channel_id not in waiting]

    async def _tell(self, claimed: Claimed) -> Settled:
        """Write and send one message; whatever happens, what became of it."""
        try:
            enrich_at_send = await self._enrich_at_send(claimed)
        except SendFailed as failure:
            return self._failed(claimed, failure, [one.delivery_id for one in claimed.deliveries], [])
        outbound, settled = self._written(claimed, enrich_at_send)
        if not outbound.news:
            return _settled(claimed, settled, failures=claimed.failures)
        told = {one.event.id for one in outbound.news}
        ids = [one.delivery_id for one in claimed.deliveries if one.event.id in told]
        try:
            await self._send(claimed, outbound)
        except SendFailed as failure:
            return self._failed(claimed, failure, ids, settled)
        except Exception:  # noqa: BLE001 -- a bug of ours in one carrier must not end the run of all
            structlog.get_logger(__name__).exception("notification_failed", channel_id=str(claimed.channel_id))
            return self._failed(claimed, SendFailed("a fault of ours; it is logged", ours=True), ids, settled)
        sent = [SettledDelivery(id=one, state=DeliveryState.SENT) for one in ids]
        return _settled(claimed, [*settled, *sent], failures=0)

    async def _enrich_at_send(self, claimed: Claimed) -> LastWords:
        """Ask those modules once more that want to be asked. Raises SendFailed where the database is away."""
        asked: defaultdict[SendTimeWriter, list[Event]] = defaultdict(list)
        for told in claimed.deliveries:
            if (writer := self._late.get(told.event.event)) is not None and not told.gone:
                asked[writer].append(told.event)
        words: dict[UUID, Sequence[str] | DeliveryState] = {}
        for writer, events in asked.items():
            try:
                async with self._database.unit_of_work():
                    said: Mapping[UUID, Sequence[str]] = await writer.enrich_at_send(events)
            except Exception as error:
                if connection_was_lost(error):
                    raise SendFailed("the database was away", ours=True) from error
                structlog.get_logger(__name__).exception("message_failed", channel_id=str(claimed.channel_id))
                words |= dict.fromkeys((event.id for event in events), DeliveryState.FAILED)
            else:
                words |= {event.id: said.get(event.id, DeliveryState.SKIPPED) for event in events}
        return words

    async def _send(self, claimed: Claimed, outbound: OutboundMessage) -> None:
        try:
            target = msgspec.json.decode(self._encryption.open(claimed.channel_id, claimed.target), type=ChannelAddress)
        except Unsealable as error:
            raise SendFailed(str(error), for_good=True) from error
        host = self._hosts.setdefault(claimed.host, asyncio.Semaphore(self._per_host))
        async with host:
            await self._transports[claimed.kind].send(target, outbound)

    def _written(self, claimed: Claimed, enrich_at_send: LastWords) -> tuple[OutboundMessage, list[SettledDelivery]]:
        """The message, and what is settled without sending it."""
        reader = RecipientLocale(locale=claimed.locale, time_zone=claimed.time_zone)
        news, settled = [], []
        for told in claimed.deliveries:
            words = enrich_at_send.get(told.event.id, ())
            message = self._message(told, reader, words)
            if isinstance(message, SettledDelivery):
                settled.append(message)
                continue
            if claimed.guild_id is None and not isinstance(words, DeliveryState):
                message = msgspec.structs.replace(message, lines=(*message.lines, *words))
            news.append(MessageUpdate(event=told.event, message=message))
        return OutboundMessage(id=claimed.message_id, news=tuple(news)), settled

    def _message(
        self, told: ExportedNotification, reader: RecipientLocale, words: Sequence[str] | DeliveryState
    ) -> Message | SettledDelivery:
        def without(state: DeliveryState, why: str) -> SettledDelivery:
            return SettledDelivery(id=told.delivery_id, state=state, tried=False, error=why)

        if told.gone:
            return without(DeliveryState.SKIPPED, "whoever it was news to is not here any more")
        if words is DeliveryState.SKIPPED:
            return without(words, "it is no news any more")
        if words is DeliveryState.FAILED:
            return without(words, "a fault of ours; it is logged")
        writer = self._writers.get(told.event.event)
        if writer is None:
            return without(DeliveryState.FAILED, f"nobody puts {told.event.event} into words")
        try:
            message = writer.write(told.event, told.subject_id, reader)
        except Exception:  # noqa: BLE001 -- a bug in one module's words must not hold up what others say
            structlog.get_logger(__name__).exception("message_failed", delivery_id=str(told.delivery_id))
            return without(DeliveryState.FAILED, "a fault of ours; it is logged")
        return message or without(DeliveryState.SKIPPED, "there was nothing to say")

    def _failed(
        self, claimed: Claimed, failure: SendFailed, ids: Sequence[UUID], settled: Sequence[SettledDelivery]
    ) -> Settled:
        failures = claimed.failures + (not failure.ours)
        suspended = failure.for_good or failures >= IN_A_ROW
        rests_until = None if suspended else self._clock.now() + timedelta(seconds=rest(failures, failure.retry_after))
        state = DeliveryState.FAILED if suspended else DeliveryState.PENDING
        unsent = [SettledDelivery(id=one, state=state, error=failure.why, due_at=rests_until) for one in ids]
        return _settled(
            claimed,
            [*settled, *unsent],
            failures=failures,
            error=failure.why,
            rests_until=rests_until,
            suspended=suspended,
        )

    async def _settle(self, outcomes: Sequence[tuple[Claimed, Settled]]) -> None:
        """Write outcomes down; of channels that were taken from us meanwhile, nothing."""
        if not outcomes:
            return
        now = self._clock.now()
        claimed = {one.channel_id: one for one, _ in outcomes}
        async with self._database.unit_of_work():
            deliveries = self._deliveries()
            written = await deliveries.settle([settled for _, settled in outcomes], now=now)
            for outcome in written:
                if outcome.suspended:
                    await self._suspended(deliveries, claimed[outcome.channel_id], str(outcome.error), now)
        counted = {outcome.channel_id: _outcome(outcome) for outcome in written}
        for one, _ in outcomes:
            self._telemetry.delivered(one.kind, counted.get(one.channel_id, "lost"))

    async def _suspended(self, deliveries: DeliveryRepository, claimed: Claimed, because: str, now: datetime) -> None:
        """Tell the channel's owner through another one, where there is one."""
        await self._activity().record(
            SUSPENDED,
            subject="channel",
            subject_id=claimed.channel_id,
            user_id=claimed.user_id,
            details={"kind": claimed.kind, "guild_id": claimed.guild_id, "because": because},
        )
        other = await deliveries.another_channel(claimed.channel_id)
        if other is None:
            return
        event = Event(
            id=new_id(),
            event=SUSPENDED,
            aggregate=f"channel:{claimed.channel_id}",
            payload={
                "channel_id": str(claimed.channel_id),
                "name": other.name,
                "address": other.shown,
                "because": because,
            },
            user_id=claimed.user_id,
            occurred_at=now,
        )
        await deliveries.note_event(event, now=now)
        await deliveries.add(new_id(), event.id, other.id, user_id=other.user_id, now=now)


def _outcome(settled: Settled) -> str:
    """What became of a message, for the count."""
    if settled.suspended:
        return "suspended"
    if settled.error is not None:
        return "failed"
    return "sent" if any(one.state is DeliveryState.SENT for one in settled.deliveries) else "nothing"


def rest(failures: int, retry_after: float | None) -> float:
    """Seconds that a channel rests after so many failures in a row; what the other side asks for beats our own."""
    if retry_after is not None:
        return min(max(retry_after, 0.1), MAX_COOLDOWN_S)
    return min(FIRST_REST * 2.0 ** max(0, failures - 1), MAX_COOLDOWN_S)


def _quiet(claimed: Claimed, now: datetime) -> datetime | None:
    """Until when a message waits; what is told of the channel itself was asked for and does not."""
    if claimed.quiet is None or any(told.subject_id == claimed.channel_id for told in claimed.deliveries):
        return None
    begins, ends = claimed.quiet
    return quiet_until(now, zone=claimed.time_zone, begins=begins, ends=ends)


def _settled(
    claimed: Claimed,
    deliveries: Sequence[SettledDelivery],
    *,
    failures: int,
    error: str | None = None,
    rests_until: datetime | None = None,
    suspended: bool = False,
) -> Settled:
    return Settled(
        channel_id=claimed.channel_id,
        lease_until=claimed.lease_until,
        deliveries=deliveries,
        failures=failures,
        error=error,
        rests_until=rests_until,
        suspended=suspended,
    )
