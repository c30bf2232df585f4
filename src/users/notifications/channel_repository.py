"""SQL that changes channels, or reads them for a change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from users.notifications.schemas import ChannelKind, ChannelState, ChannelView, Owner, TargetView

CHANNEL: Final = """
id, kind, name, shown AS address,
CASE WHEN suspended_at IS NOT NULL THEN 'suspended' WHEN verified_at IS NULL THEN 'unverified' ELSE 'active' END
    AS state,
created_at, verified_at, suspended_at, suspended_because, failures, last_error
"""
OWNED: Final = """
(CASE WHEN CAST(:user_id AS uuid) IS NOT NULL THEN user_id = CAST(:user_id AS uuid)
      ELSE guild_id = CAST(:guild_id AS text) END)
"""
# Concurrent additions for one owner wait for each other, so that each counts all channels.
_LOCK_USER: Final = text("SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE")
_LOCK_GUILD: Final = text("SELECT id FROM guilds WHERE id = :guild_id FOR NO KEY UPDATE")
_COUNT: Final = text(f"SELECT count(*) FROM notification_channels WHERE {OWNED}")  # noqa: S608 -- fragments of our own
_ADD: Final = text(f"""
INSERT INTO notification_channels (id, user_id, guild_id, kind, name, target, shown, host, created_at)
VALUES (:id, CAST(:user_id AS uuid), CAST(:guild_id AS text), :kind, :name, :target, :shown, :host, :now)
RETURNING {CHANNEL}
""")  # noqa: S608 -- fragments of our own
_HELD: Final = text(f"""
SELECT {CHANNEL}, target, challenge, challenge_until FROM notification_channels
WHERE id = :id AND {OWNED} FOR NO KEY UPDATE
""")  # noqa: S608 -- fragments of our own
_RENAME: Final = text(f"UPDATE notification_channels SET name = :name WHERE id = :id RETURNING {CHANNEL}")  # noqa: S608 -- fragments of our own
_REMOVE: Final = text(f"DELETE FROM notification_channels WHERE id = :id AND {OWNED} RETURNING shown")  # noqa: S608 -- fragments of our own
_CHALLENGE: Final = text("""
UPDATE notification_channels SET challenge = :digest, challenge_until = :until, last_error = NULL
WHERE id = :id AND verified_at IS NULL
RETURNING user_id, guild_id, kind, target, host
""")
_VERIFIED: Final = text(f"""
UPDATE notification_channels
SET verified_at = coalesce(verified_at, :now), challenge = NULL, challenge_until = NULL, last_error = NULL
WHERE id = :id RETURNING {CHANNEL}
""")  # noqa: S608 -- fragments of our own
_NOTE_ERROR: Final = text("UPDATE notification_channels SET last_error = :error WHERE id = :id")
_RESUME: Final = text(f"""
UPDATE notification_channels
SET suspended_at = NULL, suspended_because = NULL, failures = 0, rests_until = NULL, last_error = NULL
WHERE id = :id RETURNING {CHANNEL}
""")  # noqa: S608 -- fragments of our own
_RETARGET: Final = text("UPDATE notification_channels SET target = :target WHERE id = :id")
_ERASE: Final = text("DELETE FROM notification_channels WHERE user_id = :user_id")
_HAND_OVER: Final = text("UPDATE notification_channels SET user_id = :to WHERE user_id = :user_id")


class LockedChannel(Struct, frozen=True, kw_only=True):
    """A channel that is locked until the transaction ends."""

    view: ChannelView
    target: bytes
    challenge: bytes | None
    challenge_until: datetime | None


class Challenged(Struct, frozen=True, kw_only=True):
    """A channel to which a challenge is sent."""

    user_id: UUID | None
    guild_id: str | None
    kind: ChannelKind
    target: bytes
    host: str


class ChannelRepository(Repository):
    """Channels of people and guilds."""

    async def lock_owner(self, owner: Owner) -> bool:
        """Lock the person or guild until the transaction ends; return False if there is none."""
        statement = _LOCK_USER if owner.user_id is not None else _LOCK_GUILD
        result = await self.session.execute(statement, {"user_id": owner.user_id, "guild_id": owner.guild_id})
        return result.scalar_one_or_none() is not None

    async def count(self, owner: Owner) -> int:
        return int((await self.session.execute(_COUNT, _owner_ids(owner))).scalar_one())

    async def add(
        self, channel_id: UUID, owner: Owner, name: str, checked: TargetView, *, target: bytes, now: datetime
    ) -> ChannelView:
        row = await self.session.execute(
            _ADD,
            {
                **_owner_ids(owner),
                "id": channel_id,
                "kind": checked.kind,
                "name": name,
                "target": target,
                "shown": checked.shown,
                "host": checked.host,
                "now": now,
            },
        )
        return channel_view(row.one()._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def locked(self, owner: Owner, channel_id: UUID) -> LockedChannel | None:
        row = (await self.session.execute(_HELD, {**_owner_ids(owner), "id": channel_id})).one_or_none()
        if row is None:
            return None
        return LockedChannel(
            view=channel_view(row._mapping),  # noqa: SLF001 -- as above
            target=row.target,
            challenge=row.challenge,
            challenge_until=row.challenge_until,
        )

    async def rename(self, channel_id: UUID, name: str) -> ChannelView:
        row = await self.session.execute(_RENAME, {"id": channel_id, "name": name})
        return channel_view(row.one()._mapping)  # noqa: SLF001 -- as above

    async def remove(self, owner: Owner, channel_id: UUID) -> str | None:
        """Remove a channel; return its masked address, or None if there was none."""
        row = await self.session.execute(_REMOVE, {**_owner_ids(owner), "id": channel_id})
        shown: str | None = row.scalar_one_or_none()
        return shown

    async def challenge(self, channel_id: UUID, digest: bytes | None, *, until: datetime) -> Challenged | None:
        """Store the digest of a new code; return None if the channel is gone or verified."""
        result = await self.session.execute(_CHALLENGE, {"id": channel_id, "digest": digest, "until": until})
        row = result.one_or_none()
        return None if row is None else msgspec.convert(dict(row._mapping), Challenged)  # noqa: SLF001 -- as above

    async def verified(self, channel_id: UUID, *, now: datetime) -> ChannelView | None:
        row = (await self.session.execute(_VERIFIED, {"id": channel_id, "now": now})).one_or_none()
        return None if row is None else channel_view(row._mapping)  # noqa: SLF001 -- as above

    async def note_error(self, channel_id: UUID, error: str) -> None:
        await self.session.execute(_NOTE_ERROR, {"id": channel_id, "error": error})

    async def resume(self, channel_id: UUID) -> ChannelView:
        return channel_view((await self.session.execute(_RESUME, {"id": channel_id})).one()._mapping)  # noqa: SLF001 -- as above

    async def retarget(self, channel_id: UUID, target: bytes) -> None:
        await self.session.execute(_RETARGET, {"id": channel_id, "target": target})

    async def erase(self, user_id: UUID) -> None:
        await self.session.execute(_ERASE, {"user_id": user_id})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to})


def channel_view(row: Mapping[Any, Any]) -> ChannelView:
    return ChannelView(
        id=row["id"],
        kind=ChannelKind(row["kind"]),
        name=row["name"],
        address=row["address"],
        state=ChannelState(row["state"]),
        created_at=row["created_at"],
        verified_at=row["verified_at"],
        suspended_at=row["suspended_at"],
        suspended_because=row["suspended_because"],
        failures=row["failures"],
        last_error=row["last_error"],
    )


def _owner_ids(owner: Owner) -> dict[str, Any]:
    return {"user_id": owner.user_id, "guild_id": owner.guild_id}
