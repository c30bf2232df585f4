"""Channels sealed anew under the current secret, and what else of notifications still needs the previous one."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.database import PooledQueries
from shared.installation_secret import Needing
from users.notifications.field_encryption import FieldEncryption, Unsealable
from users.notifications.verification_codes import GOOD_FOR

BATCH: Final = 500
LINKS_GOOD_FOR: Final = timedelta(days=30)
"""A link in a digest must work for so long after it was sent (16 CFR 316.4); older ones are not counted."""

_SEALED: Final = text("SELECT id, target FROM notification_channels WHERE id > :after ORDER BY id LIMIT :limit")
# Where the channel was changed meanwhile, it is left to the next run.
_RESEAL: Final = text("UPDATE notification_channels SET target = :target WHERE id = :id AND target = :before")
_CODES: Final = text("""
SELECT count(*) AS count, max(challenge_until) AS until FROM notification_channels
WHERE challenge IS NOT NULL AND challenge_until > :now AND challenge_until <= :made_until
""")
_DIGESTS: Final = text("""
SELECT count(*) AS count, max(sent_at) AS used_at FROM digests WHERE sent_at > :since AND sent_at <= :until
""")


class ChannelRotation:
    """Seals channels anew; each statement stands for itself, so a run that ends halfway is repeated."""

    def __init__(self, reader: PooledQueries, *, encryption: FieldEncryption, public_url: str) -> None:
        self._reader = reader
        self._encryption = encryption
        self._public_url = public_url

    async def reseal(self) -> tuple[int, int]:
        """How many channels are now sealed under the current secret, and how many open under no accepted secret."""
        resealed, unreadable, after = 0, 0, UUID(int=0)
        while rows := await self._reader.rows(_SEALED, {"after": after, "limit": BATCH}):
            after = rows[-1]["id"]
            for row in rows:
                try:
                    target = self._encryption.sealed_anew(row["id"], row["target"])
                except Unsealable:
                    unreadable += 1
                    continue
                if target is not None:
                    given = {"id": row["id"], "before": row["target"], "target": target}
                    await self._reader.execute(_RESEAL, given)
                    resealed += 1
        return resealed, unreadable

    async def remaining(self, *, started_at: datetime, now: datetime) -> list[Needing]:
        """Codes that still wait, and digests with links that were sent before."""
        codes = await self._reader.row(_CODES, {"now": now, "made_until": started_at + GOOD_FOR})
        digests = await self._reader.row(_DIGESTS, {"since": now - LINKS_GOOD_FOR, "until": started_at})
        found = []
        if codes and codes["count"]:
            found.append(Needing(what="codes of channels", **codes))
        if self._public_url and digests and digests["count"]:
            until = digests["used_at"] + LINKS_GOOD_FOR
            found.append(Needing(what="unsubscribe links in digests", until=until, **digests))
        return found
