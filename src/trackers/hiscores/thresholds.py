"""Thresholds of achievements: levels, experience, kills and points that players celebrate."""

from collections.abc import Sequence
from typing import Final

from trackers.hiscores.catalogue import OVERALL, RATINGS, Metric, MetricKind
from trackers.hiscores.maths import HIGHEST, MAX_XP, xp_for

MILLION: Final = 1_000_000
SKILL: Final = (xp_for(HIGHEST), 50 * MILLION, 100 * MILLION, MAX_XP)
ALL_SKILLS: Final = (100 * MILLION, 200 * MILLION, 500 * MILLION, *(n * 1000 * MILLION for n in range(1, 5)))
TOTAL_LEVEL: Final = (500, 1000, 1500, 1750, 2000, 2200, 2376)
"""2,376 means every skill at level 99."""
COUNT: Final = (1, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000)
_BY_KIND: Final = {
    MetricKind.SKILL: SKILL,
    MetricKind.LEVEL: TOTAL_LEVEL,
    MetricKind.BOSS: COUNT,
    MetricKind.ACTIVITY: COUNT,
}


def thresholds_of(metric: Metric) -> Sequence[int]:
    """Return the thresholds in ascending order: experience of skills, counts of other metrics.

    Ratings have none, because they can go down.
    """
    if metric.slug == OVERALL:
        return ALL_SKILLS
    return () if metric.slug in RATINGS else _BY_KIND[metric.kind]


def passed(metric: Metric, before: int | None, now: int | None) -> list[int]:
    """Return the thresholds above the value before that the value now has reached."""
    if now is None:
        return []
    return [threshold for threshold in thresholds_of(metric) if (before or 0) < threshold <= now]


def in_words(metric: Metric, threshold: int) -> str:
    """Return the name of an achievement: `99 Slayer`, `200m Slayer experience`, `first Vorkath`, `1,000 Vorkath`."""
    if metric.kind is MetricKind.LEVEL:
        return f"total level {threshold:,}"
    if metric.kind is MetricKind.SKILL:
        if metric.slug != OVERALL and threshold == SKILL[0]:
            return f"{HIGHEST} {metric.name}"
        amount = f"{threshold // MILLION:,}m"
        return f"{amount} experience in total" if metric.slug == OVERALL else f"{amount} {metric.name} experience"
    return f"first {metric.name}" if threshold == 1 else f"{threshold:,} {metric.name}"
