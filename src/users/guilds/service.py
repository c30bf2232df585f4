"""Rules for guilds: bots report guilds and their members, and admins of a guild change its settings."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.web.identity import BotIdentity, Identity, PersonIdentity
from users.access import AccessPolicy, GuildNotFound
from users.accounts.schemas import DISCORD
from users.accounts.service import AccountService
from users.guilds.errors import DuplicateMember, KeyForOtherGuilds
from users.guilds.guild_settings import GuildSettings, SettingsChange, changed, stored_form
from users.guilds.listeners import GuildListener
from users.guilds.repository import GuildRepository, PutMember
from users.guilds.schemas import GivenMember, GuildView, MembersPut, MembersRemoved, MyGuild


class GuildService:
    """Changes guilds, their settings and their members."""

    def __init__(
        self,
        *,
        guilds: GuildRepository,
        accounts: AccountService,
        access: AccessPolicy,
        activity: ActivityLog,
        listeners: Sequence[GuildListener],
        clock: Clock,
    ) -> None:
        self._guilds = guilds
        self._accounts = accounts
        self._access = access
        self._activity = activity
        self._listeners = listeners
        self._clock = clock

    async def get(self, guild_id: str) -> GuildView:
        """Return a guild without an access check, for other modules. Raises GuildNotFound."""
        guild = await self._guilds.guild(guild_id)
        if guild is None:
            raise GuildNotFound(guild_id)
        return guild

    async def settings_of(self, guild_id: str) -> GuildSettings:
        """Return the settings of a guild without an access check. Raises GuildNotFound."""
        return (await self.get(guild_id)).settings

    async def put(self, asker: BotIdentity, guild_id: str, name: str, settings: GuildSettings | None) -> GuildView:
        """Create or update a guild. Without `settings` it keeps its settings.

        Raises KeyForOtherGuilds if the bot's key does not cover the guild.
        """
        if asker.guild_ids is not None and guild_id not in asker.guild_ids:
            raise KeyForOtherGuilds(guild_id)
        put = await self._guilds.put(guild_id, name, settings, now=self._clock.now())
        if put.made:
            await self._note("guild.created", asker, guild_id, {"name": name})
        elif put.renamed:
            await self._note("guild.updated", asker, guild_id, {"name": name})
        if put.settled:
            await self._note("guild.settings_changed", asker, guild_id, stored_form(put.guild.settings))
            await self._notify_settings_changed(guild_id)
        return put.guild

    async def remove(self, asker: BotIdentity, guild_id: str) -> None:
        """Delete a guild that the bot has left, with its memberships. Raises GuildNotFound."""
        await self._access.check_guild_write(asker, guild_id)
        members = await self._guilds.lock_members(guild_id)
        name = await self._guilds.remove(guild_id)
        if name is None:
            raise GuildNotFound(guild_id)
        await self._note("guild.removed", asker, guild_id, {"name": name})
        await self._notify_members_changed(members)

    async def put_members(self, asker: BotIdentity, guild_id: str, members: Sequence[GivenMember]) -> MembersPut:
        """Add or update members of a guild. The number of statements does not depend on the number of members.

        Two identities of one person are one member, an admin if either is. A key for some guilds confirms only
        memberships of people whose account this call creates, and updates the names only of these people and of
        confirmed members. If another guild's key created an account and this key does not cover that guild, the
        membership there becomes unconfirmed. Raises DuplicateMember or GuildNotFound.
        """
        _check_distinct([member.user_id for member in members])
        await self._lock(asker, guild_id)
        now = self._clock.now()  # before accounts are created, so that no new one seems older
        given = {member.user_id: member for member in members}
        people = await self._people(asker, given)
        await self._guilds.end_creation(set(people.values()), but={guild_id, *(asker.guild_ids or ())})
        put, former = await self._guilds.put_members(
            guild_id,
            [
                PutMember(external_id=external_id, user_id=user_id, admin=given[external_id].admin)
                for external_id, user_id in people.items()
            ],
            trusted=asker.guild_ids is None,
            now=now,
        )
        if put.added or put.updated:
            await self._note("guild.members_changed", asker, guild_id, {"added": put.added, "updated": put.updated})
        if put.added or put.updated or former:
            await self._notify_members_changed({*people.values(), *former})
        return put

    async def confirm(self, asker: PersonIdentity, guild_id: str) -> MyGuild:
        """Confirm the asker's own membership. Raises GuildNotFound if the asker is not a member."""
        await self._guilds.lock(guild_id)
        confirmed = await self._guilds.confirm(guild_id, asker.user_id)
        if confirmed is None:
            raise GuildNotFound(guild_id)
        membership, changed = confirmed
        if changed:
            await self._note("guild.membership_confirmed", asker, guild_id, {"user_id": str(asker.user_id)})
            await self._notify_members_changed([asker.user_id])
        return membership

    async def remove_members(self, asker: BotIdentity, guild_id: str, user_ids: Sequence[str]) -> MembersRemoved:
        """Remove people who left a guild, by the Discord ids that were put. Other ids are not counted.

        Raises DuplicateMember or GuildNotFound.
        """
        _check_distinct(user_ids)
        await self._lock(asker, guild_id)
        removed = await self._guilds.remove_members(guild_id, user_ids)
        if removed:
            await self._note("guild.members_changed", asker, guild_id, {"removed": len(removed)})
            await self._notify_members_changed(set(removed))
        return MembersRemoved(removed=len(removed))

    async def change_settings(self, asker: Identity, guild_id: str, change: SettingsChange) -> GuildView:
        """Change the settings of a guild. Raises GuildNotFound, or Forbidden for members who are not its admins."""
        await self._access.check_guild_write(asker, guild_id)
        settings = await self._guilds.lock_settings(guild_id)
        if settings is None:
            raise GuildNotFound(guild_id)
        new_settings = changed(settings, change)
        guild = await self._guilds.settle(guild_id, new_settings, now=self._clock.now())
        if new_settings != settings:
            await self._note("guild.settings_changed", asker, guild_id, stored_form(new_settings))
            await self._notify_settings_changed(guild_id)
        return guild

    async def _people(self, asker: BotIdentity, given: Mapping[str, GivenMember]) -> dict[str, UUID]:
        """Return the accounts of these people, and store names where the key may.

        Names also show on leaderboards of other guilds, so a key for some guilds names only accounts that this call
        creates, and confirmed members.
        """
        user_data = {external_id: member.user_data for external_id, member in given.items()}
        if asker.guild_ids is None:
            return await self._accounts.from_external_many(DISCORD, user_data)
        people, created = await self._accounts.made_or_known(DISCORD, user_data)
        members = await self._guilds.confirmed(set(people.values()), asker.guild_ids)
        nameable = {external_id for external_id, user_id in people.items() if user_id in created or user_id in members}
        await self._accounts.name(DISCORD, {external_id: user_data[external_id] for external_id in nameable})
        return people

    async def _notify_settings_changed(self, guild_id: str) -> None:
        for listener in self._listeners:
            await listener.settings_changed(guild_id)

    async def _notify_members_changed(self, user_ids: Collection[UUID]) -> None:
        for listener in self._listeners:
            await listener.members_changed(user_ids)

    async def _lock(self, asker: BotIdentity, guild_id: str) -> None:
        """Check that the asker may change the guild, and that nobody removes it until the transaction ends."""
        await self._access.check_guild_write(asker, guild_id)
        if not await self._guilds.lock(guild_id):
            raise GuildNotFound(guild_id)

    async def _note(self, event: str, asker: Identity, guild_id: str, details: Mapping[str, Any]) -> None:
        await self._activity.record(event, subject="guild", subject_id=guild_id, actor=asker, details=details)


def _check_distinct(user_ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for position, user_id in enumerate(user_ids):
        if user_id in seen:
            raise DuplicateMember(user_id, position=position)
        seen.add(user_id)
