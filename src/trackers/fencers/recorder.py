"""How a page is stored: compared with what is known, written where it differs, and told."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.ids import new_id
from shared.outbox.events import NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.source import Observation
from trackers.fencers.dates import season_of
from trackers.fencers.links import Kind, event_url, page_url
from trackers.fencers.names import fold, fold_person
from trackers.fencers.news import CHANGED, FencerNews, RegistrationChange
from trackers.fencers.parser import ClubPage, Entry, FencerPage
from trackers.fencers.recording import Change, ChangeKind, Listed, day_now, missing_from, settles_day, withdrawn
from trackers.fencers.registration_repository import (
    ChangeNews,
    EventRow,
    FencerRow,
    Namesake,
    Page,
    RegistrationRepository,
    RegistrationRow,
    StoredEvent,
)

UNNAMED: Final = "A fencer"


class RegistrationRecorder:
    """Stores pages one after the other: they come seconds apart, and share fencers and events."""

    def __init__(self, *, registrations: RegistrationRepository, outbox: Outbox, clock: Clock) -> None:
        self._registrations = registrations
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
        kind = Kind.FENCER if isinstance(read, FencerPage) else Kind.CLUB
        page = await self._registrations.hold_page(kind, target_id)
        if page is None:  # nobody's any more: erased while the page was fetched
            return None
        now = self._clock.now()
        await self._registrations.name_page(kind, page.id, read.name, fold_person(read.name), now=now)
        entries, settled = await self._placed(read.entries, kind, page, target_id, today)
        await self._registrations.adopt(list(entries))
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
        days = {event: entry.day for (_, event), entry in entries.items() if event in settled and entry.day is not None}
        touched = await self._written(entries, listed, ids, new, days, target_id=target_id, today=today, now=now)
        first_heard = [
            listed[pair].registration_id
            for pair in entries
            if kind is Kind.CLUB and not page.first_look and pair in listed and _is_first_heard(listed[pair], today)
        ]
        if not touched and not first_heard:
            return None
        news = await self._registrations.news(sorted(touched), now=now) if touched else []
        _log(kind, read.name, news, first_look=page.first_look)
        audiences = [(change, *_audience(change, page)) for change in news]
        for change in await self._registrations.heard(first_heard) if first_heard else []:
            others = [club for club in change.clubs if club != page.id]
            audiences.append((change, [page.id], [change.fencer_id, *others]))
        return _events(audiences)

    async def _written(
        self,
        entries: Mapping[tuple[UUID, UUID], Entry],
        listed: Mapping[tuple[UUID, UUID], Listed],
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

    async def _placed(
        self, entries: Sequence[Entry], kind: Kind, page: Page, target_id: UUID, today: date
    ) -> tuple[dict[tuple[UUID, UUID], Entry], set[UUID]]:
        """(fencer, event) -> entry, both made where they are new; and the events whose day this page settles."""
        if not entries:
            return {}, set()
        events = await self._events(entries, target_id, today)
        fencers = await self._fencers(entries, [event.id for event in events], kind, page, target_id)
        placed: dict[tuple[UUID, UUID], Entry] = {}
        for entry, fencer, event in zip(entries, fencers, events, strict=True):
            placed.setdefault((fencer, event.id), entry)
        return placed, {
            event.id
            for entry, event in zip(entries, events, strict=True)
            if settles_day(entry, event.held_on, event.upheld)
        }

    async def _events(self, entries: Sequence[Entry], target_id: UUID, today: date) -> list[StoredEvent]:
        """The event of each entry."""
        seasons = _seasons(entries, today)
        named = [(fold(entry.tournament), season) for entry, season in zip(entries, seasons, strict=True)]
        tournaments = await self._registrations.tournaments(
            {name: entry.tournament for name, entry in zip(named, entries, strict=True)}
        )
        known = await self._registrations.events(
            [entry.event_id for entry in entries if entry.event_id is not None],
            list(tournaments.values()),
            target_id=target_id,
        )
        numbered = {event.upstream_id: event for event in known if event.upstream_id is not None}
        made: list[EventRow] = []
        found: list[StoredEvent] = []
        for entry, name in zip(entries, named, strict=True):
            event: StoredEvent | None = numbered.get(entry.event_id) if entry.event_id is not None else None
            if event is None:
                tournament = tournaments[name]
                event = _same_event(entry, tournament, [*known, *made])
                if event is not None and entry.event_id is not None:
                    await self._registrations.number_event(event.id, entry.event_id)
                if event is None:
                    event = _event_row(entry, tournament)
                    made.append(event)
                if entry.event_id is not None:
                    numbered[entry.event_id] = event
                    known = [one for one in known if one.id != event.id]
            found.append(event)
        if made:
            await self._registrations.add_events(made)
        return found

    async def _fencers(
        self, entries: Sequence[Entry], events: Sequence[UUID], kind: Kind, page: Page, target_id: UUID
    ) -> list[UUID]:
        """The fencer of each entry."""
        if kind is Kind.FENCER:
            return [page.id] * len(entries)
        linked = {
            entry.fencer_id: FencerRow(
                upstream_id=entry.fencer_id, club_id=None, name=entry.fencer, folded=fold_person(entry.fencer)
            )
            for entry in entries
            if entry.fencer_id is not None
        }
        numbered = await self._registrations.numbered(list(linked.values())) if linked else {}
        named = {fold_person(entry.fencer): entry.fencer for entry in entries if entry.fencer_id is None}
        meant = await self._meant(named, page.id, target_id) if named else {}
        return [
            numbered[entry.fencer_id]
            if entry.fencer_id is not None
            else meant.get((fold_person(entry.fencer), event)) or meant[fold_person(entry.fencer), None]
            for entry, event in zip(entries, events, strict=True)
        ]

    async def _meant(
        self, named: Mapping[str, str], club_id: UUID, target_id: UUID
    ) -> dict[tuple[str, UUID | None], UUID]:
        """(folded name, event) -> who is registered for it under a number; (folded name, None) -> else who is meant."""
        found = await self._registrations.namesakes(list(named), target_id=target_id)
        unknown = {folded: name for folded, name in named.items() if _by_name(folded, found) is None}
        if unknown:
            await self._registrations.add_unnumbered(
                [FencerRow(upstream_id=None, club_id=club_id, name=n, folded=f) for f, n in sorted(unknown.items())]
            )
            found = await self._registrations.namesakes(list(named), target_id=target_id)
        meant: dict[tuple[str, UUID | None], UUID] = {
            (one.folded, one.event_id): one.id for one in reversed(found) if one.numbered and one.event_id is not None
        }
        for folded in named:
            if (fencer := _by_name(folded, found)) is not None:
                meant[folded, None] = fencer
        return meant


def _by_name(folded: str, found: Sequence[Namesake]) -> UUID | None:
    """Who is meant by a name wherever nothing else tells: the one whom the club's page also links, else its own."""
    linked = {one.id for one in found if one.folded == folded and one.numbered and one.listed}
    own = [one.id for one in found if one.folded == folded and not one.numbered]
    return linked.pop() if len(linked) == 1 else next(iter(own), None)


def _seasons(entries: Sequence[Entry], today: date) -> list[int]:
    """The season of each entry's tournament; without a day that of the page's other entries of it, else today's."""
    usual: dict[str, int] = {}
    for entry in entries:
        if entry.day is not None:
            usual.setdefault(fold(entry.tournament), season_of(entry.day))
    present = season_of(today)
    return [
        usual.get(fold(entry.tournament), present) if entry.day is None else season_of(entry.day) for entry in entries
    ]


def _same_event(entry: Entry, tournament: UUID, known: Sequence[StoredEvent]) -> StoredEvent | None:
    """An event known without a number, or by an entry without one: by tournament, code and day."""
    for event in known:
        if event.tournament_id != tournament or event.code != _code(entry):
            continue
        if entry.event_id is not None and event.upstream_id is not None:
            continue
        if entry.day is None or event.held_on is None or entry.day == event.held_on:
            return event
    return None


def _event_row(entry: Entry, tournament: UUID) -> EventRow:
    return EventRow(
        id=new_id(),
        upstream_id=entry.event_id,
        tournament_id=tournament,
        name=entry.event,
        code=_code(entry),
        weapon=entry.weapon,
        held_on=entry.day,
    )


def _code(entry: Entry) -> str:
    return entry.code or fold(entry.event)


def _is_first_heard(known: Listed, today: date) -> bool:
    """Whether a page tells for the first time of what another page told before, and nothing else is told of it."""
    return not known.told_here and not known.withdrawn and (known.held_on is None or known.held_on >= today)


def _audience(change: ChangeNews, page: Page) -> tuple[list[UUID], list[UUID]]:
    """To whose clubs' followers a change is news, and through what it is known already.

    What the first look at a page finds is no news to who follows that page; to all others it is.
    """
    if not page.first_look:
        return change.clubs, []
    unread = change.fencer_id == page.id or not change.looked_at
    return [club for club in change.clubs if club != page.id], [change.fencer_id] if unread else []


def _events(audiences: Sequence[tuple[ChangeNews, Sequence[UUID], Sequence[UUID]]]) -> list[NewEvent]:
    """One event for each fencer, weapon, and what it is known through; none for what is news to nobody."""
    grouped: dict[tuple[UUID, str | None, tuple[UUID, ...]], list[tuple[ChangeNews, Sequence[UUID]]]] = {}
    for change, clubs, known_through in audiences:
        if clubs or change.fencer_id not in known_through:
            key = (change.fencer_id, change.weapon, tuple(known_through))
            grouped.setdefault(key, []).append((change, clubs))
    return [
        NewEvent(
            event=CHANGED,
            aggregate=f"fencer:{fencer_id}",
            payload=FencerNews(
                fencer_id=fencer_id,
                name=told[0][0].name or UNNAMED,
                url=None
                if told[0][0].upstream_id is None
                else page_url(Kind.FENCER, told[0][0].upstream_id, told[0][0].slug),
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


def _log(kind: Kind, name: str, news: Sequence[ChangeNews], *, first_look: bool) -> None:
    counts = {kind.value: sum(one.kind == kind for one in news) for kind in ChangeKind}
    structlog.get_logger(__name__).info(
        "registrations_changed", page=kind.value, name=name, first_look=first_look, **counts
    )
