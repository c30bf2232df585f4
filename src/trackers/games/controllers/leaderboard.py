"""Leaderboards of guilds, and rating histories of trackers."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from shared.web.identity import BotIdentity, PersonIdentity
from shared.web.paging import PageNumber, PerPage
from shared.web.times import Since, Until
from trackers.games.controllers.parameters import SeasonFilter
from trackers.games.rating_queries import RatingQueries
from trackers.games.rating_schemas import GuildLeaderboard, TrackerHistory
from users.accounts.schemas import SNOWFLAKE

Queries = NamedDependency[SkipValidation[RatingQueries]]
GuildId = Annotated[str, QueryParameter(pattern=SNOWFLAKE, description="The guild's Discord id (a snowflake).")]
PlaylistKey = Annotated[
    str | None,
    QueryParameter(pattern=r"^[0-9]{1,4}$(?!\n)", description="Only this playlist, by its number, such as 11."),
]
Points = Annotated[int, QueryParameter(ge=2, le=1000, description="Maximum number of points per playlist.")]

READ = {"scope": "trackers:read"}


class LeaderboardController(Controller):
    """Leaderboards for members of a guild, and histories for people who may see the tracker."""

    path = "/trackers"
    tags = ("trackers",)

    @get("/leaderboard", operation_id="get_leaderboard")
    async def get_leaderboard(
        self,
        request: Request[Any, PersonIdentity, Any],
        rating_queries: Queries,
        guild_id: GuildId,
        playlist: PlaylistKey = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> GuildLeaderboard:
        """List a guild's members by rating or score.

        With `playlist`, rank by the rating in this playlist. If you omit `playlist`, rank by the score of the guild's
        formula. There is one row per person, for the best active tracker. People who are unrated or have not played
        this season are left out. 404 `guild_not_found` if you are not a member of the guild.
        """
        return await rating_queries.leaderboard(request.auth, guild_id, playlist=playlist, page=page, per_page=per_page)

    @get("/{tracker_id:uuid}/history", operation_id="get_tracker_history")
    async def get_history(
        self,
        request: Request[Any, PersonIdentity, Any],
        tracker_id: FromPath[UUID],
        rating_queries: Queries,
        playlist: PlaylistKey = None,
        season: SeasonFilter = None,
        since: Since = None,
        until: Until = None,
        points: Points = 200,
    ) -> TrackerHistory:
        """Get the rating history of a tracker by playlist.

        Each playlist is reduced to at most `points` data points that preserve the shape of the curve. If `points` is at
        least 4, the first, last, lowest and highest ones are always included. Ratings that the site only estimates are
        left out. 403 if you may not see the tracker, 404 `tracker_not_found` if there is no such tracker.
        """
        return await rating_queries.history(
            request.auth, tracker_id, playlist=playlist, season=season, since=since, until=until, points=points
        )


class InternalLeaderboardController(Controller):
    """Leaderboards and histories for bots."""

    path = "/trackers"
    tags = ("trackers",)

    @get("/leaderboard", operation_id="internal_get_leaderboard", opt=READ)
    async def get_leaderboard(
        self,
        request: Request[Any, BotIdentity, Any],
        rating_queries: Queries,
        guild_id: GuildId,
        playlist: PlaylistKey = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> GuildLeaderboard:
        """List a guild's members by rating or score.

        With `playlist`, rank by the rating in this playlist. If you omit `playlist`, rank by the score of the guild's
        formula. There is one row per person, for the best active tracker. People who are unrated or have not played
        this season are left out. 404 `guild_not_found` if there is no such guild or your key may not act for it.
        """
        return await rating_queries.leaderboard(request.auth, guild_id, playlist=playlist, page=page, per_page=per_page)

    @get("/{tracker_id:uuid}/history", operation_id="internal_get_tracker_history", opt=READ)
    async def get_history(
        self,
        request: Request[Any, BotIdentity, Any],
        tracker_id: FromPath[UUID],
        rating_queries: Queries,
        playlist: PlaylistKey = None,
        season: SeasonFilter = None,
        since: Since = None,
        until: Until = None,
        points: Points = 200,
    ) -> TrackerHistory:
        """Get the rating history of a tracker by playlist.

        Each playlist is reduced to at most `points` data points that preserve the shape of the curve. If `points` is at
        least 4, the first, last, lowest and highest ones are always included. Ratings that the site only estimates are
        left out. 403 if your key may not act for the person, 404 `tracker_not_found` if there is no such tracker.
        """
        return await rating_queries.history(
            request.auth, tracker_id, playlist=playlist, season=season, since=since, until=until, points=points
        )
