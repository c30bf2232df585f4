"""Memberships of guilds, which the access policy depends on."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Queries

_RUNS_A_GUILD_OF: Final = text("""
SELECT EXISTS (
    SELECT 1 FROM guild_members r JOIN guild_members o ON o.guild_id = r.guild_id
    WHERE r.user_id = :reader AND r.admin AND o.user_id = :owner AND o.confirmed_by IS NOT NULL
)
""")
_IN_ONE_OF: Final = text("""
SELECT EXISTS (
    SELECT 1 FROM guild_members
    WHERE user_id = :user_id AND guild_id = ANY(CAST(:guild_ids AS text[])) AND confirmed_by IS NOT NULL
)
""")
_KNOWN: Final = text("SELECT id FROM guilds WHERE id = ANY(CAST(:guild_ids AS text[]))")
_PLACE: Final = text("""
SELECT m.user_id IS NOT NULL AS member, coalesce(m.admin, false) AS admin,
       m.confirmed_by IS NOT NULL AS confirmed
FROM guilds g LEFT JOIN guild_members m ON m.guild_id = g.id AND m.user_id = CAST(:user_id AS uuid)
WHERE g.id = :guild_id
""")


def was_member(user_id: str, at: str) -> str:
    """SQL condition on two columns and `:guild_ids`: a confirmed member of one of these guilds since that time."""
    return (
        f"EXISTS (SELECT FROM guild_members m WHERE m.user_id = {user_id} "
        f"AND m.guild_id = ANY(CAST(:guild_ids AS text[])) AND m.joined_at <= {at} AND m.confirmed_by IS NOT NULL)"
    )


class GuildMembership(Struct, frozen=True, kw_only=True):
    """Relation of a person to a guild that exists."""

    member: bool
    admin: bool
    confirmed: bool
    """True if more than the guild's own key says that they are a member (`GuildMember.confirmed_by`)."""


class Memberships:
    """Reads memberships."""

    def __init__(self, reader: Queries) -> None:
        self._reader = reader

    async def runs_a_guild_of(self, reader: UUID, owner: UUID) -> bool:
        """True if the reader is an admin of a guild of which the owner is a confirmed member."""
        return bool(await self._reader.value(_RUNS_A_GUILD_OF, {"reader": reader, "owner": owner}))

    async def in_one_of(self, user_id: UUID, guild_ids: Collection[str]) -> bool:
        """True if the person is a confirmed member of at least one of these guilds."""
        return bool(await self._reader.value(_IN_ONE_OF, {"user_id": user_id, "guild_ids": sorted(guild_ids)}))

    async def known(self, guild_ids: Collection[str]) -> set[str]:
        """Return the given guilds that exist."""
        return {row["id"] for row in await self._reader.rows(_KNOWN, {"guild_ids": sorted(guild_ids)})}

    async def place(self, guild_id: str, user_id: UUID | None) -> GuildMembership | None:
        """Return the relation of a person (None: nobody in particular) to a guild; None if the guild does not exist."""
        row = await self._reader.row(_PLACE, {"guild_id": guild_id, "user_id": user_id})
        return None if row is None else GuildMembership(**row)
