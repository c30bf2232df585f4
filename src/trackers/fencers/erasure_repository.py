"""SQL of the erasure of blocked fencers and clubs."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import TextClause, text

from shared.database import Repository
from shared.database.advisory_locks import AdvisoryLock, take

_ONE_AT_A_TIME: Final = text(f"SELECT {take(AdvisoryLock.FENCING_PAGES)}")
_TARGETS: Final = text("""
SELECT target_id FROM fencers WHERE upstream_id = ANY(CAST(:fencers AS bigint[])) AND target_id IS NOT NULL
UNION SELECT target_id FROM fencing_clubs WHERE upstream_id = ANY(CAST(:clubs AS bigint[])) AND target_id IS NOT NULL
""")
_FENCER: Final = "SELECT id, upstream_id, target_id, name, folded FROM fencers"
_FENCERS: Final = text(f"{_FENCER} WHERE upstream_id = ANY(CAST(:numbers AS bigint[]))")
_UNNUMBERED: Final = text(f"{_FENCER} WHERE upstream_id IS NULL AND folded = ANY(CAST(:folded AS text[]))")
_UNNUMBERED_OF: Final = text(f"{_FENCER} WHERE upstream_id IS NULL AND club_id = ANY(CAST(:clubs AS uuid[]))")
_CLUBS: Final = text("""
SELECT id, upstream_id, target_id, name FROM fencing_clubs WHERE upstream_id = ANY(CAST(:numbers AS bigint[]))
""")
_UNTRACK_FENCERS: Final = text("DELETE FROM tracked_fencers WHERE fencer_id = ANY(CAST(:ids AS uuid[])) RETURNING id")
_UNTRACK_CLUBS: Final = text("DELETE FROM tracked_clubs WHERE club_id = ANY(CAST(:ids AS uuid[])) RETURNING id")
_DELETE_FENCERS: Final = text("DELETE FROM fencers WHERE id = ANY(CAST(:ids AS uuid[]))")
_DELETE_ONLY_TOLD_THERE: Final = text("""
DELETE FROM fencing_registrations r USING fencing_listings l, fencing_clubs b
WHERE b.id = ANY(CAST(:ids AS uuid[])) AND l.target_id = b.target_id AND l.registration_id = r.id
  AND NOT EXISTS (
      SELECT FROM fencing_listings o
      WHERE o.registration_id = r.id
        AND o.target_id NOT IN (SELECT c.target_id FROM fencing_clubs c
                                WHERE c.id = ANY(CAST(:ids AS uuid[])) AND c.target_id IS NOT NULL)
  )
""")
_DELETE_CLUBS: Final = text("DELETE FROM fencing_clubs WHERE id = ANY(CAST(:ids AS uuid[]))")


class Person(Struct, frozen=True, kw_only=True):
    """A fencer or a club; a club has no folded name."""

    id: UUID
    upstream_id: int | None
    target_id: UUID | None
    name: str | None
    folded: str = ""


class FencersErasureRepository(Repository):
    """Finds and deletes fencers and clubs."""

    async def targets(self, fencers: Sequence[int], clubs: Sequence[int]) -> list[UUID]:
        """Return the targets of the fencers and clubs with these numbers."""
        values = {"fencers": list(fencers), "clubs": list(clubs)}
        return sorted((await self.session.execute(_TARGETS, values)).scalars())

    async def one_at_a_time(self) -> None:
        """Keep other transactions from recording pages until this one ends."""
        await self.session.execute(_ONE_AT_A_TIME)

    async def fencers(self, numbers: Sequence[int]) -> list[Person]:
        return await self._people(_FENCERS, numbers=list(numbers))

    async def unnumbered(self, folded: Sequence[str]) -> list[Person]:
        """Return the fencers without a number that club pages list under these names."""
        return await self._people(_UNNUMBERED, folded=list(folded))

    async def unnumbered_of(self, clubs: Sequence[UUID]) -> list[Person]:
        """Return the fencers without a number on the pages of these clubs."""
        return await self._people(_UNNUMBERED_OF, clubs=list(clubs))

    async def clubs(self, numbers: Sequence[int]) -> list[Person]:
        return await self._people(_CLUBS, numbers=list(numbers))

    async def erase_fencers(self, ids: Sequence[UUID]) -> list[UUID]:
        """Delete fencers with their registrations and changes; return the ids of their tracked fencers."""
        tracked = (await self.session.execute(_UNTRACK_FENCERS, {"ids": list(ids)})).scalars().all()
        await self.session.execute(_DELETE_FENCERS, {"ids": list(ids)})
        return list(tracked)

    async def erase_clubs(self, ids: Sequence[UUID]) -> list[UUID]:
        """Delete clubs with the registrations that no other page ever listed; return the ids of their tracked clubs."""
        tracked = (await self.session.execute(_UNTRACK_CLUBS, {"ids": list(ids)})).scalars().all()
        await self.session.execute(_DELETE_ONLY_TOLD_THERE, {"ids": list(ids)})
        await self.session.execute(_DELETE_CLUBS, {"ids": list(ids)})
        return list(tracked)

    async def _people(self, statement: TextClause, **values: object) -> list[Person]:
        return [Person(**row) for row in (await self.session.execute(statement, values)).mappings()]
