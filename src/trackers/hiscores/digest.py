"""The digest's section about followed players: gains and achievements of each player in the window."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import TransactionQueries
from trackers.hiscores.catalogue import Metric, MetricKind
from trackers.hiscores.messages import PROGRESSED, page_of
from trackers.hiscores.thresholds import in_words
from users.notifications.digest import DigestEntry, DigestGroup, DigestSection, DigestWindow, spans

TITLE: Final = "Players"
MAX_REACHED: Final = 8
"""Maximum number of a player's achievements that are named; the others are counted."""
# Experience from the last record before the window to the last record in it, if both are of the same era. Achievements
# from before the first fetch are left out.
_PROGRESSED: Final = text("""
WITH windows AS (
    SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
        AS w (user_id, since, until)
), overall AS (
    SELECT id FROM hiscore_metrics WHERE slug = 'overall'
), followed AS (
    SELECT w.user_id, p.id, p.no, p.username, p.display_name, greatest(w.since, f.created_at) AS since, w.until
    FROM windows w JOIN hiscore_follows f ON f.user_id = w.user_id
    JOIN hiscore_players p ON p.id = f.player_id AND p.removed_at IS NULL
)
SELECT f.user_id, f.id, f.username, f.display_name,
       CASE WHEN before.era = after.era THEN after.xp - before.xp END AS xp, reached.items AS reached
FROM followed f
CROSS JOIN LATERAL (
    SELECT r.era, r.vals[array_position(r.metrics, o.id)] AS xp FROM hiscore_records r, overall o
    WHERE r.player = f.no AND r.at > f.since AND r.at <= f.until AND r.kind <> 2 AND o.id = ANY(r.metrics)
    ORDER BY r.at DESC LIMIT 1
) after
LEFT JOIN LATERAL (
    SELECT r.era, r.vals[array_position(r.metrics, o.id)] AS xp FROM hiscore_records r, overall o
    WHERE r.player = f.no AND r.at <= f.since AND r.kind <> 2 AND o.id = ANY(r.metrics)
    ORDER BY r.at DESC LIMIT 1
) before ON TRUE
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(m.slug, m.name, m.kind, a.threshold) ORDER BY a.before, m.id, a.threshold) AS items
    FROM hiscore_achievements a JOIN hiscore_metrics m ON m.id = a.metric
    WHERE a.player = f.no AND a.after IS NOT NULL AND a.before > f.since AND a.before <= f.until
) reached ON TRUE
ORDER BY f.user_id, f.username
""")


class HiscoresDigest:
    """A DigestWriter."""

    name: Final = "hiscores"

    def __init__(self, questions: TransactionQueries) -> None:
        self._questions = questions

    async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
        """Return one section per person, with an entry for each player that made progress."""
        wants = {window.user_id: window.wants for window in windows}
        entries: dict[UUID, list[DigestEntry]] = {}
        for row in await self._questions.rows(_PROGRESSED, spans(windows)):
            if wants[row["user_id"]](row["id"], PROGRESSED) and (entry := _entry(row)) is not None:
                entries.setdefault(row["user_id"], []).append(entry)
        return {
            user_id: [DigestSection(title=TITLE, groups=(DigestGroup(entries=tuple(listed)),))]
            for user_id, listed in entries.items()
        }


def _entry(row: Mapping[str, Any]) -> DigestEntry | None:
    reached = [
        in_words(Metric(slug=slug, name=name, kind=MetricKind(kind)), threshold)
        for slug, name, kind, threshold in row["reached"] or ()
    ]
    parts = [f"+{row['xp']:,} experience"] if row["xp"] else []
    parts += reached[:MAX_REACHED]
    if len(reached) > MAX_REACHED:
        parts.append(f"and {len(reached) - MAX_REACHED} more")
    if not parts:
        return None
    return DigestEntry(title=row["display_name"], detail="; ".join(parts), url=page_of(row["username"]))
