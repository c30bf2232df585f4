"""Telling people that what they wait for is on offer: once a contract and watch, and only while it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from shared.clock import Clock
from shared.events import Event, NewEvent
from shared.outbox.outbox import Outbox
from trackers.contracts.events import CONTRACT_FOUND
from trackers.contracts.messages import FOUND, ContractFound, FoundInWords
from trackers.contracts.watch_repository import WatchRepository
from users.notifications.messages import Notifier, Recipient


class WatchAlerts:
    """Finds who waits for contracts, in the transaction that writes those."""

    def __init__(self, *, watches: WatchRepository, outbox: Outbox, clock: Clock) -> None:
        self._watches = watches
        self._outbox = outbox
        self._clock = clock

    async def on_step(self, contracts: Sequence[int]) -> int:
        """How many are told of these contracts; who was told of one already is not told again."""
        if not contracts:
            return 0
        found = await self._watches.found(contracts, now=self._clock.now())
        await self._outbox.publish(
            *(
                NewEvent(
                    event=CONTRACT_FOUND,
                    aggregate=f"contract_watch:{told.watch_id}",
                    payload=told,
                    user_id=user_id,
                    key=f"{FOUND}:{told.watch_id}:{told.contract_id}",
                )
                for user_id, told in found
            )
        )
        return len(found)


class NotifyWatchers:
    """Handles the event; what ended or is not waited for any more since then is not told of."""

    name: Final = "contracts.watchers_are_told"
    events: Final = frozenset({FOUND})

    def __init__(self, *, watches: WatchRepository, notifier: Notifier, clock: Clock) -> None:
        self._watches = watches
        self._notifier = notifier
        self._clock = clock

    async def handle(self, events: Sequence[Event]) -> None:
        told = [(event, msgspec.convert(event.payload, ContractFound)) for event in events]
        wanted = await self._watches.still_wanted([one for _, one in told], now=self._clock.now())
        for event, one in told:
            if event.user_id is not None and (one.watch_id, one.contract_id) in wanted:
                await self._notifier.notify(event, [Recipient(user_id=event.user_id, subject_id=one.watch_id)])


class ContractMessages(FoundInWords):
    """A LateWriter: a message may leave hours after its event, and has the person's own note and limit below it."""

    def __init__(self, *, watches: Callable[[], WatchRepository], clock: Clock) -> None:
        self._watches = watches
        self._clock = clock

    async def enrich_at_send(self, events: Sequence[Event]) -> Mapping[UUID, Sequence[str]]:
        told = {event.id: msgspec.convert(event.payload, ContractFound) for event in events}
        wanted = await self._watches().still_wanted(list(told.values()), now=self._clock.now())
        return {
            event_id: wanted[one.watch_id, one.contract_id].lines
            for event_id, one in told.items()
            if (one.watch_id, one.contract_id) in wanted
        }
