"""SQL that changes guilds and their members, or reads them for a change."""

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
_LOCK: Final = text("SELECT id FROM guilds WHERE id = :id FOR KEY SHARE")
_LOCK_ALL: Final = text("SELECT id FROM guilds WHERE id = :id FOR UPDATE")
_MEMBERS: Final = text("SELECT user_id FROM guild_members WHERE guild_id = :id")
_LOCK_SETTINGS: Final = text("SELECT settings FROM guilds WHERE id = :id FOR NO KEY UPDATE")
_SETTLE: Final = text("""
UPDATE guilds
SET settings = CAST(:settings AS jsonb),
    updated_at = CASE WHEN settings = CAST(:settings AS jsonb) THEN updated_at ELSE :now END
WHERE id = :id
RETURNING id, name, settings, created_at, updated_at
""")
# Every transaction locks a membership before its ids.
_LOCK_MEMBERS: Final = text("""
SELECT user_id FROM guild_members
WHERE guild_id = :guild_id AND (user_id = ANY(CAST(:user_ids AS uuid[])) OR user_id IN (
    SELECT user_id FROM guild_member_identities
    WHERE guild_id = :guild_id AND external_id = ANY(CAST(:external_ids AS text[]))
))
ORDER BY user_id FOR UPDATE
""")
_LOCK_MEMBERSHIPS: Final = text("""
SELECT 1 FROM guild_members
WHERE user_id IN (:user_id, :to) AND guild_id IN (SELECT guild_id FROM guild_members WHERE user_id = :user_id)
ORDER BY guild_id, user_id FOR UPDATE
""")
_PUT_MEMBERS: Final = text("""
WITH given AS (
    SELECT user_id, external_id, admin
    FROM jsonb_to_recordset(CAST(:members AS jsonb)) AS x (user_id uuid, external_id text, admin boolean)
), people AS (
    SELECT user_id, bool_or(admin) AS admin FROM (
        SELECT user_id, admin FROM given
        UNION ALL
        SELECT n.user_id, n.admin FROM guild_member_identities n
        WHERE n.guild_id = :guild_id AND n.user_id IN (SELECT user_id FROM given)
          AND n.external_id NOT IN (SELECT external_id FROM given)
    ) AS x GROUP BY user_id
), moved AS (
    INSERT INTO guild_members AS m (guild_id, user_id, admin, joined_at, confirmed_by)
    SELECT :guild_id, p.user_id, p.admin, CAST(:now AS timestamptz),
           CASE WHEN CAST(:trusted AS boolean) THEN 'operator' WHEN u.created_at >= :now THEN 'creation' END
    FROM people p JOIN users u ON u.id = p.user_id
    LEFT JOIN guild_members k ON k.guild_id = :guild_id AND k.user_id = p.user_id
    WHERE k.admin IS DISTINCT FROM p.admin
       OR CAST(:trusted AS boolean) AND coalesce(k.confirmed_by, 'creation') = 'creation'
    ORDER BY p.user_id
    ON CONFLICT (guild_id, user_id) DO UPDATE
    SET admin = excluded.admin,
        confirmed_by = coalesce(nullif(m.confirmed_by, 'creation'), excluded.confirmed_by, m.confirmed_by)
    RETURNING new.user_id,
              old.user_id IS NOT NULL AND old.confirmed_by IS NULL AND new.confirmed_by IS NOT NULL AS settled
), placed AS (
    INSERT INTO guild_member_identities AS n (guild_id, external_id, user_id, admin, joined_at)
    SELECT :guild_id, external_id, user_id, admin, CAST(:now AS timestamptz) FROM given ORDER BY external_id
    ON CONFLICT (guild_id, external_id) DO UPDATE SET user_id = excluded.user_id, admin = excluded.admin
    WHERE (n.user_id, n.admin) IS DISTINCT FROM (excluded.user_id, excluded.admin)
    RETURNING new.external_id, old.external_id IS NULL AS added, old.admin <> new.admin AS turned
)
SELECT count(*) FILTER (WHERE added) AS added,
       count(*) FILTER (WHERE added IS NOT TRUE AND (turned OR settled)) AS updated,
       count(*) FILTER (WHERE added IS NOT TRUE AND turned IS NOT TRUE AND settled IS NOT TRUE) AS unchanged
FROM given LEFT JOIN placed USING (external_id) LEFT JOIN moved USING (user_id)
""")
# An account that a guild's key has just created holds nothing older. This ends once others add anything to it.
_END_CREATION: Final = text("""
WITH held AS MATERIALIZED (
    SELECT guild_id, user_id FROM guild_members
    WHERE user_id = ANY(CAST(:user_ids AS uuid[])) AND confirmed_by = 'creation'
      AND NOT guild_id = ANY(CAST(:but AS text[]))
    ORDER BY guild_id, user_id FOR UPDATE
)
UPDATE guild_members m SET confirmed_by = NULL FROM held h WHERE (m.guild_id, m.user_id) = (h.guild_id, h.user_id)
""")
_CREATED_IN: Final = text("""
SELECT 1 FROM guilds WHERE id IN (
    SELECT guild_id FROM guild_members
    WHERE user_id = ANY(CAST(:user_ids AS uuid[])) AND confirmed_by = 'creation'
      AND NOT guild_id = ANY(CAST(:but AS text[]))
) ORDER BY id FOR KEY SHARE
""")
_CONFIRMED: Final = text("""
SELECT DISTINCT user_id FROM guild_members
WHERE user_id = ANY(CAST(:user_ids AS uuid[])) AND guild_id = ANY(CAST(:guild_ids AS text[]))
  AND confirmed_by IS NOT NULL
""")
_REMOVE_IDENTITIES: Final = text("""
DELETE FROM guild_member_identities
WHERE guild_id = :guild_id AND external_id = ANY(CAST(:external_ids AS text[]))
RETURNING user_id
""")
_LEAVE: Final = text("""
WITH rest AS (
    SELECT m.user_id, bool_or(n.admin) AS admin
    FROM guild_members m
    LEFT JOIN guild_member_identities n ON (n.guild_id, n.user_id) = (m.guild_id, m.user_id)
    WHERE m.guild_id = :guild_id AND m.user_id = ANY(CAST(:user_ids AS uuid[]))
    GROUP BY m.user_id
), kept AS (
    UPDATE guild_members m SET admin = r.admin FROM rest r
    WHERE m.guild_id = :guild_id AND m.user_id = r.user_id AND m.admin <> r.admin
)
DELETE FROM guild_members m USING rest r
WHERE m.guild_id = :guild_id AND m.user_id = r.user_id AND r.admin IS NULL
""")
_CONFIRM: Final = text("""
UPDATE guild_members m SET confirmed_by = coalesce(m.confirmed_by, 'person')
FROM guilds g WHERE g.id = m.guild_id AND m.guild_id = :guild_id AND m.user_id = :user_id
RETURNING g.id, g.name, m.admin, m.joined_at, true AS confirmed, old.confirmed_by IS NULL AS changed
""")
_MEMBERSHIPS: Final = text("""
SELECT g.id AS guild_id, g.name, m.admin, m.joined_at, m.confirmed_by IS NOT NULL AS confirmed,
       coalesce((
           SELECT json_agg(json_build_object('external_id', n.external_id, 'admin', n.admin, 'joined_at', n.joined_at)
                           ORDER BY n.external_id)
           FROM guild_member_identities n WHERE (n.guild_id, n.user_id) = (m.guild_id, m.user_id)
       ), '[]') AS identities
FROM guild_members m JOIN guilds g ON g.id = m.guild_id WHERE m.user_id = :user_id ORDER BY g.id
""")
_LEAVE_ALL: Final = text("DELETE FROM guild_members WHERE user_id = :user_id")
_LOCK_GUILDS_OF: Final = text("""
SELECT 1 FROM guilds WHERE id IN (SELECT guild_id FROM guild_members WHERE user_id = :user_id) ORDER BY id FOR KEY SHARE
""")
_HAND_OVER: Final = text("""
INSERT INTO guild_members AS m (guild_id, user_id, admin, joined_at, confirmed_by)
SELECT guild_id, CAST(:to AS uuid), admin, CAST(:now AS timestamptz), nullif(confirmed_by, 'creation')
FROM guild_members WHERE user_id = :user_id ORDER BY guild_id
ON CONFLICT (guild_id, user_id) DO UPDATE
SET admin = m.admin OR excluded.admin, confirmed_by = coalesce(m.confirmed_by, excluded.confirmed_by)
""")
_HAND_OVER_IDENTITIES: Final = text("""
UPDATE guild_member_identities SET user_id = :to, joined_at = :now WHERE user_id = :user_id
""")


class Put(Struct, frozen=True, kw_only=True):
    """A guild after a bot created or updated it, and what that changed."""

    guild: GuildView
    made: bool
    renamed: bool
    settled: bool


class PutMember(Struct, frozen=True, kw_only=True):
    """A Discord id that a bot puts into a guild."""

    external_id: str
    user_id: UUID
    admin: bool


class GuildRepository(Repository):
    """Stores guilds and memberships. Rows are always locked in this order: guild, then members by user id."""

    async def put(self, guild_id: str, name: str, settings: GuildSettings | None, *, now: datetime) -> Put:
        """Create or update a guild. Without `settings` it keeps its settings."""
        parameters = {"id": guild_id, "name": name, "settings": _settings_json(settings), "now": now}
        row = (await self.session.execute(_PUT, parameters)).one()
        return Put(guild=guild_view(row._mapping), made=row.made, renamed=row.renamed, settled=row.settled)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def guild(self, guild_id: str) -> GuildView | None:
        row = (await self.session.execute(GUILD, {"id": guild_id})).one_or_none()
        return None if row is None else guild_view(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def remove(self, guild_id: str) -> str | None:
        """Delete a guild with all memberships. Returns its name, or None if there was no such guild."""
        name: str | None = (await self.session.execute(_REMOVE, {"id": guild_id})).scalar_one_or_none()
        return name

    async def lock_members(self, guild_id: str) -> list[UUID]:
        """Return the members of a guild. Nobody else can change the guild or its members until the transaction ends."""
        await self.session.execute(_LOCK_ALL, {"id": guild_id})
        return list((await self.session.execute(_MEMBERS, {"id": guild_id})).scalars())

    async def lock(self, guild_id: str) -> bool:
        """True if the guild exists; nobody can then remove it until the transaction ends."""
        return (await self.session.execute(_LOCK, {"id": guild_id})).scalar_one_or_none() is not None

    async def lock_settings(self, guild_id: str) -> GuildSettings | None:
        """Lock a guild until the transaction ends and return its settings; None if there is no such guild."""
        row = (await self.session.execute(_LOCK_SETTINGS, {"id": guild_id})).one_or_none()
        return None if row is None else from_stored(row.settings)

    async def settle(self, guild_id: str, settings: GuildSettings, *, now: datetime) -> GuildView:
        """Store the settings of a locked guild."""
        parameters = {"id": guild_id, "settings": _settings_json(settings), "now": now}
        return guild_view((await self.session.execute(_SETTLE, parameters)).one()._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping

    async def put_members(
        self, guild_id: str, members: Collection[PutMember], *, trusted: bool, now: datetime
    ) -> tuple[MembersPut, set[UUID]]:
        """Add or update members. Returns the counts, and the people who have lost an id to another person.

        Rows that are already up to date are not written. A member is an admin if any of their ids is. `trusted`: the
        call confirms the memberships; otherwise it confirms only those of accounts created since `now`. People who have
        lost their last id are no longer members.
        """
        parameters = {"guild_id": guild_id, "members": msgspec.json.encode(members).decode(), "now": now}
        parameters["trusted"] = trusted
        people = {member.user_id for member in members}
        former = await self._lock_memberships(guild_id, [member.external_id for member in members], people) - people
        put = msgspec.convert((await self.session.execute(_PUT_MEMBERS, parameters)).one()._asdict(), MembersPut)
        if former:
            await self.session.execute(_LEAVE, {"guild_id": guild_id, "user_ids": list(former)})
        return put, former

    async def end_creation(self, user_ids: Collection[UUID], *, but: Collection[str] = ()) -> None:
        """Make memberships unconfirmed that only the account's creation confirmed, except in the guilds `but`."""
        parameters = {"user_ids": sorted(user_ids), "but": sorted(but)}
        if (await self.session.execute(_CREATED_IN, parameters)).first() is not None:
            await self.session.execute(_END_CREATION, parameters)

    async def confirmed(self, user_ids: Collection[UUID], guild_ids: Collection[str]) -> set[UUID]:
        """Return the given people who are confirmed members of at least one of these guilds."""
        parameters = {"user_ids": list(user_ids), "guild_ids": sorted(guild_ids)}
        return set((await self.session.execute(_CONFIRMED, parameters)).scalars())

    async def remove_members(self, guild_id: str, external_ids: Collection[str]) -> list[UUID]:
        """Remove Discord ids from a guild. Returns the person behind each id that was in it.

        A person's membership ends with their last id.
        """
        await self._lock_memberships(guild_id, external_ids)
        parameters = {"guild_id": guild_id, "external_ids": list(external_ids)}
        user_ids = list((await self.session.execute(_REMOVE_IDENTITIES, parameters)).scalars())
        if user_ids:
            await self.session.execute(_LEAVE, {"guild_id": guild_id, "user_ids": user_ids})
        return user_ids

    async def memberships_of(self, user_id: UUID) -> list[Membership]:
        rows = (await self.session.execute(_MEMBERSHIPS, {"user_id": user_id})).all()
        return [msgspec.convert(row._asdict(), Membership) for row in rows]

    async def leave_all(self, user_id: UUID) -> None:
        await self.session.execute(_LEAVE_ALL, {"user_id": user_id})

    async def confirm(self, guild_id: str, user_id: UUID) -> tuple[MyGuild, bool] | None:
        """Confirm a membership; return it and whether it was unconfirmed before. None if the person is not a member."""
        row = (
            (await self.session.execute(_CONFIRM, {"guild_id": guild_id, "user_id": user_id})).mappings().one_or_none()
        )
        if row is None:
            return None
        columns = dict(row)
        changed = bool(columns.pop("changed"))
        return MyGuild(**columns), changed

    async def hand_over(self, user_id: UUID, *, to: UUID, now: datetime) -> None:
        """Move memberships to another account, where new ones begin now. The result is an admin if either was."""
        await self.session.execute(_LOCK_GUILDS_OF, {"user_id": user_id})
        await self.session.execute(_LOCK_MEMBERSHIPS, {"user_id": user_id, "to": to})
        for statement in (_HAND_OVER, _HAND_OVER_IDENTITIES):
            await self.session.execute(statement, {"user_id": user_id, "to": to, "now": now})
        await self.leave_all(user_id)

    async def _lock_memberships(
        self, guild_id: str, external_ids: Collection[str], user_ids: Collection[UUID] = ()
    ) -> set[UUID]:
        """Lock the memberships of these people and of the people behind these ids. Returns all their user ids."""
        parameters = {"guild_id": guild_id, "external_ids": list(external_ids), "user_ids": list(user_ids)}
        return set((await self.session.execute(_LOCK_MEMBERS, parameters)).scalars())


def guild_view(row: Mapping[Any, Any]) -> GuildView:
    """Convert a row of the guild's columns."""
    return GuildView(
        id=row["id"],
        name=row["name"],
        settings=from_stored(row["settings"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _settings_json(settings: GuildSettings | None) -> str | None:
    return None if settings is None else msgspec.json.encode(stored_form(settings)).decode()
