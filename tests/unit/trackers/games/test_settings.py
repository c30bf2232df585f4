"""The address of the site, as operators write it."""

import pytest

from shared.settings import SettingsError, load
from trackers.games.settings import GamesSettings


@pytest.mark.parametrize("entered", ["https://api.example.org", "https://api.example.org/"])
def test_a_last_slash_is_no_part_of_the_address(entered: str) -> None:
    loaded = load([GamesSettings], {"TRACKERS_GAMES_BASE_URL": entered})
    assert loaded[GamesSettings].base_url == "https://api.example.org"


@pytest.mark.parametrize(
    "entered",
    [
        "https://me:sesame@api.example.org",
        "https://me@api.example.org",
        "https://api.example.org?key=1",
        "https://api.example.org/?key=1",
        "https://api.example.org#top",
        "https://api.example.org/api/",
        "https://api.example.org//",
        "https:///",
        "ftp://api.example.org",
        "api.example.org",
    ],
)
def test_more_than_scheme_and_host_is_refused_in_words(entered: str) -> None:
    with pytest.raises(SettingsError, match="expected scheme and host, such as https:") as caught:
        load([GamesSettings], {"TRACKERS_GAMES_BASE_URL": entered})
    assert "regex" not in str(caught.value)
