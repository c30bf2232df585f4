"""SQL for bot keys and sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from shared.database import PooledQueries, Repository, StandaloneWriter
from users.accounts.schemas import PastSession
from users.auth.models import BotKey
from users.auth.schemas import SessionView

_BY_PREFIX: Final = text(
    "SELECT id, name, digest, secret_id, scopes, guild_ids FROM bot_keys WHERE prefix = :prefix AND revoked_at IS NULL"
)
_STANDS: Final = text("SELECT EXISTS (SELECT FROM bot_keys WHERE id = :id AND revoked_at IS NULL)")
_TOUCH: Final = text(
    "UPDATE bot_keys SET last_used_at = CAST(:now AS timestamptz)"
    " WHERE id = :id AND (last_used_at IS NULL OR last_used_at < CAST(:stale AS timestamptz))"
)
USE_NOTED_EVERY: Final = timedelta(minutes=1)
# Does nothing if another process has renewed the digest meanwhile, under the same secret.
_RENEW_DIGEST: Final = text(
    "UPDATE bot_keys SET digest = :digest, secret_id = :secret_id WHERE id = :id AND digest = :before"
)

_OPEN_SESSION: Final = text("""
INSERT INTO auth_sessions
    (id, user_id, token_digest, secret_id, created_at, refreshed_at, expires_at, user_agent, address)
SELECT :id, u.id, :digest, :secret_id, :now, :now, :expires_at, :user_agent, :address
FROM users u
WHERE u.id = :user_id AND u.deactivated_at IS NULL AND u.password_hash IS NOT DISTINCT FROM CAST(:password_hash AS text)
FOR SHARE OF u
RETURNING id
""")
# One statement, so that of many concurrent calls exactly one finds its token to be the newest; the others see the
# result.
_ROTATE: Final = text("""
UPDATE auth_sessions s
SET token_digest = CASE WHEN s.token_digest = :digest THEN :next_digest ELSE s.token_digest END,
    secret_id = CASE WHEN s.token_digest = :digest THEN :secret_id ELSE s.secret_id END,
    refreshed_at = CASE WHEN s.token_digest = :digest THEN :now ELSE s.refreshed_at END,
    revoked_at = CASE WHEN s.token_digest = :digest THEN NULL ELSE CAST(:now AS timestamptz) END,
    revoked_because = CASE WHEN s.token_digest = :digest THEN NULL ELSE 'refresh token used twice' END
FROM users u
WHERE s.id = :id AND s.revoked_at IS NULL AND s.expires_at > :now AND u.id = s.user_id AND u.deactivated_at IS NULL
RETURNING s.user_id, s.revoked_at IS NULL AS rotated, s.expires_at
""")
_REVOKE: Final = text("""
UPDATE auth_sessions SET revoked_at = :now, revoked_because = :because
WHERE user_id = :user_id AND revoked_at IS NULL
  AND (CAST(:only AS uuid) IS NULL OR id = :only) AND (CAST(:but AS uuid) IS NULL OR id <> :but)
RETURNING id
""")
_STANDING: Final = text("""
SELECT u.id, u.role FROM auth_sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = :session_id AND s.revoked_at IS NULL AND s.expires_at > CAST(:now AS timestamptz)
  AND u.deactivated_at IS NULL
""")
_GOES_ON: Final = text("""
SELECT EXISTS (SELECT FROM auth_sessions
               WHERE id = :id AND user_id = :user_id AND revoked_at IS NULL AND expires_at > :now)
""")
_SESSIONS: Final = text("""
SELECT id, created_at, refreshed_at, expires_at, user_agent, address, id = :current AS current
FROM auth_sessions WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > :now
ORDER BY refreshed_at DESC, id
""")
_PAST_SESSIONS: Final = text("""
SELECT id, created_at, refreshed_at, expires_at, revoked_at, revoked_because, user_agent, address
FROM auth_sessions WHERE user_id = :user_id ORDER BY created_at DESC, id
""")
_REMOVE_OVER: Final = text("""
DELETE FROM auth_sessions WHERE id IN (
    SELECT id FROM auth_sessions WHERE expires_at < :before OR revoked_at < :before LIMIT :limit
)
""")


class BotKeyRepository(Repository):
    """Creates, lists and revokes keys."""

    def add(self, key: BotKey) -> None:
        self.session.add(key)

    async def every_key(self) -> Sequence[BotKey]:
        """Return all keys, revoked ones included, oldest first."""
        return (await self.session.scalars(select(BotKey).order_by(BotKey.created_at, BotKey.id))).all()

    async def revoke(self, prefix: str, *, now: datetime) -> bool:
        """Revoke a key. True if a working key had this prefix."""
        statement = text("UPDATE bot_keys SET revoked_at = :now WHERE prefix = :prefix AND revoked_at IS NULL")
        result = await self.session.execute(statement, {"now": now, "prefix": prefix})
        return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


class BotKeyStore:
    """Reads keys outside any transaction, and records their use."""

    def __init__(self, writer: StandaloneWriter) -> None:
        self._writer = writer

    async def by_prefix(self, prefix: str) -> dict[str, Any] | None:
        """Return id, name, digest, id of the secret, scopes and guilds of a working key, or None."""
        return await self._writer.row(_BY_PREFIX, {"prefix": prefix})

    async def stands(self, key_id: UUID) -> bool:
        """True if the key is not revoked."""
        return bool(await self._writer.value(_STANDS, {"id": key_id}))

    async def renew_digest(self, key_id: UUID, before: bytes, digest: bytes, *, secret_id: bytes) -> None:
        """Store a key's digest under the current secret in place of `before`."""
        await self._writer.execute(
            _RENEW_DIGEST, {"id": key_id, "before": before, "digest": digest, "secret_id": secret_id}
        )

    async def note_use(self, key_id: UUID, *, now: datetime) -> None:
        """Record when a key was last used, at most once a minute."""
        await self._writer.execute(_TOUCH, {"id": key_id, "now": now, "stale": now - USE_NOTED_EVERY})


class SessionRepository(Repository):
    """Opens, refreshes and ends sessions."""

    async def open(
        self,
        session_id: UUID,
        user_id: UUID,
        *,
        digest: bytes,
        secret_id: bytes,
        password_hash: str | None,
        now: datetime,
        expires_at: datetime,
        client: tuple[str | None, str | None],
    ) -> bool:
        """Open a session. False if the account was deactivated or its password changed since it was read.

        `client`: user agent and address.
        """
        user_agent, address = client
        result = await self.session.execute(
            _OPEN_SESSION,
            {
                "id": session_id,
                "user_id": user_id,
                "digest": digest,
                "secret_id": secret_id,
                "password_hash": password_hash,
                "now": now,
                "expires_at": expires_at,
                "user_agent": user_agent,
                "address": address,
            },
        )
        return result.scalar_one_or_none() is not None

    async def rotate(
        self, session_id: UUID, *, digest: bytes, next_digest: bytes, secret_id: bytes, now: datetime
    ) -> tuple[UUID, bool, datetime] | None:
        """Replace the newest token with the next one. Any other token ends the session.

        Returns the user, whether the session goes on, and when it ends at the latest; None if it had already ended.
        """
        row = (
            await self.session.execute(
                _ROTATE,
                {
                    "id": session_id,
                    "digest": digest,
                    "next_digest": next_digest,
                    "secret_id": secret_id,
                    "now": now,
                },
            )
        ).one_or_none()
        return None if row is None else (row.user_id, row.rotated, row.expires_at)

    async def revoke(
        self, user_id: UUID, *, because: str, now: datetime, only: UUID | None = None, but: UUID | None = None
    ) -> int:
        """End a person's sessions: all, `only` one, or all `but` one. Returns how many ended."""
        result = await self.session.execute(
            _REVOKE, {"user_id": user_id, "because": because, "now": now, "only": only, "but": but}
        )
        return len(result.all())

    async def goes_on(self, session_id: UUID, user_id: UUID, *, now: datetime) -> bool:
        """True if the person has this session and it has not ended, as the open transaction sees it."""
        return bool((await self.session.execute(_GOES_ON, {"id": session_id, "user_id": user_id, "now": now})).scalar())

    async def remove_over(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` sessions that ended before a time. Returns how many."""
        result = await self.session.execute(_REMOVE_OVER, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


class SessionQueries:
    """Reads sessions outside any transaction."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def standing(self, session_id: UUID, *, now: datetime) -> dict[str, Any] | None:
        """Return id and role of a session's person; None if the session has ended or the account is deactivated."""
        return await self._reader.row(_STANDING, {"session_id": session_id, "now": now})

    async def sessions(self, user_id: UUID, *, current: UUID, now: datetime) -> list[SessionView]:
        """Return a person's sessions that have not ended, last used first."""
        rows = await self._reader.rows(_SESSIONS, {"user_id": user_id, "current": current, "now": now})
        return [SessionView(**row) for row in rows]

    async def past_sessions(self, user_id: UUID) -> list[PastSession]:
        """Return all stored sessions of a person, newest first."""
        return [PastSession(**row) for row in await self._reader.rows(_PAST_SESSIONS, {"user_id": user_id})]
