"""Players for bots."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.params import JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.identity import BotIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.hiscores.controllers.parameters import (
    SPAN,
    AcceptUnverified,
    ActiveFilter,
    Activities,
    BeginsWith,
    BoardLimit,
    BoardPeriod,
    Bosses,
    GuildFilter,
    Histories,
    Metric,
    ModeFilter,
    Moved,
    Queries,
    Registration,
    Service,
    Skills,
    Sort,
    Span,
    StatusFilter,
    Username,
    Usernames,
    VerifiedFilter,
    WhichPeriod,
    split,
)
from trackers.hiscores.schemas import (
    Achievements,
    Card,
    FetchStarted,
    FollowFor,
    Following,
    GainPeriod,
    ManyStats,
    NewPlayerFor,
    PlayerFilter,
    PlayerHistory,
    PlayerLeaderboard,
    PlayerPage,
    PlayerSort,
    PlayerStats,
    PlayerView,
    Which,
)
from users.accounts.schemas import SNOWFLAKE

Asking = Request[Any, BotIdentity, Any]
READ = {"scope": "players:read"}
WRITE = {"scope": "players:write"}


class InternalPlayerController(Controller):
    """Endpoints with which bots find players, and follow them for people."""

    path = "/players"
    tags = ("players",)
    dependencies = {"span": SPAN}  # noqa: RUF012 -- Litestar reads this class attribute

    @post(
        "/",
        operation_id="internal_add_player",
        audited=("user_id", "mode", "interval", "adaptive"),
        status_code=HTTP_201_CREATED,
        opt=WRITE,
    )
    async def add(
        self,
        request: Asking,
        data: JSONBody[NewPlayerFor],
        player_registration: Registration,
        player_queries: Queries,
        accept_unverified: AcceptUnverified = False,
    ) -> PlayerView:
        """Track a player. With `user_id`, add it for that person, who may change it and gets it on their list.

        Answers like `POST /api/players`.
        """
        username = await player_registration.add_player(data, asker=request.auth, accept_unverified=accept_unverified)
        return await player_queries.get_player(username)

    @get("/", operation_id="internal_list_players", opt=READ)
    async def list_players(
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
    ) -> PlayerPage:
        """List all tracked players. 404 if the key does not speak for the guild."""
        filters = PlayerFilter(
            begins_with=begins_with, mode=mode, status=status, active=active, verified=verified, guild_id=guild_id
        )
        return await player_queries.list_players(request.auth, filters, sort=sort, page=page, per_page=per_page)

    @get("/stats", operation_id="internal_get_many_player_stats", opt=READ)
    async def get_many_stats(self, usernames: Usernames, player_queries: Queries) -> ManyStats:
        """Get the stats of up to 100 players, each once, in the order of the request.

        `missing` lists the names that nobody tracks.
        """
        return await player_queries.get_multiple_stats(split(usernames))

    @get("/leaderboard", operation_id="internal_get_player_leaderboard", opt=READ)
    async def get_leaderboard(
        self,
        request: Asking,
        metric: Metric,
        player_histories: Histories,
        period: BoardPeriod = GainPeriod.WEEK,
        which: WhichPeriod = Which.CURRENT,
        mode: ModeFilter = None,
        guild_id: GuildFilter = None,
        limit: BoardLimit = 50,
    ) -> PlayerLeaderboard:
        """List the largest gains in a metric; with a guild, only of players that its members follow."""
        return await player_histories.get_leaderboard(
            request.auth, metric, period, which=which, mode=mode, guild_id=guild_id, limit=limit
        )

    @get("/{username:str}", operation_id="internal_get_player", opt=READ)
    async def get_player(self, username: Username, player_queries: Queries) -> PlayerView:
        """Get a player and the state of its fetches."""
        return await player_queries.get_player(username)

    @get("/{username:str}/card", operation_id="internal_get_player_card", opt=READ)
    async def get_card(self, username: Username, player_queries: Queries) -> Card:
        """Get a summary of a player: levels, experience, gains of today and this week, the latest achievements."""
        return await player_queries.get_card(username)

    @get("/{username:str}/stats", operation_id="internal_get_player_stats", opt=READ)
    async def get_stats(self, username: Username, player_queries: Queries) -> PlayerStats:
        """Get the stats of a player. `stats` is null before the first fetch."""
        return await player_queries.get_current_stats(username)

    @get("/{username:str}/gains", operation_id="internal_get_player_gains", opt=READ)
    async def get_gains(
        self,
        username: Username,
        player_histories: Histories,
        span: Span,
        skill: Skills = None,
        boss: Bosses = None,
        activity: Activities = None,
        moved: Moved = True,
    ) -> PlayerHistory:
        """Get the gains of a player in a span, and the two records that were compared."""
        return await player_histories.get_history(
            username, span, skills=skill or (), bosses=boss or (), activities=activity or (), moved=moved
        )

    @get("/{username:str}/achievements", operation_id="internal_get_player_achievements", opt=READ)
    async def get_achievements(self, username: Username, player_queries: Queries) -> Achievements:
        """List the achievements of a player, the latest first, each with the two fetches around it."""
        return await player_queries.get_achievements(username)

    @post("/{username:str}/fetch", operation_id="internal_fetch_player", status_code=HTTP_202_ACCEPTED, opt=WRITE)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Fetch a player now, with priority. 429 within the cooldown (a minute by default) after the last fetch."""
        return await player_service.fetch(username)

    @put(
        "/{username:str}/follow",
        operation_id="internal_follow_player",
        audited=("user_id",),
        status_code=HTTP_200_OK,
        opt=WRITE,
    )
    async def follow(
        self, request: Asking, username: Username, data: JSONBody[FollowFor], player_service: Service
    ) -> Following:
        """Put a player on a person's list. 403 if the key does not speak for the person."""
        return await player_service.follow_for(username, data, asker=request.auth)

    @delete("/{username:str}/follow", operation_id="internal_unfollow_player", status_code=HTTP_200_OK, opt=WRITE)
    async def unfollow(
        self,
        request: Asking,
        username: Username,
        user_id: Annotated[str, QueryParameter(pattern=SNOWFLAKE, description="The person's Discord id.")],
        player_service: Service,
    ) -> Following:
        """Take a player off a person's list."""
        return await player_service.unfollow_for(username, user_id, asker=request.auth)

    @delete("/{username:str}", operation_id="internal_remove_player", opt=WRITE)
    async def remove(self, request: Asking, username: Username, player_service: Service) -> None:
        """Stop tracking a player. The recorded history stays.

        403 if the key does not speak for the person who added it, 409 `still_followed` while others follow it.
        """
        await player_service.remove(username, asker=request.auth)
