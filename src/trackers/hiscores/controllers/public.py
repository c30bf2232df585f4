"""Players for people: add, list, change, follow, fetch and remove them."""

from typing import Any

from litestar import Controller, Request, delete, get, patch, post, put
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.csv import Format, ListFormat, csv_answer
from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.hiscores.controllers.parameters import (
    AcceptUnverified,
    ActiveFilter,
    BeginsWith,
    GuildFilter,
    ModeFilter,
    Queries,
    Registration,
    Service,
    Sort,
    StatusFilter,
    Username,
    VerifiedFilter,
)
from trackers.hiscores.schemas import (
    ChangePlayer,
    FetchStarted,
    Following,
    MetricNames,
    MetricView,
    NewPlayer,
    PlayerFilter,
    PlayerPage,
    PlayerSort,
    PlayerView,
)

Asking = Request[Any, PersonIdentity, Any]


class PlayerController(Controller):
    """Players are shared by all users. The person who added a player may change it, everybody may follow it."""

    path = "/players"
    tags = ("players",)

    @post(
        "/", operation_id="add_player", audited=("mode", "interval", "adaptive", "follow"), status_code=HTTP_201_CREATED
    )
    async def add(
        self,
        request: Asking,
        data: JSONBody[NewPlayer],
        player_registration: Registration,
        player_queries: Queries,
        accept_unverified: AcceptUnverified = False,
    ) -> PlayerView:
        """Track a player.

        The player is fetched at once, which makes its first record. 422 `invalid_username` if `username` is not a valid
        player name. 404 `player_unknown` if the hiscores do not list the name. 409 `already_tracked` if the player is
        already tracked, under any spelling of the name; 409 `being_added` if somebody else is adding it right now. 409
        `add_limit` if you have added too many players, `follow_limit` if you follow too many. 503
        `hiscores_unavailable` if the hiscores cannot be reached; set `accept_unverified` to add the player anyway.
        """
        username = await player_registration.add_player(data, asker=request.auth, accept_unverified=accept_unverified)
        return await player_queries.get_player(username)

    @get("/", operation_id="list_players")
    async def list_all(
        self,
        request: Asking,
        player_queries: Queries,
        begins_with: BeginsWith = None,
        mode: ModeFilter = None,
        status: StatusFilter = None,
        active: ActiveFilter = None,
        verified: VerifiedFilter = None,
        guild_id: GuildFilter = None,
        sort: Sort = PlayerSort.NAME,
        page: PageNumber = 1,
        per_page: PerPage = 50,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> PlayerPage:
        """List all tracked players.

        With `guild_id`, list only players that members of that guild follow; 404 `guild_not_found` if you are not a
        member of that guild.
        """
        filters = PlayerFilter(
            begins_with=begins_with, mode=mode, status=status, active=active, verified=verified, guild_id=guild_id
        )
        players = await player_queries.list_players(request.auth, filters, sort=sort, page=page, per_page=per_page)
        return csv_answer(PlayerView, players.items, name="players") if format is ListFormat.CSV else players

    @get("/following", operation_id="list_followed_players")
    async def list_followed(
        self,
        request: Asking,
        player_queries: Queries,
        sort: Sort = PlayerSort.NAME,
        page: PageNumber = 1,
        per_page: PerPage = 50,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> PlayerPage:
        """List the players that you follow."""
        filters = PlayerFilter(follower=request.auth.user_id)
        players = await player_queries.list_players(request.auth, filters, sort=sort, page=page, per_page=per_page)
        return csv_answer(PlayerView, players.items, name="following") if format is ListFormat.CSV else players

    @get("/metrics", operation_id="list_hiscore_metrics")
    async def list_metrics(
        self,
        player_queries: Queries,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> MetricNames:
        """List every skill, boss and activity with its slug.

        The slug is the name to use in other requests.
        """
        metrics = await player_queries.list_metrics()
        return csv_answer(MetricView, metrics.items, name="metrics") if format is ListFormat.CSV else metrics

    @get("/{username:str}", operation_id="get_player")
    async def get_one(self, username: Username, player_queries: Queries) -> PlayerView:
        """Get a player with its fetch status.

        404 `player_not_found` if nobody tracks the player; for a former name, `renamed_to` has the current name.
        """
        return await player_queries.get_player(username)

    @patch("/{username:str}", operation_id="change_player", audited=("mode", "interval", "adaptive", "active"))
    async def change(
        self,
        request: Asking,
        username: Username,
        data: JSONBody[ChangePlayer],
        player_service: Service,
        session_player_queries: Queries,
    ) -> PlayerView:
        """Change the interval or game mode of a player, or deactivate or activate it.

        The interval is 15 minutes to 30 days. Fields that you omit do not change. 403 if you did not add the player.
        409 `another_world` if you choose a game mode with separate progress: the recorded history cannot continue
        there, so remove the player and add it in that game mode. 409 `still_followed` if you deactivate a player that
        others follow.
        """
        await player_service.update(username, data, asker=request.auth)
        return await session_player_queries.get_player(username)

    @delete("/{username:str}", operation_id="remove_player")
    async def remove(self, request: Asking, username: Username, player_service: Service) -> None:
        """Stop tracking a player.

        The recorded history stays, and is used again if somebody adds the player again. 403 if you did not add the
        player, 409 `still_followed` if others follow it. 404 `player_not_found` if nobody tracks the player.
        """
        await player_service.remove(username, asker=request.auth)

    @put("/{username:str}/follow", operation_id="follow_player", status_code=HTTP_200_OK)
    async def follow(self, request: Asking, username: Username, player_service: Service) -> Following:
        """Follow a player to get messages about its progress.

        409 `follow_limit` if you already follow as many players as you may (200 by default). 404 `player_not_found` if
        nobody tracks the player.
        """
        return await player_service.follow(username, request.auth.user_id, asker=request.auth)

    @delete("/{username:str}/follow", operation_id="unfollow_player", status_code=HTTP_200_OK)
    async def unfollow(self, request: Asking, username: Username, player_service: Service) -> Following:
        """Stop following a player.

        The player stays tracked. 404 `player_not_found` if nobody tracks the player.
        """
        return await player_service.unfollow(username, request.auth.user_id, asker=request.auth)

    @post("/{username:str}/fetch", operation_id="fetch_player", status_code=HTTP_202_ACCEPTED)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Fetch a player now, ahead of scheduled fetches.

        The response estimates the time until the fetch is done. While the fetch waits or runs, further requests return
        the same task. 429 `refresh_cooldown` (with a `Retry-After` header) if the last fetch was less than a minute ago
        (the operator can change this time). 409 `player_inactive` if the player is deactivated.
        """
        return await player_service.fetch(username)
