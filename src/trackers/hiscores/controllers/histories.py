"""Stats, histories and leaderboards of players, for people."""

from typing import Any

from litestar import Controller, Request, get

from shared.web.csv import Format, ListFormat, csv_answer
from shared.web.identity import PersonIdentity
from trackers.hiscores.controllers.parameters import (
    KINDS,
    SPAN,
    Activities,
    BoardLimit,
    BoardPeriod,
    Bosses,
    FewUsernames,
    GuildFilter,
    Histories,
    Metric,
    MetricName,
    Metrics,
    ModeFilter,
    Moved,
    Points,
    Queries,
    Skills,
    Span,
    TimelineKind,
    Username,
    Usernames,
    WhichPeriod,
    split,
)
from trackers.hiscores.schemas import (
    Achievement,
    Achievements,
    Best,
    Bests,
    BoardRow,
    ComparedPlayer,
    Comparison,
    GainPeriod,
    ManyStats,
    MetricGain,
    PlayerHistory,
    PlayerLeaderboard,
    PlayerStats,
    Timeline,
    TimelinePoint,
    Which,
)

Asking = Request[Any, PersonIdentity, Any]


class PlayerHistoryController(Controller):
    """Stats, histories and leaderboards of players. Every user may read all of them."""

    path = "/players"
    tags = ("players",)
    dependencies = {"span": SPAN}  # noqa: RUF012 -- Litestar reads this class attribute

    @get("/stats", operation_id="get_many_player_stats")
    async def get_many_stats(
        self,
        usernames: Usernames,
        player_queries: Queries,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> ManyStats:
        """Get the stats of up to 100 players.

        Each player is listed once, in the order of the request. `missing` has the names that nobody tracks.
        """
        stats = await player_queries.get_multiple_stats(split(usernames))
        return csv_answer(PlayerStats, stats.items, name="stats") if format is ListFormat.CSV else stats

    @get("/compare", operation_id="compare_players")
    async def compare(
        self,
        usernames: FewUsernames,
        player_histories: Histories,
        span: Span,
        metric: Metrics = None,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> Comparison:
        """Compare the gains of up to 10 players in up to 10 metrics.

        The period is the last seven days unless you set `period`, or `start` and `end`. For each metric, the player
        with the largest gain comes first; players without a known gain come last. `missing` has the names that nobody
        tracks. 422 `too_many_players` if you name too many players or metrics. 422 `impossible_span` if the times or
        the period are not valid.
        """
        comparison = await player_histories.compare_players(
            split(usernames),
            metric or ["overall"],
            span,
        )
        return (
            csv_answer(ComparedPlayer, comparison.items, name="comparison") if format is ListFormat.CSV else comparison
        )

    @get("/leaderboard", operation_id="get_player_leaderboard")
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
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> PlayerLeaderboard:
        """List the largest gains in a metric in a day, week, month or year.

        With `guild_id`, list only players that members of that guild follow; 404 `guild_not_found` if you are not a
        member of that guild.
        """
        leaderboard = await player_histories.get_leaderboard(
            request.auth, metric, period, which=which, mode=mode, guild_id=guild_id, limit=limit
        )
        return csv_answer(BoardRow, leaderboard.items, name="leaderboard") if format is ListFormat.CSV else leaderboard

    @get("/{username:str}/stats", operation_id="get_player_stats")
    async def get_stats(self, username: Username, player_queries: Queries) -> PlayerStats:
        """Get the current stats of a player.

        `stats` is null before the first fetch. Unknown numbers are null, not 0. 404 `player_not_found` if nobody tracks
        the player.
        """
        return await player_queries.get_current_stats(username)

    @get("/{username:str}/history", operation_id="get_player_history")
    async def get_history(
        self,
        username: Username,
        player_histories: Histories,
        span: Span,
        skill: Skills = None,
        boss: Bosses = None,
        activity: Activities = None,
        moved: Moved = False,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> PlayerHistory:
        """Get the gains of a player between two times.

        The span is the last seven days unless you set `period`, or `start` and `end`. The gains are the difference
        between two records: the last record at or before the start (if there is none, the first record after it), and
        the last record at or before the end. The response includes both records. 404 `player_not_found` if nobody
        tracks the player. 422 `impossible_span` if the times or the period are not valid.
        """
        history = await player_histories.get_history(
            username,
            span,
            skills=skill or (),
            bosses=boss or (),
            activities=activity or (),
            moved=moved,
        )
        return csv_answer(MetricGain, history.gains, name="history") if format is ListFormat.CSV else history

    @get("/{username:str}/history/{kind:str}/{metric:str}", operation_id="get_player_timeline")
    async def get_timeline(
        self,
        username: Username,
        kind: TimelineKind,
        metric: MetricName,
        player_histories: Histories,
        span: Span,
        points: Points = None,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> Timeline:
        """Get the timeline of a skill's experience, a boss's kills or an activity's points.

        It covers the whole recorded time unless you set `period`, or `start` and `end`. Skills include `overall` and
        `total_level`. 404 `player_not_found` if nobody tracks the player. 422 `unknown_metric` if there is no such
        skill, boss or activity. 422 `impossible_span` if the times or the period are not valid.
        """
        timeline = await player_histories.get_timeline(username, metric, KINDS[kind], span, points=points)
        return (
            csv_answer(TimelinePoint, timeline.points, name=timeline.metric.slug)
            if format is ListFormat.CSV
            else timeline
        )

    @get("/{username:str}/records", operation_id="get_player_records")
    async def get_records(
        self,
        username: Username,
        player_queries: Queries,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> Bests:
        """Get the periods with the largest gains of a player.

        For each metric in which the player gained anything, get the day, week, month and year (UTC) with the largest
        gain. 404 `player_not_found` if nobody tracks the player.
        """
        bests = await player_queries.get_bests(username)
        return csv_answer(Best, bests.items, name="records") if format is ListFormat.CSV else bests

    @get("/{username:str}/achievements", operation_id="get_player_achievements")
    async def get_achievements(
        self,
        username: Username,
        player_queries: Queries,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> Achievements:
        """List the achievements of a player, newest first.

        Each has the time of the last fetch before it (`after`) and of the first fetch after it (`before`). 404
        `player_not_found` if nobody tracks the player.
        """
        achievements = await player_queries.get_achievements(username)
        return (
            csv_answer(Achievement, achievements.items, name="achievements")
            if format is ListFormat.CSV
            else achievements
        )
