"""SQL of the followers of players."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import Repository

_COUNT: Final = text("""
SELECT count(*) FROM hiscore_follows f JOIN hiscore_players p ON p.id = f.player_id
WHERE f.user_id = :user_id AND p.removed_at IS NULL AND p.id <> :player_id
""")
_FOLLOW: Final = text("""
INSERT INTO hiscore_follows (user_id, player_id, created_at) VALUES (:user_id, :player_id, :now)
ON CONFLICT DO NOTHING
""")
_UNFOLLOW: Final = text("DELETE FROM hiscore_follows WHERE user_id = :user_id AND player_id = :player_id")
_OTHERS: Final = text("""
SELECT count(*) FROM hiscore_follows
WHERE player_id = :player_id AND user_id IS DISTINCT FROM CAST(:user_id AS uuid)
""")
_FOLLOWERS: Final = text("""
SELECT user_id FROM hiscore_follows
WHERE player_id = :player_id AND (CAST(:after AS uuid) IS NULL OR user_id > :after) ORDER BY user_id LIMIT :limit
""")
# An update, because an insert would lock the followers, and followers must be locked before players.
_MOVE_TO_PLAYER: Final = (
    text("""
    UPDATE hiscore_follows f SET player_id = CAST(:into AS uuid)
    WHERE f.player_id = :player_id
      AND NOT EXISTS (SELECT FROM hiscore_follows o WHERE o.player_id = CAST(:into AS uuid) AND o.user_id = f.user_id)
    """),
    text("DELETE FROM hiscore_follows WHERE player_id = :player_id"),
)
_EVERYTHING_OF: Final = text("""
SELECT p.username, p.display_name, p.mode, f.created_at AS followed_at, p.added_by = :user_id AS added,
       p.removed_at
FROM hiscore_players p LEFT JOIN hiscore_follows f ON f.player_id = p.id AND f.user_id = :user_id
WHERE f.user_id IS NOT NULL OR p.added_by = :user_id ORDER BY p.username
""")
_ERASE: Final = (
    text("DELETE FROM hiscore_follows WHERE user_id = :user_id"),
    text("UPDATE hiscore_players SET added_by = NULL WHERE added_by = :user_id"),
)
_HAND_OVER: Final = (
    text("""
    INSERT INTO hiscore_follows (user_id, player_id, created_at)
    SELECT CAST(:to AS uuid), player_id, created_at FROM hiscore_follows WHERE user_id = :user_id
    ON CONFLICT DO NOTHING
    """),
    text("DELETE FROM hiscore_follows WHERE user_id = :user_id"),
    text("UPDATE hiscore_players SET added_by = :to WHERE added_by = :user_id"),
)


class FollowRepository(Repository):
    """Followers of players."""

    async def count(self, user_id: UUID, player_id: UUID) -> int:
        """Return the number of players that a person follows, without this player."""
        return int((await self.session.execute(_COUNT, {"user_id": user_id, "player_id": player_id})).scalar_one())

    async def follow(self, user_id: UUID, player_id: UUID, *, now: datetime) -> None:
        await self.session.execute(_FOLLOW, {"user_id": user_id, "player_id": player_id, "now": now})

    async def unfollow(self, user_id: UUID, player_id: UUID) -> None:
        await self.session.execute(_UNFOLLOW, {"user_id": user_id, "player_id": player_id})

    async def others(self, player_id: UUID, *, besides: UUID | None) -> int:
        """Return the number of followers of a player, without the person `besides`."""
        result = await self.session.execute(_OTHERS, {"player_id": player_id, "user_id": besides})
        return int(result.scalar_one())

    async def followers(self, player_id: UUID, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Return the followers of a player in order of their ids, from the id `after` on."""
        values = {"player_id": player_id, "after": after, "limit": limit}
        return (await self.session.execute(_FOLLOWERS, values)).scalars().all()

    async def move(self, player_id: UUID, *, into: UUID) -> None:
        """Move the followers of a player to another player."""
        for statement in _MOVE_TO_PLAYER:
            await self.session.execute(statement, {"player_id": player_id, "into": into})

    async def everything_of(self, user_id: UUID) -> list[dict[str, Any]]:
        """Return the players that a person follows or has added."""
        return [dict(row) for row in (await self.session.execute(_EVERYTHING_OF, {"user_id": user_id})).mappings()]

    async def erase(self, user_id: UUID) -> None:
        for statement in _ERASE:
            await self.session.execute(statement, {"user_id": user_id})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        for statement in _HAND_OVER:
            await self.session.execute(statement, {"user_id": user_id, "to": to})
