"""All SQL of scores and leaderboards: reading their inputs, and writing them for batches of people.

Leaderboards are derived data. The rows of a person are always recomputed as a whole, by one transaction at a time, so
that exactly one of several trackers is the best. They have no foreign keys: with them a scrape would wait for members
who join or leave.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from shared.database.advisory_locks import LockNamespace, key_of, take_keyed
from trackers.games.ratings import GAME, ManualPlaylistState, RatedPlaylist, RatedTracker
from users.guilds.guild_settings import GuildSettings, ManualSnapshots, RatingFormula, from_stored
from users.guilds.opt_out_repository import on_leaderboards

_ONE_AT_A_TIME: Final = take_keyed(LockNamespace.RATED_PERSON, "CAST(user_id AS text)")
# People are read and sorted before the first lock is taken, so that all transactions take the locks in the same order.
_LOCK_PEOPLE: Final = text(f"""
SELECT user_id, {_ONE_AT_A_TIME} FROM (
    SELECT user_id FROM unnest(CAST(:people AS uuid[])) AS p (user_id)
    ORDER BY {key_of("CAST(user_id AS text)")} OFFSET 0
) AS p
""")  # noqa: S608 -- fragments of our own
_LOCK_FOLLOWERS: Final = text(f"""
SELECT user_id, {_ONE_AT_A_TIME} FROM (
    SELECT k.user_id FROM game_trackers k
    WHERE k.account_id = ANY(CAST(:accounts AS uuid[])) AND k.deleted_at IS NULL AND k.active
      AND EXISTS (SELECT 1 FROM guild_members m WHERE m.user_id = k.user_id)
    GROUP BY k.user_id ORDER BY {key_of("CAST(k.user_id AS text)")} OFFSET 0
) AS p
""")  # noqa: S608 -- fragments of our own

_SETTLED: Final = """
md5(jsonb_build_array(g.settings -> 'rating_formula', g.settings -> 'manual_snapshots')::text)
"""
_IN_SEASON: Final = f"""
JOIN game_accounts a ON a.id = k.account_id AND a.game = '{GAME}'
JOIN LATERAL (
    SELECT a.current_season ~ '^[0-9]{{1,6}}$' AS fetched, CASE WHEN a.current_season ~ '^[0-9]{{1,6}}$'
        THEN CAST(a.current_season AS integer)
        ELSE (SELECT max(m.season) FROM game_manual_snapshots m WHERE m.user_id = k.user_id AND m.account_id = a.id)
    END AS season
) AS now ON now.season IS NOT NULL
JOIN scrape_targets t ON t.id = a.target_id
"""  # noqa: S608 -- fragments of our own
"""Accounts of the game that has formulas, with their current season; never fetched: the newest entered season."""
MAX_MANUAL: Final = 200
"""Manual snapshots of a tracker that scores may use: the latest."""

TRACKED: Final = text(f"""
SELECT k.user_id, k.id AS tracker_id, k.account_id, coalesce(a.handle, a.display) AS handle, now.season,
       coalesce(now.fetched, false) AS fetched, coalesce(extract(epoch FROM t.last_success_at), 0) AS fetched_at,
       (SELECT json_agg(json_build_array(s.season_key, s.playlist_key, s.rating, s.peak_rating, s.matches_played,
                                         s.estimated, extract(epoch FROM s.changed_at)))
        FROM game_playlist_states s
        WHERE s.account_id = a.id
          AND s.season_key IN (CAST(now.season AS text), CAST(now.season - 1 AS text))) AS playlist_states,
       (SELECT json_agg(json_build_array(m.id, m.season, r.playlist_key, r.rating, r.matches_played,
                                         extract(epoch FROM m.captured_at), coalesce(v.reviews, '{{}}'))
                        ORDER BY m.captured_at, m.id)
        FROM (SELECT * FROM game_manual_snapshots
              WHERE user_id = k.user_id AND account_id = k.account_id
              ORDER BY captured_at DESC, id DESC LIMIT {MAX_MANUAL}) m
        JOIN game_manual_ratings r ON r.snapshot_id = m.id
        CROSS JOIN LATERAL (
            SELECT json_object_agg(guild_id, confirmed) AS reviews FROM game_manual_reviews WHERE snapshot_id = m.id
        ) v) AS manual
FROM game_trackers k {_IN_SEASON}
WHERE k.user_id = ANY(CAST(:people AS uuid[])) AND k.deleted_at IS NULL AND k.active
""")  # noqa: S608 -- fragments of our own
_PLACES: Final = text(f"""
SELECT m.user_id, m.guild_id, {_SETTLED} AS digest, g.settings -> 'rating_formula' AS formula,
       g.settings -> 'manual_snapshots' AS manual
FROM guild_members m JOIN guilds g ON g.id = m.guild_id
WHERE m.user_id = ANY(CAST(:people AS uuid[])) AND m.confirmed_by IS NOT NULL
  AND {on_leaderboards("m.user_id", "m.guild_id")}
""")  # noqa: S608 -- fragments of our own

# Compares expected rows with stored rows: people joined or left, chose another formula, started or stopped following;
# or an account with a counted manual snapshot was fetched again.
_STALE: Final = text(f"""
WITH settled AS MATERIALIZED (SELECT g.id, {_SETTLED} AS formula FROM guilds g)
SELECT DISTINCT p.user_id
FROM (
    SELECT m.guild_id, k.id AS tracker_id, k.user_id, k.account_id, g.formula, t.last_success_at
    FROM guild_members m
    JOIN settled g ON g.id = m.guild_id
    JOIN game_trackers k ON k.user_id = m.user_id AND k.deleted_at IS NULL AND k.active
    {_IN_SEASON}
    WHERE m.confirmed_by IS NOT NULL AND {on_leaderboards("m.user_id", "m.guild_id")}
) AS x
FULL JOIN game_guild_scores s ON s.tracker_id = x.tracker_id AND s.guild_id = x.guild_id
CROSS JOIN LATERAL (VALUES (x.user_id), (s.user_id)) AS p (user_id)
WHERE ((x.user_id, x.account_id, x.formula) IS DISTINCT FROM (s.user_id, s.account_id, s.formula)
       OR x.last_success_at > s.fetched_at)
  AND p.user_id IS NOT NULL
ORDER BY p.user_id LIMIT :limit
""")  # noqa: S608 -- fragments of our own

_RECOMPUTE: Final = text("""
WITH scores AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:scores AS jsonb)) AS x (
        guild_id text, tracker_id uuid, user_id uuid, account_id uuid, score bigint, salary bigint, games integer,
        formula text, season integer, best boolean, manual boolean, fetched_at double precision
    )
), ratings AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:ratings AS jsonb)) AS x (
        guild_id text, tracker_id uuid, user_id uuid, playlist_key text, season integer, rating integer, best boolean,
        manual_id uuid, vouched boolean
    )
), ratings_gone AS (
    DELETE FROM game_guild_ratings r USING game_guild_scores s
    WHERE s.user_id = ANY(CAST(:people AS uuid[])) AND r.tracker_id = s.tracker_id AND r.guild_id = s.guild_id
      AND NOT EXISTS (SELECT 1 FROM ratings x WHERE x.tracker_id = r.tracker_id AND x.guild_id = r.guild_id
                                                AND x.playlist_key = r.playlist_key)
), scores_gone AS (
    DELETE FROM game_guild_scores s
    WHERE s.user_id = ANY(CAST(:people AS uuid[]))
      AND NOT EXISTS (SELECT 1 FROM scores x WHERE x.tracker_id = s.tracker_id AND x.guild_id = s.guild_id)
), scores_put AS (
    INSERT INTO game_guild_scores (guild_id, tracker_id, user_id, account_id, score, salary, games, formula, season,
                                   best, manual, fetched_at, computed_at)
    SELECT x.guild_id, x.tracker_id, x.user_id, x.account_id, x.score, x.salary, x.games, x.formula, x.season, x.best,
           x.manual, to_timestamp(x.fetched_at), :now
    FROM scores x LEFT JOIN game_guild_scores s ON s.tracker_id = x.tracker_id AND s.guild_id = x.guild_id
    WHERE (x.user_id, x.account_id, x.score, x.salary, x.games, x.formula, x.season, x.best, x.manual,
           to_timestamp(x.fetched_at)) IS DISTINCT FROM
          (s.user_id, s.account_id, s.score, s.salary, s.games, s.formula, s.season, s.best, s.manual, s.fetched_at)
    ON CONFLICT (guild_id, tracker_id) DO UPDATE
    SET user_id = excluded.user_id, account_id = excluded.account_id, score = excluded.score, salary = excluded.salary,
        games = excluded.games, formula = excluded.formula, season = excluded.season, best = excluded.best,
        manual = excluded.manual, fetched_at = excluded.fetched_at, computed_at = excluded.computed_at
)
INSERT INTO game_guild_ratings (guild_id, tracker_id, user_id, playlist_key, season, rating, best, manual_id, vouched)
SELECT x.guild_id, x.tracker_id, x.user_id, x.playlist_key, x.season, x.rating, x.best, x.manual_id, x.vouched
FROM ratings x LEFT JOIN game_guild_ratings r
  ON r.tracker_id = x.tracker_id AND r.guild_id = x.guild_id AND r.playlist_key = x.playlist_key
WHERE (x.user_id, x.season, x.rating, x.best, x.manual_id, x.vouched) IS DISTINCT FROM
      (r.user_id, r.season, r.rating, r.best, r.manual_id, r.vouched)
ON CONFLICT (guild_id, tracker_id, playlist_key) DO UPDATE
SET user_id = excluded.user_id, season = excluded.season, rating = excluded.rating, best = excluded.best,
    manual_id = excluded.manual_id, vouched = excluded.vouched
""")


class LeaderboardRank(Struct, frozen=True, kw_only=True):
    """A guild of a person, with its formula."""

    guild_id: str
    digest: str
    """Digest of the stored settings below."""
    formula: RatingFormula
    manual: ManualSnapshots


class ScoreRow(Struct, frozen=True, kw_only=True):
    guild_id: str
    tracker_id: UUID
    user_id: UUID
    account_id: UUID
    score: int
    salary: int
    games: int
    formula: str
    season: int
    best: bool
    manual: bool
    fetched_at: float | None
    """Set only if a manual snapshot counts."""


class RatingRow(Struct, frozen=True, kw_only=True):
    guild_id: str
    tracker_id: UUID
    user_id: UUID
    playlist_key: str
    season: int
    rating: int
    best: bool
    manual_id: UUID | None
    vouched: bool


class RatingRepository(Repository):
    """Scores and ratings of guild members."""

    async def lock_people(self, people: Sequence[UUID]) -> list[UUID]:
        """Keep other transactions from recomputing these people until this one ends."""
        return list((await self.session.execute(_LOCK_PEOPLE, {"people": list(people)})).scalars())

    async def lock_followers(self, accounts: Sequence[UUID]) -> list[UUID]:
        """Lock and return the guild members who follow these accounts, as `lock_people` does."""
        return list((await self.session.execute(_LOCK_FOLLOWERS, {"accounts": list(accounts)})).scalars())

    async def outdated(self, *, limit: int) -> list[UUID]:
        """Return people, by id, whose rows on leaderboards are outdated."""
        return list((await self.session.execute(_STALE, {"limit": limit})).scalars())

    async def tracked(self, people: Sequence[UUID]) -> list[RatedTracker]:
        """Return the active trackers of these people whose accounts have a known season."""
        rows = (await self.session.execute(TRACKED, {"people": list(people)})).mappings()
        return [tracked_of(row) for row in rows]

    async def places(self, people: Sequence[UUID]) -> dict[UUID, list[LeaderboardRank]]:
        """Return the guilds of which each person is a confirmed member."""
        settled: dict[str, GuildSettings] = {}
        places: dict[UUID, list[LeaderboardRank]] = {}
        for row in await self.session.execute(_PLACES, {"people": list(people)}):
            if row.digest not in settled:
                stored = {"rating_formula": row.formula, "manual_snapshots": row.manual}
                settled[row.digest] = from_stored({name: value for name, value in stored.items() if value is not None})
            settings = settled[row.digest]
            place = LeaderboardRank(
                guild_id=row.guild_id,
                digest=row.digest,
                formula=settings.rating_formula,
                manual=settings.manual_snapshots,
            )
            places.setdefault(row.user_id, []).append(place)
        return places

    async def recompute(
        self, people: Sequence[UUID], *, scores: Sequence[ScoreRow], ratings: Sequence[RatingRow], now: datetime
    ) -> None:
        """Replace all rows of these people on leaderboards; unchanged rows are not written."""
        rows = {"scores": _json(scores), "ratings": _json(ratings)}
        await self.session.execute(_RECOMPUTE, {**rows, "people": list(people), "now": now})


def tracked_of(row: Mapping[Any, Any]) -> RatedTracker:
    """Return the tracker of a row of `TRACKED`."""
    seasons: dict[str, dict[str, RatedPlaylist]] = {}
    for season, playlist, rating, peak, matches, estimated, at in row["playlist_states"] or ():
        seasons.setdefault(season, {})[playlist] = RatedPlaylist(
            rating=rating, peak=peak, matches=matches, estimated=estimated, at=at
        )
    return RatedTracker(
        user_id=row["user_id"],
        tracker_id=row["tracker_id"],
        account_id=row["account_id"],
        handle=row["handle"],
        season=row["season"],
        current=seasons.get(str(row["season"]), {}),
        previous=seasons.get(str(row["season"] - 1), {}),
        fetched=row["fetched"],
        fetched_at=float(row["fetched_at"]),
        manual=[
            ManualPlaylistState(
                snapshot_id=UUID(snapshot_id),
                season=season,
                playlist=playlist,
                rating=rating,
                matches=matches,
                at=at,
                reviews=reviews,
            )
            for snapshot_id, season, playlist, rating, matches, at, reviews in row["manual"] or ()
        ],
    )


def _json(rows: Sequence[Struct]) -> str:
    return msgspec.json.encode(rows).decode()
