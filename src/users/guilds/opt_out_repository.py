"""SQL for opt-outs from leaderboards."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.database import Repository
from shared.ids import new_id

_OF: Final = text("SELECT guild_id FROM leaderboard_opt_outs WHERE user_id = :user_id ORDER BY guild_id NULLS FIRST")
_GUILDS_OF: Final = text("SELECT guild_id FROM guild_members WHERE user_id = :user_id")
_REMOVE: Final = text("DELETE FROM leaderboard_opt_outs WHERE user_id = :user_id")
_ADD: Final = text("""
INSERT INTO leaderboard_opt_outs (id, user_id, guild_id)
SELECT id, :user_id, guild_id FROM unnest(CAST(:ids AS uuid[]), CAST(:guild_ids AS text[])) AS x (id, guild_id)
""")
# After a merger of two accounts, an opt-out of either one counts.
_HAND_OVER: Final = text("""
WITH handed AS (DELETE FROM leaderboard_opt_outs WHERE user_id = :user_id RETURNING id, guild_id)
INSERT INTO leaderboard_opt_outs (id, user_id, guild_id) SELECT id, CAST(:to AS uuid), guild_id FROM handed
ON CONFLICT (user_id, guild_id) DO NOTHING
""")


def on_leaderboards(user_id: str, guild_id: str) -> str:
    """SQL condition on two columns: the person appears on the leaderboards of the guild."""
    return (
        f"NOT EXISTS (SELECT FROM leaderboard_opt_outs x "
        f"WHERE x.user_id = {user_id} AND (x.guild_id IS NULL OR x.guild_id = {guild_id}))"
    )


class OptOutRepository(Repository):
    """Stores opt-outs, each from one guild or from all (None)."""

    async def of(self, user_id: UUID) -> list[str | None]:
        return list((await self.session.execute(_OF, {"user_id": user_id})).scalars())

    async def guilds_of(self, user_id: UUID) -> set[str]:
        """Return the guilds that a person is in."""
        return set((await self.session.execute(_GUILDS_OF, {"user_id": user_id})).scalars())

    async def replace(self, user_id: UUID, guild_ids: Collection[str | None]) -> None:
        """Replace all opt-outs of a person with these."""
        await self.session.execute(_REMOVE, {"user_id": user_id})
        values = {"ids": [new_id() for _ in guild_ids], "guild_ids": list(guild_ids)}
        await self.session.execute(_ADD, {"user_id": user_id, **values})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to})
