"""A shorter series keeps its ends, its extremes and its order."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sampling import sampled

VALUES = st.lists(st.integers(-(10**6), 10**6), max_size=400)
POINTS = st.integers(2, 60)


def moments(values: Sequence[float]) -> list[float]:
    """Uneven, as people play."""
    return [float(place * place % 97 + place * 40) for place in range(len(values))]


@given(VALUES, POINTS)
def test_no_more_points_than_asked_for_each_once_and_in_order(values: list[int], points: int) -> None:
    kept = sampled(moments(values), values, points)
    assert len(kept) <= points
    assert kept == sorted(set(kept))
    assert all(0 <= place < len(values) for place in kept)


@given(VALUES, POINTS)
def test_a_short_series_stays_whole(values: list[int], points: int) -> None:
    if len(values) <= points:
        assert sampled(moments(values), values, points) == list(range(len(values)))


@given(VALUES.filter(len), POINTS)
def test_ends_and_extremes_stay(values: list[int], points: int) -> None:
    kept = sampled(moments(values), values, points)
    assert {0, len(values) - 1} <= set(kept)
    left = [values[place] for place in kept]
    if points >= 3:
        assert max(left) == max(values)
    if points >= 4:
        assert min(left) == min(values)


@given(st.lists(st.integers(0, 1000), min_size=60, max_size=400), st.integers(10, 50))
def test_no_long_stretch_is_left_without_a_point(values: list[int], points: int) -> None:
    kept = sampled(moments(values), values, points)
    widest = max(after - before for before, after in pairwise(kept))
    assert widest <= 2 * (len(values) // (points - 4) + 2)


def test_the_point_that_stands_out_stays() -> None:
    values = [0.0] * 100
    values[41], values[10], values[90] = 5.0, -9.0, 9.0
    assert {10, 41, 90} <= set(sampled(moments(values), values, 8))


def test_moments_that_do_not_move_are_no_trouble() -> None:
    assert len(sampled([0.0] * 100, [1.0] * 100, 10)) <= 10


@pytest.mark.parametrize(("at", "values", "points"), [([1.0, 2.0], [1.0, 2.0], 1), ([1.0], [1.0, 2.0], 5)])
def test_what_is_no_line_is_refused(at: list[float], values: list[float], points: int) -> None:
    with pytest.raises(ValueError, match=r"keep at least 2|needs a time"):
        sampled(at, values, points)
