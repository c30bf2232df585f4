"""Use cases of admins: refresh many trackers, transfer one, merge two accounts of one player."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from shared.audit.activity import ActivityLog
from shared.audit.schemas import ActivityEvent
from shared.clock import Clock
from shared.database import Queries
from shared.events import EventType
from shared.outbox.outbox import Outbox
from shared.scraping.targets import Targets
from shared.web.identity import PersonIdentity
from trackers.games.admin_errors import (
    CannotMerge,
    ConcurrentModification,
    GameAccountNotFound,
    NothingChosen,
    OwnTracker,
)
from trackers.games.admin_queries import TrackerAdminQueries
from trackers.games.admin_repository import KnownAccount, MovedTracker, TrackerAdminRepository
from trackers.games.admin_schemas import AccountsMerged, AdminTracker, BatchQueued, BatchRefresh
from trackers.games.errors import DuplicateTracker, TrackerLimitReached
from trackers.games.events import (
    TRACKER_HANDED_OVER,
    TRACKER_REMOVED,
    TRACKER_TAKEN_OVER,
    TRACKER_UPDATED,
    TrackerMoved,
    TrackerUpdated,
)
from trackers.games.links import SOURCE, address_of
from trackers.games.manual_repository import ManualSnapshotRepository
from trackers.games.repository import TrackerRepository
from trackers.games.schemas import MAX_TRACKERS
from trackers.games.services.priorities import TrackerPriorities
from trackers.games.services.ratings import RatingService
from trackers.games.services.trackers import tracker_event
from users.access import AccessPolicy
from users.accounts.service import AccountService

QUEUED_AT_ONCE: Final = 10_000
NOTHING_MORE: Final[Mapping[str, str]] = MappingProxyType({})
TrackerChange = tuple[EventType, UUID, UUID, Struct]
"""An event, the tracker, its owner, and the payload."""


class TrackerAdministration(TrackerAdminQueries):
    """Changes of trackers by admins; inherits reads on the same transaction from TrackerAdminQueries.

    Takes locks in the order of docs/architecture.md: people, schedules, targets, accounts, leaderboards.
    """

    def __init__(
        self,
        questions: Queries,
        *,
        administration: TrackerAdminRepository,
        trackers: TrackerRepository,
        manual: ManualSnapshotRepository,
        accounts: AccountService,
        targets: Targets,
        priorities: TrackerPriorities,
        ratings: RatingService,
        access: AccessPolicy,
        activity: ActivityLog,
        outbox: Outbox,
        clock: Clock,
        interval: float,
    ) -> None:
        super().__init__(questions, access=access, clock=clock)
        self._administration = administration
        self._trackers = trackers
        self._manual = manual
        self._accounts = accounts
        self._targets = targets
        self._priorities = priorities
        self._ratings = ratings
        self._activity = activity
        self._outbox = outbox
        self._interval = timedelta(seconds=interval)

    async def refresh_many(self, wanted: BatchRefresh, *, asker: PersonIdentity) -> BatchQueued:
        """Request runs of the accounts of active trackers, ahead of routine fetches.

        Raises NothingChosen or GuildNotFound.
        """
        if (wanted.tracker_ids is not None) is wanted.by_standing:
            raise NothingChosen
        if wanted.tracker_ids is not None:
            ids = set(wanted.tracker_ids)
            targets = await self._administration.active_targets(sorted(ids))
            runs = await self._targets.request_run(SOURCE, sorted(set(targets.values())))
            return BatchQueued(queued=len(runs), left_out=len(ids) - len(targets))
        if wanted.guild_id is not None:
            await self._access.check_guild_read(asker, wanted.guild_id)
        queued, last = 0, None
        while page := await self._administration.targets_standing(
            status=wanted.status, reason=wanted.reason, guild_id=wanted.guild_id, after=last, limit=QUEUED_AT_ONCE
        ):
            queued += len(await self._targets.request_run(SOURCE, page))
            last = page[-1]
        return BatchQueued(queued=queued, left_out=0)

    async def transfer_tracker(self, tracker_id: UUID, *, to: UUID, asker: PersonIdentity) -> AdminTracker:
        """Transfer a tracker to another person, with the fetched history of its account.

        The old owner keeps their manual snapshots: the new owner does not see them, and their scores do not count them.

        Raises TrackerNotFound, AccountNotFound, AccountDeactivated, OwnTracker, DuplicateTracker, TrackerLimitReached
        for a fifth active tracker, or ConcurrentModification.
        """
        owner = (await self._trackers.followed(tracker_id)).user_id
        await self._accounts.lock_all({owner, to})
        await self._accounts.lock(to)  # locked already; this raises if the person is missing or deactivated
        tracker = await self._trackers.followed(tracker_id)  # read again under the locks, as it may have changed
        if tracker.user_id != owner:
            raise ConcurrentModification
        if to == owner:
            raise OwnTracker
        theirs = await self._trackers.trackers_of(to)
        if tracker.account.key in theirs:
            raise DuplicateTracker(f"This person already has a tracker of {tracker.display} on {tracker.platform}.")
        active = sum(theirs.values())
        if tracker.active and active >= MAX_TRACKERS:
            raise TrackerLimitReached(f"This person already has {active} active trackers; deactivate one first.")
        await self._administration.transfer(tracker_id, to=to, now=self._clock.now())
        await self._priorities.place([tracker.target_id])
        await self._ratings.recompute_people([owner, to])
        payload = TrackerMoved(id=tracker_id, account=tracker.account.key)
        people = {"from": str(owner), "to": str(to)}  # for admins; bots of one person must not see the other
        await self._publish(
            [(TRACKER_HANDED_OVER, tracker_id, owner, payload), (TRACKER_TAKEN_OVER, tracker_id, to, payload)],
            asker,
            people,
        )
        return await self.get_tracker(tracker_id)

    async def merge_accounts(self, account_id: UUID, *, into: UUID, asker: PersonIdentity) -> AccountsMerged:
        """Merge an account of a player into another, `into`; the merged account is removed with its target and runs.

        Raises GameAccountNotFound, CannotMerge for twice the same account or for accounts of two platforms, or
        ConcurrentModification if somebody started to follow one of them meanwhile.
        """
        source, destination = await self._locked(account_id, into)
        now = self._clock.now()
        duplicates = await self._administration.remove_duplicates(source.id, into=destination.id, now=now)
        moved = await self._administration.move_trackers(source.id, into=destination.id, now=now)
        history = await self._administration.move_history(source.id, into=destination.id)
        await self._manual.move(source.id, into=destination.id)
        await self._administration.remove_account(source.id)
        await self._targets.erase([source.target_id])
        if not await self._trackers.unfollowed([destination.target_id]):
            keys = {destination.identity.key: address_of(destination.identity)}
            await self._targets.track(SOURCE, keys, interval=self._interval)
            await self._priorities.place([destination.target_id])
        await self._ratings.recompute_accounts([destination.id])
        merged = AccountsMerged(
            account_id=destination.id,
            moved=len(moved),
            duplicates=len(duplicates),
            seasons=history.seasons,
            snapshots=history.snapshots,
        )
        await self._activity.record(
            "game_account.merged",
            subject="game_account",
            subject_id=destination.id,
            actor=asker,
            details={
                "from": str(source.id),
                "account_merged": source.identity.key,
                "account": destination.identity.key,
            },
        )
        await self._publish(
            [_removed(tracker, source) for tracker in duplicates]
            + [_updated(tracker, destination) for tracker in moved],
            asker,
        )
        structlog.get_logger(__name__).info(
            "accounts_merged", source=source.identity.key, into=destination.identity.key, trackers=len(moved)
        )
        return merged

    async def _locked(self, account_id: UUID, into: UUID) -> tuple[KnownAccount, KnownAccount]:
        """Lock two accounts that may be merged, and all their followers. Return them in the same order."""
        if account_id == into:
            raise CannotMerge("These are the same account; name another one to merge it into.")
        accounts = await self._administration.accounts(account_id, into)
        source, destination = _of(accounts, account_id), _of(accounts, into)
        if (source.game, source.platform) != (destination.game, destination.platform):
            raise CannotMerge("The accounts are of different games or platforms, which have separate ratings.")
        owners = await self._administration.owners_of(account_id, into)
        await self._accounts.lock_all(owners)
        await self._targets.lock([source.target_id, destination.target_id])
        accounts = await self._administration.lock_accounts(source, destination)
        if not await self._administration.owners_of(account_id, into) <= owners:
            raise ConcurrentModification
        return _of(accounts, account_id), _of(accounts, into)

    async def _publish(
        self, changes: Sequence[TrackerChange], asker: PersonIdentity, logged: Mapping[str, str] = NOTHING_MORE
    ) -> None:
        """Publish events of trackers and log them; `logged` is only for the activity log."""
        await self._activity.record_many(
            [
                ActivityEvent(
                    event=event.name,
                    subject="tracker",
                    subject_id=tracker_id,
                    user_id=owner,
                    details={**msgspec.to_builtins(payload), **logged},
                )
                for event, tracker_id, owner, payload in changes
            ],
            actor=asker,
        )
        await self._outbox.publish(
            *(tracker_event(event, tracker_id, owner, payload) for event, tracker_id, owner, payload in changes)
        )


def _of(accounts: Mapping[UUID, KnownAccount], account_id: UUID) -> KnownAccount:
    if account_id not in accounts:
        raise GameAccountNotFound(account_id)
    return accounts[account_id]


def _removed(tracker: MovedTracker, account: KnownAccount) -> TrackerChange:
    return TRACKER_REMOVED, tracker.id, tracker.user_id, TrackerMoved(id=tracker.id, account=account.identity.key)


def _updated(tracker: MovedTracker, account: KnownAccount) -> TrackerChange:
    payload = TrackerUpdated(id=tracker.id, active=tracker.active, account=account.identity.key)
    return TRACKER_UPDATED, tracker.id, tracker.user_id, payload
