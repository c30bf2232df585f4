"""Read queries for digests: static statements whose rows become Structs."""

from typing import Final
from uuid import UUID

from shared.database import Queries
from users.accounts.errors import AccountNotFound
from users.notifications.digest_repository import SENT, SETTINGS
from users.notifications.digest_schedule import Period
from users.notifications.digest_schemas import DigestSettings, DigestView, SentDigests

MAX_DIGESTS: Final = 200
USUAL_HOUR: Final = 8
MONDAY: Final = 1


class DigestQueries:
    """Reads digest settings, and the digests that were made."""

    def __init__(self, questions: Queries) -> None:
        self._questions = questions

    async def settings(self, user_id: UUID) -> DigestSettings:
        """Return a person's digest settings, or the defaults if digests are off. Raises AccountNotFound."""
        row = await self._questions.row(SETTINGS, {"user_id": user_id})
        if row is None:
            raise AccountNotFound
        off = row["period"] is None
        return DigestSettings(
            period=Period.OFF if off else Period(row["period"]),
            hour=USUAL_HOUR if off else row["hour"],
            weekday=MONDAY if off else row["weekday"],
            channel_id=row["channel_id"],
            time_zone=row["time_zone"],
            next_at=row["next_at"],
            last_sent_at=row["last_sent_at"],
        )

    async def sent(self, user_id: UUID) -> SentDigests:
        """Return the latest 200 digests of a person, the newest first."""
        rows = await self._questions.rows(SENT, {"user_id": user_id, "limit": MAX_DIGESTS})
        return SentDigests(items=[DigestView(**row) for row in rows])
