"""The simulated sites: in the format that the parser reads, and as broken as they are told to be."""

import contextlib
import gzip
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from tests.clock import MovedClock
from tests.upstreams.client import SimulatedGames, SimulatedSites
from tests.upstreams.faults import FaultKind

from trackers.games.links import identity, profile_path, rating_history_path, season_path
from trackers.games.parser import (
    PlaylistState,
    Profile,
    parse_playlists,
    parse_profile,
    parse_rating_history,
)

ROOT = Path(__file__).parents[3]
COMET = profile_path(identity(game="rocket-league", platform="epic", display="Quiet Comet"))


@pytest.fixture(scope="module")
def running_sites() -> Iterator[SimulatedSites]:
    with SimulatedSites.started(seed=7, tests_clock=True) as sites:
        yield sites


@pytest.fixture
def sites(running_sites: SimulatedSites) -> SimulatedSites:
    running_sites.reset()
    return running_sites


@pytest.fixture
def games(sites: SimulatedSites) -> SimulatedGames:
    sites.games.add_player("epic", "Quiet Comet", ratings={11: 1043}, matches={11: 214})
    return sites.games


@pytest.fixture
def http(sites: SimulatedSites) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sites.games.url, timeout=5, trust_env=False) as client:
        yield client


def profile_of(http: httpx.Client, path: str = COMET) -> Profile:
    answer = http.get(path)
    assert answer.status_code == 200
    return parse_profile(answer.content)


def doubles(profile: Profile) -> PlaylistState:
    return next(state for state in profile.playlists if state.playlist_key == "11")


# ---- the format ----


def test_a_profile_is_what_the_parser_reads(games: SimulatedGames, http: httpx.Client) -> None:
    answer = http.get(COMET)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "etag" not in answer.headers
    assert 25_000 < len(answer.content) < 40_000
    profile = parse_profile(answer.content)
    assert (profile.platform, profile.handle, profile.current_season) == ("epic", "Quiet Comet", "34")
    assert (doubles(profile).rating, doubles(profile).matches_played) == (1043, 214)
    assert profile.updated_at is not None
    assert profile.expires_at == profile.updated_at + timedelta(minutes=4)
    assert [len(profile.playlists), len(profile.peaks), len(profile.seasons)] == [9, 10, 34]


def test_a_name_is_found_in_any_case_and_encoded_once(games: SimulatedGames, http: httpx.Client) -> None:
    games.add_player("epic", "a/b ü%20")
    path = profile_path(identity(game="rocket-league", platform="epic", display="A/B Ü%20"))
    assert profile_of(http, path).handle == "a/b ü%20"
    assert http.get(path.replace("%", "%25")).status_code == 404


def test_a_whole_years_seasons_belong_together(games: SimulatedGames, http: httpx.Client) -> None:
    games.add_player("epic", "Auto Comet")
    account = identity(game="rocket-league", platform="epic", display="Quiet Comet")
    profile = profile_of(http)
    for season in (30, 31, 32, 33, 34):
        playlist_states = parse_playlists(http.get(season_path(account, str(season))).content, season)
        assert playlist_states
        for state in playlist_states:
            best = next((peak for peak in profile.peaks if peak.playlist_key == state.playlist_key), None)
            assert best is None or (state.peak_rating or 0) <= best.rating
            if best is not None and best.season_key == str(season) and state.playlist_key != "0":
                assert state.peak_rating == best.rating
    assert parse_playlists(http.get(season_path(account, "34")).content, 34) == profile.playlists
    assert parse_playlists(http.get(season_path(account, "35")).content, 35) == []


def test_a_rating_history_ends_today(games: SimulatedGames, http: httpx.Client) -> None:
    player_id = profile_of(http).upstream_player_id
    assert player_id is not None
    history = parse_rating_history(http.get(rating_history_path("rocket-league", player_id)).content)
    last = [day for day in history if day.playlist_key == "11"][-1]
    assert (last.rating, last.collected_at.date()) == (1043, MovedClock().now().date())


def test_who_is_unknown_is_not_found_and_who_hides_is_private(games: SimulatedGames, http: httpx.Client) -> None:
    missing = http.get(COMET.replace("Comet", "Nobody"))
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "CollectorResultStatus::NotFound")
    games.set_private("epic", "Quiet Comet")
    for path in (COMET, f"{COMET}/segments/playlist?season=33"):
        private = http.get(path)
        assert (private.status_code, private.json()["errors"][0]["code"]) == (403, "CollectorResultStatus::Private")
    games.configure(private_status=200)
    assert http.get(COMET).status_code == 200
    games.remove_player("epic", "Quiet Comet")
    assert http.get(COMET).status_code == 404


def test_bodies_of_2023_write_null(games: SimulatedGames, http: httpx.Client) -> None:
    games.add_player("psn", "old_lantern", style="2023")
    answer = http.get("/api/v2/rocket-league/standard/profile/psn/old_lantern")
    assert b'"rank":null' in answer.content
    assert b'"rank":null' not in http.get(COMET).content
    assert len(parse_profile(answer.content).playlists) == 9


def test_any_number_of_players_can_be_made_up_from_their_names(games: SimulatedGames, http: httpx.Client) -> None:
    base = "/api/v2/rocket-league/standard/profile/steam"
    assert http.get(f"{base}/somebody").status_code == 404
    assert http.get(f"{base}/auto-somebody").status_code == 200
    games.configure(auto_players=True)
    bodies = {http.get(f"{base}/somebody-{number}").content for number in range(20)}
    assert len(bodies) == 20
    assert http.get(f"{base}/missing-somebody").status_code == 404
    assert http.get(f"{base}/private-somebody").status_code == 403
    assert profile_of(http, f"{base}/unplayed-somebody").peaks == []


def test_the_same_seed_makes_the_same_players() -> None:
    bodies = []
    for _ in range(2):
        with SimulatedSites.started(seed=3, now="2025-12-08T18:00:00+00:00", games={"auto_players": True}) as sites:
            sites.games.tick(5)
            bodies.append(httpx.get(f"{sites.games.url}{COMET}", trust_env=False).content)
    assert bodies[0] == bodies[1]


# ---- time ----


def test_playing_moves_rating_streak_matches_and_peaks_together(games: SimulatedGames, http: httpx.Client) -> None:
    games.play("epic", "Quiet Comet", 11, rating=+12)
    won = doubles(profile_of(http))
    assert (won.rating, won.matches_played, won.peak_rating) == (1055, 215, 1055)
    assert won.win_streak > 0
    games.play("epic", "quiet comet", 11, rating=-30, matches=3)
    lost = doubles(profile_of(http))
    assert (lost.rating, lost.matches_played, lost.win_streak, lost.peak_rating) == (1025, 218, -3, 1055)


def test_nothing_changes_by_itself(games: SimulatedGames, http: httpx.Client) -> None:
    assert http.get(COMET).content == http.get(COMET).content


def test_a_tick_lets_everybody_play(games: SimulatedGames, http: httpx.Client) -> None:
    games.add_player("psn", "lazy_lantern", activity=0)
    lazy_path = "/api/v2/rocket-league/standard/profile/psn/lazy_lantern"
    before, lazy = profile_of(http), http.get(lazy_path).content
    games.tick()
    after = profile_of(http)
    assert sum(s.matches_played for s in after.playlists) == sum(s.matches_played for s in before.playlists) + 1
    assert http.get(lazy_path).content == lazy


def test_a_player_registered_late_has_the_ratings_it_was_given(games: SimulatedGames, http: httpx.Client) -> None:
    games.tick(50)
    games.add_player("psn", "late_lantern", ratings={11: 777})
    assert doubles(profile_of(http, "/api/v2/rocket-league/standard/profile/psn/late_lantern")).rating == 777


def test_modes_move_every_request_or_never(games: SimulatedGames, http: httpx.Client) -> None:
    games.configure(mode="restless")
    assert len({http.get(COMET).content for _ in range(5)}) == 5
    games.configure(mode="frozen")
    frozen = http.get(COMET).content
    games.tick(10)
    assert http.get(COMET).content == frozen
    games.configure(mode="explicit")
    assert http.get(COMET).content == frozen


def test_drift_moves_with_the_clock(games: SimulatedGames, http: httpx.Client) -> None:
    before = games.player("epic", "Quiet Comet")["version"]
    games.configure(mode="drift", period=0.0001)
    drifted = games.player("epic", "Quiet Comet")["version"]
    assert drifted > before
    games.configure(mode="explicit")
    games.configure(mode="drift", period=3600)
    stopped = games.player("epic", "Quiet Comet")["version"]
    games.tick()
    assert games.player("epic", "Quiet Comet")["version"] == stopped + 1


def test_a_new_season_begins_without_matches(games: SimulatedGames, http: httpx.Client) -> None:
    old = profile_of(http)
    games.start_season(35)
    new = profile_of(http)
    assert (new.current_season, new.seasons[-1].name) == ("35", "Season 21 (35)")
    assert doubles(new).estimated
    assert doubles(new).matches_played == 0
    season = http.get(f"{COMET}/segments/playlist?season=34")
    assert [s for s in parse_playlists(season.content, 34) if s.playlist_key == "11"] == [doubles(old)]


def test_etags_only_where_they_are_switched_on(games: SimulatedGames, http: httpx.Client) -> None:
    games.configure(etags=True)
    etag = http.get(COMET).headers["etag"]
    unchanged = http.get(COMET, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    games.play("epic", "Quiet Comet", 11)
    assert http.get(COMET, headers={"If-None-Match": etag}).status_code == 200


def test_every_site_has_its_own_robots_txt(games: SimulatedGames, http: httpx.Client) -> None:
    assert "Allow: /" in http.get("/robots.txt").text
    games.robots("User-agent: *\nDisallow: /api/\n")
    assert "Disallow: /api/" in http.get("/robots.txt").text
    games.robots(status=503)
    assert http.get("/robots.txt").status_code == 503


# ---- the log ----


def test_requests_are_remembered_in_order(games: SimulatedGames, sites: SimulatedSites, http: httpx.Client) -> None:
    http.get(f"{COMET}?a=b", headers={"User-Agent": "trackers/1", "If-None-Match": '"x"', "Authorization": "secret"})
    http.get("/nowhere")
    first, second = sites.requests()
    assert (first.site, first.method, first.path, first.query, first.status) == ("games", "GET", COMET, "a=b", 200)
    assert first.headers["user-agent"] == "trackers/1"
    assert first.headers["if-none-match"] == '"x"'
    assert "authorization" not in first.headers
    assert (second.path, second.status) == ("/nowhere", 404)
    assert first.time <= second.time
    assert games.requests("/api/") == [first]
    assert sites.requests(after=first.number) == [second]
    assert sites.request_counts() == {"games": 2}
    sites.clear_requests()
    assert sites.requests() == []


# ---- faults ----


def test_a_fault_hits_its_paths_as_often_as_it_says(games: SimulatedGames, http: httpx.Client) -> None:
    fault = games.fault("*/epic/*", "unavailable", count=2)
    assert http.get("/api/v2/rocket-league/standard/profile/psn/x").status_code == 404
    assert [http.get(COMET).status_code for _ in range(3)] == [503, 503, 200]
    (seen,) = games._sites.faults()
    assert (seen.id, seen.hits) == (fault.id, 2)


def test_a_pattern_may_name_the_query_or_be_a_regular_expression(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*season=33", "missing")
    games.fault("re:.*/season=?|.*/epic/[A-Z]uiet%20.*", "status", status=418, count=1)
    assert http.get(COMET).status_code == 418
    assert http.get(f"{COMET}/segments/playlist?season=33").status_code == 404
    assert http.get(f"{COMET}/segments/playlist?season=32").status_code == 200


def test_chance_is_repeatable(games: SimulatedGames, sites: SimulatedSites, http: httpx.Client) -> None:
    rows = []
    for _ in range(2):
        games.fault("*", "unavailable", probability=0.5, seed=11)
        rows.append([http.get(COMET).status_code for _ in range(30)])
        sites.clear_faults()
    assert rows[0] == rows[1]
    assert set(rows[0]) == {200, 503}


def test_one_fault_can_be_cleared_alone(games: SimulatedGames, sites: SimulatedSites, http: httpx.Client) -> None:
    games.fault("*", "status", status=418)
    second = games.fault("/robots.txt", "unavailable")
    sites.clear_fault(second)
    assert [fault.kind for fault in sites.faults()] == ["status"]
    sites.clear_faults()
    assert http.get("/robots.txt").status_code == 200


def test_latency_delays_and_lets_the_next_fault_answer(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "latency", ms=30)
    games.fault("*", "unavailable", count=1)
    slow = http.get(COMET)
    assert slow.status_code == 503
    assert slow.elapsed >= timedelta(milliseconds=30)  # at least: the delay is what is tested
    assert http.get(COMET).status_code == 200


def test_hanging_is_accepted_and_never_answered(
    games: SimulatedGames, sites: SimulatedSites, http: httpx.Client
) -> None:
    games.fault(COMET, "hang")
    with pytest.raises(httpx.ReadTimeout):
        http.get(COMET, timeout=0.05)
    assert [(request.status, request.fault) for request in games.requests()] == [(None, "hang")]
    sites.clear_faults()
    assert http.get(COMET).status_code == 200


def test_too_many_requests_says_when_to_come_back(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "throttled", retry_after=30, count=1)
    games.fault("*", "throttled", retry_after=3600, as_date=True, count=1)
    games.fault("*", "throttled", status=420, count=1)
    seconds, date, neither = (http.get(COMET) for _ in range(3))
    assert (seconds.status_code, seconds.headers["retry-after"]) == (429, "30")
    assert seconds.json() == {"message": "API rate limit exceeded"}
    distance = parsedate_to_datetime(date.headers["retry-after"]) - MovedClock().now()
    assert timedelta(seconds=3500) < distance <= timedelta(seconds=3600)
    assert neither.status_code == 420
    assert "retry-after" not in neither.headers


@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_block_is_a_page_for_people(games: SimulatedGames, http: httpx.Client, status: int) -> None:
    games.fault("*", "blocked", status=status, title="Access denied")
    answer = http.get(COMET)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "<title>Access denied</title>" in answer.text


def test_a_truncated_body_is_shorter_than_it_says(games: SimulatedGames, http: httpx.Client) -> None:
    whole = http.get(COMET).content
    games.fault("*", "truncated")
    received = b""
    with http.stream("GET", COMET) as answer:
        assert answer.headers["content-length"] == str(len(whole))
        chunks = answer.iter_raw()
        while len(received) < len(whole) // 2:
            received += next(chunks)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            next(chunks)
    assert received == whole[: len(whole) // 2]


def test_a_changed_page_is_well_formed(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "changed")
    answer = http.get(COMET)
    assert answer.status_code == 200
    assert "segments" not in json.dumps(answer.json())


def test_a_missing_player_is_told_in_the_sites_own_words(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "missing")
    answer = http.get(COMET)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "CollectorResultStatus::NotFound")


def test_a_reset_connection(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "reset", count=1)
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        http.get(COMET)
    assert http.get(COMET).status_code == 200


def test_a_wrong_content_type_and_an_empty_body(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "content_type", content_type="text/html", count=1)
    games.fault("*", "empty", count=1)
    mistaken, empty = http.get(COMET), http.get(COMET)
    assert mistaken.headers["content-type"] == "text/html"
    parse_profile(mistaken.content)
    assert (empty.status_code, empty.content) == (200, b"")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_streamed(games: SimulatedGames, http: httpx.Client, *, chunked: bool) -> None:
    games.fault("*", "huge", chunked=chunked)
    with http.stream("GET", COMET) as answer:
        assert answer.headers.get("content-length") == (None if chunked else "50000000")
        assert sum(len(chunk) for chunk in answer.iter_raw()) == 50_000_000


def test_a_huge_body_need_not_be_read_to_its_end(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "huge", count=1)
    with http.stream("GET", COMET) as answer:
        next(answer.iter_raw())
    assert http.get(COMET).status_code == 200


def test_a_gzip_bomb_is_small_on_the_wire(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "gzip_bomb", size=20_000_000)
    with http.stream("GET", COMET) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(packed) < 100_000
    assert len(gzip.decompress(packed)) == 20_000_000


def test_a_bad_status_line_is_no_http(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "bad_status_line", count=1)
    with pytest.raises(httpx.RemoteProtocolError, match="status line"):
        http.get(COMET)


def test_redirects_lead_elsewhere_inside_and_in_circles(games: SimulatedGames, http: httpx.Client) -> None:
    games.fault("*", "redirect", count=1)
    games.fault("*", "redirect", to="https://other.invalid/x", status=301, count=1)
    games.fault("*", "redirect_private", count=1)
    games.fault("*", "redirect_loop")
    answers = [http.get(f"{COMET}?a=b") for _ in range(4)]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [
        (302, "http://elsewhere.invalid/profile"),
        (301, "https://other.invalid/x"),
        (302, "http://169.254.169.254/latest/meta-data/"),
        (302, f"{COMET}?a=b"),
    ]
    with pytest.raises(httpx.TooManyRedirects):
        http.get(COMET, follow_redirects=True)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_after_any_fault_the_site_answers_again(games: SimulatedGames, http: httpx.Client, kind: FaultKind) -> None:
    games.fault("*", kind, count=1, size=1000)
    with contextlib.suppress(httpx.TransportError):
        http.get(COMET, timeout=0.05 if kind is FaultKind.HANG else 5)
    assert profile_of(http).handle == "Quiet Comet"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda sites: sites.fault("*", "nonsense"), "nonsense"),
        (lambda sites: sites.fault("re:(", "hang"), "no pattern"),
        (lambda sites: sites.fault("*", "hang", minutes=3), "minutes"),
        (lambda sites: sites.games.configure(colour="red"), "colour"),
        (lambda sites: sites.games.configure(mode="asleep"), "asleep"),
        (lambda sites: sites.games.play("epic", "Nobody", 11), "no such player"),
        (lambda sites: sites.tell("games", "dance"), "no action"),
        (lambda sites: sites.tell("chess", "play"), "no such control"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(sites: SimulatedSites, call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=said):
        call(sites)


def test_a_reset_forgets_players_faults_and_requests(
    games: SimulatedGames, sites: SimulatedSites, http: httpx.Client
) -> None:
    games.fault("*", "unavailable")
    games.configure(mode="restless")
    http.get(COMET)
    sites.reset()
    assert (sites.requests(), sites.faults()) == ([], [])
    assert http.get(COMET).status_code == 404


# ---- the process ----


def test_addresses_are_announced_to_a_file_and_sigterm_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "sites.json"
    command = [sys.executable, "-m", "tests.upstreams", "--port", "0", "--announce", str(file), "--auto-players"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:  # noqa: S603 -- our own module
        try:
            assert process.stdout is not None
            printed = json.loads(process.stdout.readline())
            assert json.loads(file.read_text()) == printed
            assert printed["url"].startswith("http://127.0.0.1:")
            answer = httpx.get(f"{printed['sites']['games']}{COMET}", trust_env=False)
            assert answer.status_code == 200
        finally:
            process.terminate()
        assert process.wait(5) == 0


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux can wait for a process that is not a child")
@pytest.mark.parametrize("how", ["'--until-stdin-closes'], stdin=subprocess.PIPE", "]"])
def test_the_sites_end_with_whoever_started_them(how: str) -> None:
    starter = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'tests.upstreams', {how}, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", starter]
    with subprocess.Popen(  # noqa: S603 -- our own module
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        watch = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.kill()
            assert _ended(watch)
        finally:
            os.close(watch)


def _ended(watch: int) -> bool:
    """Whether a process ends within five seconds; waits on its descriptor, without polling."""
    readable, _, _ = select.select([watch], [], [], 5)
    return bool(readable)
