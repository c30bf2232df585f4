"""Read queries for the past of players: gains between two moments, timelines, comparisons, leaderboards."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import TextClause, text

from shared.clock import Clock
from shared.database import Queries
from shared.errors import Invalid
from shared.sampling import sampled
from shared.web.identity import Identity
from trackers.hiscores.catalogue import OVERALL, Metric, MetricKind
from trackers.hiscores.errors import PlayerNotFound, TooManyPlayers
from trackers.hiscores.maths import level_for
from trackers.hiscores.metrics import MetricBook
from trackers.hiscores.modes import APART, GameMode
from trackers.hiscores.names import canonical
from trackers.hiscores.progress import NOTHING, Shown, gain, state_of
from trackers.hiscores.queries import PERIODS, NumberedPlayer, PlayerReads
from trackers.hiscores.repository import LISTED
from trackers.hiscores.schemas import (
    MOST_COMPARED,
    BoardRow,
    Compared,
    ComparedPlayer,
    Comparison,
    GainPeriod,
    MetricView,
    PlayerHistory,
    PlayerLeaderboard,
    Timeline,
    TimelinePoint,
    Which,
)
from trackers.hiscores.spans import ALL, AskedSpan, TimeSpan, span_of
from users.access import AccessPolicy
from users.guilds.opt_out_repository import on_leaderboards

DAY: Final = timedelta(days=1)
BEFORE: Final = "before"

# Both states in one statement, each from the last keyframe before its moment on; flagged records do not count.
# OFFSET 0 keeps the planner from reading all records of the player and filtering them afterwards.
STATES: Final = text(f"""
SELECT p.id, p.no, p.username, p.display_name, p.mode, m.ends, r.at, r.era, r.metrics, r.vals, r.ranks, z.fetched_at
FROM hiscore_players p JOIN hiscore_states z ON z.player = p.no
CROSS JOIN (VALUES (false, CAST(:start AS timestamptz)), (true, CAST(:end AS timestamptz))) AS m (ends, at)
CROSS JOIN LATERAL (
    SELECT k.at FROM hiscore_records k WHERE k.player = p.no AND k.kind = 1 AND k.at <= m.at ORDER BY k.at DESC LIMIT 1
) AS k
CROSS JOIN LATERAL (
    SELECT r.at, r.era, r.metrics, r.vals, r.ranks FROM hiscore_records r
    WHERE r.player = p.no AND r.at >= k.at AND r.at <= m.at AND r.kind <> 2 OFFSET 0
) AS r
WHERE p.username = :username AND {LISTED}
ORDER BY m.ends, r.at
""")  # noqa: S608 -- fragments of our own
# The first record of a player, or of an era, is a keyframe.
_FIRST: Final = text("""
SELECT at, era, metrics, vals, ranks FROM hiscore_records
WHERE player = :no AND kind = 1 AND (CAST(:era AS smallint) IS NULL OR era = :era) ORDER BY at LIMIT 1
""")
# With the value at the start, which was recorded before it.
TIMELINE: Final = text("""
SELECT r.at, r.vals[array_position(r.metrics, m.no)] AS value, r.ranks[array_position(r.metrics, m.no)] AS rank
FROM hiscore_records r CROSS JOIN (SELECT CAST(:metric AS smallint) AS no) AS m
WHERE r.player = :no AND r.kind <> 2 AND m.no = ANY(r.metrics)
  AND r.at <= :end AND r.at >= coalesce((
      SELECT max(b.at) FROM hiscore_records b
      WHERE b.player = :no AND b.kind <> 2 AND m.no = ANY(b.metrics) AND b.at <= CAST(:start AS timestamptz)
  ), CAST(:start AS timestamptz), '-infinity')
ORDER BY r.at
""")
# Equal gains share a place.
_BOARD: Final = f"""
SELECT rank() OVER (ORDER BY g.gain DESC) AS place, p.username, p.display_name, p.mode, g.gain AS gained
FROM hiscore_gains g JOIN hiscore_players p ON p.no = g.player
WHERE g.metric = :metric AND g.period = :period AND g.starts = :starts AND g.gain > 0 AND {LISTED}
"""  # noqa: S608 -- fragments of our own
_MAIN_GAME: Final = f"AND p.mode NOT IN ({', '.join(repr(str(mode)) for mode in sorted(APART))})"
"""Players of a game mode with separate progress are on the leaderboard of that mode only."""
_ONLY: Final = {
    "mode": "AND p.mode = :mode",
    "guild_id": f"""AND EXISTS (SELECT FROM hiscore_follows f JOIN guild_members m ON m.user_id = f.user_id
                                WHERE f.player_id = p.id AND m.guild_id = :guild_id
                                  AND m.confirmed_by IS NOT NULL AND {on_leaderboards("m.user_id", "m.guild_id")})""",
}


@cache
def _board(*only: str) -> TextClause:
    """Return the statement with the named filters only: plans differ by filter."""
    filters = [_ONLY[name] for name in only] + ([] if "mode" in only else [_MAIN_GAME])
    return text(f"{_BOARD} {' '.join(filters)} ORDER BY g.gain DESC, g.player LIMIT :limit")


class Between(Compared, frozen=True, kw_only=True):
    """The two compared states, and the time of the last fetch."""

    fetched_at: datetime

    @property
    def shown(self) -> Compared:
        return Compared(started_at=self.started_at, start_is=self.start_is, ended_at=self.ended_at)

    def days(self, span: TimeSpan) -> float:
        """Return the days of the span between the states: a state holds until the next fetch that shows another."""
        since = span.start if self.start_is == BEFORE and span.start is not None else self.started_at
        return max(0.0, (min(span.end, self.fetched_at) - since) / DAY)


class HistoryQueries(PlayerReads):
    """Reads histories of players."""

    def __init__(self, questions: Queries, *, book: MetricBook, clock: Clock, access: AccessPolicy) -> None:
        super().__init__(questions, book=book, clock=clock)
        self._access = access

    async def get_history(
        self,
        username: str,
        asked: AskedSpan,
        *,
        skills: Sequence[str] = (),
        bosses: Sequence[str] = (),
        activities: Sequence[str] = (),
        moved: bool = False,
    ) -> PlayerHistory:
        """Return the gains of a player in a span, of all metrics or of those named; `moved`: only metrics that changed.

        Raises InvalidUsername, PlayerNotFound, ImpossibleSpan or UnknownMetric.
        """
        span = span_of(asked, now=self._clock.now())
        slugs = await self._slugs(skills, bosses, activities)
        player, compared, before, after = await self._states(username, span)
        metrics = await self._book.covering(after)
        days = None if compared is None else compared.days(span)
        gains = [
            gain(metrics[number], before.get(number, NOTHING), after[number], days=days)
            for number in sorted(after)
            if not slugs or metrics[number].slug in slugs
        ]
        return PlayerHistory(
            player=player.ref,
            start=span.start,
            end=span.end,
            time_zone=asked.time_zone,
            days=days,
            compared=None if compared is None else compared.shown,
            gains=[row for row in gains if row.gained or row.start != row.end] if moved else gains,
        )

    async def get_timeline(
        self,
        username: str,
        metric: str,
        kind: MetricKind,
        asked: AskedSpan,
        *,
        points: int | None = None,
    ) -> Timeline:
        """Return the values of a metric, from the value at the start on, reduced to `points` if given.

        Raises the errors of `get_history`.
        """
        span = span_of(asked, now=self._clock.now(), usual=ALL)
        number, known = await self._book.find(metric, kind)
        player = await self._numbered(username)
        rows = await self._questions.rows(
            TIMELINE, {"no": player.no, "metric": number or 0, "start": span.start, "end": span.end}
        )
        levels = known.kind is MetricKind.SKILL and known.slug != OVERALL
        shown = rows if points is None else _shortened(rows, points)
        return Timeline(
            player=player.ref,
            metric=_view(known),
            start=span.start,
            end=span.end,
            points=[
                TimelinePoint(
                    at=row["at"],
                    value=row["value"],
                    rank=row["rank"],
                    level=level_for(row["value"]) if levels and row["value"] is not None else None,
                )
                for row in shown
            ],
            recorded=len(rows),
        )

    async def compare_players(
        self,
        usernames: Sequence[str],
        metrics: Sequence[str],
        asked: AskedSpan,
    ) -> Comparison:
        """Compare up to MOST_COMPARED players in up to MOST_COMPARED metrics.

        Raises TooManyPlayers, Invalid (no name given), and whatever `get_history` raises except PlayerNotFound.
        """
        span = span_of(asked, now=self._clock.now())
        numbered = [await self._book.find(metric) for metric in dict.fromkeys(metrics)]
        names = list(dict.fromkeys(canonical(name) for name in usernames))
        if not names:
            raise Invalid("Name at least one player: `?usernames=Lynx Titan,Somebody Else`.")
        if len(names) > MOST_COMPARED or len(numbered) > MOST_COMPARED:
            raise TooManyPlayers(f"Compare up to {MOST_COMPARED} players in up to {MOST_COMPARED} metrics at a time.")
        states, missing = [], []
        for name in names:
            try:
                states.append(await self._states(name, span))
            except PlayerNotFound:
                missing.append(name)
        items: list[ComparedPlayer] = []
        for number, metric in numbered:
            rows = [_beside(metric, number, *state) for state in states]
            items += sorted(rows, key=lambda row: (row.gained is None, -(row.gained or 0), row.username))
        return Comparison(start=span.start, end=span.end, time_zone=asked.time_zone, items=items, missing=missing)

    async def get_leaderboard(
        self,
        asker: Identity,
        metric: str,
        period: GainPeriod,
        *,
        which: Which = Which.CURRENT,
        mode: GameMode | None = None,
        guild_id: str | None = None,
        limit: int = 50,
    ) -> PlayerLeaderboard:
        """Return the largest gains; with `guild_id`, only of players that its members follow.

        Raises UnknownMetric or GuildNotFound.
        """
        if guild_id is not None:
            await self._access.check_guild_read(asker, guild_id)
        number, known = await self._book.find(metric)
        starts, ends = bounds(period, self._clock.now().date(), which)
        only = {name: value for name, value in (("mode", mode), ("guild_id", guild_id)) if value is not None}
        parameters = {"metric": number or 0, "period": PERIODS.index(period), "starts": starts, "limit": limit}
        rows = await self._questions.rows(_board(*only), {**parameters, **only})
        return PlayerLeaderboard(
            metric=_view(known), period=period, starts=starts, ends=ends, items=msgspec.convert(rows, list[BoardRow])
        )

    async def _slugs(self, skills: Sequence[str], bosses: Sequence[str], activities: Sequence[str]) -> frozenset[str]:
        by_kind = {MetricKind.SKILL: skills, MetricKind.BOSS: bosses, MetricKind.ACTIVITY: activities}
        return frozenset(
            [(await self._book.find(name, kind))[1].slug for kind, names in by_kind.items() for name in names]
        )

    async def _states(
        self, username: str, span: TimeSpan
    ) -> tuple[NumberedPlayer, Between | None, Mapping[int, Shown], Mapping[int, Shown]]:
        """Return a player and the states at both ends of a span; empty if the player was not fetched before its end."""
        name = canonical(username)
        rows = await self._questions.rows(STATES, {"username": name, "start": span.start, "end": span.end})
        last = [row for row in rows if row["ends"]]
        if not last:
            return await self._numbered(name), None, {}, {}
        player = NumberedPlayer(**{field: last[0][field] for field in NumberedPlayer.__struct_fields__})
        first = rows[: len(rows) - len(last)]
        start_is, era = BEFORE, last[-1]["era"]
        if not first:
            start_is, first = "inside", await self._questions.rows(_FIRST, {"no": player.no, "era": None})
        if first[-1]["era"] != era:
            start_is, first = "reset", await self._questions.rows(_FIRST, {"no": player.no, "era": era})
        compared = Between(
            started_at=first[-1]["at"], start_is=start_is, ended_at=last[-1]["at"], fetched_at=last[0]["fetched_at"]
        )
        return player, compared, state_of(first), state_of(last)


def bounds(period: GainPeriod, today: date, which: Which) -> tuple[date, date]:
    """Return the first day of a period and the first day after it."""
    starts = {
        GainPeriod.DAY: today,
        GainPeriod.WEEK: today - timedelta(days=today.weekday()),
        GainPeriod.MONTH: today.replace(day=1),
        GainPeriod.YEAR: today.replace(month=1, day=1),
    }[period]
    if which is Which.PREVIOUS:
        return bounds(period, starts - timedelta(days=1), Which.CURRENT)
    inside = starts + timedelta(days={"day": 1, "week": 7, "month": 31, "year": 366}[period])
    if period is GainPeriod.MONTH:
        inside = inside.replace(day=1)
    return starts, inside.replace(month=1, day=1) if period is GainPeriod.YEAR else inside


def _beside(
    metric: Metric,
    number: int | None,
    player: NumberedPlayer,
    compared: Compared | None,
    before: Mapping[int, Shown],
    after: Mapping[int, Shown],
) -> ComparedPlayer:
    value, rank = after.get(number or 0, NOTHING)
    moved = gain(metric, before.get(number or 0, NOTHING), (value, rank), days=None)
    return ComparedPlayer(
        username=player.username,
        display_name=player.display_name,
        metric=metric.slug,
        value=value,
        rank=rank,
        gained=moved.gained,
        started_at=compared.started_at if compared else None,
        ended_at=compared.ended_at if compared else None,
    )


def _shortened(rows: Sequence[dict[str, Any]], points: int) -> list[dict[str, Any]]:
    """Reduce rows to a number of points. Unknown values are dropped first, because they have no height."""
    if len(rows) <= points:
        return list(rows)
    known = [row for row in rows if row["value"] is not None]
    began: datetime = rows[0]["at"]
    at = [(row["at"] - began).total_seconds() for row in known]
    return [known[place] for place in sampled(at, [float(row["value"]) for row in known], points)]


def _view(metric: Metric) -> MetricView:
    return MetricView(slug=metric.slug, name=metric.name, kind=metric.kind)
