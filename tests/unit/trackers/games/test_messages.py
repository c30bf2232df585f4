"""What people are told of a playlist: the difference, in one line."""

from typing import Any

import pytest

from trackers.games.messages import PlaylistChange, in_words

CHANGE: dict[str, Any] = {
    "playlist": "11", "name": "Ranked Doubles 2v2", "rating_before": 1204, "rating": 1251,
    "tier_before": 15, "tier": 15,
    "tier_name": "Diamond III", "division_name": "Division II", "matches": 4, "win_streak": 3, "new_peak": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "2v2 1,204 -> 1,251 (+47), Diamond III, new peak"),
        ({"rating": 1190, "new_peak": False}, "2v2 1,204 -> 1,190 (-14), Diamond III"),
        ({"rating": 2204, "new_peak": False}, "2v2 1,204 -> 2,204 (+1,000), Diamond III"),
        ({"tier_before": 14}, "2v2 1,204 -> 1,251 (+47), Diamond III (up), new peak"),
        ({"tier_before": 16, "rating": 1100, "new_peak": False}, "2v2 1,204 -> 1,100 (-104), Diamond III (down)"),
        ({"rating": 1204, "new_peak": False}, "2v2 1,204 (unchanged after 4 matches), Diamond III"),
        ({"rating": 1204, "matches": 1, "new_peak": False}, "2v2 1,204 (unchanged after 1 match), Diamond III"),
        ({"playlist": "27", "name": "Hoops"}, "Hoops 1,204 -> 1,251 (+47), Diamond III, new peak"),
        ({"tier_before": None, "tier": None, "tier_name": None}, "2v2 1,204 -> 1,251 (+47), new peak"),
    ],
)
def test_a_change_is_told_as_a_difference(change: dict[str, Any], words: str) -> None:
    assert in_words(PlaylistChange(**(CHANGE | change))) == words
