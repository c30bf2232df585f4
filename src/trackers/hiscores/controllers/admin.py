"""Players for admins."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from shared.web.identity import PersonIdentity
from trackers.hiscores.controllers.parameters import Service, Username
from trackers.hiscores.modes import GameMode
from trackers.hiscores.schemas import FetchStarted, Renamed, RenamePlayer
from trackers.hiscores.services.renames import PlayerAdministration

Administration = NamedDependency[SkipValidation[PlayerAdministration]]
Asking = Request[Any, PersonIdentity, Any]


class AdminPlayerController(Controller):
    """What only admins do about players; they read and change every player where everybody does."""

    path = "/players"
    tags = ("players",)

    @post("/{player_id:uuid}/rename", operation_id="rename_player", status_code=HTTP_200_OK)
    async def rename(
        self,
        request: Asking,
        player_id: FromPath[UUID],
        data: JSONBody[RenamePlayer],
        player_administration: Administration,
    ) -> Renamed:
        """Go on with a player under a new name; who is tracked under it already becomes the same player.

        All or nothing: 409 `histories_do_not_fit` where one account cannot have both histories, with what contradicts.
        """
        return await player_administration.rename(player_id, data.username, asker=request.auth)

    @post("/{username:str}/fetch", operation_id="admin_fetch_player", status_code=HTTP_202_ACCEPTED)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Look at a player now, whatever the cooldown. 409 for a deactivated one."""
        return await player_service.fetch(username, force=True)

    @delete("/{username:str}", operation_id="admin_remove_player")
    async def remove(
        self,
        request: Asking,
        username: Username,
        player_service: Service,
        purge: Annotated[bool, QueryParameter(description="Delete everything that was recorded, too.")] = False,
    ) -> None:
        """Track a player no longer, whoever follows. What was recorded stays, unless it is purged."""
        await player_service.remove(username, asker=request.auth, purge=purge)

    @post("/tables/{mode:str}/accept", operation_id="accept_hiscore_table", status_code=HTTP_204_NO_CONTENT)
    async def accept_table(
        self,
        request: Asking,
        mode: Annotated[GameMode, PathParameter(description="The table's game mode.")],
        player_administration: Administration,
    ) -> None:
        """Take the next body of a table as it is, though its lists be shorter than those last seen.

        A shorter list fails looks as `page_changed`, because a part may be missing; this is for when the game really
        took something out.
        """
        await player_administration.accept_shorter_table(mode, asker=request.auth)
