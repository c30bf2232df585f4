"""What a body may hold at most: whatever does not fit a column is a changed page, not a bug of ours."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.scraping.failures import PageChanged
from trackers.games.parser import SeasonName, parse_playlists, parse_profile, parse_rating_history

BODIES = Path(__file__).parents[4] / "tests" / "data" / "games"
Body = dict[str, Any]


def profile(edit: Callable[[Body], object]) -> bytes:
    """A frozen profile with one thing changed."""
    body: Body = json.loads((BODIES / "profile_2025.json").read_bytes())
    edit(body["data"])
    return json.dumps(body).encode()


def first_playlist(body: Body) -> Body:
    return next(segment for segment in body["segments"] if segment["type"] == "playlist")


def overview(body: Body) -> Body:
    return next(segment for segment in body["segments"] if segment["type"] == "overview")


@pytest.mark.parametrize("season", ["99999999999", 99999999999, -1, "", "x" * 101, "3\x004", 10**30])
def test_a_season_that_fits_no_column_is_a_changed_page(season: object) -> None:
    with pytest.raises(PageChanged):
        parse_profile(profile(lambda body: body["metadata"].update(currentSeason=season)))
    with pytest.raises(PageChanged):
        parse_profile(profile(lambda body: first_playlist(body)["attributes"].update(season=season)))
    with pytest.raises(PageChanged):
        parse_profile(profile(lambda body: body["availableSegments"][0]["attributes"].update(season=season)))


@pytest.mark.parametrize("playlist", [10**30, -(10**30), "", "x" * 3000, "1\x001"])
def test_a_playlist_that_fits_no_index_is_a_changed_page(playlist: object) -> None:
    with pytest.raises(PageChanged):
        parse_profile(profile(lambda body: first_playlist(body)["attributes"].update(playlistId=playlist)))


@pytest.mark.parametrize("player", [10**30, -1])
def test_a_player_number_that_fits_no_column_is_a_changed_page(player: int) -> None:
    with pytest.raises(PageChanged):
        parse_profile(profile(lambda body: body["metadata"].update(playerId=player)))


def test_a_steam_id_as_a_number_is_no_changed_page() -> None:
    read = parse_profile(profile(lambda body: body["platformInfo"].update(platformUserId=76561198000000000)))
    assert read.platform_user_id == "76561198000000000"


NUL = "Some\x00Name"


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body["platformInfo"].update(platformUserHandle=NUL),
        lambda body: body["platformInfo"].update(platformUserIdentifier=NUL),
        lambda body: body["platformInfo"].update(avatarUrl=NUL),
        lambda body: first_playlist(body)["metadata"].update(name=NUL),
        lambda body: first_playlist(body)["stats"]["tier"]["metadata"].update(name=NUL),
        lambda body: first_playlist(body)["stats"]["division"]["metadata"].update(name=NUL),
        lambda body: overview(body)["stats"].update({NUL: {"value": 1}}),
        lambda body: body["availableSegments"][0]["metadata"].update(name=NUL),
    ],
)
def test_a_nul_in_what_is_stored_is_a_changed_page(edit: Callable[[Body], object]) -> None:
    with pytest.raises(PageChanged):
        parse_profile(profile(edit))


def test_a_nul_in_what_is_passed_over_is_nobodys_concern() -> None:
    assert parse_profile(profile(lambda body: body["userInfo"].update(bio=NUL))).handle == "Quiet Comet"


def test_a_name_that_only_spells_the_escape_is_a_name() -> None:
    read = parse_profile(profile(lambda body: body["platformInfo"].update(platformUserHandle=r"\u0000")))
    assert read.handle == r"\u0000"


def test_a_bare_nul_is_no_json() -> None:
    body = profile(lambda body: body["platformInfo"].update(platformUserHandle="Bare")).replace(b"Bare", b"Ba\0re")
    with pytest.raises(PageChanged):
        parse_profile(body)


def test_a_nul_in_a_history_is_a_changed_page() -> None:
    day = {"rating": 1, "collectDate": "2025-01-01T00:00:00Z"}
    bodies: list[Body] = [{NUL: [day]}, {"11": [{**day, "tier": NUL}]}]
    for body in bodies:
        with pytest.raises(PageChanged):
            parse_rating_history(json.dumps({"data": body}).encode())


@pytest.mark.parametrize("surrogate", ["\ud83dname", "na\ude00me", "name\ud83d"])
def test_half_a_character_never_comes_out(surrogate: str) -> None:
    with pytest.raises(PageChanged):
        parse_profile(profile(lambda body: body["platformInfo"].update(platformUserHandle=surrogate)))


def test_a_time_beyond_the_calendar_is_a_changed_page() -> None:
    late = "9999-12-31T23:59:59-05:00"
    with pytest.raises(PageChanged, match="not a possible time"):
        parse_profile(profile(lambda body: body["metadata"].update(lastUpdated={"value": late})))


@pytest.mark.parametrize("listed", [None, []])
def test_seasons_with_standings_are_named_where_the_body_lists_none(listed: object) -> None:
    def edit(body: Body) -> None:
        body["availableSegments"] = listed
        first_playlist(body)["attributes"]["season"] = "beta"

    assert parse_profile(profile(edit)).seasons == [
        SeasonName(key="beta", name="beta", number=None),
        SeasonName(key="34", name="Season 20 (34)", number=34),
    ]


def test_digits_of_another_script_are_a_name_and_no_number() -> None:
    season = parse_profile(
        profile(lambda body: body["availableSegments"][0].update(attributes={"season": "٣"}, metadata=None))
    ).seasons[0]
    assert (season.name, season.number) == ("٣", None)


def test_a_season_asked_for_with_an_odd_playlist_is_refused() -> None:
    body = json.loads((BODIES / "season_30.json").read_bytes())
    next(s for s in body["data"] if s["type"] == "playlist")["attributes"]["playlistId"] = "1\x001"
    with pytest.raises(PageChanged):
        parse_playlists(json.dumps(body).encode(), 30)
