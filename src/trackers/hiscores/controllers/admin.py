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
    """Endpoints for players that only admins have. Admins read and change players at the public endpoints."""

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
        """Rename a player.

        If the new name is already tracked, both players are merged into one. Either everything is changed or nothing.
        404 `player_not_found` if there is no such player. 422 if the new name is not a valid player name, or the player
        already has it. 409 `histories_do_not_fit` if both histories cannot belong to one account; the response shows
        the contradiction.
        """
        return await player_administration.rename(player_id, data.username, asker=request.auth)

    @post("/{username:str}/fetch", operation_id="admin_fetch_player", status_code=HTTP_202_ACCEPTED)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Fetch a player now, even during its cooldown.

        409 `player_inactive` if the player is deactivated. 404 `player_not_found` if nobody tracks the player.
        """
        return await player_service.fetch(username, force=True)

    @delete("/{username:str}", operation_id="admin_remove_player")
    async def remove(
        self,
        request: Asking,
        username: Username,
        player_service: Service,
        purge: Annotated[bool, QueryParameter(description="Also delete the recorded history.")] = False,
    ) -> None:
        """Stop tracking a player, even if people follow it.

        The recorded history stays unless you set `purge`. 404 `player_not_found` if nobody tracks the player.
        """
        await player_service.remove(username, asker=request.auth, purge=purge)

    @post("/tables/{mode:str}/accept", operation_id="accept_hiscore_table", status_code=HTTP_204_NO_CONTENT)
    async def accept_table(
        self,
        request: Asking,
        mode: Annotated[GameMode, PathParameter(description="Game mode of the hiscores.")],
        player_administration: Administration,
    ) -> None:
        """Accept shorter hiscores of a game mode.

        Accept the next hiscores response for this game mode, even if it has fewer entries than before; otherwise
        fetches fail with `page_changed`, because part of the response may be missing. Use this if the game has really
        removed entries.
        """
        await player_administration.accept_shorter_table(mode, asker=request.auth)
