"""The rules of registration: one to four trackers a person, no account twice, all or nothing."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from shared.audit.activity import ActivityLog
from shared.audit.schemas import Happening
from shared.clock import Clock
from shared.errors import Problem
from shared.scraping.source import Trigger
from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.games.errors import (
    AlreadyRegistered,
    DuplicateTracker,
    NoLinks,
    TrackerLimitReached,
)
from trackers.games.links import SOURCE, AccountIdentity, address_of, parse_link, site_profile_url
from trackers.games.repository import TrackerRepository
from trackers.games.schemas import MAX_TRACKERS, ParsedLink, RegisteredTracker, RegisteredTrackers
from users.access import AccessPolicy
from users.accounts.schemas import DISCORD, UserData
from users.accounts.service import AccountService


class TrackerService:
    """Registering and adding trackers."""

    def __init__(
        self,
        *,
        trackers: TrackerRepository,
        accounts: AccountService,
        targets: Targets,
        access: AccessPolicy,
        activity: ActivityLog,
        clock: Clock,
        interval: float,
    ) -> None:
        self._trackers = trackers
        self._accounts = accounts
        self._targets = targets
        self._access = access
        self._activity = activity
        self._clock = clock
        self._interval = timedelta(seconds=interval)

    async def register_trackers(
        self, user_id: str, urls: Sequence[str], user_data: UserData, *, asker: Identity | None = None
    ) -> RegisteredTrackers:
        """Register the first one to four trackers of a person, all of them or none. `asker`: None is the house itself.

        Raises a LinkProblem for a link that names no account, TrackerLimitReached for more than four,
        DuplicateTracker where two links name one account or the person's tracker of it is deactivated,
        AlreadyRegistered for who has active trackers, Forbidden for an asker who may not speak for the person.
        """
        if not urls:
            raise NoLinks(f"Give 1 to {MAX_TRACKERS} profile links.")
        if len(urls) > MAX_TRACKERS:
            raise TrackerLimitReached(f"A person can have {MAX_TRACKERS} trackers; {len(urls)} links were given.")
        identities = parse_links(urls)
        person = await self._person(user_id, user_data, asker)
        trackers = await self._trackers.trackers_of(person)
        if any(trackers.values()):
            raise AlreadyRegistered("This person has trackers already; add further ones one at a time.")
        for position, account in enumerate(identities):
            if account.key in trackers:
                raise _duplicate(account, active=False, position=position)
        return await self._follow(person, dict(zip(identities, urls, strict=True)), asker)

    async def add_tracker(
        self, user_id: str, url: str, user_data: UserData, *, asker: Identity | None = None
    ) -> RegisteredTrackers:
        """Add one tracker to those of a person, up to four in all.

        Raises a LinkProblem, DuplicateTracker, TrackerLimitReached, or Forbidden as `register_trackers` does.
        """
        (account,) = parse_links([url])
        person = await self._person(user_id, user_data, asker)
        trackers = await self._trackers.trackers_of(person)
        if account.key in trackers:
            raise _duplicate(account, active=trackers[account.key], position=0)
        active = sum(trackers.values())
        if active >= MAX_TRACKERS:
            raise TrackerLimitReached(f"This person has {active} trackers already, which is the most there can be.")
        return await self._follow(person, {account: url}, asker)

    async def _person(self, user_id: str, user_data: UserData, asker: Identity | None) -> UUID:
        """The account of a bot's person, held, whom the asker may speak for."""
        person = await self._accounts.from_external(DISCORD, user_id, user_data)
        if asker is not None:
            await self._access.check_write(asker, person)
        return person

    async def _follow(
        self, person: UUID, links: dict[AccountIdentity, str], asker: Identity | None
    ) -> RegisteredTrackers:
        """Follow accounts from now on; they are fetched before those that merely come round again."""
        links = dict(sorted(links.items(), key=lambda item: item[0].key))
        targets = await self._targets.track(
            SOURCE, {account.key: address_of(account) for account in links}, interval=self._interval
        )
        tasks = await self._targets.look_now(SOURCE, list(targets.values()), trigger=Trigger.REGISTRATION)
        made = []
        for account, url in links.items():
            target_id = targets[account.key]
            account_id = await self._trackers.add_account(account, target_id)
            tracker_id = await self._trackers.add_tracker(
                user_id=person, account_id=account_id, url=url.strip(), now=self._clock.now()
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
        await self._activity.record_many(
            [
                Happening(
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
        return RegisteredTrackers(user_id=person, trackers=made)


def _duplicate(account: AccountIdentity, *, active: bool, position: int) -> DuplicateTracker:
    whose = f"{account.display} on {account.platform}"
    if active:
        return DuplicateTracker(f"This person follows {whose} already.", extra={"position": position})
    return DuplicateTracker(
        f"This person has a tracker of {whose} that is deactivated; activate it again instead of adding another.",
        extra={"position": position},
    )


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
