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
        """Track a player. It is fetched at once, and that fetch makes the first record.

        404 `player_unknown` if the table does not list the name, 409 `already_tracked` if the name is tracked in any
        spelling, 409 `being_added` if somebody else is adding it, 409 `add_limit` or `follow_limit` beyond your limit,
        422 if the name is impossible, 503 if the hiscores cannot be asked (see `accept_unverified`).
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
        """List all tracked players. 404 if you are not a member of the guild."""
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
        """List every skill, boss and activity with its slug."""
        metrics = await player_queries.list_metrics()
        return csv_answer(MetricView, metrics.items, name="metrics") if format is ListFormat.CSV else metrics

    @get("/{username:str}", operation_id="get_player")
    async def get_one(self, username: Username, player_queries: Queries) -> PlayerView:
        """Get a player and the state of its fetches. 404 for a former name, with the present name in `renamed_to`."""
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
        """Change the interval (15 minutes to 30 days) or the game mode of a player, or deactivate or activate it.

        403 if you did not add the player, 409 `another_world` for a game mode with separate progress, 409
        `still_followed` if you deactivate a player that others follow.
        """
        await player_service.update(username, data, asker=request.auth)
        return await session_player_queries.get_player(username)

    @delete("/{username:str}", operation_id="remove_player")
    async def remove(self, request: Asking, username: Username, player_service: Service) -> None:
        """Stop tracking a player. The recorded history stays, and comes back if the player is added again.

        403 if you did not add the player, 409 `still_followed` while others follow it.
        """
        await player_service.remove(username, asker=request.auth)

    @put("/{username:str}/follow", operation_id="follow_player", status_code=HTTP_200_OK)
    async def follow(self, request: Asking, username: Username, player_service: Service) -> Following:
        """Put a player on your list and get messages about its progress. 409 `follow_limit` beyond your limit."""
        return await player_service.follow(username, request.auth.user_id, asker=request.auth)

    @delete("/{username:str}/follow", operation_id="unfollow_player", status_code=HTTP_200_OK)
    async def unfollow(self, request: Asking, username: Username, player_service: Service) -> Following:
        """Take a player off your list."""
        return await player_service.unfollow(username, request.auth.user_id, asker=request.auth)

    @post("/{username:str}/fetch", operation_id="fetch_player", status_code=HTTP_202_ACCEPTED)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Fetch a player now, with priority, and get an estimate of the time until it is done.

        While the fetch waits or runs, another request returns the same task. 429 `refresh_cooldown` with Retry-After
        within the cooldown (a minute by default) after the last fetch, 409 if the player is deactivated.
        """
        return await player_service.fetch(username)
