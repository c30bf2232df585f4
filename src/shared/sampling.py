"""Downsampling of a time series that preserves its shape: largest triangle, three buckets.

Sveinn Steinarsson, "Downsampling Time Series for Visual Representation" (2013): each bucket keeps the point that spans
the largest triangle with the last kept point and the mean of the next bucket. The original method may lose the
extremes; this one always keeps them.
"""

from collections.abc import Sequence
from typing import Final

ENDS: Final = 2
EXTREMES: Final = 2


def sampled(at: Sequence[float], values: Sequence[float], points: int) -> list[int]:
    """Indexes of the points to keep, ascending: at most `points`, or all if there are no more.

    The first and the last point are always kept; with 3 points also the (first) maximum; with 4 or more also the
    (first) minimum. `at` must not descend. Raises ValueError if `points` is less than 2, or if `at` and `values`
    differ in length.
    """
    if points < ENDS:
        raise ValueError("keep at least 2 points: the first and the last")
    if len(at) != len(values):
        raise ValueError("every value needs a time")
    last = len(values) - 1
    if last < points:
        return list(range(last + 1))
    kept = {0, last}
    extremes = (max(range(last + 1), key=values.__getitem__), min(range(last + 1), key=values.__getitem__))
    kept.update(extremes[: min(EXTREMES, points - ENDS)])
    buckets = points - len(kept)
    if buckets:
        kept.update(_largest_triangles(at, values, buckets))
    return sorted(kept)


def _largest_triangles(at: Sequence[float], values: Sequence[float], buckets: int) -> list[int]:
    """Index of the point to keep in each bucket between the ends."""
    last = len(values) - 1
    borders = [1 + (last - 1) * number // buckets for number in range(buckets + 1)]
    borders.append(last + 1)  # the last point is a bucket by itself
    kept: list[int] = []
    before = 0
    for start, end, beyond in zip(borders, borders[1:], borders[2:], strict=False):
        next_at = sum(at[end:beyond]) / (beyond - end)
        next_value = sum(values[end:beyond]) / (beyond - end)
        from_at, from_value = at[before], values[before]
        run, rise = from_at - next_at, next_value - from_value
        before = max(
            range(start, end),
            key=lambda place: abs(run * (values[place] - from_value) - (from_at - at[place]) * rise),
        )
        kept.append(before)
    return kept
