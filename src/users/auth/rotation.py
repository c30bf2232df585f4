"""Bot keys, sessions, claim codes and links that still need the previous secret of the installation."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from shared.database import StandaloneWriter
from shared.installation_secret import InstallationSecret, Needing
from users.accounts import addresses, claims

_START: Final = text("""
INSERT INTO secret_rotations (secret_id, started_at) VALUES (:secret_id, :now)
ON CONFLICT (secret_id) DO UPDATE SET secret_id = excluded.secret_id
RETURNING started_at
""")
_KEYS: Final = text("""
SELECT prefix, name, last_used_at FROM bot_keys
WHERE revoked_at IS NULL AND secret_id IS DISTINCT FROM :secret_id
ORDER BY last_used_at DESC NULLS LAST, created_at
""")
_SESSIONS: Final = text("""
SELECT count(*) AS count, max(refreshed_at) AS used_at, max(expires_at) AS until FROM auth_sessions
WHERE revoked_at IS NULL AND expires_at > :now AND secret_id IS DISTINCT FROM :secret_id
""")
_CODES: Final = text("""
SELECT count(*) AS count, max(expires_at) AS until FROM claim_codes
WHERE expires_at > :now AND expires_at <= :made_until
""")
_LINKS: Final = text("""
SELECT count(*) AS count, max(expires_at) AS until FROM account_mails
WHERE digest IS NOT NULL AND expires_at > :now AND expires_at <= :made_until
""")


class AuthRotation:
    """Finds what was made under which secret. Each statement runs on its own."""

    def __init__(self, writer: StandaloneWriter, *, secret: InstallationSecret) -> None:
        self._writer = writer
        self._secret = secret

    async def start(self, *, now: datetime) -> datetime:
        """Return when the current secret began to replace another: the time of the first call under it."""
        started_at: datetime = await self._writer.value(_START, {"secret_id": self._secret.id, "now": now})
        return started_at

    async def remaining(self, *, started_at: datetime, now: datetime) -> list[Needing]:
        """Return working keys not used since, sessions not refreshed since, and older codes and links still valid."""
        under = {"secret_id": self._secret.id}
        keys = [
            Needing(what=f"bot key trk_{row['prefix']} ({row['name']})", count=1, used_at=row["last_used_at"])
            for row in await self._writer.rows(_KEYS, under)
        ]
        sessions = await self._writer.row(_SESSIONS, {**under, "now": now})
        codes = await self._writer.row(_CODES, {"now": now, "made_until": started_at + claims.GOOD_FOR})
        links = await self._writer.row(_LINKS, {"now": now, "made_until": started_at + addresses.GOOD_FOR})
        return [
            *keys,
            *(Needing(what="sessions", **row) for row in [sessions] if row and row["count"]),
            *(Needing(what="claim codes", **row) for row in [codes] if row and row["count"]),
            *(Needing(what="links that confirm e-mail addresses", **row) for row in [links] if row and row["count"]),
        ]
