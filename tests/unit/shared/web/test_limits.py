"""Waiting for a sliding window, and the words of the headers."""

import pytest

from shared.web.callers import rate_limit_headers
from shared.web.limits import seconds_until_room


@pytest.mark.parametrize(
    ("before", "before_ends", "current", "ends", "expected"),
    [
        (0, 0.0, 0, 0.0, 0),  # nothing was asked
        (100, 30.0, 40, 30.0, 0),  # half of what was before still counts: 90 of 100
        (100, 36.0, 40, 36.0, 0),  # 60 + 40: as soon as a bit less counts
        (100, 60.0, 50, 60.0, 30),  # half of it must have gone
        (0, 0.0, 100, 20.0, 20),  # all of it in this window: until that ends
        (0, 0.0, 120, 20.0, 30),  # and until enough of it has gone in the next
    ],
)
def test_room_comes_when_enough_of_the_past_has_gone(
    before: int, before_ends: float, current: int, ends: float, expected: float
) -> None:
    assert seconds_until_room(100, before, before_ends, current, ends) == pytest.approx(expected)


def test_the_headers_count_in_whole_seconds_and_never_below_nothing() -> None:
    assert rate_limit_headers(10, -1, 0.2) == {
        "RateLimit-Limit": "10",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "1",
    }
