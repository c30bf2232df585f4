"""SQL of the priorities of accounts, which depend on the settings of their followers' guilds."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import Repository
from shared.scraping.target import Priority

# Priority of an account: 2 if a guild of a follower has processing on, else 4 if a follower is in no guild, else 5
# (all guilds have it off). Only accounts whose priority differs; new accounts wait in priority 1.
_MISPLACED: Final = """
SELECT x.target_id, x.priority
FROM (
    SELECT a.target_id,
           CASE WHEN bool_or(p.processed) THEN 2 WHEN bool_or(p.processed IS NULL) THEN 4 ELSE 5 END AS priority
    FROM game_accounts a
    JOIN game_trackers t ON t.account_id = a.id AND t.deleted_at IS NULL AND t.active
    LEFT JOIN LATERAL (
        SELECT bool_or(coalesce(g.settings -> 'tracker_processing', 'true') <> 'false') AS processed
        FROM guild_members m JOIN guilds g ON g.id = m.guild_id
        WHERE m.user_id = t.user_id AND m.confirmed_by IS NOT NULL
    ) p ON true
    WHERE a.target_id IN ({which})
    GROUP BY a.target_id
) x
JOIN scrape_schedule s ON s.target_id = x.target_id
WHERE s.usual_priority <> x.priority OR (s.priority = 1 AND x.priority = 5)
ORDER BY x.target_id
"""
_FOLLOWED_BY: Final = """
SELECT f.target_id FROM game_trackers o JOIN game_accounts f ON f.id = o.account_id
WHERE o.deleted_at IS NULL AND o.user_id {people}
"""
_OF_TARGETS: Final = text(_MISPLACED.format(which="SELECT unnest(CAST(:targets AS uuid[]))"))
_OF_PEOPLE: Final = text(_MISPLACED.format(which=_FOLLOWED_BY.format(people="= ANY(CAST(:people AS uuid[]))")))
_OF_GUILD: Final = text(
    _MISPLACED.format(
        which=_FOLLOWED_BY.format(people="IN (SELECT user_id FROM guild_members WHERE guild_id = :guild_id)")
    )
)
_PAGE: Final = text("""
SELECT target_id FROM game_accounts WHERE CAST(:after AS uuid) IS NULL OR target_id > :after
ORDER BY target_id LIMIT :limit
""")


class PriorityRepository(Repository):
    """Finds accounts with a wrong priority: target id -> right priority."""

    async def misplaced(self, targets: Sequence[UUID]) -> dict[UUID, Priority]:
        return await self._priorities(_OF_TARGETS, targets=list(targets))

    async def misplaced_of_people(self, user_ids: Collection[UUID]) -> dict[UUID, Priority]:
        """Return the misplaced accounts that these people follow."""
        return await self._priorities(_OF_PEOPLE, people=list(user_ids))

    async def misplaced_of_guild(self, guild_id: str) -> dict[UUID, Priority]:
        """Return the misplaced accounts that members of a guild follow."""
        return await self._priorities(_OF_GUILD, guild_id=guild_id)

    async def targets(self, *, after: UUID | None, limit: int) -> list[UUID]:
        """Return a page of targets of accounts, ordered by id, from the id after `after` on."""
        return list((await self.session.execute(_PAGE, {"after": after, "limit": limit})).scalars())

    async def _priorities(self, statement: Any, **parameters: Any) -> dict[UUID, Priority]:
        rows = (await self.session.execute(statement, parameters)).all()
        return {row.target_id: Priority(row.priority) for row in rows}
