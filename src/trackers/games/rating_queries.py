"""Read queries for scores, leaderboards and rating histories; each checks the access policy first."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.database import Queries
from shared.sampling import sampled
from shared.web.identity import Identity
from trackers.games.catalogue import playlist_called
from trackers.games.errors import TrackerNotFound
from trackers.games.rating_repository import TRACKED, tracked_of
from trackers.games.rating_schemas import (
    FormulaPreview,
    FormulaProblem,
    FormulaVerdict,
    GuildLeaderboard,
    LeaderboardRow,
    PastPoint,
    PreviewRow,
    Series,
    TrackerHistory,
    Trial,
)
from trackers.games.ratings import TRIAL_SEASON, RatedTracker, Rating, best, in_guild, rate
from users.access import AccessPolicy
from users.guilds import expressions
from users.guilds.expressions import FormulaError
from users.guilds.guild_settings import RatingFormula, from_stored
from users.guilds.opt_out_repository import on_leaderboards

PEOPLE_BATCH_SIZE: Final = 500

_WHO: Final = """
LEFT JOIN LATERAL (
    SELECT global_name, username FROM user_identities
    WHERE user_id = u.id AND provider = 'discord' ORDER BY updated_at DESC, external_id LIMIT 1
) i ON true
"""
_CALLED: Final = "coalesce(u.display_name, i.global_name, i.username) AS display_name"
# A manual snapshot that only its author vouches for opens no season: it would hide everybody else's ratings.
_SEASON: Final = """coalesce(
    (SELECT max(season) FROM game_guild_ratings WHERE guild_id = :guild_id AND best AND vouched),
    (SELECT max(season) FROM game_guild_ratings WHERE guild_id = :guild_id AND best)
)"""
_ON_PLAYLIST: Final = f"""
FROM game_guild_ratings WHERE guild_id = :guild_id AND season = {_SEASON} AND playlist_key = :playlist AND best
"""
_ON_SCORES: Final = "FROM game_guild_scores WHERE guild_id = :guild_id AND best"
_PLAYLIST_TOTAL: Final = text(f"SELECT count(*) AS total, CAST({_SEASON} AS text) AS season {_ON_PLAYLIST}")
_SCORES_TOTAL: Final = text(f"SELECT count(*) AS total, NULL AS season {_ON_SCORES}")


def _page(board: str, value: str, *more: str) -> str:
    """Return the SQL of a page of a leaderboard with ranks; equal rows on earlier pages share the rank.

    Leaderboards may be a minute behind: members who left and removed trackers are filtered out here.
    """
    columns = ", ".join((value, *more))
    return f"""
WITH page AS MATERIALIZED (
    SELECT user_id, tracker_id, {columns}, row_number() OVER (ORDER BY {value} DESC, user_id) AS place
    {board} ORDER BY {value} DESC, user_id LIMIT CAST(:limit AS bigint) OFFSET CAST(:skipped AS bigint)
), first AS MATERIALIZED (
    SELECT p.user_id, p.{value} AS value, (
        SELECT count(*) {board} AND {value} = p.{value} AND user_id < p.user_id
    ) AS equals
    FROM page p ORDER BY place LIMIT 1
), p AS MATERIALIZED (
    SELECT page.*, min(place) OVER (PARTITION BY {value}) - CASE WHEN {value} = f.value THEN f.equals ELSE 0 END AS rank
    FROM page, first f
)
SELECT p.rank, p.user_id, {_CALLED}, p.tracker_id, coalesce(a.handle, a.display) AS handle"""  # noqa: S608 -- fragments of our own


_STILL: Final = f"""
FROM p
JOIN game_trackers k ON k.id = p.tracker_id AND k.user_id = p.user_id AND k.active AND k.deleted_at IS NULL
JOIN guild_members m ON m.guild_id = :guild_id AND m.user_id = p.user_id AND m.confirmed_by IS NOT NULL
  AND {on_leaderboards("m.user_id", "m.guild_id")}
JOIN game_accounts a ON a.id = k.account_id
JOIN users u ON u.id = p.user_id
{_WHO}
"""
_PLAYLIST_PAGE: Final = text(f"""
{_page(_ON_PLAYLIST, "rating", "season", "manual_id")},
       p.rating, p.manual_id IS NOT NULL AS manual,
       CASE WHEN p.manual_id IS NULL THEN s.tier ELSE r.tier END AS tier,
       CASE WHEN p.manual_id IS NULL THEN s.division ELSE r.division END AS division,
       coalesce(r.matches_played, s.matches_played) AS matches_played,
       greatest(r.rating, s.peak_rating) AS peak_rating
{_STILL}
LEFT JOIN game_manual_ratings r ON r.snapshot_id = p.manual_id AND r.playlist_key = :playlist
LEFT JOIN game_playlist_states s
  ON s.account_id = k.account_id AND s.season_key = CAST(p.season AS text) AND s.playlist_key = :playlist
ORDER BY p.place
""")
_SCORES_PAGE: Final = text(
    f"{_page(_ON_SCORES, 'score', 'salary', 'manual')}, p.score, p.salary, p.manual {_STILL} ORDER BY p.place"
)

_FORMULA: Final = text("SELECT settings FROM guilds WHERE id = :guild_id")
_MEMBERS: Final = text(f"""
SELECT user_id FROM guild_members m
WHERE guild_id = :guild_id AND confirmed_by IS NOT NULL AND {on_leaderboards("m.user_id", "m.guild_id")}
  AND (CAST(:after AS uuid) IS NULL OR user_id > :after)
ORDER BY user_id LIMIT :limit
""")  # noqa: S608 -- fragments of our own
_PEOPLE: Final = text(f"""
SELECT u.id, {_CALLED} FROM users u {_WHO} WHERE u.id = ANY(CAST(:people AS uuid[]))
""")  # noqa: S608 -- fragments of our own

_ACCOUNT: Final = text("SELECT account_id, user_id FROM game_trackers WHERE id = :id AND deleted_at IS NULL")
# The first fetch finds several seasons at one moment: the newest was played then, the others had ended before.
_HISTORY: Final = text("""
SELECT playlist, coalesce((
           SELECT s.name FROM game_playlist_states s
           WHERE s.account_id = :account_id AND s.playlist_key = x.playlist LIMIT 1
       ), playlist) AS name,
       array_agg(at ORDER BY at) AS at, array_agg(season ORDER BY at) AS season,
       array_agg(rating ORDER BY at) AS rating, array_agg(manual ORDER BY at) AS manual,
       array_agg(tier ORDER BY at) AS tier, array_agg(division ORDER BY at) AS division
FROM (
    SELECT DISTINCT ON (playlist, at) playlist, at, season, rating, tier, division, manual
    FROM (
        SELECT r.playlist_key AS playlist, p.captured_at AS at, p.season_key AS season, r.rating, r.tier, r.division,
               false AS manual, p.id
        FROM game_snapshots p JOIN game_ratings r ON r.snapshot_id = p.id
        WHERE p.account_id = :account_id AND NOT r.estimated
        UNION ALL
        SELECT r.playlist_key, m.captured_at, CAST(m.season AS text), r.rating, r.tier, r.division, true, m.id
        FROM game_manual_snapshots m JOIN game_manual_ratings r ON r.snapshot_id = m.id
        WHERE m.account_id = :account_id AND m.user_id = :owner
    ) every
    WHERE (CAST(:playlist AS text) IS NULL OR playlist = :playlist)
      AND (CAST(:season AS text) IS NULL OR season = :season)
      AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
    ORDER BY playlist, at, manual, length(season) DESC, season DESC, id DESC
) x
GROUP BY playlist ORDER BY length(playlist), playlist
""")


class RatingQueries:
    """Reads leaderboards and rating histories, and tries formulas without storing anything."""

    def __init__(self, reader: Queries, *, access: AccessPolicy) -> None:
        self._reader = reader
        self._access = access

    async def leaderboard(
        self, asker: Identity, guild_id: str, *, playlist: str | None, page: int, per_page: int
    ) -> GuildLeaderboard:
        """Return a guild's members by their rating in a playlist, or by the guild's score if `playlist` is None.

        Raises GuildNotFound if the caller may not see the guild.
        """
        await self._access.check_guild_read(asker, guild_id)
        board = {"guild_id": guild_id} | ({} if playlist is None else {"playlist": playlist})
        of_total, of_page = (_SCORES_TOTAL, _SCORES_PAGE) if playlist is None else (_PLAYLIST_TOTAL, _PLAYLIST_PAGE)
        totals = await self._reader.row(of_total, board)
        rows = await self._reader.rows(of_page, {**board, "limit": per_page, "skipped": (page - 1) * per_page})
        return GuildLeaderboard(
            items=[LeaderboardRow(**row) for row in rows],
            playlist=playlist,
            season=totals["season"] if totals else None,
            page=page,
            per_page=per_page,
            total=totals["total"] if totals else 0,
        )

    async def history(
        self,
        asker: Identity,
        tracker_id: UUID,
        *,
        points: int,
        playlist: str | None = None,
        season: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> TrackerHistory:
        """Return the rating history by playlist, without estimates, thinned to `points` each: ends and extremes stay.

        Raises TrackerNotFound, or Forbidden if the caller may not see the tracker.
        """
        tracker = await self._reader.row(_ACCOUNT, {"id": tracker_id})
        if tracker is None:
            raise TrackerNotFound(tracker_id)
        await self._access.check_read(asker, tracker["user_id"])
        which = {"playlist": playlist, "season": season, "since": since, "until": until}
        rows = await self._reader.rows(
            _HISTORY, {**which, "account_id": tracker["account_id"], "owner": tracker["user_id"]}
        )
        return TrackerHistory(items=[_series(row, points) for row in rows])

    async def validate(self, asker: Identity, guild_id: str, formula: Mapping[str, Any]) -> FormulaVerdict:
        """Check if a guild can use a formula, and compute it for a trial player.

        Raises GuildNotFound, or Forbidden for members who do not run the guild.
        """
        await self._access.check_guild_write(asker, guild_id)
        try:
            read = msgspec.convert(formula, RatingFormula)
        except msgspec.ValidationError as error:
            return FormulaVerdict(ok=False, errors=[_problem(formula, str(error))], trial=None)
        trial = rate(read, TRIAL_SEASON, {})
        return FormulaVerdict(
            ok=True, errors=[], trial=Trial(score=trial.score, salary=trial.salary, figures=trial.figures)
        )

    async def preview(self, asker: Identity, guild_id: str, formula: RatingFormula, *, limit: int) -> FormulaPreview:
        """Rank a guild's members by a formula and by the current one. Raises GuildNotFound, Forbidden as `validate`."""
        await self._access.check_guild_write(asker, guild_id)
        stored = await self._reader.value(_FORMULA, {"guild_id": guild_id})
        settings = from_stored(stored or {})
        today = settings.rating_formula
        new_board: list[_Rated] = []
        todays_board: list[_Rated] = []
        async for tracked in self._members(guild_id):
            trackers = [in_guild(tracker, guild_id, settings.manual_snapshots) for tracker in tracked]
            for board, under in ((new_board, formula), (todays_board, today)):
                chosen = best((tracker, rate(under, tracker.current, tracker.previous)) for tracker in trackers)
                if chosen is not None:
                    board.append(chosen)
        ranked, then = _ranked(new_board), {rated[0].user_id: (rank, rated) for rank, rated in _ranked(todays_board)}
        shown = ranked[:limit]
        names = {
            row["id"]: row["display_name"]
            for row in await self._reader.rows(_PEOPLE, {"people": [tracker.user_id for _, (tracker, _) in shown]})
        }
        return FormulaPreview(
            items=[_preview_row(rank, rated, then.get(rated[0].user_id), names) for rank, rated in shown],
            total=len(ranked),
        )

    async def _members(self, guild_id: str) -> AsyncIterator[list[RatedTracker]]:
        """Yield the trackers of each member, read in batches, so that other requests can run in between."""
        after = None
        while True:
            which = {"guild_id": guild_id, "after": after, "limit": PEOPLE_BATCH_SIZE}
            people = [row["user_id"] for row in await self._reader.rows(_MEMBERS, which)]
            tracked: dict[UUID, list[RatedTracker]] = {}
            for row in await self._reader.rows(TRACKED, {"people": people}):
                tracker = tracked_of(row)
                tracked.setdefault(tracker.user_id, []).append(tracker)
            for trackers in tracked.values():
                yield trackers
            if len(people) < PEOPLE_BATCH_SIZE:
                return
            after = people[-1]


_Rated = tuple[RatedTracker, Rating]


def _ranked(board: list[_Rated]) -> list[tuple[int, _Rated]]:
    """Sort the best first; equal scores share a rank."""
    ranked: list[tuple[int, _Rated]] = []
    for place, rated in enumerate(sorted(board, key=lambda row: (-row[1].score, row[0].user_id)), start=1):
        equal = ranked and ranked[-1][1][1].score == rated[1].score
        ranked.append((ranked[-1][0] if equal else place, rated))
    return ranked


def _preview_row(
    rank: int, rated: _Rated, today: tuple[int, _Rated] | None, names: Mapping[UUID, str | None]
) -> PreviewRow:
    tracker, rating = rated
    return PreviewRow(
        rank=rank,
        user_id=tracker.user_id,
        display_name=names.get(tracker.user_id),
        handle=tracker.handle,
        tracker_id=tracker.tracker_id,
        score=rating.score,
        salary=rating.salary,
        rank_today=today[0] if today else None,
        score_today=today[1][1].score if today else None,
        salary_today=today[1][1].salary if today else None,
    )


def _problem(formula: Mapping[str, Any], report: str) -> FormulaProblem:
    """Return msgspec's report about a formula as a problem; for an expression with the position in it."""
    message, _, path = report.partition(" - at `$")
    field = ".".join(("formula", *path.rstrip("`").strip(".").split("."))).strip(".")
    position = None
    expression = formula.get("expression")
    if formula.get("kind") == "custom" and isinstance(expression, str) and "expression is not a formula" in message:
        field = "formula.expression"
        try:
            expressions.check(expression)
        except FormulaError as error:
            message, position = str(error), error.position
    return FormulaProblem(field=field, message=message, position=position)


def _series(row: Mapping[str, Any], points: int) -> Series:
    moments: list[datetime] = row["at"]
    ratings: list[int] = row["rating"]
    places = sampled([moment.timestamp() for moment in moments], ratings, points)
    return Series(
        playlist=row["playlist"],
        name=playlist_called(row["playlist"], row["name"]),
        seen=len(ratings),
        points=[
            PastPoint(
                at=moments[place],
                season=row["season"][place],
                rating=ratings[place],
                tier=row["tier"][place],
                division=row["division"][place],
                manual=row["manual"][place],
            )
            for place in places
        ],
    )
