"""Adapters of the games that can be followed; each holds everything that differs between games.

Tracker Network answers for every game with the same envelope and the same stat object. Games differ in hosts,
platforms, allowed account names, paths and seasons. Another game is one more entry in `ADAPTERS`.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from trackers.games import parser
from trackers.games.parser import PlaylistState, Profile, RatingDay


class IdentifierRule(Struct, frozen=True, kw_only=True):
    """The allowed account names of one platform, as a pattern and as words for an error message."""

    pattern: re.Pattern[str]
    expected: str


class LinkShape(Struct, frozen=True, kw_only=True):
    """One form of links to a profile."""

    hosts: frozenset[str]
    """In lower case, without `www.`."""
    path: re.Pattern[str]
    """Matches the whole path; in a cut link the groups `platform` and `identifier` (percent-encoded) are absent."""


class GameAdapter(Struct, frozen=True, kw_only=True):
    """One game on one site: the forms of its links, the paths of its API and the parsers of its bodies."""

    game: str
    name: str
    link_shapes: tuple[LinkShape, ...]
    platforms: Mapping[str, str]
    """Every slug that occurs in links -> the slug that the site uses today."""
    identifier_rules: Mapping[str, IdentifierRule]
    """By platform; platforms without a rule use `ANY_IDENTIFIER`."""
    example: str
    site_profile_url: str
    profile_path: str
    season_path: str
    """Includes the query; `{season}` is the season's key."""
    rating_history_path: str
    parse_profile: Callable[[bytes], Profile]
    parse_season: Callable[[bytes, str], list[PlaylistState]]
    parse_rating_history: Callable[[bytes], list[RatingDay]]

    def identifier_rule(self, platform: str) -> IdentifierRule:
        return self.identifier_rules.get(platform, ANY_IDENTIFIER)


ANY_IDENTIFIER: Final = IdentifierRule(
    # Joiners are allowed inside a name (emoji and several scripts need them); other invisible characters are refused.
    pattern=re.compile(r"(?!\.{1,2}$).{1,64}"),
    expected="1 to 64 visible characters",
)

_STEAM: Final = IdentifierRule(
    pattern=re.compile(r"\d{17}|[A-Za-z0-9_-]{2,32}", re.ASCII),
    expected="the 17 digits of a SteamID64, or the name of a custom URL: 2 to 32 letters, digits, _ or -",
)

_PROFILE_PATH: Final = r"/+profile(?:/+(?P<platform>[^/]+)(?:/(?P<identifier>[^/]*)(?:/.*)?)?)?/*"
_ROCKET_LEAGUE_HOSTS: Final = frozenset({"rocketleague.tracker.network", "rocketleague.tracker.gg"})

ROCKET_LEAGUE: Final = GameAdapter(
    game="rocket-league",
    name="Rocket League",
    link_shapes=(
        LinkShape(
            hosts=_ROCKET_LEAGUE_HOSTS | {"tracker.gg", "tracker.network"},
            path=re.compile(rf"/+rocket-league{_PROFILE_PATH}", re.IGNORECASE),
        ),
        LinkShape(hosts=_ROCKET_LEAGUE_HOSTS, path=re.compile(_PROFILE_PATH, re.IGNORECASE)),
    ),
    platforms=MappingProxyType(
        {
            "steam": "steam",
            "epic": "epic",
            "psn": "psn",
            "ps": "psn",
            "xbl": "xbl",
            "xbox": "xbl",
            "switch": "switch",
        }
    ),
    identifier_rules=MappingProxyType({"steam": _STEAM}),
    example="https://rocketleague.tracker.network/rocket-league/profile/epic/Your%20Name/overview",
    site_profile_url="https://rocketleague.tracker.network/rocket-league/profile/{platform}/{identifier}/overview",
    profile_path="/api/v2/rocket-league/standard/profile/{platform}/{identifier}",
    season_path="/api/v2/rocket-league/standard/profile/{platform}/{identifier}/segments/playlist?season={season}",
    rating_history_path="/api/v1/rocket-league/player-history/mmr/{player_id}",
    parse_profile=parser.parse_profile,
    parse_season=parser.parse_playlists,
    parse_rating_history=parser.parse_rating_history,
)

ADAPTERS: Final[Mapping[str, GameAdapter]] = MappingProxyType({adapter.game: adapter for adapter in (ROCKET_LEAGUE,)})

GAMES_NOT_YET_SUPPORTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apex": "Apex Legends",
        "battlefield": "Battlefield",
        "bf1": "Battlefield 1",
        "bf2042": "Battlefield 2042",
        "bf6": "Battlefield 6",
        "bfv": "Battlefield V",
        "brawlhalla": "Brawlhalla",
        "cs2": "Counter-Strike 2",
        "csgo": "CS:GO",
        "destiny-2": "Destiny 2",
        "division-2": "The Division 2",
        "fortnite": "Fortnite",
        "halo-infinite": "Halo Infinite",
        "lol": "League of Legends",
        "marvel-rivals": "Marvel Rivals",
        "overwatch": "Overwatch",
        "pubg": "PUBG",
        "r6siege": "Rainbow Six Siege",
        "splitgate": "Splitgate",
        "the-finals": "The Finals",
        "valorant": "Valorant",
        "warzone": "Call of Duty: Warzone",
    }
)
"""Slugs of the same site whose links people paste; error messages name the game, so that nobody hunts for a typo."""
