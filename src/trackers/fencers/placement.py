"""Find the tournament, event and fencer of each entry of a page; create the new ones."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from shared.ids import new_id
from trackers.fencers.dates import season_of
from trackers.fencers.links import SubjectKind
from trackers.fencers.matching import StoredEvent, changed_events, code_in, same_event
from trackers.fencers.names import fold, fold_person
from trackers.fencers.parser import PageEntry
from trackers.fencers.placement_repository import EventRow, FencerRow, Namesake, PlacementRepository
from trackers.fencers.recording import settles_day


class Placed(Struct, frozen=True, kw_only=True):
    """The entries of a page with their fencers and events."""

    entries: Mapping[tuple[UUID, UUID], PageEntry]
    """(fencer id, event id) -> entry."""
    settled: frozenset[UUID] = frozenset()
    """Events whose day this page decides alone."""
    adopted: frozenset[UUID] = frozenset()
    """Registrations whose fencer has been identified."""


class Placement:
    """Finds or creates the tournaments, events and fencers of entries."""

    def __init__(self, repository: PlacementRepository) -> None:
        self._known = repository

    async def place(
        self,
        entries: Sequence[PageEntry],
        kind: SubjectKind,
        page_id: UUID,
        target_id: UUID,
        *,
        today: date,
        now: datetime,
    ) -> Placed:
        """Place the entries of a page. `page_id`: the fencer or club of the page."""
        if not entries:
            return Placed(entries={})
        events = await self._events(entries, target_id, today)
        fencers = await self._fencers(entries, [event.id for event in events], kind, page_id, target_id)
        placed: dict[tuple[UUID, UUID], PageEntry] = {}
        for entry, fencer, event in zip(entries, fencers, events, strict=True):
            placed.setdefault((fencer, event.id), entry)
        settled = (
            event.id
            for entry, event in zip(entries, events, strict=True)
            if settles_day(entry, event.held_on, event.upheld)
        )
        adopted = await self._known.adopt(list(placed), now=now)
        return Placed(entries=placed, settled=frozenset(settled), adopted=frozenset(adopted))

    async def _events(self, entries: Sequence[PageEntry], target_id: UUID, today: date) -> list[StoredEvent]:
        """Return the event of each entry."""
        seasons = _seasons(entries, today)
        named = [(fold(entry.tournament), season) for entry, season in zip(entries, seasons, strict=True)]
        ids = await self._known.tournaments(
            {name: entry.tournament for name, entry in zip(named, entries, strict=True)}
        )
        tournaments = [ids[name] for name in named]
        known = await self._known.events(
            [entry.event_id for entry in entries if entry.event_id is not None],
            list(ids.values()),
            target_id=target_id,
        )
        matches = await self._known_events(entries, tournaments, known)
        unmatched = {
            place: (name, entry)
            for place, (entry, (name, _)) in enumerate(zip(entries, named, strict=True))
            if place not in matches
        }
        if unmatched:
            matches |= await self._changed_events(unmatched, tournaments, matches, target_id, today)
            matches |= await self._new_events(
                {place: unmatched[place][1] for place in unmatched if place not in matches}, tournaments
            )
        return [matches[place] for place in range(len(entries))]

    async def _known_events(
        self, entries: Sequence[PageEntry], tournaments: Sequence[UUID], known: Sequence[StoredEvent]
    ) -> dict[int, StoredEvent]:
        """Return place of an entry -> its event, if it is stored with this number, or tournament, code and day."""
        numbered = {event.upstream_id: event for event in known if event.upstream_id is not None}
        matches: dict[int, StoredEvent] = {}
        for place, (entry, tournament) in enumerate(zip(entries, tournaments, strict=True)):
            event = numbered.get(entry.event_id) if entry.event_id is not None else None
            if event is None:
                event = same_event(entry, tournament, known)
                if event is None:
                    continue
                if entry.event_id is not None:
                    await self._known.number_event(event.id, entry.event_id)
                    numbered[entry.event_id] = event
                    known = [other for other in known if other.id != event.id]
            matches[place] = event
        return matches

    async def _changed_events(
        self,
        unmatched: Mapping[int, tuple[str, PageEntry]],
        tournaments: Sequence[UUID],
        matches: Mapping[int, StoredEvent],
        target_id: UUID,
        today: date,
    ) -> dict[int, StoredEvent]:
        """Return place of an entry -> the event that this page listed under another day or name."""
        listed = await self._known.told_events(target_id, today=today)
        changed = changed_events(unmatched, listed, taken={event.id for event in matches.values()})
        renamed: set[UUID] = set()
        for place, event in changed.items():
            entry = unmatched[place][1]
            if event.id in renamed or entry.day in event.days:  # once, and only if the day is new on this page
                continue
            renamed.add(event.id)
            if (tournaments[place], code_in(entry)) != (event.tournament_id, event.code):
                await self._known.rename_event(event.id, tournaments[place], name=entry.event, code=code_in(entry))
            if entry.event_id is not None:
                await self._known.number_event(event.id, entry.event_id)
        return dict(changed)

    async def _new_events(
        self, unmatched: Mapping[int, PageEntry], tournaments: Sequence[UUID]
    ) -> dict[int, StoredEvent]:
        """Create events; return place of an entry -> event. Entries of the same event share it."""
        rows: list[EventRow] = []
        events: dict[int, StoredEvent] = {}
        for place, entry in unmatched.items():
            same = next((row for row in rows if entry.event_id is not None and row.upstream_id == entry.event_id), None)
            event = same or same_event(entry, tournaments[place], rows)
            if event is None:
                event = _event_row(entry, tournaments[place])
                rows.append(event)
            events[place] = event
        if rows:
            await self._known.add_events(rows)
        return events

    async def _fencers(
        self, entries: Sequence[PageEntry], events: Sequence[UUID], kind: SubjectKind, page_id: UUID, target_id: UUID
    ) -> list[UUID]:
        """Return the fencer of each entry."""
        if kind is SubjectKind.FENCER:
            return [page_id] * len(entries)
        linked = {
            entry.fencer_id: FencerRow(
                upstream_id=entry.fencer_id,
                club_id=None,
                name=entry.fencer,
                folded=fold_person(entry.fencer),
                slug=entry.fencer_slug,
            )
            for entry in entries
            if entry.fencer_id is not None
        }
        numbered = await self._known.numbered(list(linked.values())) if linked else {}
        named = {fold_person(entry.fencer): entry.fencer for entry in entries if entry.fencer_id is None}
        meant = await self._meant(named, page_id, target_id) if named else {}
        return [
            numbered[entry.fencer_id]
            if entry.fencer_id is not None
            else meant.get((fold_person(entry.fencer), event)) or meant[fold_person(entry.fencer), None]
            for entry, event in zip(entries, events, strict=True)
        ]

    async def _meant(
        self, named: Mapping[str, str], club_id: UUID, target_id: UUID
    ) -> dict[tuple[str, UUID | None], UUID]:
        """Return (folded name, event) -> the numbered fencer with that registration.

        (folded name, None) -> the fencer that the name means in all other events.
        """
        namesakes = await self._known.namesakes(list(named), target_id=target_id)
        unknown = {folded: name for folded, name in named.items() if _by_name(folded, namesakes) is None}
        if unknown:
            await self._known.add_unnumbered(
                [FencerRow(upstream_id=None, club_id=club_id, name=n, folded=f) for f, n in sorted(unknown.items())]
            )
            namesakes = await self._known.namesakes(list(named), target_id=target_id)
        meant: dict[tuple[str, UUID | None], UUID] = {
            (namesake.folded, namesake.event_id): namesake.id
            for namesake in reversed(namesakes)
            if namesake.numbered and namesake.event_id is not None
        }
        for folded in named:
            if (fencer := _by_name(folded, namesakes)) is not None:
                meant[folded, None] = fencer
        return meant


def _by_name(folded: str, namesakes: Sequence[Namesake]) -> UUID | None:
    """Return the fencer of a name: the only one of that name that the club's page links, or else the club's own."""
    alike = [namesake for namesake in namesakes if namesake.folded == folded]
    linked = {namesake.id for namesake in alike if namesake.numbered and namesake.listed}
    own = [namesake.id for namesake in alike if not namesake.numbered]
    return linked.pop() if len(linked) == 1 else next(iter(own), None)


def _seasons(entries: Sequence[PageEntry], today: date) -> list[int]:
    """Return the season of each entry's tournament; without a day, that of its other entries, or else today's."""
    usual: dict[str, int] = {}
    for entry in entries:
        if entry.day is not None:
            usual.setdefault(fold(entry.tournament), season_of(entry.day))
    present = season_of(today)
    return [
        usual.get(fold(entry.tournament), present) if entry.day is None else season_of(entry.day) for entry in entries
    ]


def _event_row(entry: PageEntry, tournament: UUID) -> EventRow:
    return EventRow(
        id=new_id(),
        upstream_id=entry.event_id,
        tournament_id=tournament,
        name=entry.event,
        code=code_in(entry),
        weapon=entry.weapon,
        held_on=entry.day,
    )
