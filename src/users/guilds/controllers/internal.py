"""Guilds for bots."""

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
    """What a bot tells of the guilds that it is in. A key for some guilds only knows of no others (404)."""

    path = "/guilds"
    tags = ("guilds",)

    @get("/", operation_id="internal_list_guilds", opt=READ)
    async def list_guilds(
        self, request: Asking, guild_queries: Queries, page: PageNumber = 1, per_page: PerPage = 50
    ) -> Guilds:
        """Every guild that the key may speak for, by id."""
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
        """Make a guild known, or bring it up to date: 200 either way. Settings left out stay as they were.

        403 `key_for_other_guilds` where the key does not cover it.
        """
        return await guild_service.put(request.auth, guild_id, data.name, data.settings)

    @get("/{guild_id:str}", operation_id="internal_get_guild", opt=READ)
    async def get_guild(self, request: Asking, guild_id: GuildId, guild_queries: Queries) -> GuildView:
        """A guild and what it has settled."""
        return await guild_queries.guild(request.auth, guild_id)

    @delete("/{guild_id:str}", operation_id="internal_remove_guild", opt=WRITE)
    async def remove_guild(self, request: Asking, guild_id: GuildId, guild_service: Service) -> None:
        """Forget a guild that the bot has left, with its settings and who was in it."""
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
        """Who is in a guild."""
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
        """Add up to 1000 people to a guild, or bring them up to date; nobody else's membership changes.

        422 `duplicate_member` for somebody named twice.
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
        """Note that up to 1000 people left a guild. Whoever was no member is not counted.

        422 `duplicate_member` for somebody named twice.
        """
        return await guild_service.remove_members(request.auth, guild_id, data.user_ids)
