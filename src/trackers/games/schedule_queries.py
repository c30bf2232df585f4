"""Read queries for schedules: static statements whose rows become Structs."""

from typing import Final

from sqlalchemy import text

from shared.database import Queries
from shared.web.identity import Identity
from trackers.games.schedule_repository import COLUMNS, PROGRESS, schedule_view
from trackers.games.schedule_schemas import ScheduleFilters, Schedules
from users.access import AccessPolicy

_WHICH: Final = """
FROM game_schedules g
WHERE g.guild_id = :guild_id AND CASE
    WHEN CAST(:status AS text) IS NOT NULL THEN g.status = CAST(:status AS text)
    ELSE CAST(:include_completed AS boolean) OR g.status <> 'COMPLETED'
END
"""
_WITH_PROGRESS: Final = f"FROM game_schedules g {PROGRESS}"
_SCHEDULES: Final = text(f"""
SELECT {COLUMNS}, p.progress {_WITH_PROGRESS}
WHERE g.id IN (SELECT g.id {_WHICH} ORDER BY g.id DESC LIMIT CAST(:limit AS bigint) OFFSET CAST(:skipped AS bigint))
ORDER BY g.id DESC
""")
_IN_ALL: Final = text(f"SELECT count(*) {_WHICH}")


class ScheduleQueries:
    """Reads schedules."""

    def __init__(self, questions: Queries, *, access: AccessPolicy) -> None:
        self._questions = questions
        self._access = access

    async def get_schedules_for_guild(
        self, guild_id: str, filters: ScheduleFilters, *, asker: Identity, page: int = 1, per_page: int = 50
    ) -> Schedules:
        """Schedules of a guild, the newest first. Raises GuildNotFound."""
        await self._access.check_guild_read(asker, guild_id)
        which = {"guild_id": guild_id, "status": filters.status, "include_completed": filters.include_completed}
        rows = await self._questions.rows(_SCHEDULES, {**which, "limit": per_page, "skipped": (page - 1) * per_page})
        total = await self._questions.value(_IN_ALL, which)
        return Schedules(items=[schedule_view(row) for row in rows], page=page, per_page=per_page, total=total)
