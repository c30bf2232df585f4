"""States put together from records, what lies between two of them, and a player's stats. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from trackers.hiscores.catalogue import COMBAT_SKILLS, OVERALL, TOTAL_LEVEL, Metric, MetricKind
from trackers.hiscores.comparison import Entry
from trackers.hiscores.maths import combat_level, level_for, virtual_level
from trackers.hiscores.schemas import MetricGain, ScoreStat, SkillStat, Stats

NOTHING: Final = Entry(None, None)


def state_of(records: Iterable[Mapping[str, Any]]) -> dict[int, Entry]:
    """The state after records, from a keyframe on: of each metric what was recorded last."""
    state: dict[int, Entry] = {}
    for record in records:
        state.update(zip(record["metrics"], map(Entry, record["vals"], record["ranks"]), strict=True))
    return state


def gain(metric: Metric, start: Entry, end: Entry, *, days: float | None) -> MetricGain:
    """How a metric moved between two states.

    Unknown at either end is an unknown gain, not the whole value; a fall of what only grows counts as 0.
    """
    gained = None
    if start.value is not None and end.value is not None:
        gained = end.value - start.value
        if metric.grows_only:
            gained = max(0, gained)
    ranked = start.rank is not None and end.rank is not None
    levels = metric.kind is MetricKind.SKILL and metric.slug != OVERALL
    return MetricGain(
        metric=metric.slug,
        name=metric.name,
        kind=metric.kind,
        start=start.value,
        end=end.value,
        gained=gained,
        per_day=None if gained is None or not days else round(gained / days, 2),
        rank_start=start.rank,
        rank_end=end.rank,
        rank_gained=start.rank - end.rank if ranked and start.rank and end.rank else None,
        level_start=level_for(start.value) if levels and start.value is not None else None,
        level_end=level_for(end.value) if levels and end.value is not None else None,
    )


def stats_of(state: Mapping[int, Entry], metrics: Mapping[int, Metric]) -> Stats:
    """What a state says, in the order in which the hiscores list it."""
    by_slug = {metrics[no].slug: entry for no, entry in state.items()}
    named = [(metrics[no], entry) for no, entry in sorted(state.items())]
    overall = by_slug.get(OVERALL, NOTHING)
    combat = {slug: by_slug.get(slug, NOTHING).value for slug in COMBAT_SKILLS}
    return Stats(
        total_level=by_slug.get(TOTAL_LEVEL, NOTHING).value,
        overall_xp=overall.value,
        overall_rank=overall.rank,
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


def _skill(metric: Metric, entry: Entry) -> SkillStat:
    xp = entry.value
    return SkillStat(
        skill=metric.slug,
        name=metric.name,
        rank=entry.rank,
        level=None if xp is None else level_for(xp),
        virtual_level=None if xp is None else virtual_level(xp),
        xp=xp,
    )


def _scores(named: Sequence[tuple[Metric, Entry]], kind: MetricKind) -> list[ScoreStat]:
    return [
        ScoreStat(metric=metric.slug, name=metric.name, rank=entry.rank, score=entry.value)
        for metric, entry in named
        if metric.kind is kind
    ]
