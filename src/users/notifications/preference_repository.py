"""SQL that changes preferences, or reads them for a change."""

import datetime as dt
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.database import Repository
from users.notifications.schemas import Mode

# Concurrent changes of one person's preferences wait for each other.
_LOCK_PERSON: Final = text("SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE")
PREFERENCES: Final = text("SELECT subject_id, event, mode FROM notification_preferences WHERE user_id = :user_id")
QUIET: Final = text("SELECT begins, ends FROM quiet_hours WHERE user_id = :user_id")
_CLEAR_PREFERENCES: Final = text("""
DELETE FROM notification_preferences WHERE user_id = :user_id AND subject_id = :subject_id
""")
_PUT_PREFERENCES: Final = text("""
INSERT INTO notification_preferences (user_id, subject_id, event, mode)
SELECT :user_id, :subject_id, event, mode
FROM unnest(CAST(:events AS text[]), CAST(:modes AS text[])) AS p (event, mode)
""")
_COUNT_PREFERENCES: Final = text("SELECT count(*) FROM notification_preferences WHERE user_id = :user_id")
_CLEAR_QUIET: Final = text("DELETE FROM quiet_hours WHERE user_id = :user_id")
_PUT_QUIET: Final = text("INSERT INTO quiet_hours (user_id, begins, ends) VALUES (:user_id, :begins, :ends)")
_ERASE: Final = (
    text("DELETE FROM notification_preferences WHERE user_id = :user_id"),
    _CLEAR_QUIET,
)
_HAND_OVER: Final = (
    text("""
    INSERT INTO notification_preferences (user_id, subject_id, event, mode)
    SELECT CAST(:to AS uuid), subject_id, event, mode FROM notification_preferences WHERE user_id = :user_id
    ON CONFLICT DO NOTHING
    """),
    text("DELETE FROM notification_preferences WHERE user_id = :user_id AND CAST(:to AS uuid) IS NOT NULL"),
    text("""
    INSERT INTO quiet_hours (user_id, begins, ends)
    SELECT CAST(:to AS uuid), begins, ends FROM quiet_hours WHERE user_id = :user_id ON CONFLICT DO NOTHING
    """),
    text("DELETE FROM quiet_hours WHERE user_id = :user_id AND CAST(:to AS uuid) IS NOT NULL"),
)


class PreferenceRepository(Repository):
    """Preferences and quiet hours of people."""

    async def prefer(self, user_id: UUID, subject_id: UUID, modes: Mapping[str, Mode]) -> int:
        """Replace a person's preferences for a subject; return the number of all their preferences."""
        key = {"user_id": user_id, "subject_id": subject_id}
        await self.session.execute(_CLEAR_PREFERENCES, key)
        if modes:
            await self.session.execute(
                _PUT_PREFERENCES, {**key, "events": list(modes), "modes": [str(mode) for mode in modes.values()]}
            )
        return int((await self.session.execute(_COUNT_PREFERENCES, {"user_id": user_id})).scalar_one())

    async def be_quiet(self, user_id: UUID, hours: tuple[dt.time, dt.time] | None) -> None:
        await self.session.execute(_CLEAR_QUIET, {"user_id": user_id})
        if hours is not None:
            await self.session.execute(_PUT_QUIET, {"user_id": user_id, "begins": hours[0], "ends": hours[1]})

    async def lock_person(self, user_id: UUID) -> None:
        await self.session.execute(_LOCK_PERSON, {"user_id": user_id})

    async def erase(self, user_id: UUID) -> None:
        for statement in _ERASE:
            await self.session.execute(statement, {"user_id": user_id})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        for statement in _HAND_OVER:
            await self.session.execute(statement, {"user_id": user_id, "to": to})
