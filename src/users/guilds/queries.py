"""Read queries for guilds: static statements whose rows become Structs, after a check of the access policy."""

from typing import Final

from sqlalchemy import text

from shared.database import PooledQueries
from shared.web.identity import BotIdentity, Identity, PersonIdentity
from users.access import AccessPolicy, GuildNotFound
from users.guilds.repository import GUILD, guild_view
from users.guilds.schemas import Guilds, GuildView, Members, MemberView, MyGuild, MyGuilds

_ANY_OF: Final = "FROM guilds WHERE CAST(:only AS text[]) IS NULL OR id = ANY(CAST(:only AS text[]))"
_GUILDS: Final = text(f"""
SELECT id, name, settings, created_at, updated_at {_ANY_OF}
ORDER BY id LIMIT CAST(:limit AS bigint) OFFSET CAST(:skipped AS bigint)
""")
_GUILDS_IN_ALL: Final = text(f"SELECT count(*) {_ANY_OF}")
_MINE: Final = text("""
SELECT g.id, g.name, m.admin, m.joined_at, m.confirmed_by IS NOT NULL AS confirmed
FROM guild_members m JOIN guilds g ON g.id = m.guild_id WHERE m.user_id = :user_id
ORDER BY g.name, g.id LIMIT CAST(:limit AS bigint) OFFSET CAST(:skipped AS bigint)
""")
_MINE_IN_ALL: Final = text("SELECT count(*) FROM guild_members WHERE user_id = :user_id")
# Of an unconfirmed member the guild sees only what its own bot put, not even that two ids belong to one person.
_MEMBERS_OF: Final = """
FROM guild_members m
LEFT JOIN guild_member_identities n ON n.guild_id = m.guild_id AND n.user_id = m.user_id
LEFT JOIN user_identities i ON i.provider = 'discord' AND i.external_id = n.external_id AND i.user_id = m.user_id
                           AND m.confirmed_by IS NOT NULL
WHERE m.guild_id = :guild_id
  AND (CAST(:admin AS boolean) IS NULL OR coalesce(n.admin, m.admin) = CAST(:admin AS boolean))
  AND (CAST(:username AS text) IS NULL OR strpos(lower(i.username), lower(CAST(:username AS text))) > 0)
"""
_MEMBERS: Final = text(f"""
SELECT CASE WHEN m.confirmed_by IS NOT NULL THEN m.user_id END AS user_id, n.external_id,
       i.username, i.global_name, i.avatar, coalesce(n.admin, m.admin) AS admin,
       coalesce(n.joined_at, m.joined_at) AS joined_at, m.confirmed_by IS NOT NULL AS confirmed {_MEMBERS_OF}
ORDER BY n.external_id, m.user_id LIMIT CAST(:limit AS bigint) OFFSET CAST(:skipped AS bigint)
""")
_MEMBERS_IN_ALL: Final = text(f"SELECT count(*) {_MEMBERS_OF}")


class GuildQueries:
    """Reads guilds and members. Raises GuildNotFound if a guild does not exist or the asker may not know of it."""

    def __init__(self, reader: PooledQueries, *, access: AccessPolicy) -> None:
        self._reader = reader
        self._access = access

    async def guild(self, asker: Identity, guild_id: str) -> GuildView:
        """Return a guild that the asker may read."""
        await self._access.check_guild_read(asker, guild_id)
        row = await self._reader.row(GUILD, {"id": guild_id})
        if row is None:  # removed since the check
            raise GuildNotFound(guild_id)
        return guild_view(row)

    async def guilds(self, asker: BotIdentity, *, page: int, per_page: int) -> Guilds:
        """Return a page of the guilds that a bot's key covers, by id."""
        only = {"only": None if asker.guild_ids is None else sorted(asker.guild_ids)}
        rows = await self._reader.rows(_GUILDS, {**only, "limit": per_page, "skipped": (page - 1) * per_page})
        total = await self._reader.value(_GUILDS_IN_ALL, only)
        return Guilds(items=[guild_view(row) for row in rows], page=page, per_page=per_page, total=total)

    async def mine(self, asker: PersonIdentity, *, page: int, per_page: int) -> MyGuilds:
        """Return a page of the guilds that a person is in, sorted by name; admins, too, get only their own guilds."""
        criteria = {"user_id": asker.user_id}
        rows = await self._reader.rows(_MINE, {**criteria, "limit": per_page, "skipped": (page - 1) * per_page})
        total = await self._reader.value(_MINE_IN_ALL, criteria)
        return MyGuilds(items=[MyGuild(**row) for row in rows], page=page, per_page=per_page, total=total)

    async def members(
        self,
        asker: Identity,
        guild_id: str,
        *,
        page: int,
        per_page: int,
        username: str | None = None,
        admin: bool | None = None,
    ) -> Members:
        """Return a page of a guild's members, by Discord id. Raises Forbidden for members who are not its admins.

        `username`: only members whose username contains it, in any case. `admin`: only admins of the guild, or only
        other members.
        """
        await self._access.check_guild_write(asker, guild_id)
        criteria = {"guild_id": guild_id, "username": username, "admin": admin}
        rows = await self._reader.rows(_MEMBERS, {**criteria, "limit": per_page, "skipped": (page - 1) * per_page})
        total = await self._reader.value(_MEMBERS_IN_ALL, criteria)
        return Members(items=[MemberView(**row) for row in rows], page=page, per_page=per_page, total=total)
