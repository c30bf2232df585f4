"""The rules of trackers: one to four per person, no account twice, all or nothing, changed only by their owner."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec import UNSET, Struct

from shared.audit.activity import ActivityLog
from shared.audit.schemas import ActivityEvent, Actor, ActorKind
from shared.clock import Clock
from shared.database import Queries
from shared.errors import Problem
from shared.events import EventType, NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.target import Trigger
from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.games.errors import (
    AlreadyRegistered,
    DuplicateTracker,
    NoLinks,
    RefreshCooldown,
    TrackerInactive,
    TrackerLimitReached,
)
from trackers.games.events import (
    TRACKER_REGISTERED,
    TRACKER_REMOVED,
    TRACKER_UPDATED,
    TrackerMoved,
    TrackerUpdated,
)
from trackers.games.links import SOURCE, AccountIdentity, address_of, parse_link, site_profile_url
from trackers.games.queries import TrackerQueries
from trackers.games.repository import Followed, TrackerRepository
from trackers.games.schemas import (
    MAX_TRACKERS,
    ParsedLink,
    RegisterByStaff,
    RegisteredTracker,
    RegisteredTrackers,
    UpdateTracker,
)
from trackers.games.services.priorities import TrackerPriorities
from trackers.games.services.queue import TrackerScrapingQueueService
from users.access import AccessPolicy
from users.accounts.schemas import DISCORD, UserData
from users.accounts.service import AccountService

NO_USER_DATA: Final = UserData()


class TrackerService(TrackerQueries):
    """Registers, refreshes, changes and removes trackers; inherits reads from TrackerQueries.

    People are given by their `user_id` or, by bots, by their Discord id. `asker` is None for the system itself.
    """

    def __init__(
        self,
        questions: Queries,
        *,
        trackers: TrackerRepository,
        accounts: AccountService,
        targets: Targets,
        queue: TrackerScrapingQueueService,
        priorities: TrackerPriorities,
        access: AccessPolicy,
        activity: ActivityLog,
        outbox: Outbox,
        clock: Clock,
        interval: float,
        cooldown: float,
    ) -> None:
        super().__init__(questions, access=access)
        self._trackers = trackers
        self._accounts = accounts
        self._targets = targets
        self._queue = queue
        self._priorities = priorities
        self._activity = activity
        self._outbox = outbox
        self._clock = clock
        self._interval = timedelta(seconds=interval)
        self._cooldown = timedelta(seconds=cooldown)

    async def register_trackers(
        self,
        user_id: str | UUID,
        urls: Sequence[str],
        user_data: UserData = NO_USER_DATA,
        *,
        asker: Identity | None = None,
    ) -> RegisteredTrackers:
        """Register the first one to four trackers of a person, all of them or none.

        Raises a LinkProblem for a link that names no account, TrackerLimitReached for more than four, DuplicateTracker
        if two links name the same account or the person's tracker of it is deactivated, AlreadyRegistered if the person
        has active trackers, Forbidden if the caller may not act for the person.
        """
        identities = _parse_some(urls)
        person = await self._person(user_id, user_data, asker)
        trackers = await self._trackers.trackers_of(person)
        if any(trackers.values()):
            raise AlreadyRegistered("This person already has trackers; add more of them one at a time.")
        return await self._add(person, identities, urls, trackers, asker)

    async def add_tracker(
        self, user_id: str | UUID, url: str, user_data: UserData = NO_USER_DATA, *, asker: Identity | None = None
    ) -> RegisteredTrackers:
        """Add a tracker of a person, up to four in all.

        Raises a LinkProblem, DuplicateTracker, TrackerLimitReached or Forbidden as `register_trackers` does.
        """
        identities = parse_links([url])
        person = await self._person(user_id, user_data, asker)
        return await self._add(person, identities, [url], await self._trackers.trackers_of(person), asker)

    async def register_by_staff(self, given: RegisterByStaff, *, asker: Identity) -> RegisteredTrackers:
        """Register links from guild staff for a member, who may already have trackers.

        Raises as `add_tracker`, and Forbidden unless the staff member runs the guild and the member is in it.
        """
        identities = _parse_some(given.urls)
        await self._access.check_guild_write(asker, given.guild_id)
        people = await self._accounts.from_external_many(
            DISCORD, {given.staff_id: UserData(), given.user_id: given.user_data}
        )
        staff, person = people[given.staff_id], people[given.user_id]
        await self._access.check_staff(given.guild_id, staff=staff, member=person)
        await self._accounts.lock(person)
        await self._accounts.acted_for(person, asker, guild_id=given.guild_id)
        trackers = await self._trackers.trackers_of(person)
        registered = await self._add(person, identities, given.urls, trackers, asker)
        await self._activity.record(
            "tracker.registered_by_staff",
            subject="user",
            subject_id=person,
            user_id=person,
            actor=Actor(kind=ActorKind.USER, id=staff),
            details={"guild_id": given.guild_id, "trackers": [str(tracker.id) for tracker in registered.trackers]},
        )
        return registered

    async def refresh_tracker(self, tracker_id: UUID, *, asker: Identity | None = None, force: bool = False) -> UUID:
        """Request a run of a tracker and return its task id; a pending or running one is not requested again.

        Raises TrackerNotFound, Forbidden, TrackerInactive, or RefreshCooldown during the cooldown without `force`.
        """
        tracker = await self._owned(tracker_id, asker)
        if not tracker.active:
            raise TrackerInactive("This tracker is deactivated; activate it to have it fetched.")
        if not force and not tracker.awaited and tracker.last_attempt_at is not None:
            wait = (tracker.last_attempt_at + self._cooldown - self._clock.now()).total_seconds()
            if wait > 0:
                raise RefreshCooldown(
                    f"This tracker was fetched less than {self._cooldown.total_seconds() / 60:g} minutes ago; "
                    f"try again in {wait:.0f} s.",
                    retry_after=wait,
                )
        return await self._queue.enqueue_tracker(tracker_id)

    async def update_tracker(self, tracker_id: UUID, given: UpdateTracker, *, asker: Identity | None = None) -> None:
        """Change the account of a tracker, or activate or deactivate it.

        Raises TrackerNotFound, Forbidden, a LinkProblem, DuplicateTracker, TrackerLimitReached for a fifth active one.
        """
        account = parse_links([given.url])[0] if given.url is not UNSET else None
        await self._accounts.lock((await self._owned(tracker_id, asker)).user_id)
        tracker = await self._owned(tracker_id, asker)  # read again under the lock, as it may have changed
        active = tracker.active if given.active is UNSET else given.active
        account = account or tracker.account
        trackers = await self._trackers.trackers_of(tracker.user_id)
        if account.key != tracker.account.key and account.key in trackers:
            raise _duplicate(account, active=trackers[account.key], position=0)
        others = sum(trackers.values()) - tracker.active
        if active and others >= MAX_TRACKERS:
            raise TrackerLimitReached(f"This person already has {others} active trackers; deactivate one first.")
        account_id, touched = tracker.account_id, [tracker.target_id]
        if account.key != tracker.account.key or (active and not tracker.active):
            targets = await self._targets.track(SOURCE, {account.key: address_of(account)}, interval=self._interval)
            account_id = await self._trackers.add_account(account, targets[account.key])
            touched.append(targets[account.key])
        await self._trackers.change_tracker(
            tracker_id,
            account_id=account_id,
            url=tracker.url if given.url is UNSET else given.url.strip(),
            active=active,
            now=self._clock.now(),
        )
        await self._priorities.place(touched)
        await self._forget_unfollowed(*touched)
        payload = TrackerUpdated(id=tracker.id, active=active, account=account.key)
        await self._note(TRACKER_UPDATED, payload, tracker, asker)

    async def delete_tracker(self, tracker_id: UUID, *, asker: Identity | None = None) -> None:
        """Remove a tracker; its account can be registered again. Raises TrackerNotFound or Forbidden."""
        await self._accounts.lock_all([(await self._owned(tracker_id, asker)).user_id])
        tracker = await self._owned(tracker_id, asker)
        await self._trackers.remove_tracker(tracker_id, now=self._clock.now())
        await self._forget_unfollowed(tracker.target_id)
        await self._priorities.place([tracker.target_id])
        payload = TrackerMoved(id=tracker.id, account=tracker.account.key)
        await self._note(TRACKER_REMOVED, payload, tracker, asker)

    async def _owned(self, tracker_id: UUID, asker: Identity | None) -> Followed:
        """Return a tracker that the caller may change."""
        tracker = await self._trackers.followed(tracker_id)
        if asker is not None:
            await self._access.check_write(asker, tracker.user_id)
        return tracker

    async def _person(self, user_id: str | UUID, user_data: UserData, asker: Identity | None) -> UUID:
        """Lock and return the account of a person that the caller may act for."""
        if isinstance(user_id, UUID):
            await self._accounts.lock(user_id)
            person = user_id
        else:
            person = await self._accounts.from_external(DISCORD, user_id, user_data, by=asker)
        if asker is not None:
            await self._access.check_write(asker, person)
        return person

    async def _forget_unfollowed(self, *targets: UUID) -> None:
        """Stop fetching the given targets that have no followers any more."""
        await self._targets.lock(targets)
        if unfollowed := await self._trackers.unfollowed(targets):
            await self._targets.forget(unfollowed)

    async def _note(self, event: EventType, payload: Struct, tracker: Followed, asker: Identity | None) -> None:
        details = msgspec.to_builtins(payload)
        await self._activity.record(
            event.name, subject="tracker", subject_id=tracker.id, user_id=tracker.user_id, actor=asker, details=details
        )
        await self._outbox.publish(tracker_event(event, tracker.id, tracker.user_id, payload))

    async def _add(
        self,
        person: UUID,
        identities: Sequence[AccountIdentity],
        urls: Sequence[str],
        trackers: dict[str, bool],
        asker: Identity | None,
    ) -> RegisteredTrackers:
        """Add trackers to those of a person. Raises DuplicateTracker or TrackerLimitReached."""
        for position, account in enumerate(identities):
            if account.key in trackers:
                raise _duplicate(account, active=trackers[account.key], position=position)
        active = sum(trackers.values())
        if active + len(identities) > MAX_TRACKERS:
            raise TrackerLimitReached(
                f"A person can have {MAX_TRACKERS} active trackers; this person has {active} and would get "
                f"{len(identities)} more."
            )
        return await self._follow(person, dict(zip(identities, urls, strict=True)), asker)

    async def _follow(
        self, person: UUID, links: dict[AccountIdentity, str], asker: Identity | None
    ) -> RegisteredTrackers:
        """Create trackers and request their first runs, which come before routine fetches."""
        targets = await self._targets.track(
            SOURCE, {account.key: address_of(account) for account in links}, interval=self._interval
        )
        tasks = await self._targets.request_run(SOURCE, list(targets.values()), trigger=Trigger.REGISTRATION)
        accounts = {  # in the same order in every transaction
            account.key: await self._trackers.add_account(account, targets[account.key])
            for account in sorted(links, key=lambda account: account.key)
        }
        registered = []
        for account, url in links.items():
            target_id = targets[account.key]
            tracker_id = await self._trackers.add_tracker(
                user_id=person, account_id=accounts[account.key], url=url.strip(), now=self._clock.now()
            )
            structlog.get_logger(__name__).info("tracker_registered", tracker_id=str(tracker_id), account=account.key)
            registered.append(
                RegisteredTracker(
                    id=tracker_id,
                    task_id=tasks[target_id],
                    url=url.strip(),
                    profile_url=site_profile_url(account),
                    game=account.game,
                    platform=account.platform,
                    identifier=account.identifier,
                    display=account.display,
                )
            )
        await self._priorities.place(list(targets.values()))
        await self._activity.record_many(
            [
                ActivityEvent(
                    event="tracker.registered",
                    subject="tracker",
                    subject_id=tracker.id,
                    user_id=person,
                    details={"game": tracker.game, "platform": tracker.platform, "identifier": tracker.identifier},
                )
                for tracker in registered
            ],
            actor=asker,
        )
        await self._outbox.publish(
            *(tracker_event(TRACKER_REGISTERED, tracker.id, person, tracker) for tracker in registered)
        )
        return RegisteredTrackers(user_id=person, trackers=registered)


def tracker_event(event: EventType, tracker_id: UUID, owner: UUID, payload: Struct) -> NewEvent:
    """Return the event of a tracker for its owner."""
    return NewEvent(event=event, aggregate=f"tracker:{tracker_id}", payload=payload, user_id=owner)


def _duplicate(account: AccountIdentity, *, active: bool, position: int) -> DuplicateTracker:
    name = f"{account.display} on {account.platform}"
    if active:
        return DuplicateTracker(f"This person already follows {name}.", extra={"position": position})
    return DuplicateTracker(
        f"This person has a deactivated tracker of {name}; activate it instead of adding another one.",
        extra={"position": position},
    )


def _parse_some(urls: Sequence[str]) -> list[AccountIdentity]:
    """Parse one to four links. Raises NoLinks, TrackerLimitReached, a LinkProblem or DuplicateTracker."""
    if not urls:
        raise NoLinks(f"Give 1 to {MAX_TRACKERS} profile links.")
    if len(urls) > MAX_TRACKERS:
        raise TrackerLimitReached(f"A person can have {MAX_TRACKERS} trackers; {len(urls)} links were given.")
    return parse_links(urls)


def parse(url: str) -> ParsedLink:
    """Parse a pasted link. Raises a LinkProblem that says what to paste instead."""
    account = parse_link(url)
    return ParsedLink(
        game=account.game,
        platform=account.platform,
        identifier=account.identifier,
        display=account.display,
        profile_url=site_profile_url(account),
    )


def parse_links(urls: Sequence[str]) -> list[AccountIdentity]:
    """Parse several links. Raises a LinkProblem or DuplicateTracker with the position of the link."""
    identities: list[AccountIdentity] = []
    for position, url in enumerate(urls):
        try:
            account = parse_link(url)
        except Problem as problem:
            problem.extra["position"] = position
            raise
        if account.key in {earlier.key for earlier in identities}:
            raise DuplicateTracker(
                f"Two links name the same account: {account.display} on {account.platform}.",
                extra={"position": position},
            )
        identities.append(account)
    return identities
