"""What a page's entries are about: the tournament, event and fencer of each, made where they are new."""

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
    """Where a page's entries belong."""

    entries: Mapping[tuple[UUID, UUID], PageEntry]
    """(fencer, event) -> entry."""
    settled: frozenset[UUID] = frozenset()
    """Events whose day this page settles by itself."""
    adopted: frozenset[UUID] = frozenset()
    """Registrations of which it turned out whose they are."""


class Placement:
    """Finds what entries are about."""

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
        """`page_id`: the fencer or club whose page it is."""
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
        """The event of each entry."""
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
        found = await self._known_events(entries, tournaments, known)
        lost = {
            place: (name, entry)
            for place, (entry, (name, _)) in enumerate(zip(entries, named, strict=True))
            if place not in found
        }
        if lost:
            found |= await self._changed_events(lost, tournaments, found, target_id, today)
            found |= await self._new_events(
                {place: lost[place][1] for place in lost if place not in found}, tournaments
            )
        return [found[place] for place in range(len(entries))]

    async def _known_events(
        self, entries: Sequence[PageEntry], tournaments: Sequence[UUID], known: Sequence[StoredEvent]
    ) -> dict[int, StoredEvent]:
        """Place of an entry -> its event, where that is known by number, or by tournament, code and day."""
        numbered = {event.upstream_id: event for event in known if event.upstream_id is not None}
        found: dict[int, StoredEvent] = {}
        for place, (entry, tournament) in enumerate(zip(entries, tournaments, strict=True)):
            event = numbered.get(entry.event_id) if entry.event_id is not None else None
            if event is None:
                event = same_event(entry, tournament, known)
                if event is None:
                    continue
                if entry.event_id is not None:
                    await self._known.number_event(event.id, entry.event_id)
                    numbered[entry.event_id] = event
                    known = [one for one in known if one.id != event.id]
            found[place] = event
        return found

    async def _changed_events(
        self,
        lost: Mapping[int, tuple[str, PageEntry]],
        tournaments: Sequence[UUID],
        found: Mapping[int, StoredEvent],
        target_id: UUID,
        today: date,
    ) -> dict[int, StoredEvent]:
        """Place of an entry -> the event that this page told of under another day, or another name."""
        told = await self._known.told_events(target_id, today=today)
        changed = changed_events(lost, told, taken={event.id for event in found.values()})
        renamed: set[UUID] = set()
        for place, event in changed.items():
            entry = lost[place][1]
            if event.id in renamed or entry.day in event.days:  # once; and what it says as before is not its change
                continue
            renamed.add(event.id)
            if (tournaments[place], code_in(entry)) != (event.tournament_id, event.code):
                await self._known.rename_event(event.id, tournaments[place], name=entry.event, code=code_in(entry))
            if entry.event_id is not None:
                await self._known.number_event(event.id, entry.event_id)
        return dict(changed)

    async def _new_events(self, lost: Mapping[int, PageEntry], tournaments: Sequence[UUID]) -> dict[int, StoredEvent]:
        """Place of an entry -> an event that is made for it, and for all that are about the same."""
        made: list[EventRow] = []
        found: dict[int, StoredEvent] = {}
        for place, entry in lost.items():
            same = next((one for one in made if entry.event_id is not None and one.upstream_id == entry.event_id), None)
            event = same or same_event(entry, tournaments[place], made)
            if event is None:
                event = _event_row(entry, tournaments[place])
                made.append(event)
            found[place] = event
        if made:
            await self._known.add_events(made)
        return found

    async def _fencers(
        self, entries: Sequence[PageEntry], events: Sequence[UUID], kind: SubjectKind, page_id: UUID, target_id: UUID
    ) -> list[UUID]:
        """The fencer of each entry."""
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
        """(folded name, event) -> who is registered for it under a number; (folded name, None) -> else who is meant."""
        found = await self._known.namesakes(list(named), target_id=target_id)
        unknown = {folded: name for folded, name in named.items() if _by_name(folded, found) is None}
        if unknown:
            await self._known.add_unnumbered(
                [FencerRow(upstream_id=None, club_id=club_id, name=n, folded=f) for f, n in sorted(unknown.items())]
            )
            found = await self._known.namesakes(list(named), target_id=target_id)
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


def _seasons(entries: Sequence[PageEntry], today: date) -> list[int]:
    """The season of each entry's tournament; without a day that of the page's other entries of it, else today's."""
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
