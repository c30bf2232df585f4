"""All SQL about bot keys and sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from shared.database import PooledQueries, Repository
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
# Another process may have renewed it meanwhile, under the same secret: that is as good.
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
# One statement, so that of many at once exactly one finds the token to be the newest. The others see what it left.
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
    """Making, listing and revoking keys."""

    def add(self, key: BotKey) -> None:
        self.session.add(key)

    async def every_key(self) -> Sequence[BotKey]:
        """Working and revoked ones, oldest first."""
        return (await self.session.scalars(select(BotKey).order_by(BotKey.created_at, BotKey.id))).all()

    async def revoke(self, prefix: str, *, now: datetime) -> bool:
        """Whether there was such a key that still worked."""
        statement = text("UPDATE bot_keys SET revoked_at = :now WHERE prefix = :prefix AND revoked_at IS NULL")
        result = await self.session.execute(statement, {"now": now, "prefix": prefix})
        return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


class BotKeyReader:
    """Looking keys up, outside any transaction."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def by_prefix(self, prefix: str) -> dict[str, Any] | None:
        """id, name, digest, its secret's id, scopes and guilds of a key that works."""
        return await self._reader.row(_BY_PREFIX, {"prefix": prefix})

    async def stands(self, key_id: UUID) -> bool:
        """Whether a key works."""
        return bool(await self._reader.value(_STANDS, {"id": key_id}))

    async def renew_digest(self, key_id: UUID, before: bytes, digest: bytes, *, secret_id: bytes) -> None:
        """Keep a key's digest under the current secret instead of `before`."""
        await self._reader.execute(
            _RENEW_DIGEST, {"id": key_id, "before": before, "digest": digest, "secret_id": secret_id}
        )

    async def note_use(self, key_id: UUID, *, now: datetime) -> None:
        """Remember when a key was last used, at most once a minute."""
        await self._reader.execute(_TOUCH, {"id": key_id, "now": now, "stale": now - USE_NOTED_EVERY})


class SessionRepository(Repository):
    """Opening, refreshing and ending sessions."""

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
        """A session, unless the account was deactivated or its password changed since it was looked at.

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
        """Put the next token in the place of the newest; with any other the session ends.

        Whose session it is, whether it goes on, and until when at most; None where it was over already.
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
        """End a person's sessions: all, `only` one, or all `but` one; how many those were."""
        result = await self.session.execute(
            _REVOKE, {"user_id": user_id, "because": because, "now": now, "only": only, "but": but}
        )
        return len(result.all())

    async def goes_on(self, session_id: UUID, user_id: UUID, *, now: datetime) -> bool:
        """Whether a person has this session and it is not over, as the transaction that is open sees it."""
        return bool((await self.session.execute(_GOES_ON, {"id": session_id, "user_id": user_id, "now": now})).scalar())

    async def remove_over(self, *, before: datetime, limit: int) -> int:
        """Delete sessions that were over before a moment; how many."""
        result = await self.session.execute(_REMOVE_OVER, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


class SessionReader:
    """Questions about sessions, outside any transaction."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def standing(self, session_id: UUID, *, now: datetime) -> dict[str, Any] | None:
        """Id and role of the person whose session goes on; None where it is over or the account deactivated."""
        return await self._reader.row(_STANDING, {"session_id": session_id, "now": now})

    async def sessions(self, user_id: UUID, *, current: UUID, now: datetime) -> list[SessionView]:
        """A person's sessions that go on, the last used first."""
        rows = await self._reader.rows(_SESSIONS, {"user_id": user_id, "current": current, "now": now})
        return [SessionView(**row) for row in rows]

    async def past_sessions(self, user_id: UUID) -> list[PastSession]:
        """Every login that is still kept, the newest first."""
        return [PastSession(**row) for row in await self._reader.rows(_PAST_SESSIONS, {"user_id": user_id})]
