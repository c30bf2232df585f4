"""How players stand and what they gained, for people."""

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
    """Everybody may read all of it."""

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
        """How up to a hundred players stand, each once, in the order asked for; whom nobody tracks is named."""
        found = await player_queries.get_multiple_stats(split(usernames))
        return csv_answer(PlayerStats, found.items, name="stats") if format is ListFormat.CSV else found

    @get("/compare", operation_id="compare_players")
    async def compare(
        self,
        usernames: FewUsernames,
        player_histories: Histories,
        span: Span,
        metric: Metrics = None,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> Comparison:
        """Players beside each other: how they stand in each metric and what they gained, who gained most first."""
        found = await player_histories.compare_players(
            split(usernames),
            metric or ["overall"],
            span,
        )
        return csv_answer(ComparedPlayer, found.items, name="comparison") if format is ListFormat.CSV else found

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
        """Who gained most in a metric in a day, week, month or year. 404 for a guild that one is not in."""
        found = await player_histories.get_leaderboard(
            request.auth, metric, period, which=which, mode=mode, guild_id=guild_id, limit=limit
        )
        return csv_answer(BoardRow, found.items, name="leaderboard") if format is ListFormat.CSV else found

    @get("/{username:str}/stats", operation_id="get_player_stats")
    async def get_stats(self, username: Username, player_queries: Queries) -> PlayerStats:
        """How a player stands; `stats` is null while nobody has looked yet. Unknown figures are null, not 0."""
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
        """What a player gained between two moments, and which two records were compared.

        The last record at or before each moment counts; where there is none before the start, the first one after it.
        """
        found = await player_histories.get_history(
            username,
            span,
            skills=skill or (),
            bosses=boss or (),
            activities=activity or (),
            moved=moved,
        )
        return csv_answer(MetricGain, found.gains, name="history") if format is ListFormat.CSV else found

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
        """How a skill's experience, a boss's kills or an activity's points moved; of all time unless a span is asked
        for. Skills are also `overall` and `total_level`.
        """
        found = await player_histories.get_timeline(username, metric, KINDS[kind], span, points=points)
        return csv_answer(TimelinePoint, found.points, name=found.metric.slug) if format is ListFormat.CSV else found

    @get("/{username:str}/records", operation_id="get_player_records")
    async def get_records(
        self,
        username: Username,
        player_queries: Queries,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> Bests:
        """The best day, week, month and year of every metric that a player gained in, UTC."""
        found = await player_queries.get_bests(username)
        return csv_answer(Best, found.items, name="records") if format is ListFormat.CSV else found

    @get("/{username:str}/achievements", operation_id="get_player_achievements")
    async def get_achievements(
        self,
        username: Username,
        player_queries: Queries,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name on the wire
    ) -> Achievements:
        """What a player reached, the latest first, and between which two looks."""
        found = await player_queries.get_achievements(username)
        return csv_answer(Achievement, found.items, name="achievements") if format is ListFormat.CSV else found
