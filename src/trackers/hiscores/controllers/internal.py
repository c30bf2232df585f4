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
    """Looking players up, and following them on behalf of a bot's people."""

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
        """Track a player; with a person, theirs to change, and on their list. Answers as `POST /api/players` does."""
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
        """Everybody who is tracked. 404 for a guild that the key does not speak for."""
        wanted = PlayerFilter(
            begins_with=begins_with, mode=mode, status=status, active=active, verified=verified, guild_id=guild_id
        )
        return await player_queries.list_players(request.auth, wanted, sort=sort, page=page, per_page=per_page)

    @get("/stats", operation_id="internal_get_many_player_stats", opt=READ)
    async def get_many_stats(self, usernames: Usernames, player_queries: Queries) -> ManyStats:
        """How up to a hundred players stand, each once, in the order asked for; whom nobody tracks is named."""
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
        """Who gained most in a metric; with a guild, of the players that its members follow."""
        return await player_histories.get_leaderboard(
            request.auth, metric, period, which=which, mode=mode, guild_id=guild_id, limit=limit
        )

    @get("/{username:str}", operation_id="internal_get_player", opt=READ)
    async def get_player(self, username: Username, player_queries: Queries) -> PlayerView:
        """A player, and how looking at them stands."""
        return await player_queries.get_player(username)

    @get("/{username:str}/card", operation_id="internal_get_player_card", opt=READ)
    async def get_card(self, username: Username, player_queries: Queries) -> Card:
        """A player at a glance: levels, experience, what they gained today and this week, what they reached last."""
        return await player_queries.get_card(username)

    @get("/{username:str}/stats", operation_id="internal_get_player_stats", opt=READ)
    async def get_stats(self, username: Username, player_queries: Queries) -> PlayerStats:
        """How a player stands; `stats` is null while nobody has looked yet."""
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
        """What a player gained in a span, and which two records were compared."""
        return await player_histories.get_history(
            username, span, skills=skill or (), bosses=boss or (), activities=activity or (), moved=moved
        )

    @get("/{username:str}/achievements", operation_id="internal_get_player_achievements", opt=READ)
    async def get_achievements(self, username: Username, player_queries: Queries) -> Achievements:
        """What a player reached, the latest first, and between which two looks."""
        return await player_queries.get_achievements(username)

    @post("/{username:str}/fetch", operation_id="internal_fetch_player", status_code=HTTP_202_ACCEPTED, opt=WRITE)
    async def fetch(self, username: Username, player_service: Service) -> FetchStarted:
        """Look at a player now, ahead of the rest. 429 within a minute of the last look."""
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
        """Put a player on somebody's list. 403 for whom the key does not speak for."""
        return await player_service.follow_for(username, data, asker=request.auth)

    @delete("/{username:str}/follow", operation_id="internal_unfollow_player", status_code=HTTP_200_OK, opt=WRITE)
    async def unfollow(
        self,
        request: Asking,
        username: Username,
        user_id: Annotated[str, QueryParameter(pattern=SNOWFLAKE, description="The person's Discord id.")],
        player_service: Service,
    ) -> Following:
        """Take a player off somebody's list."""
        return await player_service.unfollow_for(username, user_id, asker=request.auth)

    @delete("/{username:str}", operation_id="internal_remove_player", opt=WRITE)
    async def remove(self, request: Asking, username: Username, player_service: Service) -> None:
        """Track a player no longer whom one of the key's people added. What was recorded stays."""
        await player_service.remove(username, asker=request.auth)
