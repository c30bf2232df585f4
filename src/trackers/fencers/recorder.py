"""How a page is stored: compared with what is known, written where it differs, and told."""

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
    """Stores pages one after the other: they come seconds apart, and share fencers and events."""

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
        """Targets of whose page something became known."""
        await self._registrations.one_at_a_time()
        changed, told = set(), []
        for observation in observations:
            found = await self._record(observation)
            if found is not None:
                changed.add(observation.target.id)
                told += found
        await self._outbox.publish(*told)
        return changed

    async def _record(self, observation: Observation[FencerPage | ClubPage]) -> list[NewEvent] | None:
        """What is to be told of one page; None where nothing became known."""
        read, target_id, today = observation.value, observation.target.id, observation.at.date()
        kind = SubjectKind.FENCER if isinstance(read, FencerPage) else SubjectKind.CLUB
        page = await self._registrations.lock_page(kind, target_id)
        if page is None:  # nobody's any more: erased while the page was fetched
            return None
        now = self._clock.now()
        await self._named(read, kind, page, now=now)
        told = await self._allowed(read.entries) if kind is SubjectKind.CLUB else read.entries
        placed = await self._placement.place(told, kind, page.id, target_id, today=today, now=now)
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
        ids |= {pair: one.registration_id for pair, one in listed.items()}
        # Of events whose day nobody else vouches for, the day that the page names.
        days = {
            event: entry.day
            for (_, event), entry in entries.items()
            if event in placed.settled and entry.day is not None
        }
        touched = await self._written(entries, listed, ids, new, days, target_id=target_id, today=today, now=now)
        known = [listed[pair] for pair in entries if pair in listed and is_news(listed[pair], today)]
        heard_here = {one.registration_id for one in known if not one.told_here} if _is_heard_on(kind, page) else set()
        heard = heard_here | {one.registration_id for one in known if one.registration_id in placed.adopted}
        if not touched and not heard:
            return None
        news = await self._registrations.news(sorted(touched), now=now) if touched else []
        _log(kind, read.name, news, first_fetch=page.first_fetch)
        audiences = [(change, *_audience(change, page)) for change in news]
        for change in await self._registrations.heard(sorted(heard)) if heard else []:
            clubs = [page.id] if change.id in heard_here else []
            known_through = [club for club in change.clubs if club not in clubs]
            if change.id not in placed.adopted or _is_unread(change, page):
                known_through.insert(0, change.fencer_id)
            audiences.append((change, clubs, known_through))
        return _events(audiences)

    async def _allowed(self, entries: Sequence[PageEntry]) -> Sequence[PageEntry]:
        """The entries of a club's page without those of fencers who are blocked."""
        keys = {block_key(entry) for entry in entries}
        blocked = await self._blocks.among(SOURCE, keys) if keys else set()
        return [entry for entry in entries if block_key(entry) not in blocked] if blocked else entries

    async def _named(self, read: FencerPage | ClubPage, kind: SubjectKind, page: SubjectPage, *, now: datetime) -> None:
        """Note what the page calls itself, and how a fencer's links their club."""
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
        """Write what differs; the registrations of which something became known."""
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
        # What is over has left the page, too; it is not withdrawn.
        over = [o.registration_id for o in listed.values() if o.listed and o.registration_id not in seen]
        await self._registrations.see(target_id, {one: entry.day for one, entry in seen.items()}, now=now)
        if over or left:
            await self._registrations.miss(target_id, over, [one.registration_id for one in left], now=now)
        changes += left
        if changes:
            await self._registrations.add_changes(changes, now=now)
        moved = await self._registrations.move(days, new=[row.id for row in new], now=now) if days else []
        return {change.registration_id for change in changes} | set(moved)


def _is_heard_on(kind: SubjectKind, page: SubjectPage) -> bool:
    """Whether what another page told before is news to who follows this one: a club's, but not at the first look."""
    return kind is SubjectKind.CLUB and not page.first_fetch


def _is_unread(change: ChangeUpdate, page: SubjectPage) -> bool:
    """Whether it is part of the first look at the fencer's page, or comes before that."""
    return page.first_fetch and (change.fencer_id == page.id or not change.fetched_at)


def _audience(change: ChangeUpdate, page: SubjectPage) -> tuple[list[UUID], list[UUID]]:
    """To whose clubs' followers a change is news, and through what it is known already.

    What the first look at a page finds is no news to who follows that page; to all others it is.
    """
    if not page.first_fetch:
        return change.clubs, []
    return [club for club in change.clubs if club != page.id], [change.fencer_id] if _is_unread(change, page) else []


def _events(audiences: Sequence[tuple[ChangeUpdate, Sequence[UUID], Sequence[UUID]]]) -> list[NewEvent]:
    """One event for each fencer, weapon, and what it is known through; none for what is news to nobody."""
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
                name=told[0][0].name or UNNAMED,
                url=None
                if told[0][0].upstream_id is None
                else page_url(SubjectKind.FENCER, told[0][0].upstream_id, told[0][0].slug),
                weapon=weapon,
                clubs=sorted({club for _, clubs in told for club in clubs}),
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
                    for change, _ in told
                ],
            ),
        )
        for (fencer_id, weapon, known_through), told in sorted(grouped.items(), key=lambda item: str(item[0]))
    ]


def _log(kind: SubjectKind, name: str, news: Sequence[ChangeUpdate], *, first_fetch: bool) -> None:
    counts = {kind.value: sum(one.kind == kind for one in news) for kind in ChangeKind}
    structlog.get_logger(__name__).info(
        "registrations_changed", page=kind.value, name=name, first_fetch=first_fetch, **counts
    )
