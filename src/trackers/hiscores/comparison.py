"""Comparison of a fetch with the known state: no change, a change, a decrease, or a new era. Pure.

A decrease of a metric that can only grow means a rollback of the game, or another account under the name. The first
fetch that shows it is flagged and kept out of gains. A later fetch decides: either the decrease is over, or it has
lasted, and a new era begins, from which gains are counted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple

from msgspec import Struct

from trackers.hiscores.catalogue import TOTAL_LEVEL, Metric

KEYFRAME_EVERY: Final = 50
"""Every fiftieth record holds all metrics, so that a state is built from at most fifty records."""


class MetricValue(NamedTuple):
    """A metric in a fetch; None means unknown or unranked."""

    value: int | None
    rank: int | None


class RecordKind(IntEnum):
    """Content of a stored history row: only changed metrics, all metrics, or a flagged decrease."""

    DELTA = 0
    KEYFRAME = 1
    FLAGGED = 2


class Known(Struct, frozen=True, kw_only=True):
    """State of a player after the last fetch that counts."""

    entries: Mapping[int, MetricValue]
    """By number of the metric."""
    era: int
    since_keyframe: int
    fetched_at: datetime


class Verdict(Struct, frozen=True, kw_only=True):
    """Result of the comparison: what to record of a fetch, and the state after it."""

    record: RecordKind | None
    """None: nothing is recorded, because only ranks changed, or because the decrease is flagged already."""
    recorded: Mapping[int, MetricValue]
    """Metrics in the record, by number."""
    gains: Mapping[int, int]
    """Gains by number of the metric, without metrics whose value was unknown before."""
    entries: Mapping[int, MetricValue]
    """The known state from now on."""
    era: int
    since_keyframe: int
    decreased: Sequence[int] = ()
    """Metrics that can only grow, but show less than before."""
    flagged: bool = False
    """True while the meaning of the decrease is undecided."""


def compare(
    known: Known | None,
    seen: Mapping[int, MetricValue],
    metrics: Mapping[int, Metric],
    *,
    flagged: bool = False,
    lasted: bool = False,
) -> Verdict:
    """Compare a fetch with the known state.

    `flagged`: an earlier fetch showed a decrease. `lasted`: the decrease is old enough to count.

    A metric that is not in the fetch keeps its value.
    """
    if known is None:
        return _everything(seen, era=0)
    changed = {number: entry for number, entry in seen.items() if entry.value != _value(known, number)}
    decreased = [
        number for number, entry in changed.items() if _decreased(metrics[number], _value(known, number), entry.value)
    ]
    if decreased and flagged and lasted:
        return _everything(seen, era=known.era + 1, decreased=decreased)
    if decreased:
        return Verdict(
            record=None if flagged else RecordKind.FLAGGED,
            recorded={} if flagged else changed,
            gains={},
            entries=known.entries,
            era=known.era,
            since_keyframe=known.since_keyframe,
            decreased=decreased,
            flagged=True,
        )
    entries = {**known.entries, **seen}
    if not changed:
        return Verdict(
            record=None, recorded={}, gains={}, entries=entries, era=known.era, since_keyframe=known.since_keyframe
        )
    keyframe = known.since_keyframe + 1 >= KEYFRAME_EVERY
    return Verdict(
        record=RecordKind.KEYFRAME if keyframe else RecordKind.DELTA,
        recorded=entries if keyframe else changed,
        gains=gains_between(known.entries, changed),
        entries=entries,
        era=known.era,
        since_keyframe=0 if keyframe else known.since_keyframe + 1,
    )


def gains_between(before: Mapping[int, MetricValue], after: Mapping[int, MetricValue]) -> dict[int, int]:
    """Return the changes of metrics whose value is known on both sides, by number; decreases are negative."""
    gains = {}
    for number, entry in after.items():
        was = before[number].value if number in before else None
        if was is not None and entry.value is not None and entry.value != was:
            gains[number] = entry.value - was
    return gains


def _everything(seen: Mapping[int, MetricValue], *, era: int, decreased: Sequence[int] = ()) -> Verdict:
    return Verdict(
        record=RecordKind.KEYFRAME,
        recorded=seen,
        gains={},
        entries=seen,
        era=era,
        since_keyframe=0,
        decreased=decreased,
    )


def _value(known: Known, number: int) -> int | None:
    entry = known.entries.get(number)
    return None if entry is None else entry.value


def _decreased(metric: Metric, before: int | None, now: int | None) -> bool:
    """True for a decrease of a metric that can only grow.

    The total level is excluded: it is the sum of the known levels, and follows them.
    """
    if before is None or now is None or not metric.grows_only or metric.slug == TOTAL_LEVEL:
        return False
    return now < before
