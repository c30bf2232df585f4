"""What people paste, and which account is meant by it."""

import unicodedata

import pytest

from trackers.games.adapters import ADAPTERS
from trackers.games.errors import (
    AmbiguousLink,
    InvalidIdentifier,
    LinkProblem,
    LinkTooLong,
    MissingIdentifier,
    UnsupportedGame,
    UnsupportedLink,
    UnsupportedPlatform,
)
from trackers.games.links import (
    MAX_LENGTH,
    AccountIdentity,
    identity,
    parse_link,
    profile_path,
    rating_history_path,
    season_path,
    site_profile_url,
)

NETWORK = "https://rocketleague.tracker.network/rocket-league/profile"
STEAM_ID = "76561190000000017"

ACCEPTED = [
    # the two shapes that nearly everybody pastes
    (f"{NETWORK}/steam/{STEAM_ID}/overview", "steam", STEAM_ID),
    (f"{NETWORK}/steam/{STEAM_ID}", "steam", STEAM_ID),
    (f"{NETWORK}/epic/QuietComet/overview", "epic", "QuietComet"),
    (f"{NETWORK}/psn/never_played-77/overview", "psn", "never_played-77"),
    (f"{NETWORK}/xbl/Shy%20Lantern/overview", "xbl", "Shy Lantern"),
    (f"{NETWORK}/switch/Paper%20Kite/overview", "switch", "Paper Kite"),
    (f"{NETWORK}/steam/vanity_name-9/overview", "steam", "vanity_name-9"),
    # sub-pages, slashes, queries, fragments
    (f"{NETWORK}/epic/QuietComet/", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet/overview/", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet/mmr?playlist=28", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet/matches/1?season=34", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet?utm_source=copy&utm_medium=chat", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet/overview?utm_source=https://elsewhere.example/x", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet/overview#ranks", "epic", "QuietComet"),
    # schemes and hosts
    ("http://rocketleague.tracker.network/rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("rocketleague.tracker.network/rocket-league/profile/epic/QuietComet/overview", "epic", "QuietComet"),
    ("//rocketleague.tracker.network/rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("HTTPS://RocketLeague.Tracker.Network/rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("https://www.rocketleague.tracker.network/rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("https://rocketleague.tracker.network:443/rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("https://rocketleague.tracker.network./rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("https://tracker.gg/rocket-league/profile/epic/QuietComet/overview", "epic", "QuietComet"),
    ("https://tracker.gg/rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("www.tracker.gg/rocket-league/profile/epic/QuietComet", "epic", "QuietComet"),
    ("https://rocketleague.tracker.gg/rocket-league/profile/xbl/QuietComet/overview", "xbl", "QuietComet"),
    ("https://tracker.gg/Rocket-League/Profile/EPIC/QuietComet/Overview", "epic", "QuietComet"),
    # what was once
    (f"https://rocketleague.tracker.network/profile/steam/{STEAM_ID}", "steam", STEAM_ID),
    ("https://rocketleague.tracker.network/profile/ps/QuietComet", "psn", "QuietComet"),
    ("https://rocketleague.tracker.network/profile/xbox/Shy%20Lantern", "xbl", "Shy Lantern"),
    (f"{NETWORK}/xbox/Shy%20Lantern/overview", "xbl", "Shy Lantern"),
    (f"{NETWORK}/ps/QuietComet/overview", "psn", "QuietComet"),
    # percent-encoding: decoded exactly once
    (f"{NETWORK}/epic/Quiet%20Comet%20/overview", "epic", "Quiet Comet"),
    (f"{NETWORK}/epic/Quiet%20Comet%20", "epic", "Quiet Comet"),
    (f"{NETWORK}/epic/%20%C2%A0Quiet%20Comet/overview", "epic", "Quiet Comet"),
    (f"{NETWORK}/epic/Quiet%2520Comet/overview", "epic", "Quiet%20Comet"),
    (f"{NETWORK}/epic/100%25/overview", "epic", "100%"),
    (f"{NETWORK}/epic/100%/overview", "epic", "100%"),
    (f"{NETWORK}/epic/a%2Fb/overview", "epic", "a/b"),
    (f"{NETWORK}/epic/..%2F..%2Fadmin/overview", "epic", "../../admin"),
    (f"{NETWORK}/epic/a%3Fb%23c/overview", "epic", "a?b#c"),
    (f"{NETWORK}/epic/a+b/overview", "epic", "a+b"),
    (f"{NETWORK}/epic/overview", "epic", "overview"),
    # raw characters that a browser would have encoded
    (f"{NETWORK}/epic/Grün ßpecht/overview", "epic", "Grün ßpecht"),
    (f"{NETWORK}/epic/Grünspecht", "epic", "Grünspecht"),
    (f"{NETWORK}/epic/" + unicodedata.normalize("NFD", "Grünspecht"), "epic", "Grünspecht"),
    (f"{NETWORK}/epic/ЛунныйКит/overview", "epic", "ЛунныйКит"),
    (f"{NETWORK}/switch/紙のたこ/overview", "switch", "紙のたこ"),
    (f"{NETWORK}/epic/Quiet Comet/overview", "epic", "Quiet Comet"),
    # what chats and keyboards put around
    (f"  \t{NETWORK}/epic/QuietComet \n", "epic", "QuietComet"),
    (f"\ufeff\u200b{NETWORK}/epic/QuietComet\u200e\u2069", "epic", "QuietComet"),
    (f"{NETWORK}/epic/Quiet\u200bComet/over\u00adview", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet%E2%80%8B/overview", "epic", "QuietComet"),
    (f"\x00{NETWORK}/epic/QuietComet/overview\x07", "epic", "QuietComet"),
    (f"<{NETWORK}/epic/QuietComet/overview>", "epic", "QuietComet"),
    (f"({NETWORK}/epic/QuietComet)", "epic", "QuietComet"),
    (f"[me]({NETWORK}/epic/QuietComet/overview)", "epic", "QuietComet"),
    (f"{NETWORK}/epic/Comet(2)", "epic", "Comet(2)"),
    (f'"{NETWORK}/epic/QuietComet"', "epic", "QuietComet"),
    (f"{NETWORK}/epic/Mr.", "epic", "Mr."),
    # link and words
    (f"mine is {NETWORK}/epic/QuietComet, thanks!", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet and/or ask me", "epic", "QuietComet"),
    (f"https://videos.example/quietcomet {NETWORK}/epic/QuietComet", "epic", "QuietComet"),
    # the same account twice
    (f"{NETWORK}/epic/QuietComet {NETWORK}/epic/quietcomet/overview", "epic", "QuietComet"),
    (f"{NETWORK}/epic/QuietComet/overview{NETWORK}/epic/QuietComet/overview", "epic", "QuietComet"),
    (f"{NETWORK}/xbox/QuietComet,https://tracker.gg/rocket-league/profile/xbl/QuietComet", "xbl", "QuietComet"),
]

REFUSED = [
    ("", UnsupportedLink, "no link here"),
    ("QuietComet", UnsupportedLink, "no link here"),
    # foreign hosts, and those that would like to look like ours
    ("https://elsewhere.example/rocket-league/profile/epic/QuietComet", UnsupportedLink, "elsewhere.example"),
    (
        "https://tracker.gg.evil.example/rocket-league/profile/epic/QuietComet",
        UnsupportedLink,
        "tracker.gg.evil.example",
    ),
    ("https://eviltracker.gg/rocket-league/profile/epic/QuietComet", UnsupportedLink, "eviltracker.gg"),
    ("https://someone@tracker.gg/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    ("https://tracker.gg@evil.example/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    ("https://tracker.gg:pw@evil.example/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    (r"https://tracker.gg\@evil.example/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    ("https://tracker.gg:8080/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    ("https://tr\u0430cker.gg/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    ("https://evil.example/https://tracker.gg/rocket-league/profile/epic/QuietComet", UnsupportedLink, "evil.example"),
    ("https://evil.example/?to=https://tracker.gg/rocket-league/profile/epic/A", UnsupportedLink, "evil.example"),
    ("ftp://tracker.gg/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    ("javascript://tracker.gg/rocket-league/profile/epic/QuietComet", UnsupportedLink, "not a link to"),
    ("https://127.0.0.1/rocket-league/profile/epic/QuietComet", UnsupportedLink, "127.0.0.1"),
    # our site, but nobody's profile
    ("https://tracker.gg", UnsupportedLink, "not a profile"),
    (
        "https://rocketleague.tracker.network/rocket-league/leaderboards/stats/all/wins",
        UnsupportedLink,
        "not a profile",
    ),
    # games
    (
        "https://tracker.gg/valorant/profile/riot/Quiet%23Comet/overview",
        UnsupportedGame,
        "Valorant is not supported yet",
    ),
    ("https://tracker.gg/marvel-rivals/profile/ign/QuietComet", UnsupportedGame, "Marvel Rivals is not supported yet"),
    ("https://fortnite.tracker.network/players/QuietComet", UnsupportedGame, "Fortnite is not supported yet"),
    ("https://tracker.gg/marble-golf/profile/epic/QuietComet", UnsupportedGame, '"marble-golf" is not supported'),
    # platforms
    (f"{NETWORK}/stadia/QuietComet/overview", UnsupportedPlatform, "epic, psn, steam, switch, xbl"),
    # accounts
    (f"{NETWORK}", MissingIdentifier, "before platform and account"),
    (f"{NETWORK}/epic", MissingIdentifier, "before the account"),
    (f"{NETWORK}/epic/", MissingIdentifier, "before the account"),
    (f"{NETWORK}/epic//overview", MissingIdentifier, "before the account"),
    (f"{NETWORK}/epic/%20/overview", MissingIdentifier, "before the account"),
    (f"{NETWORK}/epic/%E2%80%8B/overview", MissingIdentifier, "before the account"),
    (f"{NETWORK}/epic/Gr%FCnspecht/overview", InvalidIdentifier, "wrongly encoded"),
    (f"{NETWORK}/epic/Quiet%00Comet/overview", InvalidIdentifier, "visible characters"),
    (f"{NETWORK}/epic/Quiet%0AComet/overview", InvalidIdentifier, "visible characters"),
    (f"{NETWORK}/epic/Quiet%E2%80%AEComet/overview", InvalidIdentifier, "visible characters"),
    (f"{NETWORK}/epic/%2E%2E/overview", InvalidIdentifier, "visible characters"),
    (f"{NETWORK}/epic/..", InvalidIdentifier, "visible characters"),
    (f"{NETWORK}/epic/\ud800x/overview", InvalidIdentifier, "visible characters"),
    (f"{NETWORK}/epic/{'x' * 65}", InvalidIdentifier, "1 to 64"),
    (f"{NETWORK}/steam/Quiet%20Comet/overview", InvalidIdentifier, "SteamID64"),
    (f"{NETWORK}/steam/x/overview", InvalidIdentifier, "SteamID64"),
    # more than one
    (f"{NETWORK}/epic/QuietComet {NETWORK}/epic/LoudComet", AmbiguousLink, "QuietComet (epic) and LoudComet (epic)"),
    (f"{NETWORK}/epic/QuietComet {NETWORK}/psn/QuietComet", AmbiguousLink, "(epic) and QuietComet (psn)"),
    (f"{NETWORK}/epic/QuietComet{NETWORK}/epic/LoudComet", AmbiguousLink, "different accounts"),
    (f"{NETWORK}/epic/QuietComet/{NETWORK}/epic/LoudComet", AmbiguousLink, "without a space"),
    (f"{NETWORK}/epic/QuietComet {NETWORK}/stadia/QuietComet", UnsupportedPlatform, "stadia"),
    # length
    (f"{NETWORK}/epic/QuietComet?{'x' * MAX_LENGTH}", LinkTooLong, "characters long"),
]


@pytest.mark.parametrize(("text", "platform", "display"), ACCEPTED)
def test_a_pasted_text_names_one_account(text: str, platform: str, display: str) -> None:
    account = parse_link(text)
    assert (account.game, account.platform, account.display) == ("rocket-league", platform, display)
    assert account.identifier == display.casefold()


@pytest.mark.parametrize(("text", "problem", "said"), REFUSED)
def test_a_text_that_names_no_account_is_refused_with_what_to_do(
    text: str, problem: type[LinkProblem], said: str
) -> None:
    with pytest.raises(LinkProblem) as raised:
        parse_link(text)
    assert type(raised.value) is problem
    assert said in raised.value.detail
    assert raised.value.status == 422
    assert len(raised.value.extra["url"]) <= 120
    raised.value.detail.encode()
    raised.value.extra["url"].encode()


def test_every_kind_of_problem_has_its_own_code() -> None:
    kinds: list[type[LinkProblem]] = [LinkProblem, *LinkProblem.__subclasses__()]
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_spellings_of_one_account_have_one_key() -> None:
    spellings = ["Grünspecht", "GRÜNSPECHT", "gru%CC%88nspecht", "%20gr%C3%BCnspecht%20"]
    assert {parse_link(f"{NETWORK}/epic/{name}/overview").key for name in spellings} == {
        "rocket-league:epic:grünspecht"
    }


def test_the_site_is_asked_for_the_name_as_it_was_pasted() -> None:
    account = parse_link(f"{NETWORK}/epic/Quiet%20Kloß/overview")
    assert account.identifier == "quiet kloss"
    assert profile_path(account) == "/api/v2/rocket-league/standard/profile/epic/Quiet%20Klo%C3%9F"
    assert season_path(account, "30") == f"{profile_path(account)}/segments/playlist?season=30"
    assert rating_history_path("rocket-league", 4711) == "/api/v1/rocket-league/player-history/mmr/4711"


def test_a_name_cannot_leave_its_place_in_a_path() -> None:
    account = identity(game="rocket-league", platform="epic", display="../../admin?x=1#y")
    assert profile_path(account).endswith("/profile/epic/..%2F..%2Fadmin%3Fx%3D1%23y")


@pytest.mark.parametrize(
    "display",
    [
        "QuietComet", "quiet comet", "a/b", "../../admin", "...", "100%", "%20", "%2520", "?", "#", "&=+", "a b  c",
        "overview", "mmr", "profile", "https:", "(x)", "[x]", "x)", "'x'", "Mr.", ",;:!", "*_*", "Grünspecht", "Kloß",
        "ИЙ", "紙のたこ", "İstanbul", "ὈΔΥΣΣΕΎΣ", "ﬁsh", "👩\u200d🚀", "\u0645\u06cc\u200c\u062e", "\u0301x", "x" * 64,
        "|", "\\", "<b>",
        '"q"', "{}", "~", "`", "^", "@", "user@host", "\u3000x\u3000y", "e\u0301", "ᾳ", "\u1e9e", "ǰ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("platform", ["epic", "psn", "xbl", "switch"])
def test_the_profile_page_of_an_account_names_that_account(platform: str, display: str) -> None:
    account = identity(game="rocket-league", platform=platform, display=display)
    assert parse_link(site_profile_url(account)) == account
    again = identity(game="rocket-league", platform=platform, display=account.identifier)
    assert again.identifier == account.identifier


def test_every_visible_character_survives_the_way_through_a_link() -> None:
    for start in range(0x21, 0x3000, 8):
        name = "".join(map(chr, range(start, start + 8)))
        name = "".join(c for c in name if c.isprintable()).strip()
        if not name or name in {".", ".."}:
            continue
        account = identity(game="rocket-league", platform="epic", display=name)
        assert parse_link(site_profile_url(account)) == account


@pytest.mark.parametrize(
    ("game", "platform", "display", "problem"),
    [
        ("valorant", "riot", "QuietComet", UnsupportedGame),
        ("rocket-league", "stadia", "QuietComet", UnsupportedPlatform),
        ("rocket-league", "epic/../..", "QuietComet", UnsupportedPlatform),
        ("rocket-league", "epic", "..", InvalidIdentifier),
        ("rocket-league", "epic", " \u200b ", MissingIdentifier),
        ("rocket-league", "steam", "Quiet Comet", InvalidIdentifier),
    ],
)
def test_parts_given_one_by_one_are_held_to_the_same_rules(
    game: str, platform: str, display: str, problem: type[LinkProblem]
) -> None:
    with pytest.raises(problem):
        identity(game=game, platform=platform, display=display)


def test_parts_given_one_by_one_may_be_spelt_like_links() -> None:
    assert identity(game="rocket-league", platform="XBOX", display=" Shy Lantern ") == parse_link(
        f"{NETWORK}/xbl/Shy%20Lantern"
    )


@pytest.mark.parametrize("name", ["ab", "A_b-9", "x" * 32, STEAM_ID])
def test_steam_accounts_are_ids_or_custom_names(name: str) -> None:
    account = AccountIdentity(game="rocket-league", platform="steam", identifier=name.casefold(), display=name)
    assert parse_link(site_profile_url(account)) == account


def test_every_adapter_shows_an_example_that_it_understands() -> None:
    for adapter in ADAPTERS.values():
        assert parse_link(adapter.example).game == adapter.game
