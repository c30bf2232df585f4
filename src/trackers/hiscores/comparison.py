"""What a look shows beside what is known: nothing new, a change, less than before, or a beginning anew. Pure.

A fall of something that can only grow means a rollback of the game, or another account under the name. The first look
that shows it is flagged and kept out of gains. A later one settles it: either the fall is gone, or it has lasted, and
the player begins a new era, from which gains are counted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple

from msgspec import Struct

from trackers.hiscores.catalogue import TOTAL_LEVEL, Metric

KEYFRAME_EVERY: Final = 50
"""Records, of which one holds everything, so that a state is put together from this many at most."""


class MetricValue(NamedTuple):
    """A metric as a look showed it; None: unknown, unranked."""

    value: int | None
    rank: int | None


class RecordKind(IntEnum):
    """What a record holds."""

    DELTA = 0
    KEYFRAME = 1
    FLAGGED = 2


class Known(Struct, frozen=True, kw_only=True):
    """A player as the last look that counts showed them."""

    entries: Mapping[int, MetricValue]
    """By the metric's number."""
    era: int
    since_keyframe: int
    fetched_at: datetime


class Verdict(Struct, frozen=True, kw_only=True):
    """What is to be done about a look."""

    record: RecordKind | None
    """None: nothing but ranks moved, and nothing is recorded."""
    recorded: Mapping[int, MetricValue]
    """What the record holds."""
    gains: Mapping[int, int]
    """What counts towards gains, by metric; nothing where a value was unknown before."""
    entries: Mapping[int, MetricValue]
    """What is known from now on."""
    era: int
    since_keyframe: int
    decreased: Sequence[int] = ()
    """Metrics that can only grow, and show less."""
    flagged: bool = False
    """Whether it is not settled yet what the fall means."""


def compare(
    known: Known | None,
    seen: Mapping[int, MetricValue],
    metrics: Mapping[int, Metric],
    *,
    flagged: bool = False,
    lasted: bool = False,
) -> Verdict:
    """`flagged`: an earlier look showed less than is known; `lasted`: it is long enough ago to be believed.

    A metric that a look does not name stays as it was.
    """
    if known is None:
        return _everything(seen, era=0)
    changed = {no: entry for no, entry in seen.items() if entry.value != _value(known, no)}
    decreased = [no for no, entry in changed.items() if _decreased(metrics[no], _value(known, no), entry.value)]
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
    """What was gained in metrics whose value is known on both sides; what only grows has no falls among these."""
    gains = {}
    for no, entry in after.items():
        was = before[no].value if no in before else None
        if was is not None and entry.value is not None and entry.value != was:
            gains[no] = entry.value - was
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


def _value(known: Known, no: int) -> int | None:
    entry = known.entries.get(no)
    return None if entry is None else entry.value


def _decreased(metric: Metric, before: int | None, now: int | None) -> bool:
    """The total level, which is summed from what is known, follows the others."""
    if before is None or now is None or not metric.grows_only or metric.slug == TOTAL_LEVEL:
        return False
    return now < before
