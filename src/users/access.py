"""Who may see and change what: the one policy that every module asks. `docs/access.md` is its table.

Read: the owner, an admin, an admin of a guild that the owner is in too. Write: the owner or an admin. A bot speaks for
every person that its key may speak for: the confirmed members of its guilds, or everybody where the key names none.
Private things (trips, price watches) are for the owner and admins only: no key opens them.
"""

from typing import Final
from uuid import UUID

from shared.errors import Forbidden, NotFound, Problem
from shared.web.identity import BotIdentity, Identity
from users.memberships import Memberships

NOT_YOURS: Final = "This belongs to somebody else."


class GuildNotFound(NotFound):
    """The same words for one that is not there and one that the asker may not know of."""

    code = "guild_not_found"

    def __init__(self, guild_id: str) -> None:
        super().__init__(f"There is no guild {guild_id} here, or none that you may know of.")


class AccessPolicy:
    """Answers for one asker and one thing; `owner` is the id of the person whose thing it is."""

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
        """Whether the asker may read and change a private thing: its owner or an admin, and no bot."""
        return not isinstance(asker, BotIdentity) and (asker.is_admin or asker.user_id == owner)

    async def check_read(self, asker: Identity, owner: UUID, *, unknown: Problem | None = None) -> None:
        """Raises `unknown` where the thing must not even be known of, else Forbidden."""
        if not await self.may_read(asker, owner):
            raise unknown or Forbidden(NOT_YOURS)

    async def check_write(self, asker: Identity, owner: UUID, *, unknown: Problem | None = None) -> None:
        """Raises Forbidden for who may read but not change it; `unknown` for who must not even know of it."""
        if await self.may_write(asker, owner):
            return
        if unknown is not None and not await self.may_read(asker, owner):
            raise unknown
        raise Forbidden(NOT_YOURS)

    async def check_staff(self, guild_id: str, *, staff: UUID, member: UUID) -> None:
        """Raises Forbidden unless one person runs a guild that the other is in."""
        runs, belongs = await self._memberships.place(guild_id, staff), await self._memberships.place(guild_id, member)
        if runs is None or not runs.admin:
            raise Forbidden("Only admins of this guild register for others.")
        if belongs is None or not belongs.confirmed:
            raise Forbidden("This person is no confirmed member of the guild.")

    def check_everybody(self, asker: Identity) -> None:
        """For what concerns everybody at once: admins, and bots whose key is not for some guilds only."""
        may = asker.guild_ids is None if isinstance(asker, BotIdentity) else asker.is_admin
        if not may:
            raise Forbidden("This concerns everybody; it takes an admin, or a key that is not for some guilds only.")

    async def check_guild_read(self, asker: Identity, guild_id: str) -> None:
        """Members, admins, and bots that may speak for it; for everybody else there is none (GuildNotFound)."""
        await self._runs(asker, guild_id)

    async def check_guild_write(self, asker: Identity, guild_id: str) -> None:
        """Admins of the guild, admins, and bots that may speak for it; else Forbidden, or GuildNotFound as there."""
        if not await self._runs(asker, guild_id):
            raise Forbidden("Only admins of this guild may do that.")

    async def _runs(self, asker: Identity, guild_id: str) -> bool:
        """Whether the asker may change a guild. Raises GuildNotFound where they may not even know of it."""
        user_id = None if isinstance(asker, BotIdentity) else asker.user_id
        place = await self._memberships.place(guild_id, user_id)
        if place is not None:
            if isinstance(asker, BotIdentity):
                if asker.guild_ids is None or guild_id in asker.guild_ids:
                    return True
            elif asker.is_admin or place.member:
                return asker.is_admin or place.admin
        raise GuildNotFound(guild_id)
