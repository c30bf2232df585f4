"""Guilds, for bots."""

from typing import Any

from litestar import Controller, Request, delete, get, post, put
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from shared.web.identity import BotIdentity
from shared.web.paging import PageNumber, PerPage
from users.guilds.controllers.parameters import AdminFilter, GuildId, Queries, Service, UsernameFilter
from users.guilds.schemas import (
    Guilds,
    GuildView,
    Members,
    MembersPut,
    MembersRemoved,
    PutGuild,
    PutMembers,
    RemoveMembers,
)

Asking = Request[Any, BotIdentity, Any]

READ = {"scope": "guilds:read"}
WRITE = {"scope": "guilds:write"}


class InternalGuildController(Controller):
    """Guilds that a bot is in. If the key is limited to guilds, all others answer 404."""

    path = "/guilds"
    tags = ("guilds",)

    @get("/", operation_id="internal_list_guilds", opt=READ)
    async def list_guilds(
        self, request: Asking, guild_queries: Queries, page: PageNumber = 1, per_page: PerPage = 50
    ) -> Guilds:
        """List the guilds that your key may act for, sorted by id."""
        return await guild_queries.guilds(request.auth, page=page, per_page=per_page)

    @put(
        "/{guild_id:str}",
        operation_id="internal_put_guild",
        audited=("settings.tracker_processing", "settings.manual_snapshots", "settings.notification_channel_id"),
        opt=WRITE,
    )
    async def put_guild(
        self, request: Asking, guild_id: GuildId, data: JSONBody[PutGuild], guild_service: Service
    ) -> GuildView:
        """Create or update a guild.

        The status is always 200. Without `settings`, the guild keeps its settings; with `settings`, those that you omit
        get their defaults. 403 `key_for_other_guilds` if your key may not act for the guild.
        """
        return await guild_service.put(request.auth, guild_id, data.name, data.settings)

    @get("/{guild_id:str}", operation_id="internal_get_guild", opt=READ)
    async def get_guild(self, request: Asking, guild_id: GuildId, guild_queries: Queries) -> GuildView:
        """Get a guild and its settings.

        404 `guild_not_found` if there is no such guild or your key may not act for it.
        """
        return await guild_queries.guild(request.auth, guild_id)

    @delete("/{guild_id:str}", operation_id="internal_remove_guild", opt=WRITE)
    async def remove_guild(self, request: Asking, guild_id: GuildId, guild_service: Service) -> None:
        """Remove a guild that the bot has left.

        This also removes its settings and memberships. 404 `guild_not_found` if there is no such guild or your key may
        not act for it.
        """
        await guild_service.remove(request.auth, guild_id)

    @get("/{guild_id:str}/members", operation_id="internal_list_guild_members", opt=READ)
    async def list_members(
        self,
        request: Asking,
        guild_id: GuildId,
        guild_queries: Queries,
        page: PageNumber = 1,
        per_page: PerPage = 50,
        username: UsernameFilter = None,
        admin: AdminFilter = None,
    ) -> Members:
        """List the members of a guild.

        404 `guild_not_found` if there is no such guild or your key may not act for it.
        """
        return await guild_queries.members(
            request.auth, guild_id, page=page, per_page=per_page, username=username, admin=admin
        )

    @put(
        "/{guild_id:str}/members",
        operation_id="internal_put_guild_members",
        audited=("members.user_id", "members.admin"),
        opt=WRITE,
    )
    async def put_members(
        self, request: Asking, guild_id: GuildId, data: JSONBody[PutMembers], guild_service: Service
    ) -> MembersPut:
        """Add or update up to 1000 members of a guild.

        Other memberships do not change. 404 `guild_not_found` if there is no such guild or your key may not act for it.
        422 `duplicate_member` if you name a person twice.
        """
        return await guild_service.put_members(request.auth, guild_id, data.members)

    @post(
        "/{guild_id:str}/members/remove",
        operation_id="internal_remove_guild_members",
        audited=("user_ids",),
        status_code=HTTP_200_OK,
        opt=WRITE,
    )
    async def remove_members(
        self, request: Asking, guild_id: GuildId, data: JSONBody[RemoveMembers], guild_service: Service
    ) -> MembersRemoved:
        """Remove up to 1000 people who left a guild.

        `removed` does not count people who are not members. 404 `guild_not_found` if there is no such guild or your key
        may not act for it. 422 `duplicate_member` if you name a person twice.
        """
        return await guild_service.remove_members(request.auth, guild_id, data.user_ids)
