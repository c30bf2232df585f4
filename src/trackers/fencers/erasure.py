"""Erasure of blocked fencers and clubs."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.scraping.blocking import Erased
from shared.scraping.targets import Targets
from shared.spellings import in_json
from trackers.fencers.erasure_repository import FencersErasureRepository
from trackers.fencers.errors import BadReference
from trackers.fencers.links import SOURCE, SubjectKind, read_key
from trackers.fencers.names import fold_person, words
from trackers.fencers.recording import NAME, name_key


class FencersEraser:
    """Erases fencers and clubs (a `SubjectEraser`).

    Keys: fencer:100000001, club:100000900, and name:adams zoe for pages that give only names.
    """

    source: Final = SOURCE

    def __init__(self, *, stored: FencersErasureRepository, targets: Targets) -> None:
        self._stored = stored
        self._targets = targets

    def read(self, entered: str) -> str:
        """Return the key of a number, a link, or `name:` with a name. Raises BadReference."""
        kind, _, name = entered.partition(":")
        if kind != NAME:
            return read_key(entered).key
        if not fold_person(name):
            raise BadReference(
                "Enter `name:` followed by the name as the site shows it.", extra={"given": words(entered)[:100]}
            )
        return name_key(name)

    def covered(self, key: str) -> Sequence[str]:
        return (key,)

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Erase fencers with their registrations, clubs with the registrations that only their pages listed.

        Nobody follows them afterwards. A fencer's name is blocked together with the number, because a page without
        links would add the fencer again under the name.
        """
        fencers, clubs = _numbers(SubjectKind.FENCER, keys), _numbers(SubjectKind.CLUB, keys)
        folded = {key.partition(":")[2] for key in keys if key.startswith(f"{NAME}:")}
        await self._targets.lock(await self._stored.targets(fencers, clubs))
        await self._stored.one_at_a_time()
        people = await self._stored.fencers(fencers)
        folded |= {person.folded for person in people if person.folded}
        people += await self._stored.unnumbered(sorted(folded))
        places = await self._stored.clubs(clubs)
        people += await self._stored.unnumbered_of([club.id for club in places])
        tracked = await self._stored.erase_fencers(sorted({person.id for person in people}))
        tracked_clubs = await self._stored.erase_clubs([club.id for club in places])
        targets = sorted({subject.target_id for subject in (*people, *places) if subject.target_id is not None})
        await self._targets.erase(targets)
        blocked = [person for person in people if person.upstream_id is not None or person.folded in folded]
        return Erased(
            keys=sorted(name_key(name) for name in folded),
            aggregates=[
                *_things("fencer", [person.id for person in people]),
                *_things("tracked_fencer", tracked),
                *_things("tracked_club", tracked_clubs),
            ],
            subjects={"tracked_fencer": tracked, "tracked_club": tracked_clubs, "target": targets},
            names=[subject.name for subject in (*blocked, *places) if subject.name],
            spellings=[
                *(str(number) for number in (*fencers, *clubs)),
                *(
                    spelling
                    for person in blocked
                    if person.name
                    for spelling in sorted({person.name, in_json(person.name)})
                ),
            ],
        )


def _numbers(kind: SubjectKind, keys: Sequence[str]) -> list[int]:
    return [int(key.partition(":")[2]) for key in keys if key.startswith(f"{kind}:")]


def _things(kind: str, ids: Sequence[UUID]) -> list[str]:
    return [f"{kind}:{thing_id}" for thing_id in ids]
