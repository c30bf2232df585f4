import pytest

from trackers.games import catalogue


@pytest.mark.parametrize(
    ("season", "name"), [(1, "1"), (14, "14"), (15, "Season 1 (15)"), (34, "Season 20 (34)"), (35, "Season 21 (35)")]
)
def test_seasons_count_from_one_again_since_the_game_is_free_to_play(season: int, name: str) -> None:
    assert catalogue.season_name(season) == name


@pytest.mark.parametrize(
    ("tier", "name"),
    [
        (0, "Unranked"),
        (1, "Bronze I"),
        (3, "Bronze III"),
        (12, "Platinum III"),
        (15, "Diamond III"),
        (16, "Champion I"),
        (19, "Grand Champion I"),
        (21, "Grand Champion III"),
        (22, "Supersonic Legend"),
        (23, "Tier 23"),
        (-1, "Tier -1"),
    ],
)
def test_tiers_have_names_and_new_ones_a_number(tier: int, name: str) -> None:
    assert catalogue.tier_name(tier) == name


@pytest.mark.parametrize(("division", "name"), [(0, "Division I"), (3, "Division IV"), (4, "Division 5")])
def test_divisions_count_from_zero(division: int, name: str) -> None:
    assert catalogue.division_name(division) == name


def test_a_playlist_newer_than_the_table_is_called_by_its_number() -> None:
    assert catalogue.playlist_name(61) == "Ranked 4v4 Quads"
    assert catalogue.playlist_name(99) == "Playlist 99"
