"""Bodies of Tracker Network as they come, and what is read from them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.scraping.failures import (
    Blocked,
    HostUnavailable,
    PageChanged,
    ScrapeFailure,
    TargetNotFound,
    TargetPrivate,
    Throttled,
)
from trackers.games.error_answers import raise_for_answer
from trackers.games.parser import (
    PlaylistState,
    Profile,
    parse_playlists,
    parse_profile,
    parse_rating_history,
)

BODIES = Path(__file__).parents[3] / "data" / "games"

Body = dict[str, Any]


def body_of(name: str) -> bytes:
    return (BODIES / name).read_bytes()


def edited(edit: Callable[[Body], None], name: str = "profile_2025.json") -> bytes:
    """A frozen profile with one thing changed."""
    body: Body = json.loads(body_of(name))
    edit(body["data"])
    return json.dumps(body, ensure_ascii=False).encode()


def playlist(profile: Profile, key: str) -> PlaylistState:
    return next(state for state in profile.playlists if state.playlist_key == key)


def segments(body: Body, kind: str) -> list[Body]:
    return [segment for segment in body["segments"] if segment["type"] == kind]


def stats(body: Body, playlist_id: int) -> Body:
    found: Body = next(s for s in segments(body, "playlist") if s["attributes"]["playlistId"] == playlist_id)["stats"]
    return found


# ---- a profile ----


def test_a_profile_says_whose_it_is_and_how_fresh() -> None:
    profile = parse_profile(body_of("profile_2025.json"))
    assert (profile.platform, profile.handle, profile.identifier) == ("epic", "Quiet Comet", "Quiet Comet")
    assert profile.platform_user_id is not None
    assert profile.upstream_player_id is not None
    assert profile.current_season == "34"
    assert profile.updated_at == datetime(2025, 12, 8, 18, 4, 11, 250001, tzinfo=UTC)
    assert profile.expires_at == datetime(2025, 12, 8, 18, 8, 11, 250001, tzinfo=UTC)


def test_a_playlist_is_read_with_all_its_numbers() -> None:
    state = playlist(parse_profile(body_of("profile_2025.json")), "11")
    assert state == PlaylistState(
        season_key="34",
        playlist_key="11",
        name="Ranked Doubles 2v2",
        rating=1024,
        tier=11,
        tier_name="Platinum II",
        division=2,
        division_name="Division III",
        matches_played=216,
        win_streak=state.win_streak,
        peak_rating=1043,
        peak_tier=11,
        peak_division=3,
        delta_up=6,
        delta_down=14,
        estimated=False,
    )
    assert state.win_streak < 0


@pytest.mark.parametrize(
    ("streak", "expected"),
    [
        ({"value": 4, "displayValue": "4", "metadata": {"type": "win"}}, 4),
        ({"value": 4, "displayValue": "-4", "metadata": {"type": "loss"}}, -4),
        ({"value": 4, "displayValue": "-4", "metadata": {}}, -4),
        ({"value": 4, "displayValue": "-4", "metadata": None}, -4),
        ({"value": -4, "displayValue": "-4", "metadata": {"type": None}}, -4),
        ({"value": -4, "metadata": {"type": "loss"}}, -4),
        ({"value": 4}, 4),
        ({"value": 0, "displayValue": "0", "metadata": {"type": "win"}}, 0),
        ({"value": None, "displayValue": None, "metadata": {}}, 0),
        (None, 0),
    ],
)
def test_the_sign_of_a_streak_is_its_type(streak: Body | None, expected: int) -> None:
    profile = parse_profile(edited(lambda body: stats(body, 11).update(winStreak=streak)))
    assert playlist(profile, "11").win_streak == expected


def test_a_rank_that_nobody_played_for_is_estimated() -> None:
    profile = parse_profile(body_of("profile_2025.json"))
    assert {state.playlist_key for state in profile.playlists if state.estimated} == {"27", "28", "30"}
    hoops = playlist(profile, "27")
    assert (hoops.matches_played, hoops.peak_rating, hoops.peak_tier, hoops.peak_division) == (0, None, None, None)
    casual = playlist(profile, "0")
    assert (casual.tier, casual.tier_name, casual.estimated) == (0, "Unranked", False)


def test_a_rank_without_matches_is_estimated_even_where_the_site_does_not_say_so() -> None:
    def unflag(body: Body) -> None:
        for name in ("tier", "division"):
            stats(body, 27)[name]["metadata"]["estimated"] = None

    assert playlist(parse_profile(edited(unflag)), "27").estimated


def test_a_player_who_never_played_has_only_estimates() -> None:
    profile = parse_profile(body_of("profile_unplayed.json"))
    assert all(state.estimated for state in profile.playlists if state.playlist_key != "0")
    assert all(state.matches_played == 0 for state in profile.playlists)
    assert profile.peaks == []
    assert profile.lifetime["wins"] == 0


def test_lifetime_numbers_keep_their_kind() -> None:
    lifetime = parse_profile(body_of("profile_2025.json")).lifetime
    assert isinstance(lifetime["goals"], int)
    assert isinstance(lifetime["goalShotRatio"], float)
    assert {"wins", "mVPs", "saves", "assists", "shots", "score", "seasonRewardLevel", "tRNRating"} <= set(lifetime)


def test_all_time_peaks_name_the_season_that_they_were_reached_in() -> None:
    profile = parse_profile(body_of("profile_2025.json"))
    assert len(profile.peaks) == 10
    duplicates = next(peak for peak in profile.peaks if peak.playlist_key == "11")
    assert (duplicates.season_key, duplicates.rating, duplicates.name) == ("23", 1175, "Ranked Doubles 2v2")
    assert duplicates.tier_name is not None
    assert duplicates.division_name is not None


def test_every_season_is_listed_with_its_name() -> None:
    seasons = parse_profile(body_of("profile_2025.json")).seasons
    assert len(seasons) == 34
    assert [(season.key, season.name, season.number) for season in (seasons[0], seasons[-1])] == [
        ("1", "1", 1),
        ("34", "Season 20 (34)", 34),
    ]


def test_bodies_of_2023_have_null_where_later_ones_have_nothing() -> None:
    profile = parse_profile(body_of("profile_2023.json"))
    assert profile.platform == "steam"
    assert len(profile.playlists) == 9
    top = next(state for state in profile.playlists if state.delta_up is None and state.matches_played == 0)
    assert top.estimated


# ---- what may differ ----


@pytest.mark.parametrize("value", [None, {}, {"value": None, "displayValue": None}])
def test_a_body_may_not_say_when_it_was_updated(value: Body | None) -> None:
    profile = parse_profile(edited(lambda body: body["metadata"].update(lastUpdated=value)))
    assert profile.updated_at is None
    profile = parse_profile(edited(lambda body: body["metadata"].pop("lastUpdated")))
    assert profile.updated_at is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-12-08T18:04:11.8978479+00:00", datetime(2025, 12, 8, 18, 4, 11, 897848, tzinfo=UTC)),
        ("2025-12-08T19:04:11+01:00", datetime(2025, 12, 8, 18, 4, 11, tzinfo=UTC)),
        ("2023-02-01T10:00:00", datetime(2023, 2, 1, 10, tzinfo=UTC)),
        ("2023-02-01T10:00:00Z", datetime(2023, 2, 1, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+00:00", None),
        ("0001-01-01T00:00:00+05:00", None),
    ],
)
def test_times_are_aware_and_the_first_day_of_the_calendar_is_none(written: str, read: datetime | None) -> None:
    def write(body: Body) -> None:
        body["expiryDate"] = written
        body["metadata"]["lastUpdated"] = {"value": written}

    profile = parse_profile(edited(write))
    assert (profile.updated_at, profile.expires_at) == (read, read)


def test_a_new_playlist_is_taken_by_the_name_that_the_site_gives_it() -> None:
    def add(body: Body) -> None:
        first = segments(body, "playlist")[0]
        new = {**first, "attributes": {"playlistId": 71, "season": 34}, "metadata": {"name": "Ranked Heatseeker"}}
        nameless = {**first, "attributes": {"playlistId": 72, "season": 34}, "metadata": None}
        body["segments"] += [new, nameless]

    profile = parse_profile(edited(add))
    assert playlist(profile, "71").name == "Ranked Heatseeker"
    assert playlist(profile, "72").name == "Playlist 72"


def test_a_new_tier_keeps_its_number() -> None:
    def raise_tier(body: Body) -> None:
        stats(body, 11)["tier"] = {"value": 23, "metadata": None}

    state = playlist(parse_profile(edited(raise_tier)), "11")
    assert (state.tier, state.tier_name) == (23, "Tier 23")


def test_a_new_type_of_segment_is_passed_over() -> None:
    known = parse_profile(body_of("profile_2025.json"))
    strange = {"type": "tournament-bracket", "attributes": {"round": "final"}, "stats": {"rating": "gold"}}
    assert parse_profile(edited(lambda body: body["segments"].insert(0, strange))) == known


def test_a_playlist_listed_twice_counts_once() -> None:
    def repeat(body: Body) -> None:
        body["segments"] += segments(body, "playlist")[:2]

    assert len(parse_profile(edited(repeat)).playlists) == 9


def test_numbers_may_come_as_floats() -> None:
    def to_float(body: Body) -> None:
        stats(body, 11)["rating"]["value"] = 1024.0
        stats(body, 11)["tier"]["value"] = 11.0

    state = playlist(parse_profile(edited(to_float)), "11")
    assert (state.rating, state.tier) == (1024, 11)
    assert type(state.rating) is int
    assert type(state.tier) is int


def test_a_playlist_without_rating_and_matches_is_left_out() -> None:
    profile = parse_profile(edited(lambda body: stats(body, 27)["rating"].update(value=None)))
    assert "27" not in {state.playlist_key for state in profile.playlists}


def test_a_handle_may_be_missing_where_there_is_an_identifier() -> None:
    profile = parse_profile(edited(lambda body: body["platformInfo"].update(platformUserHandle=None, avatarUrl=None)))
    assert (profile.handle, profile.avatar_url) == ("Quiet Comet", None)


def test_the_season_is_that_of_the_playlists_where_the_body_does_not_name_one() -> None:
    assert parse_profile(edited(lambda body: body["metadata"].pop("currentSeason"))).current_season == "34"


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse_profile(b"\xef\xbb\xbf" + body_of("profile_2025.json")).handle == "Quiet Comet"


# ---- what is refused ----


def _without_stat(name: str) -> Callable[[Body], None]:
    return lambda body: stats(body, 11).pop(name)


def _only(*kinds: str) -> Callable[[Body], None]:
    def keep(body: Body) -> None:
        body["segments"] = [segment for segment in body["segments"] if segment["type"] in kinds]

    return keep


@pytest.mark.parametrize(
    ("edit", "missing"),
    [
        (lambda body: body.pop("segments"), "segments"),
        (lambda body: body.update(segments=None), "segments"),
        (lambda body: body.update(segments={}), "segments"),
        (lambda body: body.update(segments=[]), "playlist"),
        (lambda body: body.pop("platformInfo"), "platformInfo"),
        (_only("overview", "peak-rating"), "type playlist"),
        (_only("playlist", "peak-rating"), "type overview"),
        (_without_stat("rating"), "rating"),
        (_without_stat("tier"), "tier"),
        (_without_stat("division"), "division"),
        (_without_stat("matchesPlayed"), "matchesPlayed"),
        (lambda body: stats(body, 11).update(rating=None), "rating"),
        (lambda body: stats(body, 11).update(rating=1024), "rating"),
        (lambda body: stats(body, 11)["rating"].update(value="1,024"), "rating"),
        (lambda body: stats(body, 11)["rating"].update(value=None), "216 matches played"),
        (lambda body: stats(body, 11)["rating"].update(value=10**12), "rating"),
        (lambda body: stats(body, 11)["tier"].update(value=-1), "tier"),
        (lambda body: stats(body, 11)["matchesPlayed"].update(value=[]), "matchesPlayed"),
        (lambda body: segments(body, "playlist")[0]["attributes"].pop("playlistId"), "playlistId"),
        (lambda body: segments(body, "peak-rating")[0].pop("stats"), "stats"),
        (lambda body: body["metadata"].update(lastUpdated="yesterday"), "lastUpdated"),
        (lambda body: body["platformInfo"].update(platformUserHandle=None, platformUserIdentifier=None), "Handle"),
    ],
)
def test_a_profile_that_lacks_what_is_needed_is_a_changed_page(edit: Callable[[Body], None], missing: str) -> None:
    with pytest.raises(PageChanged, match=missing):
        parse_profile(edited(edit))


@pytest.mark.parametrize(
    ("body", "failure", "said"),
    [
        (body_of("profile_rebuilt_site.json"), PageChanged, "platformInfo"),
        (b"{}", PageChanged, "data"),
        (b"[]", PageChanged, "array"),
        (b'{"data": null}', PageChanged, "data"),
        (b'{"data": {}}', PageChanged, "platformInfo"),
        (b'{"data": nope}', PageChanged, "not JSON"),
        (b'{"data": "\xff\xfe"}', PageChanged, "the body is"),
        (b'{"data":' + b"[" * 200_000, ScrapeFailure, "the body"),
        (b"", HostUnavailable, "empty"),
        (b"  \n", HostUnavailable, "empty"),
        (body_of("error_not_found.json"), TargetNotFound, "nobody of that name"),
        (body_of("error_private.json"), TargetPrivate, "hides"),
        (body_of("error_external.json"), HostUnavailable, "cannot reach the game"),
        (body_of("error_rate_limit.json"), Throttled, "API rate limit exceeded"),
        (b'{"errors": []}', PageChanged, "data"),
        (b'{"errors": [{"code": "CollectorResultStatus::Renamed"}]}', PageChanged, "data"),
        (b'{"errors": "none"}', PageChanged, "the body is"),
        (body_of("page_just_a_moment.html"), Blocked, "Just a moment..."),
        (body_of("page_access_denied.html"), Blocked, "Access denied"),
        (body_of("page_rate_limited.html"), Throttled, "You are being rate limited"),
    ],
)
def test_anything_else_than_a_profile_is_told_apart(body: bytes, failure: type[ScrapeFailure], said: str) -> None:
    with pytest.raises(failure, match=said):
        parse_profile(body)


def test_broken_text_inside_a_segment_is_a_changed_page() -> None:
    body = body_of("profile_2025.json").replace(b'"type":"peak-rating"', b'"type":"peak-\x95ating"', 1)
    with pytest.raises(PageChanged, match="segment 10"):
        parse_profile(body)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.9999])
def test_a_body_that_was_cut_off_is_the_hosts_fault(share: float) -> None:
    body = body_of("profile_2025.json")
    with pytest.raises(HostUnavailable, match="cut off"):
        parse_profile(body[: int(len(body) * share)])


def test_wherever_a_body_is_cut_nothing_is_taken_from_it() -> None:
    body = body_of("profile_2023.json")
    for length in range(0, len(body), 61):
        with pytest.raises(HostUnavailable):
            parse_profile(body[:length])


# ---- one season ----


def test_a_season_is_read_without_an_envelope() -> None:
    playlist_states = parse_playlists(body_of("season_30.json"), 30)
    assert {state.season_key for state in playlist_states} == {"30"}
    assert {"10", "11", "13", "34"} <= {state.playlist_key for state in playlist_states}
    assert parse_playlists(body_of("season_30.json"), "30") == playlist_states


def test_a_season_before_a_players_time_is_empty() -> None:
    assert parse_playlists(body_of("season_never_played.json"), 2) == []


def test_another_season_than_the_one_asked_for_is_refused() -> None:
    with pytest.raises(PageChanged, match="season 29 was requested, the body is about season 30"):
        parse_playlists(body_of("season_30.json"), 29)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"{}", PageChanged),
        (b'{"data": {"segments": []}}', PageChanged),
        (b'{"data": [{"kind": "playlist"}]}', PageChanged),
        (b'{"data": [{"type": "playlist"}]}', PageChanged),
        (body_of("error_private.json"), TargetPrivate),
        (body_of("season_30.json")[:9000], HostUnavailable),
    ],
)
def test_a_season_that_is_none_is_refused(body: bytes, failure: type[ScrapeFailure]) -> None:
    with pytest.raises(failure):
        parse_playlists(body, 30)


# ---- daily ratings ----


def test_a_rating_history_ends_with_the_rating_of_today() -> None:
    history = [day for day in parse_rating_history(body_of("rating_history.json")) if day.playlist_key == "11"]
    assert len(history) == 60
    assert [day.collected_at for day in history] == sorted(day.collected_at for day in history)
    assert (history[-1].collected_at, history[-1].rating) == (datetime(2025, 12, 8, tzinfo=UTC), 1024)
    assert (history[-1].tier, history[-1].tier_name, history[-1].division) == (11, "Platinum II", 2)


def test_a_rating_history_may_be_sparse() -> None:
    body = b'{"data": {"11": [{"rating": 700, "collectDate": "2024-01-02T00:00:00", "tierId": 9}], "13": null}}'
    (day,) = parse_rating_history(body)
    assert (day.rating, day.tier_name, day.division, day.division_name) == (700, "Gold III", None, None)


@pytest.mark.parametrize("body", [b"{}", b'{"data": []}', b'{"data": {"11": [{"rating": 5}]}}'])
def test_a_rating_history_that_is_none_is_a_changed_page(body: bytes) -> None:
    with pytest.raises(PageChanged):
        parse_rating_history(body)


# ---- the answer around the body ----

HTML = b"<!DOCTYPE html><html><head><title>Something broke</title></head><body></body></html>"


@pytest.mark.parametrize(
    ("status", "body", "failure", "said"),
    [
        (404, body_of("error_not_found.json"), TargetNotFound, "nobody of that name"),
        (200, b'[{"code": 1}]', None, ""),
        (403, body_of("error_private.json"), TargetPrivate, "hides"),
        (404, body_of("error_private.json"), TargetPrivate, "hides"),
        (451, body_of("error_private.json"), TargetPrivate, "hides"),
        (500, body_of("error_external.json"), HostUnavailable, "cannot reach the game"),
        (400, body_of("error_external.json"), HostUnavailable, "cannot reach the game"),
        (502, body_of("error_not_found.json"), HostUnavailable, "502"),
        (404, body_of("page_404.html"), PageChanged, "base address"),
        (404, b"", PageChanged, "base address"),
        (404, b'{"message": "no route"}', PageChanged, "no route"),
        (410, HTML, PageChanged, "base address"),
        (404, body_of("page_just_a_moment.html"), Blocked, "Just a moment"),
        (403, body_of("page_access_denied.html"), Blocked, "Access denied"),
        (403, HTML, Blocked, "Something broke"),
        (403, b"", Blocked, "403"),
        (403, b'{"message": "Forbidden"}', Blocked, "Forbidden"),
        (401, b'{"message": "Invalid authentication credentials"}', Blocked, "credentials"),
        (1020, HTML, Blocked, "Something broke"),
        (200, body_of("page_access_denied.html"), Blocked, "Access denied"),
        (200, HTML, Blocked, "Something broke"),
        (503, body_of("page_just_a_moment.html"), Blocked, "Just a moment"),
        (403, body_of("page_rate_limited.html"), Throttled, "rate limited"),
        (200, b"You are being rate limited", Throttled, "rate limited"),
        (429, body_of("error_rate_limit.json"), Throttled, "API rate limit exceeded"),
        (429, HTML, Throttled, "Something broke"),
        (429, b"", Throttled, "too many"),
        (500, b'{"status": "error", "message": "Error solving the challenge."}', HostUnavailable, "challenge"),
        (502, HTML, HostUnavailable, "Something broke"),
        (503, b"", HostUnavailable, "503"),
        (408, b"", HostUnavailable, "408"),
        (200, b"", HostUnavailable, "empty"),
        (200, b"OK", PageChanged, "OK"),
        (302, b"", PageChanged, "302"),
        (400, b'{"errors": [{"code": "CollectorResultStatus::InvalidParameters"}]}', PageChanged, "InvalidParameters"),
    ],
)
def test_an_answer_says_whose_fault_it_is(
    status: int, body: bytes, failure: type[ScrapeFailure] | None, said: str
) -> None:
    if failure is None:
        raise_for_answer(status, None, body)
        return
    with pytest.raises(failure, match=said) as raised:
        raise_for_answer(status, "text/html", body)
    assert type(raised.value) is failure
    assert raised.value.http_status == status


@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=utf-8", "text/plain", None])
def test_a_profile_is_a_profile_whatever_the_site_calls_it(content_type: str | None) -> None:
    raise_for_answer(200, content_type, body_of("profile_2025.json"))


def test_the_title_of_a_page_cannot_flood_a_log() -> None:
    page = b"<html><title>" + b"all work\n\x1b[31m and no play " * 5000 + b"</title></html>"
    with pytest.raises(Blocked) as raised:
        raise_for_answer(200, "text/html", page)
    assert len(str(raised.value)) < 250
    assert str(raised.value).isprintable()


# ---- a body after one of a real account ----


def test_a_profile_of_somebody_who_plays_much_reads() -> None:
    profile = parse_profile(body_of("profile_psn_season_34.json"))
    assert (profile.platform, profile.handle, profile.identifier) == ("psn", "amber_otter_", "amber_otter_")
    assert (profile.platform_user_id, profile.upstream_player_id) == ("7310000000000000417", 70_000_417)
    assert (profile.current_season, len(profile.seasons)) == ("34", 34)
    assert profile.updated_at == datetime(2026, 1, 17, 21, 5, 33, 123457, tzinfo=UTC)  # seven decimals, rounded
    assert (profile.lifetime["wins"], profile.lifetime["tRNRating"]) == (7_406, 4_321.987654321)
    assert [(state.playlist_key, state.rating, state.win_streak) for state in profile.playlists] == [
        ("10", 1_434, 7),
        ("11", 2_342, -1),
        ("13", 1_361, -1),
        ("27", 852, -1),
        ("28", 892, -1),
        ("29", 659, 2),
        ("30", 364, -1),
        ("61", 987, 2),
        ("0", 1_130, 0),
    ]
    assert {state.playlist_key for state in profile.playlists if state.estimated} == {"27", "30"}
    assert {state.playlist_key for state in profile.playlists if state.peak_rating is None} == {
        "27",
        "30",
        "0",
    }
    duplicates = playlist(profile, "11")
    assert (duplicates.tier_name, duplicates.division_name, duplicates.matches_played) == (
        "Grand Champion III",
        "Division III",
        1_023,
    )
    assert (duplicates.peak_rating, duplicates.delta_up, duplicates.delta_down) == (2_411, None, 33)
    assert {(peak.playlist_key, peak.season_key, peak.rating) for peak in profile.peaks} == {
        ("11", "28", 2_485),
        ("13", "17", 1_710),
        ("10", "26", 1_564),
        ("28", "16", 1_137),
        ("61", "34", 987),
        ("30", "15", 607),
        ("34", "32", 2_087),  # a playlist that no season lists
        ("27", "32", 874),
        ("29", "34", 659),
        ("0", "19", 1_592),
    }
