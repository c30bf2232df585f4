"""Access policy: the one place that decides who may read and change what. `docs/access.md` shows it as a table.

A thing may be read by its owner, by an admin, and by an admin of a guild of which the owner is a confirmed member. It
may be changed by its owner or an admin. A bot acts for every person that its key covers: the confirmed members of its
guilds, or everybody if the key names no guilds. Private things (trips, price watches) are for their owner and admins
only; no key opens them.
"""

from typing import Final
from uuid import UUID

from shared.errors import Forbidden, NotFound, Problem
from shared.web.identity import BotIdentity, Identity
from users.memberships import Memberships

NOT_YOURS: Final = "This belongs to somebody else."


class GuildNotFound(NotFound):
    """Same message for a guild that does not exist and for a guild that the asker may not know of."""

    code = "guild_not_found"

    def __init__(self, guild_id: str) -> None:
        super().__init__(f"There is no guild {guild_id} here, or you may not see it.")


class AccessPolicy:
    """Decides for one asker and one thing; `owner` is the id of the person who owns the thing."""

    def __init__(self, *, memberships: Memberships) -> None:
        self._memberships = memberships

    async def may_read(self, asker: Identity, owner: UUID) -> bool:
        if await self.may_write(asker, owner):
            return True
        if isinstance(asker, BotIdentity):
            return False
        return await self._memberships.runs_a_guild_of(asker.user_id, owner)

    async def may_write(self, asker: Identity, owner: UUID) -> bool:
        if isinstance(asker, BotIdentity):
            return asker.guild_ids is None or await self._memberships.in_one_of(owner, asker.guild_ids)
        return asker.is_admin or asker.user_id == owner

    @staticmethod
    def may_use_private(asker: Identity, owner: UUID) -> bool:
        """True for the owner of a private thing and for admins; never for a bot."""
        return not isinstance(asker, BotIdentity) and (asker.is_admin or asker.user_id == owner)

    async def check_read(self, asker: Identity, owner: UUID, *, unknown: Problem | None = None) -> None:
        """Raise Forbidden unless the asker may read the owner's things.

        With `unknown`, raise that error instead, which hides that the thing exists.
        """
        if not await self.may_read(asker, owner):
            raise unknown or Forbidden(NOT_YOURS)

    async def check_write(self, asker: Identity, owner: UUID, *, unknown: Problem | None = None) -> None:
        """Raise Forbidden unless the asker may change the owner's things.

        With `unknown`, raise that error instead if the asker may not even read them.
        """
        if await self.may_write(asker, owner):
            return
        if unknown is not None and not await self.may_read(asker, owner):
            raise unknown
        raise Forbidden(NOT_YOURS)

    async def check_staff(self, guild_id: str, *, staff: UUID, member: UUID) -> None:
        """Raise Forbidden unless `staff` is an admin of the guild and `member` is a confirmed member of it."""
        staff_place = await self._memberships.place(guild_id, staff)
        member_place = await self._memberships.place(guild_id, member)
        if staff_place is None or not staff_place.admin:
            raise Forbidden("Only admins of this guild can register for others.")
        if member_place is None or not member_place.confirmed:
            raise Forbidden("This person is not a confirmed member of the guild.")

    def check_everybody(self, asker: Identity) -> None:
        """Raise Forbidden unless the asker may act for everybody: an admin, or a bot with a key for all guilds."""
        may = asker.guild_ids is None if isinstance(asker, BotIdentity) else asker.is_admin
        if not may:
            raise Forbidden("This affects everybody; it needs an admin, or a key for all guilds.")

    async def check_guild_read(self, asker: Identity, guild_id: str) -> None:
        """Raise GuildNotFound unless the asker is a member, an admin, or a bot with a key that covers the guild."""
        await self._runs(asker, guild_id)

    async def check_guild_write(self, asker: Identity, guild_id: str) -> None:
        """Raise Forbidden unless the asker is an admin of the guild, an admin, or a bot with a key that covers it.

        Raises GuildNotFound if the asker may not even read the guild.
        """
        if not await self._runs(asker, guild_id):
            raise Forbidden("Only admins of this guild may do that.")

    async def _runs(self, asker: Identity, guild_id: str) -> bool:
        """True if the asker may change a guild. Raises GuildNotFound if they may not even read it."""
        user_id = None if isinstance(asker, BotIdentity) else asker.user_id
        place = await self._memberships.place(guild_id, user_id)
        if place is not None:
            if isinstance(asker, BotIdentity):
                if asker.guild_ids is None or guild_id in asker.guild_ids:
                    return True
            elif asker.is_admin or place.member:
                return asker.is_admin or place.admin
        raise GuildNotFound(guild_id)
