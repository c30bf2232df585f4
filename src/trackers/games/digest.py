"""Game trackers in a digest: the changes of each account in a window, per playlist."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import TransactionQueries
from trackers.games.adapters import ADAPTERS
from trackers.games.links import AccountIdentity, account_of, site_profile_url
from trackers.games.messages import CHANGED, PlaylistChange, in_words
from users.notifications.digest import DigestEntry, DigestGroup, DigestSection, DigestWindow, spans

TITLE: Final = "Game trackers"
# Compares the state before the window's first snapshot of a playlist with its last. The first fetch of an account is no
# change, and estimated ranks do not count.
_MOVED: Final = text("""
WITH windows AS (
    SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
        AS w (user_id, since, until)
), moved AS (
    SELECT w.user_id, k.id AS tracker_id, a.id AS account_id, r.playlist_key,
           (array_agg(r.rating_before ORDER BY p.captured_at, p.id))[1] AS rating_before,
           (array_agg(r.rating ORDER BY p.captured_at DESC, p.id DESC))[1] AS rating,
           (array_agg(r.tier ORDER BY p.captured_at DESC, p.id DESC))[1] AS tier,
           (array_agg(r.matches_played ORDER BY p.captured_at DESC, p.id DESC))[1] AS matches_played,
           (array_agg(r.win_streak ORDER BY p.captured_at DESC, p.id DESC))[1] AS win_streak,
           min(p.captured_at) AS first_at
    FROM windows w
    JOIN game_trackers k ON k.user_id = w.user_id AND k.active AND k.deleted_at IS NULL
    JOIN game_accounts a ON a.id = k.account_id
    JOIN game_snapshots p ON p.account_id = a.id AND p.season_key = a.current_season
        AND p.captured_at > greatest(w.since, k.created_at) AND p.captured_at <= w.until
    JOIN game_ratings r ON r.snapshot_id = p.id AND NOT r.estimated AND r.rating_before IS NOT NULL
    GROUP BY w.user_id, k.id, a.id, r.playlist_key
)
SELECT m.user_id, m.tracker_id, a.game, a.platform, a.identifier, a.display, m.playlist_key,
       coalesce(s.name, m.playlist_key) AS name, m.rating_before, m.rating, m.tier, s.tier_name, s.division_name,
       m.matches_played, m.win_streak, before.tier AS tier_before, before.matches_played AS matches_before,
       s.peak_rating
FROM moved m
JOIN game_accounts a ON a.id = m.account_id
LEFT JOIN game_playlist_states s
    ON s.account_id = a.id AND s.season_key = a.current_season AND s.playlist_key = m.playlist_key
LEFT JOIN LATERAL (
    SELECT r.tier, r.matches_played FROM game_snapshots p JOIN game_ratings r ON r.snapshot_id = p.id
    WHERE p.account_id = a.id AND p.season_key = a.current_season AND r.playlist_key = m.playlist_key
      AND p.captured_at < m.first_at
    ORDER BY p.captured_at DESC, p.id DESC LIMIT 1
) before ON TRUE
ORDER BY m.user_id, a.display, m.tracker_id, m.playlist_key
""")


class GamesDigest:
    """A DigestWriter."""

    name: Final = "games"

    def __init__(self, questions: TransactionQueries) -> None:
        self._questions = questions

    async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
        """Return one section per person, with an entry for each account that played."""
        wants = {window.user_id: window.wants for window in windows}
        entries: dict[UUID, dict[UUID, tuple[AccountIdentity, list[str]]]] = {}
        for row in await self._questions.rows(_MOVED, spans(windows)):
            if not wants[row["user_id"]](row["tracker_id"], CHANGED):
                continue
            by_tracker = entries.setdefault(row["user_id"], {})
            by_tracker.setdefault(row["tracker_id"], (account_of(row), []))[1].append(in_words(_change(row)))
        return {
            user_id: [DigestSection(title=TITLE, groups=(DigestGroup(entries=_entries(accounts.values())),))]
            for user_id, accounts in entries.items()
        }


def _change(row: Mapping[str, Any]) -> PlaylistChange:
    """Return the change of a playlist over the whole window."""
    peak = row["peak_rating"]
    return PlaylistChange(
        playlist=row["playlist_key"],
        name=row["name"],
        rating_before=row["rating_before"],
        rating=row["rating"],
        tier_before=row["tier_before"],
        tier=row["tier"],
        tier_name=row["tier_name"],
        division_name=row["division_name"],
        matches=max(0, row["matches_played"] - (row["matches_before"] or 0)),
        win_streak=row["win_streak"],
        new_peak=peak is not None and row["rating"] >= peak and row["rating"] > row["rating_before"],
    )


def _entries(accounts: Iterable[tuple[AccountIdentity, list[str]]]) -> tuple[DigestEntry, ...]:
    return tuple(
        DigestEntry(
            title=f"{account.display} ({ADAPTERS[account.game].name if account.game in ADAPTERS else account.game})",
            detail="; ".join(lines),
            url=site_profile_url(account),
        )
        for account, lines in accounts
    )
