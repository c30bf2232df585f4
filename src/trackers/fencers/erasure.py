"""What is deleted of a fencer or club that is blocked."""

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
    """A SubjectEraser. Keys: fencer:100000001, club:100000900, and name:adams zoe, for pages that give names only."""

    source: Final = SOURCE

    def __init__(self, *, stored: FencersErasureRepository, targets: Targets) -> None:
        self._stored = stored
        self._targets = targets

    def read(self, entered: str) -> str:
        """A number or a link, or `name:` and a name."""
        kind, _, name = entered.partition(":")
        if kind != NAME:
            return read_key(entered).key
        if not fold_person(name):
            raise BadReference("Give a name after name:, as pages show it.", extra={"given": words(entered)[:100]})
        return name_key(name)

    def covered(self, key: str) -> Sequence[str]:
        return (key,)

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Fencers with their registrations, clubs with what only their pages told; whoever followed them does no more.

        A fencer's name is blocked with the number: a page without links would bring them back under it.
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
        targets = sorted({one.target_id for one in (*people, *places) if one.target_id is not None})
        await self._targets.erase(targets)
        blocked = [one for one in people if one.upstream_id is not None or one.folded in folded]
        return Erased(
            keys=sorted(name_key(name) for name in folded),
            aggregates=[
                *_things("fencer", [one.id for one in people]),
                *_things("tracked_fencer", tracked),
                *_things("tracked_club", tracked_clubs),
            ],
            subjects={"tracked_fencer": tracked, "tracked_club": tracked_clubs, "target": targets},
            names=[one.name for one in (*blocked, *places) if one.name],
            spellings=[
                *(str(number) for number in (*fencers, *clubs)),
                *(spelling for one in blocked if one.name for spelling in sorted({one.name, in_json(one.name)})),
            ],
        )


def _numbers(kind: SubjectKind, keys: Sequence[str]) -> list[int]:
    return [int(key.partition(":")[2]) for key in keys if key.startswith(f"{kind}:")]


def _things(kind: str, ids: Sequence[UUID]) -> list[str]:
    return [f"{kind}:{one}" for one in ids]
