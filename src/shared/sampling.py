"""A long series made short without changing its shape: largest triangle, three buckets.

Sveinn Steinarsson, "Downsampling Time Series for Visual Representation" (2013): of every bucket the point stays that
spans the largest triangle with the point kept before it and the mean of the bucket after it. The method may lose the
extremes; here they always stay.
"""

from collections.abc import Sequence
from typing import Final

ENDS: Final = 2
EXTREMES: Final = 2


def sampled(at: Sequence[float], values: Sequence[float], points: int) -> list[int]:
    """Places of the points to keep, ascending, at most `points` (2 or more) of them; all where there are no more.

    The first and the last stay; with 3 points also the (first) maximum, from 4 on the (first) minimum, too. `at` does
    not descend.
    """
    if points < ENDS:
        raise ValueError("a line has two ends: keep at least 2 points")
    if len(at) != len(values):
        raise ValueError("every value needs its moment")
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
    """One place of each bucket of what is between the ends."""
    last = len(values) - 1
    borders = [1 + (last - 1) * number // buckets for number in range(buckets + 1)]
    borders.append(last + 1)  # the last point is a bucket of its own
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
