"""The job that claims due deliveries, writes messages, sends them outside any transaction and stores the results.

A process has one run at a time. A channel gets one message at a time, in order. A message that hangs takes one place of
the run and one place of its host, until its time limit.
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
"""Messages in progress per process."""
CLAIMS_FOR: Final = 15.0
"""Seconds for which a run claims new work."""
POLL_INTERVAL_S: Final = 0.25
"""Seconds between two claims, even if messages hang."""
GATHERS_FOR: Final = 0.02
"""Seconds for which results are collected, to be stored together."""
ROUNDS: Final = 3
"""Messages that are claimed per place of a host, at most."""
IN_A_ROW: Final = 10
"""Failures in a row after which a channel is suspended."""
FIRST_REST: Final = 60.0
MAX_COOLDOWN_S: Final = 6 * 3600.0
SendTimeLines = Mapping[UUID, Sequence[str] | DeliveryState]
"""Event id -> lines for the person alone, or the state in which the delivery ends without being sent."""


class DeliverySender:
    """Sends due deliveries."""

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
        self._send_time_writers = {
            event: writer for event, writer in self._writers.items() if isinstance(writer, SendTimeWriter)
        }
        self._transports = transports
        self._encryption = encryption
        self._clock = clock
        self._telemetry = telemetry
        self._per_host = per_host
        self._lease = timedelta(seconds=60 + ROUNDS * (timeout + 1))
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._running = False

    async def send_due(self) -> None:
        """Send until nothing is due; return at once if this process has a run already."""
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
                # Claims are costly when much is due: wait until half of the places are free or the interval is over.
                if (now := monotonic()) < until and (len(under_way) <= BATCH_SIZE // 2 or next_poll_at <= now):
                    next_poll_at = now + POLL_INTERVAL_S
                    for claimed in await self._claim(under_way.values()):
                        under_way[asyncio.create_task(self._deliver(claimed))] = claimed
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
        """Claim due messages; postpone messages to the end of quiet hours."""
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
            waiting = {channel.channel_id: until for channel in claimed if (until := _quiet(channel, now)) is not None}
            if waiting:
                await deliveries.keep_quiet(waiting, now=now)
        return [channel for channel in claimed if channel.channel_id not in waiting]

    async def _deliver(self, claimed: Claimed) -> Settled:
        """Write and send one message; return its result, also if it fails."""
        try:
            send_time_lines = await self._enrich_at_send(claimed)
        except SendFailed as failure:
            return self._failed(claimed, failure, [delivery.delivery_id for delivery in claimed.deliveries], [])
        outbound, settled = self._written(claimed, send_time_lines)
        if not outbound.news:
            return _settled(claimed, settled, failures=claimed.failures)
        event_ids = {update.event.id for update in outbound.news}
        ids = [delivery.delivery_id for delivery in claimed.deliveries if delivery.event.id in event_ids]
        try:
            await self._send(claimed, outbound)
        except SendFailed as failure:
            return self._failed(claimed, failure, ids, settled)
        except Exception:  # noqa: BLE001 -- a bug in one transport must not end the whole run
            structlog.get_logger(__name__).exception("notification_failed", channel_id=str(claimed.channel_id))
            return self._failed(claimed, SendFailed("an internal error; it is logged", ours=True), ids, settled)
        sent = [SettledDelivery(id=delivery_id, state=DeliveryState.SENT) for delivery_id in ids]
        return _settled(claimed, [*settled, *sent], failures=0)

    async def _enrich_at_send(self, claimed: Claimed) -> SendTimeLines:
        """Call the SendTimeWriters of the events. Raises SendFailed if the database connection is lost."""
        events_by_writer: defaultdict[SendTimeWriter, list[Event]] = defaultdict(list)
        for delivery in claimed.deliveries:
            if (writer := self._send_time_writers.get(delivery.event.event)) is not None and not delivery.gone:
                events_by_writer[writer].append(delivery.event)
        lines: dict[UUID, Sequence[str] | DeliveryState] = {}
        for writer, events in events_by_writer.items():
            try:
                async with self._database.unit_of_work():
                    written: Mapping[UUID, Sequence[str]] = await writer.enrich_at_send(events)
            except Exception as error:
                if connection_was_lost(error):
                    raise SendFailed("the database was not available", ours=True) from error
                structlog.get_logger(__name__).exception("message_failed", channel_id=str(claimed.channel_id))
                lines |= dict.fromkeys((event.id for event in events), DeliveryState.FAILED)
            else:
                lines |= {event.id: written.get(event.id, DeliveryState.SKIPPED) for event in events}
        return lines

    async def _send(self, claimed: Claimed, outbound: OutboundMessage) -> None:
        try:
            target = msgspec.json.decode(self._encryption.open(claimed.channel_id, claimed.target), type=ChannelAddress)
        except Unsealable as error:
            raise SendFailed(str(error), for_good=True) from error
        host = self._hosts.setdefault(claimed.host, asyncio.Semaphore(self._per_host))
        async with host:
            await self._transports[claimed.kind].send(target, outbound)

    def _written(
        self, claimed: Claimed, send_time_lines: SendTimeLines
    ) -> tuple[OutboundMessage, list[SettledDelivery]]:
        """Return the message, and the deliveries that end without being sent."""
        locale = RecipientLocale(locale=claimed.locale, time_zone=claimed.time_zone)
        updates, settled = [], []
        for delivery in claimed.deliveries:
            lines = send_time_lines.get(delivery.event.id, ())
            message = self._message(delivery, locale, lines)
            if isinstance(message, SettledDelivery):
                settled.append(message)
                continue
            if claimed.guild_id is None and not isinstance(lines, DeliveryState):
                message = msgspec.structs.replace(message, lines=(*message.lines, *lines))
            updates.append(MessageUpdate(event=delivery.event, message=message))
        return OutboundMessage(id=claimed.message_id, news=tuple(updates)), settled

    def _message(
        self, delivery: ExportedNotification, locale: RecipientLocale, lines: Sequence[str] | DeliveryState
    ) -> Message | SettledDelivery:
        def without(state: DeliveryState, why: str) -> SettledDelivery:
            return SettledDelivery(id=delivery.delivery_id, state=state, tried=False, error=why)

        if delivery.gone:
            return without(DeliveryState.SKIPPED, "the recipient has left or is deactivated")
        if lines is DeliveryState.SKIPPED:
            return without(lines, "the update is outdated")
        if lines is DeliveryState.FAILED:
            return without(lines, "an internal error; it is logged")
        writer = self._writers.get(delivery.event.event)
        if writer is None:
            return without(DeliveryState.FAILED, f"there is no message for {delivery.event.event}")
        try:
            message = writer.write(delivery.event, delivery.subject_id, locale)
        except Exception:  # noqa: BLE001 -- a bug in one writer must not stop the other messages
            structlog.get_logger(__name__).exception("message_failed", delivery_id=str(delivery.delivery_id))
            return without(DeliveryState.FAILED, "an internal error; it is logged")
        return message or without(DeliveryState.SKIPPED, "there was nothing to report")

    def _failed(
        self, claimed: Claimed, failure: SendFailed, ids: Sequence[UUID], settled: Sequence[SettledDelivery]
    ) -> Settled:
        failures = claimed.failures + (not failure.ours)
        suspended = failure.for_good or failures >= IN_A_ROW
        rests_until = None if suspended else self._clock.now() + timedelta(seconds=rest(failures, failure.retry_after))
        state = DeliveryState.FAILED if suspended else DeliveryState.PENDING
        unsent = [
            SettledDelivery(id=delivery_id, state=state, error=failure.why, due_at=rests_until) for delivery_id in ids
        ]
        return _settled(
            claimed,
            [*settled, *unsent],
            failures=failures,
            error=failure.why,
            rests_until=rests_until,
            suspended=suspended,
        )

    async def _settle(self, outcomes: Sequence[tuple[Claimed, Settled]]) -> None:
        """Store results; drop the results of channels whose lease was lost."""
        if not outcomes:
            return
        now = self._clock.now()
        claimed = {channel.channel_id: channel for channel, _ in outcomes}
        async with self._database.unit_of_work():
            deliveries = self._deliveries()
            written = await deliveries.settle([settled for _, settled in outcomes], now=now)
            for outcome in written:
                if outcome.suspended:
                    await self._suspended(deliveries, claimed[outcome.channel_id], str(outcome.error), now)
        counted = {outcome.channel_id: _outcome(outcome) for outcome in written}
        for channel, _ in outcomes:
            self._telemetry.delivered(channel.kind, counted.get(channel.channel_id, "lost"))

    async def _suspended(self, deliveries: DeliveryRepository, claimed: Claimed, because: str, now: datetime) -> None:
        """Record the suspension, and notify the owner through another channel if they have one."""
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
    """Return the outcome of a message, for the metric."""
    if settled.suspended:
        return "suspended"
    if settled.error is not None:
        return "failed"
    return "sent" if any(delivery.state is DeliveryState.SENT for delivery in settled.deliveries) else "nothing"


def rest(failures: int, retry_after: float | None) -> float:
    """Return the cooldown in seconds after failures in a row; `retry_after` of the receiver takes precedence."""
    if retry_after is not None:
        return min(max(retry_after, 0.1), MAX_COOLDOWN_S)
    return min(FIRST_REST * 2.0 ** max(0, failures - 1), MAX_COOLDOWN_S)


def _quiet(claimed: Claimed, now: datetime) -> datetime | None:
    """Return the end of quiet hours; None outside them, or if the message is about the channel itself."""
    if claimed.quiet is None or any(delivery.subject_id == claimed.channel_id for delivery in claimed.deliveries):
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
