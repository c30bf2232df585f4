"""The rules of trackers: one to four a person, no account twice, all or nothing; changed by their owner only."""

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

NOTHING_TOLD: Final = UserData()


class TrackerService(TrackerQueries):
    """Registering, refreshing, changing and removing trackers; and, as TrackerQueries, reading them.

    People are named by their id here, or, as bots know them, by their Discord id. `asker`: None is the house itself.
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
        user_data: UserData = NOTHING_TOLD,
        *,
        asker: Identity | None = None,
    ) -> RegisteredTrackers:
        """Register the first one to four trackers of a person, all of them or none.

        Raises a LinkProblem for a link that names no account, TrackerLimitReached for more than four,
        DuplicateTracker where two links name one account or the person's tracker of it is deactivated,
        AlreadyRegistered for who has active trackers, Forbidden for an asker who may not speak for the person.
        """
        identities = _parse_some(urls)
        person = await self._person(user_id, user_data, asker)
        trackers = await self._trackers.trackers_of(person)
        if any(trackers.values()):
            raise AlreadyRegistered("This person has trackers already; add further ones one at a time.")
        return await self._add(person, identities, urls, trackers, asker)

    async def add_tracker(
        self, user_id: str | UUID, url: str, user_data: UserData = NOTHING_TOLD, *, asker: Identity | None = None
    ) -> RegisteredTrackers:
        """Add one tracker to those of a person, up to four in all.

        Raises a LinkProblem, DuplicateTracker, TrackerLimitReached, or Forbidden as `register_trackers` does.
        """
        identities = parse_links([url])
        person = await self._person(user_id, user_data, asker)
        return await self._add(person, identities, [url], await self._trackers.trackers_of(person), asker)

    async def register_by_staff(self, given: RegisterByStaff, *, asker: Identity) -> RegisteredTrackers:
        """Register for a member what staff of a guild hands in, whether they have trackers already or not.

        Raises as `add_tracker` does; Forbidden unless the one runs the guild and the other is in it.
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
        made = await self._add(person, identities, given.urls, trackers, asker)
        await self._activity.record(
            "tracker.registered_by_staff",
            subject="user",
            subject_id=person,
            user_id=person,
            actor=Actor(kind=ActorKind.USER, id=staff),
            details={"guild_id": given.guild_id, "trackers": [str(t.id) for t in made.trackers]},
        )
        return made

    async def refresh_tracker(self, tracker_id: UUID, *, asker: Identity | None = None, force: bool = False) -> UUID:
        """Fetch a tracker now; the task to ask about. While one waits or is under way, that same task.

        Raises TrackerNotFound, Forbidden, TrackerInactive, or RefreshCooldown within the cooldown unless `force`d.
        """
        tracker = await self._owned(tracker_id, asker)
        if not tracker.active:
            raise TrackerInactive("This tracker is deactivated; activate it, and it is fetched.")
        if not force and not tracker.awaited and tracker.last_attempt_at is not None:
            wait = (tracker.last_attempt_at + self._cooldown - self._clock.now()).total_seconds()
            if wait > 0:
                raise RefreshCooldown(
                    f"This was looked at less than {self._cooldown.total_seconds() / 60:g} minutes ago; "
                    f"ask again in {wait:.0f} s.",
                    retry_after=wait,
                )
        return await self._queue.enqueue_tracker(tracker_id)

    async def update_tracker(self, tracker_id: UUID, given: UpdateTracker, *, asker: Identity | None = None) -> None:
        """Have a tracker follow another account, or (de)activate it.

        Raises TrackerNotFound, Forbidden, a LinkProblem, DuplicateTracker, or TrackerLimitReached for a fifth active.
        """
        account = parse_links([given.url])[0] if given.url is not UNSET else None
        await self._accounts.lock((await self._owned(tracker_id, asker)).user_id)
        tracker = await self._owned(tracker_id, asker)  # as it is now that nobody else can change it
        active = tracker.active if given.active is UNSET else given.active
        account = account or tracker.account
        trackers = await self._trackers.trackers_of(tracker.user_id)
        if account.key != tracker.account.key and account.key in trackers:
            raise _duplicate(account, active=trackers[account.key], position=0)
        others = sum(trackers.values()) - tracker.active
        if active and others >= MAX_TRACKERS:
            raise TrackerLimitReached(f"This person has {others} active trackers already; deactivate one first.")
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
        told = TrackerUpdated(id=tracker.id, active=active, account=account.key)
        await self._note(TRACKER_UPDATED, told, tracker, asker)

    async def delete_tracker(self, tracker_id: UUID, *, asker: Identity | None = None) -> None:
        """Remove a tracker; its account can be registered again. Raises TrackerNotFound or Forbidden."""
        await self._accounts.lock_all([(await self._owned(tracker_id, asker)).user_id])
        tracker = await self._owned(tracker_id, asker)
        await self._trackers.remove_tracker(tracker_id, now=self._clock.now())
        await self._forget_unfollowed(tracker.target_id)
        await self._priorities.place([tracker.target_id])
        told = TrackerMoved(id=tracker.id, account=tracker.account.key)
        await self._note(TRACKER_REMOVED, told, tracker, asker)

    async def _owned(self, tracker_id: UUID, asker: Identity | None) -> Followed:
        """A tracker that the asker may change."""
        tracker = await self._trackers.followed(tracker_id)
        if asker is not None:
            await self._access.check_write(asker, tracker.user_id)
        return tracker

    async def _person(self, user_id: str | UUID, user_data: UserData, asker: Identity | None) -> UUID:
        """The account of a person, held, whom the asker may speak for."""
        if isinstance(user_id, UUID):
            await self._accounts.lock(user_id)
            person = user_id
        else:
            person = await self._accounts.from_external(DISCORD, user_id, user_data, by=asker)
        if asker is not None:
            await self._access.check_write(asker, person)
        return person

    async def _forget_unfollowed(self, *targets: UUID) -> None:
        """Stop fetching those of these that nobody follows any more."""
        await self._targets.lock(targets)
        if unfollowed := await self._trackers.unfollowed(targets):
            await self._targets.forget(unfollowed)

    async def _note(self, event: EventType, told: Struct, tracker: Followed, asker: Identity | None) -> None:
        details = msgspec.to_builtins(told)
        await self._activity.record(
            event.name, subject="tracker", subject_id=tracker.id, user_id=tracker.user_id, actor=asker, details=details
        )
        await self._outbox.publish(tracker_event(event, tracker.id, tracker.user_id, told))

    async def _add(
        self,
        person: UUID,
        identities: Sequence[AccountIdentity],
        urls: Sequence[str],
        trackers: dict[str, bool],
        asker: Identity | None,
    ) -> RegisteredTrackers:
        """Add trackers to those that a person has. Raises DuplicateTracker or TrackerLimitReached."""
        for position, account in enumerate(identities):
            if account.key in trackers:
                raise _duplicate(account, active=trackers[account.key], position=position)
        active = sum(trackers.values())
        if active + len(identities) > MAX_TRACKERS:
            raise TrackerLimitReached(
                f"A person can have {MAX_TRACKERS} active trackers; this one has {active} and would get "
                f"{len(identities)} more."
            )
        return await self._follow(person, dict(zip(identities, urls, strict=True)), asker)

    async def _follow(
        self, person: UUID, links: dict[AccountIdentity, str], asker: Identity | None
    ) -> RegisteredTrackers:
        """Follow accounts from now on; they are fetched before those that merely come round again."""
        targets = await self._targets.track(
            SOURCE, {account.key: address_of(account) for account in links}, interval=self._interval
        )
        tasks = await self._targets.request_run(SOURCE, list(targets.values()), trigger=Trigger.REGISTRATION)
        accounts = {  # in the order in which everybody adds them
            account.key: await self._trackers.add_account(account, targets[account.key])
            for account in sorted(links, key=lambda account: account.key)
        }
        made = []
        for account, url in links.items():
            target_id = targets[account.key]
            tracker_id = await self._trackers.add_tracker(
                user_id=person, account_id=accounts[account.key], url=url.strip(), now=self._clock.now()
            )
            structlog.get_logger(__name__).info("tracker_registered", tracker_id=str(tracker_id), account=account.key)
            made.append(
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
                for tracker in made
            ],
            actor=asker,
        )
        await self._outbox.publish(*(tracker_event(TRACKER_REGISTERED, one.id, person, one) for one in made))
        return RegisteredTrackers(user_id=person, trackers=made)


def tracker_event(event: EventType, tracker_id: UUID, owner: UUID, payload: Struct) -> NewEvent:
    """An event of a tracker and of its owner."""
    return NewEvent(event=event, aggregate=f"tracker:{tracker_id}", payload=payload, user_id=owner)


def _duplicate(account: AccountIdentity, *, active: bool, position: int) -> DuplicateTracker:
    whose = f"{account.display} on {account.platform}"
    if active:
        return DuplicateTracker(f"This person follows {whose} already.", extra={"position": position})
    return DuplicateTracker(
        f"This person has a tracker of {whose} that is deactivated; activate it again instead of adding another.",
        extra={"position": position},
    )


def _parse_some(urls: Sequence[str]) -> list[AccountIdentity]:
    """The accounts of one to four links. Raises NoLinks, TrackerLimitReached, a LinkProblem or DuplicateTracker."""
    if not urls:
        raise NoLinks(f"Give 1 to {MAX_TRACKERS} profile links.")
    if len(urls) > MAX_TRACKERS:
        raise TrackerLimitReached(f"A person can have {MAX_TRACKERS} trackers; {len(urls)} links were given.")
    return parse_links(urls)


def parse(url: str) -> ParsedLink:
    """The account that a pasted link means; raises a LinkProblem that says what to paste instead."""
    account = parse_link(url)
    return ParsedLink(
        game=account.game,
        platform=account.platform,
        identifier=account.identifier,
        display=account.display,
        profile_url=site_profile_url(account),
    )


def parse_links(urls: Sequence[str]) -> list[AccountIdentity]:
    """The accounts of several links; a problem names which link it was. Raises a LinkProblem or DuplicateTracker."""
    identities: list[AccountIdentity] = []
    for position, url in enumerate(urls):
        try:
            account = parse_link(url)
        except Problem as problem:
            problem.extra["position"] = position
            raise
        if account.key in {earlier.key for earlier in identities}:
            raise DuplicateTracker(
                f"Two of the links name one account: {account.display} on {account.platform}.",
                extra={"position": position},
            )
        identities.append(account)
    return identities
