"""All SQL that changes guilds and their members, or reads them in order to."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from users.guilds.guild_settings import GuildSettings, from_stored, stored_form
from users.guilds.schemas import GuildView, Membership, MembersPut, MyGuild

_PUT: Final = text("""
INSERT INTO guilds AS g (id, name, settings, created_at, updated_at)
VALUES (:id, :name, coalesce(CAST(:settings AS jsonb), '{}'), :now, :now)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, settings = coalesce(CAST(:settings AS jsonb), g.settings),
    updated_at = CASE
        WHEN g.name = excluded.name AND g.settings = coalesce(CAST(:settings AS jsonb), g.settings) THEN g.updated_at
        ELSE excluded.updated_at
    END
RETURNING new.id, new.name, new.settings, new.created_at, new.updated_at, old.id IS NULL AS made,
          old.name IS DISTINCT FROM new.name AS renamed, coalesce(old.settings, '{}') <> new.settings AS settled
""")
GUILD: Final = text("SELECT id, name, settings, created_at, updated_at FROM guilds WHERE id = :id")
_REMOVE: Final = text("DELETE FROM guilds WHERE id = :id RETURNING name")
_HOLD: Final = text("SELECT id FROM guilds WHERE id = :id FOR KEY SHARE")
_HOLD_ALL: Final = text("SELECT id FROM guilds WHERE id = :id FOR UPDATE")
_MEMBERS: Final = text("SELECT user_id FROM guild_members WHERE guild_id = :id")
_HOLD_SETTINGS: Final = text("SELECT settings FROM guilds WHERE id = :id FOR NO KEY UPDATE")
_SETTLE: Final = text("""
UPDATE guilds
SET settings = CAST(:settings AS jsonb),
    updated_at = CASE WHEN settings = CAST(:settings AS jsonb) THEN updated_at ELSE :now END
WHERE id = :id
RETURNING id, name, settings, created_at, updated_at
""")
_PUT_MEMBERS: Final = text("""
WITH given AS (
    SELECT user_id, admin FROM jsonb_to_recordset(CAST(:members AS jsonb)) AS x (user_id uuid, admin boolean)
), moved AS (
    INSERT INTO guild_members AS m (guild_id, user_id, admin, joined_at, confirmed_by)
    SELECT :guild_id, g.user_id, g.admin, CAST(:now AS timestamptz),
           CASE WHEN CAST(:trusted AS boolean) THEN 'operator' WHEN u.created_at >= :now THEN 'creation' END
    FROM given g JOIN users u ON u.id = g.user_id
    LEFT JOIN guild_members k ON k.guild_id = :guild_id AND k.user_id = g.user_id
    WHERE k.admin IS DISTINCT FROM g.admin OR CAST(:trusted AS boolean) AND k.confirmed_by IS NULL
    ORDER BY g.user_id
    ON CONFLICT (guild_id, user_id) DO UPDATE
    SET admin = excluded.admin, confirmed_by = coalesce(m.confirmed_by, excluded.confirmed_by)
    WHERE m.admin <> excluded.admin OR m.confirmed_by IS NULL AND excluded.confirmed_by IS NOT NULL
    RETURNING old.user_id IS NULL AS added
)
SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS updated,
       (SELECT count(*) FROM given) - count(*) AS unchanged
FROM moved
""")
_REMOVE_MEMBERS: Final = text("""
WITH leaving AS (
    SELECT m.user_id FROM guild_members m
    WHERE m.guild_id = :guild_id AND m.user_id IN (
        SELECT i.user_id FROM user_identities i
        WHERE i.provider = :provider AND i.external_id = ANY(CAST(:external_ids AS text[]))
    )
    ORDER BY m.user_id FOR UPDATE
), gone AS (
    DELETE FROM guild_members m USING leaving l WHERE m.guild_id = :guild_id AND m.user_id = l.user_id
    RETURNING m.user_id
)
SELECT user_id FROM gone
""")
_CONFIRM: Final = text("""
UPDATE guild_members m SET confirmed_by = coalesce(m.confirmed_by, 'person')
FROM guilds g WHERE g.id = m.guild_id AND m.guild_id = :guild_id AND m.user_id = :user_id
RETURNING g.id, g.name, m.admin, m.joined_at, true AS confirmed, old.confirmed_by IS NULL AS changed
""")
_MEMBERSHIPS: Final = text("""
SELECT g.id AS guild_id, g.name, m.admin, m.joined_at, m.confirmed_by IS NOT NULL AS confirmed
FROM guild_members m JOIN guilds g ON g.id = m.guild_id WHERE m.user_id = :user_id ORDER BY g.id
""")
_LEAVE_ALL: Final = text("DELETE FROM guild_members WHERE user_id = :user_id")
_HOLD_GUILDS_OF: Final = text("""
SELECT 1 FROM guilds WHERE id IN (SELECT guild_id FROM guild_members WHERE user_id = :user_id) ORDER BY id FOR KEY SHARE
""")
_HAND_OVER: Final = text("""
WITH handed AS (DELETE FROM guild_members WHERE user_id = :user_id RETURNING guild_id, admin, confirmed_by)
INSERT INTO guild_members AS m (guild_id, user_id, admin, joined_at, confirmed_by)
SELECT guild_id, CAST(:to AS uuid), admin, CAST(:now AS timestamptz), nullif(confirmed_by, 'creation')
FROM handed ORDER BY guild_id
ON CONFLICT (guild_id, user_id) DO UPDATE
SET admin = m.admin OR excluded.admin, confirmed_by = coalesce(m.confirmed_by, excluded.confirmed_by)
""")


class Put(Struct, frozen=True, kw_only=True):
    """A guild as it is now, and what had to be done for that."""

    guild: GuildView
    made: bool
    renamed: bool
    settled: bool


class GuildRepository(Repository):
    """Guilds and memberships; rows are always taken in the order guild, then members by user."""

    async def put(self, guild_id: str, name: str, settings: GuildSettings | None, *, now: datetime) -> Put:
        """Make a guild or bring it up to date; without settings those that it has stay."""
        parameters = {"id": guild_id, "name": name, "settings": _settings_json(settings), "now": now}
        row = (await self.session.execute(_PUT, parameters)).one()
        return Put(guild=guild_view(row._mapping), made=row.made, renamed=row.renamed, settled=row.settled)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def guild(self, guild_id: str) -> GuildView | None:
        row = (await self.session.execute(GUILD, {"id": guild_id})).one_or_none()
        return None if row is None else guild_view(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def remove(self, guild_id: str) -> str | None:
        """The name of the guild that is now gone, with everybody's membership; None where there was none."""
        name: str | None = (await self.session.execute(_REMOVE, {"id": guild_id})).scalar_one_or_none()
        return name

    async def members_held(self, guild_id: str) -> list[UUID]:
        """Who is in a guild, which nobody else changes until the transaction ends."""
        await self.session.execute(_HOLD_ALL, {"id": guild_id})
        return list((await self.session.execute(_MEMBERS, {"id": guild_id})).scalars())

    async def hold(self, guild_id: str) -> bool:
        """Whether the guild is there; it then stays until the transaction ends."""
        return (await self.session.execute(_HOLD, {"id": guild_id})).scalar_one_or_none() is not None

    async def settings_held(self, guild_id: str) -> GuildSettings | None:
        """What a guild has settled, which nobody else changes until the transaction ends."""
        row = (await self.session.execute(_HOLD_SETTINGS, {"id": guild_id})).one_or_none()
        return None if row is None else from_stored(row.settings)

    async def settle(self, guild_id: str, settings: GuildSettings, *, now: datetime) -> GuildView:
        """Store the settings of a guild that is held."""
        parameters = {"id": guild_id, "settings": _settings_json(settings), "now": now}
        return guild_view((await self.session.execute(_SETTLE, parameters)).one()._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def put_members(
        self, guild_id: str, admins: Mapping[UUID, bool], *, trusted: bool, now: datetime
    ) -> MembersPut:
        """Make people members, by user id whether they run the guild; rows that say so already are not touched.

        `trusted`: the membership is confirmed by that; otherwise only that of an account made since `now`.
        """
        members = [{"user_id": user_id, "admin": admin} for user_id, admin in admins.items()]
        parameters = {"guild_id": guild_id, "members": msgspec.json.encode(members).decode(), "now": now}
        parameters["trusted"] = trusted
        return msgspec.convert((await self.session.execute(_PUT_MEMBERS, parameters)).one()._asdict(), MembersPut)

    async def remove_members(self, guild_id: str, provider: str, external_ids: Collection[str]) -> list[UUID]:
        """Who of the people behind outside identities was a member and no longer is."""
        parameters = {"guild_id": guild_id, "provider": provider, "external_ids": list(external_ids)}
        return list((await self.session.execute(_REMOVE_MEMBERS, parameters)).scalars())

    async def memberships_of(self, user_id: UUID) -> list[Membership]:
        rows = (await self.session.execute(_MEMBERSHIPS, {"user_id": user_id})).all()
        return [Membership(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def leave_all(self, user_id: UUID) -> None:
        await self.session.execute(_LEAVE_ALL, {"user_id": user_id})

    async def confirm(self, guild_id: str, user_id: UUID) -> tuple[MyGuild, bool] | None:
        """The person's membership, which they confirm, and whether it was not confirmed before; None: no member."""
        row = (
            (await self.session.execute(_CONFIRM, {"guild_id": guild_id, "user_id": user_id})).mappings().one_or_none()
        )
        if row is None:
            return None
        columns = dict(row)
        changed = bool(columns.pop("changed"))
        return MyGuild(**columns), changed

    async def hand_over(self, user_id: UUID, *, to: UUID, now: datetime) -> None:
        """One person's memberships become another's and begin now; an admin is who was one as either."""
        await self.session.execute(_HOLD_GUILDS_OF, {"user_id": user_id})
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to, "now": now})


def guild_view(row: Mapping[Any, Any]) -> GuildView:
    """A guild from a row of its columns."""
    return GuildView(
        id=row["id"],
        name=row["name"],
        settings=from_stored(row["settings"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _settings_json(settings: GuildSettings | None) -> str | None:
    return None if settings is None else msgspec.json.encode(stored_form(settings)).decode()
