"""Record pages: compare them with what is stored, write the differences, and publish events."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.events import NewEvent
from shared.ids import new_id
from shared.outbox.outbox import Outbox
from shared.scraping.block_repository import BlockRepository
from shared.scraping.observation import Observation
from trackers.fencers.events import REGISTRATIONS_CHANGED
from trackers.fencers.links import SOURCE, SubjectKind, event_url, page_url
from trackers.fencers.messages import FencerUpdate, RegistrationChange
from trackers.fencers.names import fold_person
from trackers.fencers.parser import ClubPage, FencerPage, PageEntry
from trackers.fencers.placement import Placement
from trackers.fencers.recording import (
    Change,
    ChangeKind,
    ListedRegistration,
    block_key,
    day_now,
    is_news,
    missing_from,
    withdrawn,
)
from trackers.fencers.registration_repository import ChangeUpdate, RegistrationRepository, RegistrationRow, SubjectPage

UNNAMED: Final = "A fencer"


class RegistrationRecorder:
    """Records pages one after the other: they arrive seconds apart, and share fencers and events."""

    def __init__(
        self,
        *,
        registrations: RegistrationRepository,
        placement: Placement,
        blocks: BlockRepository,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._registrations = registrations
        self._blocks = blocks
        self._placement = placement
        self._outbox = outbox
        self._clock = clock

    async def record(self, observations: Sequence[Observation[FencerPage | ClubPage]]) -> set[UUID]:
        """Record pages; return the targets whose registrations changed."""
        await self._registrations.one_at_a_time()
        changed, events = set(), []
        for observation in observations:
            page_events = await self._record(observation)
            if page_events is not None:
                changed.add(observation.target.id)
                events += page_events
        await self._outbox.publish(*events)
        return changed

    async def _record(self, observation: Observation[FencerPage | ClubPage]) -> list[NewEvent] | None:
        """Record a page; return the events to publish, or None if nothing has changed."""
        read, target_id, today = observation.value, observation.target.id, observation.at.date()
        kind = SubjectKind.FENCER if isinstance(read, FencerPage) else SubjectKind.CLUB
        page = await self._registrations.lock_page(kind, target_id)
        if page is None:  # it was erased during the fetch
            return None
        now = self._clock.now()
        await self._named(read, kind, page, now=now)
        allowed = await self._allowed(read.entries) if kind is SubjectKind.CLUB else read.entries
        placed = await self._placement.place(allowed, kind, page.id, target_id, today=today, now=now)
        entries = placed.entries
        listed = await self._registrations.listed(target_id, list(entries), today=today)
        new = [
            RegistrationRow(id=new_id(), fencer_id=fencer, event_id=event)
            for fencer, event in entries
            if (fencer, event) not in listed
        ]
        if new:
            await self._registrations.add_registrations(new, now=now)
        ids = {(row.fencer_id, row.event_id): row.id for row in new}
        ids |= {pair: registration.registration_id for pair, registration in listed.items()}
        # The days of events that this page decides alone.
        days = {
            event: entry.day
            for (_, event), entry in entries.items()
            if event in placed.settled and entry.day is not None
        }
        touched = await self._written(entries, listed, ids, new, days, target_id=target_id, today=today, now=now)
        known = [listed[pair] for pair in entries if pair in listed and is_news(listed[pair], today)]
        new_here: set[UUID] = set()
        if _notifies_of_known(kind, page):
            new_here = {registration.registration_id for registration in known if not registration.told_here}
        known_ids = {registration.registration_id for registration in known}
        new_to_some = new_here | (known_ids & placed.adopted)
        if not touched and not new_to_some:
            return None
        updates = await self._registrations.news(sorted(touched), now=now) if touched else []
        _log(kind, read.name, updates, first_fetch=page.first_fetch)
        audiences = [(change, *_audience(change, page)) for change in updates]
        for change in await self._registrations.heard(sorted(new_to_some)) if new_to_some else []:
            clubs = [page.id] if change.id in new_here else []
            known_through = [club for club in change.clubs if club not in clubs]
            if change.id not in placed.adopted or _is_unread(change, page):
                known_through.insert(0, change.fencer_id)
            audiences.append((change, clubs, known_through))
        return _events(audiences)

    async def _allowed(self, entries: Sequence[PageEntry]) -> Sequence[PageEntry]:
        """Return the entries of a club's page without those of blocked fencers."""
        keys = {block_key(entry) for entry in entries}
        blocked = await self._blocks.among(SOURCE, keys) if keys else set()
        return [entry for entry in entries if block_key(entry) not in blocked] if blocked else entries

    async def _named(self, read: FencerPage | ClubPage, kind: SubjectKind, page: SubjectPage, *, now: datetime) -> None:
        """Store the name and slug of the page, and the slug in a fencer's link to their club."""
        await self._registrations.name_page(kind, page.id, read.name, fold_person(read.name), slug=read.slug, now=now)
        if isinstance(read, FencerPage) and read.club_id is not None and read.club_slug is not None:
            await self._registrations.name_club(read.club_id, read.club_slug)

    async def _written(
        self,
        entries: Mapping[tuple[UUID, UUID], PageEntry],
        listed: Mapping[tuple[UUID, UUID], ListedRegistration],
        ids: Mapping[tuple[UUID, UUID], UUID],
        new: Sequence[RegistrationRow],
        days: dict[UUID, date],
        *,
        target_id: UUID,
        today: date,
        now: datetime,
    ) -> set[UUID]:
        """Write the differences; return the ids of the registrations that changed."""
        seen = {ids[pair]: entry for pair, entry in entries.items()}
        changes = [
            Change(
                registration_id=row.id,
                kind=ChangeKind.REGISTERED,
                day=entries[row.fencer_id, row.event_id].day,
            )
            for row in new
        ]
        for pair, entry in entries.items():
            known = listed.get(pair)
            if known is None:
                continue
            day = day_now(entry, known)
            if known.withdrawn:
                changes.append(Change(registration_id=known.registration_id, kind=ChangeKind.RETURNED, day=day))
            if day is not None and day != known.held_on:
                days[known.event_id] = day
        gone = missing_from(listed.values(), seen, today=today)
        left = withdrawn(gone)
        # Past events have left the page as well; these registrations are not withdrawn.
        over = [r.registration_id for r in listed.values() if r.listed and r.registration_id not in seen]
        await self._registrations.see(target_id, {key: entry.day for key, entry in seen.items()}, now=now)
        if over or left:
            await self._registrations.miss(target_id, over, [change.registration_id for change in left], now=now)
        changes += left
        if changes:
            await self._registrations.add_changes(changes, now=now)
        moved = await self._registrations.move(days, new=[row.id for row in new], now=now) if days else []
        return {change.registration_id for change in changes} | set(moved)


def _notifies_of_known(kind: SubjectKind, page: SubjectPage) -> bool:
    """True if registrations that another page listed first are new for followers of this one: a club's later fetch."""
    return kind is SubjectKind.CLUB and not page.first_fetch


def _is_unread(change: ChangeUpdate, page: SubjectPage) -> bool:
    """True at the first fetch of a page, if it is the fencer's own or the fencer's own was never fetched."""
    return page.first_fetch and (change.fencer_id == page.id or not change.fetched_at)


def _audience(change: ChangeUpdate, page: SubjectPage) -> tuple[list[UUID], list[UUID]]:
    """Return the clubs whose followers are notified of a change, and the fencers whose followers know it already.

    Followers of a page are not notified of what its first fetch finds; all other followers are.
    """
    if not page.first_fetch:
        return change.clubs, []
    return [club for club in change.clubs if club != page.id], [change.fencer_id] if _is_unread(change, page) else []


def _events(audiences: Sequence[tuple[ChangeUpdate, Sequence[UUID], Sequence[UUID]]]) -> list[NewEvent]:
    """Return one event per fencer, weapon and `known_through`; none for changes without anybody to notify."""
    grouped: dict[tuple[UUID, str | None, tuple[UUID, ...]], list[tuple[ChangeUpdate, Sequence[UUID]]]] = {}
    for change, clubs, known_through in audiences:
        if clubs or change.fencer_id not in known_through:
            key = (change.fencer_id, change.weapon, tuple(known_through))
            grouped.setdefault(key, []).append((change, clubs))
    return [
        NewEvent(
            event=REGISTRATIONS_CHANGED,
            aggregate=f"fencer:{fencer_id}",
            payload=FencerUpdate(
                fencer_id=fencer_id,
                name=changes[0][0].name or UNNAMED,
                url=None
                if changes[0][0].upstream_id is None
                else page_url(SubjectKind.FENCER, changes[0][0].upstream_id, changes[0][0].slug),
                weapon=weapon,
                clubs=sorted({club for _, clubs in changes for club in clubs}),
                known_through=known_through,
                changes=[
                    RegistrationChange(
                        kind=ChangeKind(change.kind),
                        tournament=change.tournament,
                        event=change.event,
                        event_url=event_url(change.event_id),
                        day_before=change.day_before,
                        day=change.day,
                    )
                    for change, _ in changes
                ],
            ),
        )
        for (fencer_id, weapon, known_through), changes in sorted(grouped.items(), key=lambda item: str(item[0]))
    ]


def _log(kind: SubjectKind, name: str, updates: Sequence[ChangeUpdate], *, first_fetch: bool) -> None:
    counts = {kind.value: sum(update.kind == kind for update in updates) for kind in ChangeKind}
    structlog.get_logger(__name__).info(
        "registrations_changed", page=kind.value, name=name, first_fetch=first_fetch, **counts
    )
