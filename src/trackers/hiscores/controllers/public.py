"""Players for people: whom they track and follow."""

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
    """Players are everybody's: whoever added one may change them, everybody may follow."""

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
        """Track a player, whom the hiscores are asked for at once: that look is the first record.

        404 `player_unknown` where they know nobody of that name in that table, 409 `already_tracked` under any
        spelling, `being_added` by somebody else, `add_limit` for one too many, 422 for what is no name, 503 where they
        cannot be asked (see `accept_unverified`).
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
        """Everybody who is tracked. 404 for a guild that one is not in."""
        wanted = PlayerFilter(
            begins_with=begins_with, mode=mode, status=status, active=active, verified=verified, guild_id=guild_id
        )
        found = await player_queries.list_players(request.auth, wanted, sort=sort, page=page, per_page=per_page)
        return csv_answer(PlayerView, found.items, name="players") if format is ListFormat.CSV else found

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
        """One's own list."""
        wanted = PlayerFilter(follower=request.auth.user_id)
        found = await player_queries.list_players(request.auth, wanted, sort=sort, page=page, per_page=per_page)
        return csv_answer(PlayerView, found.items, name="following") if format is ListFormat.CSV else found

    @get("/metrics", operation_id="list_hiscore_metrics")
    async def list_metrics(
        self,
        player_queries: Queries,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> MetricNames:
        """Every skill, boss and activity that can be asked about, by its slug."""
        found = await player_queries.list_metrics()
        return csv_answer(MetricView, found.items, name="metrics") if format is ListFormat.CSV else found

    @get("/{username:str}", operation_id="get_player")
    async def get_one(self, username: Username, player_queries: Queries) -> PlayerView:
        """A player, and how looking at them stands. A former name is told what the player is called now."""
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
        """Change how often (15 minutes to 30 days), in which table, and whether a player is looked at.

        403 for who did not add the player, 409 `another_world` for a table where the player begins anew, 409
        `still_followed` for a player whom others follow and nobody is to look at.
        """
        await player_service.update(username, data, asker=request.auth)
        return await session_player_queries.get_player(username)

    @delete("/{username:str}", operation_id="remove_player")
    async def remove(self, request: Asking, username: Username, player_service: Service) -> None:
        """Track a player no longer. What was recorded stays, and comes back with the player.

        403 for who did not add the player, 409 `still_followed` while others follow.
        """
        await player_service.remove(username, asker=request.auth)

    @put("/{username:str}/follow", operation_id="follow_player", status_code=HTTP_200_OK)
    async def follow(self, request: Asking, username: Username, player_service: Service) -> Following:
        """Put a player on one's own list, and be told what they reach. 409 `follow_limit` for one too many."""
        return await player_service.follow(username, request.auth.user_id, asker=request.auth)

    @delete("/{username:str}/follow", operation_id="unfollow_player", status_code=HTTP_200_OK)
    async def unfollow(self, request: Asking, username: Username, player_service: Service) -> Following:
        """Take a player off one's own list."""
        return await player_service.unfollow(username, request.auth.user_id, asker=request.auth)

    @post("/{username:str}/fetch", operation_id="fetch_player", status_code=HTTP_202_ACCEPTED)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Look at a player now, ahead of the rest, with an estimate of when that is done.

        Asking again while that waits or runs gives the same task. 429 `refresh_cooldown` with Retry-After within a minute
        of the last look, 409 for a deactivated one.
        """
        return await player_service.fetch(username)
