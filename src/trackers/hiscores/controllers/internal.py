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
        """Track a player.

        With `user_id`, add it on behalf of that person: they own the player, which means that they may change it, and
        they follow it. Without `user_id`, nobody owns it. 403 if your key may not act for the person. Same responses
        and errors as `POST /api/players`.
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
        """List all tracked players.

        With `guild_id`, list only players that members of that guild follow; 404 `guild_not_found` if there is no such
        guild or your key may not act for it.
        """
        filters = PlayerFilter(
            begins_with=begins_with, mode=mode, status=status, active=active, verified=verified, guild_id=guild_id
        )
        return await player_queries.list_players(request.auth, filters, sort=sort, page=page, per_page=per_page)

    @get("/stats", operation_id="internal_get_many_player_stats", opt=READ)
    async def get_many_stats(self, usernames: Usernames, player_queries: Queries) -> ManyStats:
        """Get the stats of up to 100 players.

        Each player is listed once, in the order of the request. `missing` has the names that nobody tracks.
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
        """List the largest gains in a metric in a day, week, month or year.

        With `guild_id`, list only players that members of that guild follow; 404 `guild_not_found` if there is no such
        guild or your key may not act for it.
        """
        return await player_histories.get_leaderboard(
            request.auth, metric, period, which=which, mode=mode, guild_id=guild_id, limit=limit
        )

    @get("/{username:str}", operation_id="internal_get_player", opt=READ)
    async def get_player(self, username: Username, player_queries: Queries) -> PlayerView:
        """Get a player with its fetch status.

        404 `player_not_found` if nobody tracks the player; for a former name, `renamed_to` has the current name.
        """
        return await player_queries.get_player(username)

    @get("/{username:str}/card", operation_id="internal_get_player_card", opt=READ)
    async def get_card(self, username: Username, player_queries: Queries) -> Card:
        """Get a summary of a player.

        It has levels, experience, the gains of today and this week, and the latest achievements. 404 `player_not_found`
        if nobody tracks the player.
        """
        return await player_queries.get_card(username)

    @get("/{username:str}/stats", operation_id="internal_get_player_stats", opt=READ)
    async def get_stats(self, username: Username, player_queries: Queries) -> PlayerStats:
        """Get the current stats of a player.

        `stats` is null before the first fetch. Unknown numbers are null, not 0. 404 `player_not_found` if nobody tracks
        the player.
        """
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
        """Get the gains of a player between two times.

        The span is the last seven days unless you set `period`, or `start` and `end`. The gains are the difference
        between two records: the last record at or before the start (if there is none, the first record after it), and
        the last record at or before the end. The response includes both records. 404 `player_not_found` if nobody
        tracks the player. 422 `impossible_span` if the times or the period are not valid.
        """
        return await player_histories.get_history(
            username, span, skills=skill or (), bosses=boss or (), activities=activity or (), moved=moved
        )

    @get("/{username:str}/achievements", operation_id="internal_get_player_achievements", opt=READ)
    async def get_achievements(self, username: Username, player_queries: Queries) -> Achievements:
        """List the achievements of a player, newest first.

        Each has the time of the last fetch before it (`after`) and of the first fetch after it (`before`). 404
        `player_not_found` if nobody tracks the player.
        """
        return await player_queries.get_achievements(username)

    @post("/{username:str}/fetch", operation_id="internal_fetch_player", status_code=HTTP_202_ACCEPTED, opt=WRITE)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Fetch a player now, ahead of scheduled fetches.

        The response estimates the time until the fetch is done. While the fetch waits or runs, further requests return
        the same task. 429 `refresh_cooldown` (with a `Retry-After` header) if the last fetch was less than a minute ago
        (the operator can change this time). 409 `player_inactive` if the player is deactivated.
        """
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
        """Follow a player for a person.

        The person then gets messages about the player's progress. 403 if your key may not act for the person. 409
        `follow_limit` if they already follow as many players as they may (200 by default). 404 `player_not_found` if
        nobody tracks the player.
        """
        return await player_service.follow_for(username, data, asker=request.auth)

    @delete("/{username:str}/follow", operation_id="internal_unfollow_player", status_code=HTTP_200_OK, opt=WRITE)
    async def unfollow(
        self,
        request: Asking,
        username: Username,
        user_id: Annotated[str, QueryParameter(pattern=SNOWFLAKE, description="The person's Discord id.")],
        player_service: Service,
    ) -> Following:
        """Stop following a player for a person.

        The player stays tracked. 403 if your key may not act for the person. 404 `player_not_found` if nobody tracks
        the player.
        """
        return await player_service.unfollow_for(username, user_id, asker=request.auth)

    @delete("/{username:str}", operation_id="internal_remove_player", opt=WRITE)
    async def remove(self, request: Asking, username: Username, player_service: Service) -> None:
        """Stop tracking a player.

        The recorded history stays, and is used again if somebody adds the player again. 403 if your key may not act for
        the person who added it. 409 `still_followed` if others follow it and your key is limited to guilds. 404
        `player_not_found` if nobody tracks the player.
        """
        await player_service.remove(username, asker=request.auth)
