"""What admins do to everybody's trackers: fetch many, hand one over, merge two accounts of one player."""

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
Told = tuple[EventType, UUID, UUID, Struct]
"""An event, its tracker, the owner, the payload."""


class TrackerAdministration(TrackerAdminQueries):
    """For admins; and, as TrackerAdminQueries, reading on the same transaction.

    Locks are taken in the order of docs/architecture.md: people, schedules, targets, accounts, boards.
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
        """Put ahead what active trackers follow. Raises NothingChosen or GuildNotFound."""
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
        while found := await self._administration.targets_standing(
            status=wanted.status, reason=wanted.reason, guild_id=wanted.guild_id, after=last, limit=QUEUED_AT_ONCE
        ):
            queued += len(await self._targets.request_run(SOURCE, found))
            last = found[-1]
        return BatchQueued(queued=queued, left_out=0)

    async def transfer_tracker(self, tracker_id: UUID, *, to: UUID, asker: PersonIdentity) -> AdminTracker:
        """Make a tracker another person's, with all that the site said of its account.

        What the owner entered stays theirs: the new owner neither sees it nor has it counted.

        Raises TrackerNotFound, AccountNotFound, AccountDeactivated, OwnTracker, DuplicateTracker, TrackerLimitReached
        for a fifth active one, or ConcurrentModification.
        """
        owner = (await self._trackers.followed(tracker_id)).user_id
        await self._accounts.lock_all({owner, to})
        await self._accounts.lock(to)  # held already; it may be asked whether it is there and active
        tracker = await self._trackers.followed(tracker_id)  # as it is now that nobody else can change it
        if tracker.user_id != owner:
            raise ConcurrentModification
        if to == owner:
            raise OwnTracker
        theirs = await self._trackers.trackers_of(to)
        if tracker.account.key in theirs:
            raise DuplicateTracker(f"This person has a tracker of {tracker.display} on {tracker.platform} already.")
        active = sum(theirs.values())
        if tracker.active and active >= MAX_TRACKERS:
            raise TrackerLimitReached(f"This person has {active} active trackers already; deactivate one first.")
        await self._administration.transfer(tracker_id, to=to, now=self._clock.now())
        await self._priorities.place([tracker.target_id])
        await self._ratings.recompute_people([owner, to])
        told = TrackerMoved(id=tracker_id, account=tracker.account.key)
        people = {"from": str(owner), "to": str(to)}  # for admins; bots of one person do not learn of the other
        await self._tell(
            [(TRACKER_HANDED_OVER, tracker_id, owner, told), (TRACKER_TAKEN_OVER, tracker_id, to, told)],
            asker,
            people,
        )
        return await self.get_tracker(tracker_id)

    async def merge_accounts(self, account_id: UUID, *, into: UUID, asker: PersonIdentity) -> AccountsMerged:
        """Make of two accounts of one player one: `into` stays, the other goes with its target and its runs.

        Raises GameAccountNotFound, CannotMerge for one account or for accounts of two platforms, ConcurrentModification where
        somebody began to follow one of them meanwhile.
        """
        source, kept = await self._locked(account_id, into)
        now = self._clock.now()
        duplicates = await self._administration.remove_duplicates(source.id, into=kept.id, now=now)
        moved = await self._administration.move_trackers(source.id, into=kept.id, now=now)
        history = await self._administration.move_history(source.id, into=kept.id)
        await self._manual.move(source.id, into=kept.id)
        await self._administration.remove_account(source.id)
        await self._targets.erase([source.target_id])
        if not await self._trackers.unfollowed([kept.target_id]):
            await self._targets.track(SOURCE, {kept.identity.key: address_of(kept.identity)}, interval=self._interval)
            await self._priorities.place([kept.target_id])
        await self._ratings.recompute_accounts([kept.id])
        merged = AccountsMerged(
            account_id=kept.id,
            moved=len(moved),
            duplicates=len(duplicates),
            seasons=history.seasons,
            snapshots=history.snapshots,
        )
        await self._activity.record(
            "game_account.merged",
            subject="game_account",
            subject_id=kept.id,
            actor=asker,
            details={"from": str(source.id), "account_merged": source.identity.key, "account": kept.identity.key},
        )
        await self._tell(
            [_removed(tracker, source) for tracker in duplicates] + [_updated(tracker, kept) for tracker in moved],
            asker,
        )
        structlog.get_logger(__name__).info(
            "accounts_merged", source=source.identity.key, into=kept.identity.key, trackers=len(moved)
        )
        return merged

    async def _locked(self, account_id: UUID, into: UUID) -> tuple[KnownAccount, KnownAccount]:
        """Two accounts that may be merged, held with everybody who has a tracker of either."""
        if account_id == into:
            raise CannotMerge("This is one and the same account; name another to merge it into.")
        accounts = await self._administration.accounts(account_id, into)
        source, kept = _of(accounts, account_id), _of(accounts, into)
        if (source.game, source.platform) != (kept.game, kept.platform):
            raise CannotMerge("These are accounts of two games or platforms, which have ratings of their own.")
        owners = await self._administration.owners_of(account_id, into)
        await self._accounts.lock_all(owners)
        await self._targets.lock([source.target_id, kept.target_id])
        accounts = await self._administration.lock_accounts(source, kept)
        if not await self._administration.owners_of(account_id, into) <= owners:
            raise ConcurrentModification
        return _of(accounts, account_id), _of(accounts, into)

    async def _tell(
        self, told: Sequence[Told], asker: PersonIdentity, logged: Mapping[str, str] = NOTHING_MORE
    ) -> None:
        """Publish events of trackers and log them; `logged`: what only the activity log says."""
        await self._activity.record_many(
            [
                ActivityEvent(
                    event=event.name,
                    subject="tracker",
                    subject_id=tracker_id,
                    user_id=owner,
                    details={**msgspec.to_builtins(payload), **logged},
                )
                for event, tracker_id, owner, payload in told
            ],
            actor=asker,
        )
        await self._outbox.publish(
            *(tracker_event(event, tracker_id, owner, payload) for event, tracker_id, owner, payload in told)
        )


def _of(accounts: Mapping[UUID, KnownAccount], account_id: UUID) -> KnownAccount:
    if account_id not in accounts:
        raise GameAccountNotFound(account_id)
    return accounts[account_id]


def _removed(tracker: MovedTracker, account: KnownAccount) -> Told:
    return TRACKER_REMOVED, tracker.id, tracker.user_id, TrackerMoved(id=tracker.id, account=account.identity.key)


def _updated(tracker: MovedTracker, account: KnownAccount) -> Told:
    told = TrackerUpdated(id=tracker.id, active=tracker.active, account=account.identity.key)
    return TRACKER_UPDATED, tracker.id, tracker.user_id, told
