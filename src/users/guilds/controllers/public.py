"""Guilds, for their members."""

from typing import Any

from litestar import Controller, Request, get, patch, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from users.guilds.controllers.parameters import AdminFilter, GuildId, Queries, Service, UsernameFilter
from users.guilds.guild_settings import SettingsChange
from users.guilds.schemas import GuildView, Members, MyGuild, MyGuilds

Asking = Request[Any, PersonIdentity, Any]


class GuildController(Controller):
    """Guilds, visible to their members and to service admins. For everybody else they answer 404."""

    path = "/guilds"
    tags = ("guilds",)

    @get("/", operation_id="list_my_guilds")
    async def list_guilds(
        self, request: Asking, guild_queries: Queries, page: PageNumber = 1, per_page: PerPage = 50
    ) -> MyGuilds:
        """List your guilds.

        Each entry shows whether you are an admin of the guild.
        """
        return await guild_queries.mine(request.auth, page=page, per_page=per_page)

    @get("/{guild_id:str}", operation_id="get_guild")
    async def get_guild(self, request: Asking, guild_id: GuildId, guild_queries: Queries) -> GuildView:
        """Get a guild and its settings.

        404 `guild_not_found` if you are not a member.
        """
        return await guild_queries.guild(request.auth, guild_id)

    @get("/{guild_id:str}/members", operation_id="list_guild_members")
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

        403 if you are a member but not an admin of the guild, 404 `guild_not_found` if you are not a member.
        """
        return await guild_queries.members(
            request.auth, guild_id, page=page, per_page=per_page, username=username, admin=admin
        )

    @post("/{guild_id:str}/confirm", operation_id="confirm_my_membership", status_code=HTTP_200_OK)
    async def confirm_membership(self, request: Asking, guild_id: GuildId, guild_service: Service) -> MyGuild:
        """Confirm that you are a member of a guild.

        This is needed if a bot whose key is limited to this guild added you. Until you confirm, the bots, admins,
        channels and leaderboards of the guild get none of your data. If you have confirmed before, nothing changes. 404
        `guild_not_found` if you are not a member.
        """
        return await guild_service.confirm(request.auth, guild_id)

    @patch(
        "/{guild_id:str}/settings",
        operation_id="change_guild_settings",
        audited=("tracker_processing", "manual_snapshots", "notification_channel_id"),
    )
    async def change_settings(
        self, request: Asking, guild_id: GuildId, data: JSONBody[SettingsChange], guild_service: Service
    ) -> GuildView:
        """Change the settings of a guild.

        Settings that you omit do not change; null resets a setting to its default. 403 if you are a member but not an
        admin of the guild, 404 `guild_not_found` if you are not a member.
        """
        return await guild_service.change_settings(request.auth, guild_id, data)
