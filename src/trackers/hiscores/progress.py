"""States built from records, gains between two states, and stats of a player. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from trackers.hiscores.catalogue import COMBAT_SKILLS, OVERALL, TOTAL_LEVEL, Metric, MetricKind
from trackers.hiscores.maths import combat_level, level_for, virtual_level
from trackers.hiscores.schemas import MetricGain, ScoreStat, SkillStat, Stats

Shown = tuple[int | None, int | None]
"""Value and rank of a metric; None means unknown or unranked."""
NOTHING: Final[Shown] = (None, None)


def state_of(records: Iterable[Mapping[str, Any]]) -> dict[int, Shown]:
    """Return the state after records that start with a keyframe: the last recorded value and rank of each metric."""
    state: dict[int, Shown] = {}
    for record in records:  # up to fifty records; update and zip run in C
        state.update(zip(record["metrics"], zip(record["vals"], record["ranks"])))  # noqa: B905 -- the writer stores equal lengths
    return state


def gain(metric: Metric, start: Shown, end: Shown, *, days: float | None) -> MetricGain:
    """Return the change of a metric between two states; `days` is the divisor of the gain per day.

    If the value is unknown at either end, so is the gain. A decrease of a metric that can only grow counts as 0.
    """
    before, rank_before = start
    after, rank_after = end
    gained, per_day = None, None
    if before is not None and after is not None:
        gained = after - before
        if gained < 0 and metric.grows_only:
            gained = 0
        if days:
            per_day = round(gained / days, 2) if gained else 0.0
    levels = metric.kind is MetricKind.SKILL and metric.slug != OVERALL
    level_before = level_for(before) if levels and before is not None else None
    level_after = level_before if before == after else level_for(after) if levels and after is not None else None
    return MetricGain(
        metric=metric.slug,
        name=metric.name,
        kind=metric.kind,
        start=before,
        end=after,
        gained=gained,
        per_day=per_day,
        rank_start=rank_before,
        rank_end=rank_after,
        rank_gained=None if rank_before is None or rank_after is None else rank_before - rank_after,
        level_start=level_before,
        level_end=level_after,
    )


def stats_of(state: Mapping[int, Shown], metrics: Mapping[int, Metric]) -> Stats:
    """Return the stats of a state, in the order in which metrics were first seen: known metrics, then new ones."""
    by_slug = {metrics[number].slug: entry for number, entry in state.items()}
    named = [(metrics[number], entry) for number, entry in sorted(state.items())]
    overall_xp, overall_rank = by_slug.get(OVERALL, NOTHING)
    combat = {slug: by_slug.get(slug, NOTHING)[0] for slug in COMBAT_SKILLS}
    return Stats(
        total_level=by_slug.get(TOTAL_LEVEL, NOTHING)[0],
        overall_xp=overall_xp,
        overall_rank=overall_rank,
        combat_level=combat_level({slug: level_for(xp) for slug, xp in combat.items() if xp is not None}),
        combat_is_lower_bound=None in combat.values(),
        skills=[
            _skill(metric, entry)
            for metric, entry in named
            if metric.kind is MetricKind.SKILL and metric.slug != OVERALL
        ],
        bosses=_scores(named, MetricKind.BOSS),
        activities=_scores(named, MetricKind.ACTIVITY),
    )


def _skill(metric: Metric, shown: Shown) -> SkillStat:
    xp, rank = shown
    return SkillStat(
        skill=metric.slug,
        name=metric.name,
        rank=rank,
        level=None if xp is None else level_for(xp),
        virtual_level=None if xp is None else virtual_level(xp),
        xp=xp,
    )


def _scores(named: Sequence[tuple[Metric, Shown]], kind: MetricKind) -> list[ScoreStat]:
    return [
        ScoreStat(metric=metric.slug, name=metric.name, rank=rank, score=score)
        for metric, (score, rank) in named
        if metric.kind is kind
    ]
