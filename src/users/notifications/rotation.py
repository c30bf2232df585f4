"""Encrypts channels under the current secret, and counts what else still needs the previous one."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.database import StandaloneWriter
from shared.installation_secret import Needing
from users.notifications.field_encryption import FieldEncryption, Unsealable
from users.notifications.verification_codes import GOOD_FOR

BATCH: Final = 500
LINKS_GOOD_FOR: Final = timedelta(days=30)
"""Time for which the link in a digest must work (16 CFR 316.4); links of older digests are not counted."""

_SEALED: Final = text("SELECT id, target FROM notification_channels WHERE id > :after ORDER BY id LIMIT :limit")
# A channel that was changed in the meantime is left to the next run.
_RESEAL: Final = text("UPDATE notification_channels SET target = :target WHERE id = :id AND target = :before")
_CODES: Final = text("""
SELECT count(*) AS count, max(challenge_until) AS until FROM notification_channels
WHERE challenge IS NOT NULL AND challenge_until > :now AND challenge_until <= :made_until
""")
_DIGESTS: Final = text("""
SELECT count(*) AS count, max(sent_at) AS used_at FROM digests WHERE sent_at > :since AND sent_at <= :until
""")


class ChannelRotation:
    """Encrypts channels under the current secret; each row commits by itself, so a run can be repeated."""

    def __init__(self, writer: StandaloneWriter, *, encryption: FieldEncryption, public_url: str) -> None:
        self._writer = writer
        self._encryption = encryption
        self._public_url = public_url

    async def reseal(self) -> tuple[int, int]:
        """Encrypt all channels under the current secret; return how many changed, and how many do not decrypt."""
        resealed, unreadable, after = 0, 0, UUID(int=0)
        while rows := await self._writer.rows(_SEALED, {"after": after, "limit": BATCH}):
            after = rows[-1]["id"]
            for row in rows:
                try:
                    target = self._encryption.sealed_anew(row["id"], row["target"])
                except Unsealable:
                    unreadable += 1
                    continue
                if target is not None:
                    parameters = {"id": row["id"], "before": row["target"], "target": target}
                    await self._writer.execute(_RESEAL, parameters)
                    resealed += 1
        return resealed, unreadable

    async def remaining(self, *, started_at: datetime, now: datetime) -> list[Needing]:
        """Return the pending codes, and the digests with links, that need the previous secret."""
        codes = await self._writer.row(_CODES, {"now": now, "made_until": started_at + GOOD_FOR})
        digests = await self._writer.row(_DIGESTS, {"since": now - LINKS_GOOD_FOR, "until": started_at})
        needing = []
        if codes and codes["count"]:
            needing.append(Needing(what="codes of channels", **codes))
        if self._public_url and digests and digests["count"]:
            until = digests["used_at"] + LINKS_GOOD_FOR
            needing.append(Needing(what="unsubscribe links in digests", until=until, **digests))
        return needing
