"""Alerts for watches: one per contract and watch, only while the contract is on offer."""

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
    """Publishes alerts for watches in the transaction that writes the contracts."""

    def __init__(self, *, watches: WatchRepository, outbox: Outbox, clock: Clock) -> None:
        self._watches = watches
        self._outbox = outbox
        self._clock = clock

    async def on_step(self, contracts: Sequence[int]) -> int:
        """Publish an event for each new match of a watch with these contracts; return the number of events."""
        if not contracts:
            return 0
        matches = await self._watches.found(contracts, now=self._clock.now())
        await self._outbox.publish(
            *(
                NewEvent(
                    event=CONTRACT_FOUND,
                    aggregate=f"contract_watch:{match.watch_id}",
                    payload=match,
                    user_id=user_id,
                    key=f"{FOUND}:{match.watch_id}:{match.contract_id}",
                )
                for user_id, match in matches
            )
        )
        return len(matches)


class NotifyWatchers:
    """Notifies the owners of watches; skips contracts that have ended since, or no longer match an active watch."""

    name: Final = "contracts.watchers_are_told"
    events: Final = frozenset({FOUND})

    def __init__(self, *, watches: WatchRepository, notifier: Notifier, clock: Clock) -> None:
        self._watches = watches
        self._notifier = notifier
        self._clock = clock

    async def handle(self, events: Sequence[Event]) -> None:
        matches = [(event, msgspec.convert(event.payload, ContractFound)) for event in events]
        terms = await self._watches.still_wanted([match for _, match in matches], now=self._clock.now())
        for event, match in matches:
            if event.user_id is not None and (match.watch_id, match.contract_id) in terms:
                await self._notifier.notify(event, [Recipient(user_id=event.user_id, subject_id=match.watch_id)])


class ContractMessages(FoundInWords):
    """The SendTimeWriter of contracts: adds the owner's note and limit, because a message may leave hours later."""

    def __init__(self, *, watches: Callable[[], WatchRepository], clock: Clock) -> None:
        self._watches = watches
        self._clock = clock

    async def enrich_at_send(self, events: Sequence[Event]) -> Mapping[UUID, Sequence[str]]:
        """Event id -> lines with the owner's limit and note, for matches that are still on offer."""
        matches = {event.id: msgspec.convert(event.payload, ContractFound) for event in events}
        terms = await self._watches().still_wanted(list(matches.values()), now=self._clock.now())
        return {
            event_id: terms[match.watch_id, match.contract_id].lines
            for event_id, match in matches.items()
            if (match.watch_id, match.contract_id) in terms
        }
