"""The rules about guilds: bots tell of the guilds that they are in and of who is there; guild admins settle things."""

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
    """Changing guilds, their settings and their members."""

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
        """A guild, whoever asks: for modules that one is named to. Raises GuildNotFound."""
        guild = await self._guilds.guild(guild_id)
        if guild is None:
            raise GuildNotFound(guild_id)
        return guild

    async def settings_of(self, guild_id: str) -> GuildSettings:
        """What a guild has settled, whoever asks. Raises GuildNotFound."""
        return (await self.get(guild_id)).settings

    async def put(self, asker: BotIdentity, guild_id: str, name: str, settings: GuildSettings | None) -> GuildView:
        """Make a guild known, or bring it up to date; without settings it keeps those that it has.

        Raises KeyForOtherGuilds where the bot's key does not cover it.
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
            await self._tell_settings(guild_id)
        return put.guild

    async def remove(self, asker: BotIdentity, guild_id: str) -> None:
        """Forget a guild that the bot has left, and who was in it. Raises GuildNotFound."""
        await self._access.check_guild_write(asker, guild_id)
        members = await self._guilds.lock_members(guild_id)
        name = await self._guilds.remove(guild_id)
        if name is None:
            raise GuildNotFound(guild_id)
        await self._note("guild.removed", asker, guild_id, {"name": name})
        await self._tell_members(members)

    async def put_members(self, asker: BotIdentity, guild_id: str, members: Sequence[GivenMember]) -> MembersPut:
        """Add people to a guild or bring them up to date, in as many statements however many they are.

        Two identities of one person are one member, an admin if either is. A key for some guilds confirms only the
        membership of people whose account it makes by that, and names only them and confirmed members. A key that does
        not cover the guild that made an account ends what the making confirmed there. Raises DuplicateMember,
        GuildNotFound.
        """
        _check_distinct([member.user_id for member in members])
        await self._lock(asker, guild_id)
        now = self._clock.now()  # before the accounts are made, so that a new one does not look older
        given = {member.user_id: member for member in members}
        people = await self._people(asker, given)
        await self._guilds.end_creation(set(people.values()), but={guild_id, *(asker.guild_ids or ())})
        put, former = await self._guilds.put_members(
            guild_id,
            [PutMember(external_id=one, user_id=user_id, admin=given[one].admin) for one, user_id in people.items()],
            trusted=asker.guild_ids is None,
            now=now,
        )
        if put.added or put.updated:
            await self._note("guild.members_changed", asker, guild_id, {"added": put.added, "updated": put.updated})
        if put.added or put.updated or former:
            await self._tell_members({*people.values(), *former})
        return put

    async def confirm(self, asker: PersonIdentity, guild_id: str) -> MyGuild:
        """Confirm one's own membership. Raises GuildNotFound where there is none."""
        await self._guilds.lock(guild_id)
        confirmed = await self._guilds.confirm(guild_id, asker.user_id)
        if confirmed is None:
            raise GuildNotFound(guild_id)
        mine, changed = confirmed
        if changed:
            await self._note("guild.membership_confirmed", asker, guild_id, {"user_id": str(asker.user_id)})
            await self._tell_members([asker.user_id])
        return mine

    async def remove_members(self, asker: BotIdentity, guild_id: str, user_ids: Sequence[str]) -> MembersRemoved:
        """Note who left a guild, by the Discord ids that were put; others are not counted.

        Raises DuplicateMember, GuildNotFound.
        """
        _check_distinct(user_ids)
        await self._lock(asker, guild_id)
        removed = await self._guilds.remove_members(guild_id, user_ids)
        if removed:
            await self._note("guild.members_changed", asker, guild_id, {"removed": len(removed)})
            await self._tell_members(set(removed))
        return MembersRemoved(removed=len(removed))

    async def change_settings(self, asker: Identity, guild_id: str, change: SettingsChange) -> GuildView:
        """Change what a guild has settled. Raises GuildNotFound, Forbidden for members who do not run it."""
        await self._access.check_guild_write(asker, guild_id)
        settings = await self._guilds.lock_settings(guild_id)
        if settings is None:
            raise GuildNotFound(guild_id)
        wanted = changed(settings, change)
        guild = await self._guilds.settle(guild_id, wanted, now=self._clock.now())
        if wanted != settings:
            await self._note("guild.settings_changed", asker, guild_id, stored_form(wanted))
            await self._tell_settings(guild_id)
        return guild

    async def _people(self, asker: BotIdentity, given: Mapping[str, GivenMember]) -> dict[str, UUID]:
        """The accounts of these people, named only where the asker may: names show on boards of other guilds, too."""
        told = {external_id: member.user_data for external_id, member in given.items()}
        if asker.guild_ids is None:
            return await self._accounts.from_external_many(DISCORD, told)
        people, made = await self._accounts.made_or_known(DISCORD, told)
        members = await self._guilds.confirmed(set(people.values()), asker.guild_ids)
        may = {external_id for external_id, user_id in people.items() if user_id in made or user_id in members}
        await self._accounts.name(DISCORD, {external_id: told[external_id] for external_id in may})
        return people

    async def _tell_settings(self, guild_id: str) -> None:
        for listener in self._listeners:
            await listener.settings_changed(guild_id)

    async def _tell_members(self, user_ids: Collection[UUID]) -> None:
        for listener in self._listeners:
            await listener.members_changed(user_ids)

    async def _lock(self, asker: BotIdentity, guild_id: str) -> None:
        """Make sure that the guild is the asker's to change, and stays until the transaction ends."""
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
