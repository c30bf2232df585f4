"""Rules of following fencers and clubs; the only part that another module may use."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from msgspec import UNSET

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Queries
from shared.events import NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.target import Priority, Trigger
from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.fencers.errors import FencerAlreadyTracked, TrackingLimitReached
from trackers.fencers.events import TRACKING, TrackedEvent
from trackers.fencers.links import SOURCE, Reference, SubjectKind, parse_reference
from trackers.fencers.names import words
from trackers.fencers.queries import TrackingQueries
from trackers.fencers.repository import FollowedPage, TrackedRepository
from trackers.fencers.schemas import (
    MAX_CLUBS,
    MAX_FENCERS,
    CooldownReset,
    TrackedView,
    TrackingStarted,
    UpdateTracked,
)
from trackers.fencers.weapons import weapon_filter
from users.access import AccessPolicy
from users.accounts.schemas import DISCORD, UserData
from users.accounts.service import AccountService

MAX_TRACKED: Final = {SubjectKind.FENCER: MAX_FENCERS, SubjectKind.CLUB: MAX_CLUBS}
PRIORITIES: Final = {SubjectKind.FENCER: Priority.BACKGROUND, SubjectKind.CLUB: Priority.ROUTINE}
"""Clubs first, because a club's page lists many fencers."""
TRIGGERS: Final = {SubjectKind.FENCER: Trigger.REGISTRATION, SubjectKind.CLUB: Trigger.REQUEST}
"""Clubs first among new pages as well: requests go before registrations."""
NO_USER_DATA: Final = UserData()


class TrackingService(TrackingQueries):
    """Adds, changes, removes and, as TrackingQueries, reads what people follow.

    People are given by our id or, by bots, by their Discord id.
    """

    def __init__(
        self,
        questions: Queries,
        *,
        tracked: TrackedRepository,
        accounts: AccountService,
        targets: Targets,
        access: AccessPolicy,
        activity: ActivityLog,
        outbox: Outbox,
        clock: Clock,
        intervals: dict[SubjectKind, float],
        asks_for_fencers: bool,
    ) -> None:
        super().__init__(questions, access=access, clock=clock)
        self._tracked = tracked
        self._accounts = accounts
        self._targets = targets
        self._activity = activity
        self._outbox = outbox
        self._intervals = {kind: timedelta(minutes=minutes) for kind, minutes in intervals.items()}
        self._asks_for_fencers = asks_for_fencers

    async def track(
        self,
        kind: SubjectKind,
        user_id: str | UUID,
        pasted: str,
        *,
        name: str | None,
        weapons: str | Sequence[str],
        user_data: UserData = NO_USER_DATA,
        asker: Identity,
    ) -> TrackingStarted:
        """Follow a fencer or club; a deactivated one is active again, with the name and filter given now.

        Raises BadReference, UnknownWeapon, FencerAlreadyTracked, TrackingLimitReached or Forbidden.
        """
        reference = parse_reference(kind, pasted)
        chosen = weapon_filter(weapons)
        person = await self._person(user_id, user_data, asker)
        mine = await self._tracked.tracked_of(kind, person)
        page_id = await self._tracked.page(reference)
        known, active = mine.get(page_id, (None, False))
        if active:
            raise FencerAlreadyTracked(
                f"This person already follows {kind} {reference.upstream_id}; change it instead."
            )
        self._check_limit(kind, mine, new=known is None)
        shown = words(name) if name else None
        now = self._clock.now()
        # Before the row that refers to the page: recording locks first the schedule, then the page, and so does this.
        task = await self._fetch(reference, page_id)
        if known is None:
            tracked_id = await self._tracked.add(
                kind, user_id=person, page_id=page_id, name=shown, weapons=chosen, now=now
            )
        else:
            tracked_id = known
            await self._tracked.change(kind, known, name=shown, weapons=chosen, active=True, now=now)
        structlog.get_logger(__name__).info("tracked", kind=kind.value, upstream_id=reference.upstream_id)
        what = "tracked" if known is None else "reactivated"
        await self._note(what, kind, tracked_id, person, reference, asker, weapons=chosen)
        return TrackingStarted(tracked=await self.one(kind, asker, tracked_id), task_id=task)

    async def update(
        self, kind: SubjectKind, tracked_id: UUID, given: UpdateTracked, *, asker: Identity
    ) -> TrackedView:
        """Change what a person follows. Raises TrackedNotFound, Forbidden, UnknownWeapon or TrackingLimitReached."""
        before = await self._owned(kind, tracked_id, asker)
        active = before.active if given.active is UNSET else given.active
        chosen: Sequence[str] = before.weapons if given.weapons is UNSET else weapon_filter(given.weapons)
        reference = Reference(kind, before.upstream_id, before.slug)
        if active and not before.active:
            self._check_limit(kind, await self._tracked.tracked_of(kind, before.user_id), new=False)
        await self._tracked.change(
            kind,
            tracked_id,
            name=before.name if given.name is UNSET else (words(given.name) if given.name else None),
            weapons=chosen,
            active=active,
            now=self._clock.now(),
        )
        if active and not before.active:
            await self._fetch(reference, before.page_id)
        elif before.active and not active:
            await self._forget_unfollowed(kind, before)
        await self._note(
            "tracking_updated", kind, tracked_id, before.user_id, reference, asker, weapons=chosen, active=active
        )
        return await self.one(kind, asker, tracked_id)

    async def remove(self, kind: SubjectKind, tracked_id: UUID, *, asker: Identity) -> None:
        """Stop following. Raises TrackedNotFound or Forbidden."""
        before = await self._owned(kind, tracked_id, asker)
        await self._tracked.remove(kind, tracked_id)
        await self._forget_unfollowed(kind, before)
        reference = Reference(kind, before.upstream_id)
        await self._note(
            "untracked", kind, tracked_id, before.user_id, reference, asker, weapons=before.weapons, active=False
        )

    async def reset_cooldown(self, page_id: UUID, *, asker: Identity) -> CooldownReset:
        """Reset the failures of a fencer's or club's page, and fetch it now. Raises PageNotFound."""
        target_id = await self._tracked.target_of(page_id)
        tasks = await self._targets.reset_failures(SOURCE, [target_id])
        await self._activity.record("fencer.cooldown_reset", subject="target", subject_id=target_id, actor=asker)
        return CooldownReset(task_id=tasks.get(target_id))

    async def _fetch(self, reference: Reference, page_id: UUID) -> UUID | None:
        """Have a page fetched at its interval, and now; return the task id, or None while fencers are turned off."""
        kind = reference.kind
        targets = await self._targets.track(SOURCE, {reference.key: reference.address}, interval=self._intervals[kind])
        target_id = targets[reference.key]
        await self._tracked.aim(kind, page_id, target_id)
        await self._targets.set_priority({target_id: PRIORITIES[kind]})
        if kind is SubjectKind.FENCER and not self._asks_for_fencers:
            return None
        return (await self._targets.request_run(SOURCE, [target_id], trigger=TRIGGERS[kind])).get(target_id)

    async def _forget_unfollowed(self, kind: SubjectKind, page: FollowedPage) -> None:
        """Stop fetching a page if nobody follows it any more."""
        if page.target_id is None:
            return
        await self._targets.lock([page.target_id])
        if unfollowed := await self._tracked.unfollowed(kind, [page.target_id]):
            await self._targets.forget(unfollowed)

    async def _owned(self, kind: SubjectKind, tracked_id: UUID, asker: Identity) -> FollowedPage:
        """Lock the owner and return what the asker may change. Raises TrackedNotFound or Forbidden."""
        followed = await self._tracked.one(kind, tracked_id)
        await self._access.check_write(asker, followed.user_id)
        await self._accounts.lock(followed.user_id)
        return await self._tracked.one(kind, tracked_id)

    async def _person(self, user_id: str | UUID, user_data: UserData, asker: Identity) -> UUID:
        """Lock and return the account of a person that the asker may act for. Raises Forbidden."""
        if isinstance(user_id, UUID):
            await self._accounts.lock(user_id)
            person = user_id
        else:
            person = await self._accounts.from_external(DISCORD, user_id, user_data, by=asker)
        await self._access.check_write(asker, person)
        return person

    @staticmethod
    def _check_limit(kind: SubjectKind, mine: Mapping[UUID, tuple[UUID, bool]], *, new: bool) -> None:
        """Raise TrackingLimitReached: a new subject counts against all of a person's, an old one against the active."""
        if new and len(mine) >= MAX_TRACKED[kind]:
            raise TrackingLimitReached(
                f"A person can have {MAX_TRACKED[kind]} {kind}s, including deactivated ones; remove one first."
            )
        if not new and sum(active for _, active in mine.values()) >= MAX_TRACKED[kind]:
            raise TrackingLimitReached(
                f"A person can follow {MAX_TRACKED[kind]} {kind}s at a time; remove or deactivate one first."
            )

    async def _note(
        self,
        what: str,
        kind: SubjectKind,
        tracked_id: UUID,
        owner: UUID,
        reference: Reference,
        asker: Identity,
        *,
        weapons: Sequence[str],
        active: bool = True,
    ) -> None:
        event = TRACKING[kind, what]
        details = {"kind": kind.value, "upstream_id": reference.upstream_id, "active": active}
        await self._activity.record(
            event.name, subject=f"tracked_{kind}", subject_id=tracked_id, user_id=owner, actor=asker, details=details
        )
        await self._outbox.publish(
            NewEvent(
                event=event,
                aggregate=f"tracked_{kind}:{tracked_id}",
                payload=TrackedEvent(
                    id=tracked_id, kind=kind, upstream_id=reference.upstream_id, weapons=weapons, active=active
                ),
                user_id=owner,
            )
        )
