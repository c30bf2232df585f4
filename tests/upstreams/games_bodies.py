"""Bodies in the format of Tracker Network, byte by byte as large as the real ones.

Two vintages: "2025" leaves absent values out, "2023" writes them as null.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from tests.upstreams.games_players import (
    CURRENT_PLAYLISTS,
    PEAK_PLAYLISTS,
    RANKED,
    TOP_TIER,
    Chance,
    Player,
    PlaylistState,
    Rank,
    rank_of,
)

# Written out here and not taken from the product: a simulator that shares its tables would share their mistakes.
_PLAYLISTS: Final = {
    0: "Casual",
    10: "Ranked Duel 1v1",
    11: "Ranked Doubles 2v2",
    12: "Ranked Solo Standard 3v3",
    13: "Ranked Standard 3v3",
    27: "Hoops",
    28: "Rumble",
    29: "Dropshot",
    30: "Snowday",
    34: "Tournament Matches",
    61: "Ranked 4v4 Quads",
}
_LEVELS: Final = ("Bronze", "Silver", "Gold", "Platinum", "Diamond", "Champion", "Grand Champion")
_ROMAN: Final = ("I", "II", "III", "IV")
_NO_DATE: Final = "0001-01-01T00:00:00+00:00"
_DESCRIPTION: Final = (
    "A made-up score, weighed of matches and goals by a made-up formula that means nothing; it is as "
    "long as the site's own words about it are."
)
_CACHED_FOR: Final = timedelta(minutes=4)

Json = dict[str, Any]


def profile(player: Player, segments: list[bytes]) -> bytes:
    """The whole body, from segments that are rendered already."""
    updated = _moment(player.updated_at)
    head = {
        "platformInfo": {
            "platformSlug": player.platform,
            "platformUserId": None if player.platform == "epic" and player.style == "2023" else player.user_id,
            "platformUserHandle": player.identifier,
            "platformUserIdentifier": player.user_id if player.platform == "steam" else player.identifier,
            "avatarUrl": f"https://avatars.invalid/{player.player_id}.png" if player.player_id % 3 else None,
            "additionalParameters": None,
        },
        "userInfo": {
            "userId": None,
            "isPremium": False,
            "isVerified": False,
            "isInfluencer": False,
            "isPartner": False,
            "countryCode": None,
            "customAvatarUrl": None,
            "customHeroUrl": None,
            "customAvatarFrame": None,
            "customAvatarFrameInfo": None,
            "premiumDuration": None,
            "socialAccounts": [],
            "badges": None,
            "pageviews": player.player_id % 50_000,
            "xpTier": None,
            "isSuspicious": None,
        },
        "metadata": {
            "lastUpdated": {"value": updated, "displayValue": updated},
            "playerId": player.player_id,
            "currentSeason": player.season,
        },
    }
    return b"".join(
        (
            b'{"data":',
            msgspec.json.encode(head)[:-1],
            b',"segments":[',
            b",".join(segments),
            b'],"availableSegments":',
            _seasons(player.season),
            b',"expiryDate":"',
            _moment(player.updated_at + _CACHED_FOR).encode(),
            b'"}}',
        )
    )


def segment_keys(player: Player) -> list[tuple[str, int]]:
    """Which segments a profile has, in the site's order."""
    return [
        ("overview", 0),
        *(
            ("playlist", playlist)
            for playlist in (*CURRENT_PLAYLISTS, *sorted(set(player.playlist_states) - set(CURRENT_PLAYLISTS)))
        ),
        *(("peak-rating", playlist) for playlist in PEAK_PLAYLISTS if playlist in player.peaks),
        *(("playlistAverage", playlist) for playlist in (10, 11, 13) if player.playlist_states[playlist].matches),
    ]


def segment(player: Player, kind: str, playlist: int) -> bytes:
    """One segment of a profile."""
    style = player.style
    if kind == "overview":
        made = _overview(player, style)
    elif kind == "playlist":
        made = playlist_segment(playlist, player.season, player.playlist_states[playlist], style)
    elif kind == "peak-rating":
        made = _peak(playlist, player.peaks[playlist].season, player.peaks[playlist].rating, style)
    else:
        made = _average(player, playlist)
    return msgspec.json.encode(made)


def season(playlist_states: dict[int, PlaylistState], number: int, style: str) -> bytes:
    """The answer of `segments/playlist?season=N`."""
    segments = [playlist_segment(playlist, number, state, style) for playlist, state in playlist_states.items()]
    return msgspec.json.encode({"data": segments})


def rating_history(player: Player, seed: int, today: datetime, days: int = 60) -> bytes:
    """The answer of `player-history/mmr/{playerId}`: every day up to today, whose rating is the current one."""
    history: dict[str, list[Json]] = {}
    for playlist, state in player.playlist_states.items():
        if not state.matches:
            continue
        chance = Chance(seed, player.player_id, playlist, "history")
        ratings = [state.rating]
        for _ in range(days - 1):
            ratings.append(max(100, ratings[-1] + chance.between(-12, 11)))
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
        history[str(playlist)] = [
            _history_entry(playlist, rating, midnight - timedelta(days=age))
            for age, rating in reversed(list(enumerate(ratings)))
        ]
    return msgspec.json.encode({"data": history})


def error(code: str, message: str | None = None) -> bytes:
    entry: Json = {"code": f"CollectorResultStatus::{code}"}
    if message is not None:
        entry |= {"message": message, "data": {}}
    return msgspec.json.encode({"errors": [entry]})


def playlist_segment(playlist: int, number: int, state: PlaylistState, style: str) -> Json:
    rank = rank_of(playlist, state.rating)
    guessed: Json = {"estimated": True} if not state.matches and playlist else {}
    steps = {"deltaUp": rank.to_next, "deltaDown": rank.above_previous} if state.matches else {}
    division = {name: value for name, value in steps.items() if value is not None or style == "2023"}
    icon = {"iconUrl": _icon(rank.tier)}
    tier_icon = {**icon, "tierName": _tier(rank.tier)}
    peak = state.peak
    peak_rank = Rank(0, 0, None, None) if peak is None else rank_of(playlist, peak)
    percentile = _percentile(rank)
    place = max(1, 9_000_000 - state.rating * 4_000)
    return {
        "type": "playlist",
        "attributes": {"playlistId": playlist, "season": number},
        "metadata": {"name": _PLAYLISTS.get(playlist, f"Playlist {playlist}")},
        "expiryDate": _NO_DATE,
        "stats": {
            "tier": _stat(
                "Matches",
                "General",
                rank.tier,
                {**guessed, **icon, "name": _tier(rank.tier)},
                style,
                percentile=percentile,
            ),
            "division": _stat(
                "Matches",
                "General",
                rank.division,
                {**guessed, **division, "name": f"Division {_ROMAN[rank.division]}"},
                style,
            ),
            "matchesPlayed": _stat(
                "Matches",
                "Performance",
                state.matches,
                {},
                style,
                percentile=percentile if state.matches else None,
            ),
            "winStreak": _stat(
                "WinStreak",
                "Performance",
                abs(state.streak),
                {"type": "loss" if state.streak < 0 else "win"},
                style,
                shown=str(state.streak),
            ),
            "rating": _stat("Rating", "Skill", state.rating, tier_icon, style, rank=place, percentile=percentile),
            "peakRating": _stat(
                "Peak Rating",
                "Skill",
                peak,
                {} if peak is None else {"iconUrl": _icon(peak_rank.tier), "tierName": _tier(peak_rank.tier)},
                style,
            ),
            "peakTier": _stat("Matches", "General", None if peak is None else peak_rank.tier, {}, style),
            "peakDivision": _stat("Matches", "General", None if peak is None else peak_rank.division, {}, style),
        },
    }


def _overview(player: Player, style: str) -> Json:
    counters = player.counters
    goals, shots = counters["goals"], counters["shots"]
    ranks = [rank_of(p, s.rating).tier for p, s in player.playlist_states.items() if p in RANKED and s.matches]
    level = min(8, (max(ranks, default=0) + 2) // 3)
    score = round(goals * 120 + counters["saves"] * 60 + counters["assists"] * 55 + counters["wins"] * 40 + 0.37, 2)
    names = {"wins": "Wins", "goals": "Goals", "mVPs": "MVPs", "saves": "Saves", "assists": "Assists", "shots": "Shots"}
    stats = {
        name: _stat(shown, "Performance", counters[name], {}, style, rank=9_000_000 - counters[name], percentile=87.5)
        for name, shown in names.items()
    }
    ratio = goals / shots * 100 if shots else 0.0
    stats["goalShotRatio"] = _stat("Goal Shot Ratio", "Performance", ratio, {}, style, rank=14_416, percentile=31.0)
    stats["score"] = _stat("TRN Score", "General", score, {}, style, rank=55_285, percentile=88.9)
    stats["score"]["description"] = _DESCRIPTION
    top = min(TOP_TIER, level * 3)
    reward = {"iconUrl": _icon(top), "rankName": _tier(top).removesuffix(" III")}
    stats["seasonRewardLevel"] = _stat("Season Reward Level", "General", level, reward, style, percentile=75.8)
    stats["seasonRewardWins"] = _stat("Season Reward Wins", "General", counters["wins"] % 10, {}, style)
    stats["tRNRating"] = _stat("TRN Rating", "General", score**0.5 + 0.147, {}, style)
    stats["tRNRating"]["description"] = _DESCRIPTION
    return {
        "type": "overview",
        "attributes": {},
        "metadata": {"name": "Lifetime"},
        "expiryDate": _NO_DATE,
        "stats": stats,
    }


def _peak(playlist: int, number: int, rating: int, style: str) -> Json:
    rank = rank_of(playlist, rating)
    made = _stat(None, None, rating, {}, style)
    made["displayType"] = "String"
    made["metadata"] = {
        "iconUrl": _icon(rank.tier),
        "name": _tier(rank.tier),
        "division": f"Division {_ROMAN[rank.division]}",
        "divisionShort": f"D{rank.division + 1}",
        "season": _season_name(number),
    }
    return {
        "type": "peak-rating",
        "attributes": {"playlistId": playlist, "season": number},
        "metadata": {"name": _PLAYLISTS.get(playlist, f"Playlist {playlist}")},
        "expiryDate": _NO_DATE,
        "stats": {"peakRating": made},
    }


def _average(player: Player, playlist: int) -> Json:
    state = player.playlist_states[playlist]
    rank = rank_of(playlist, state.rating)
    averages = {
        "avgGoalsPerGame": ("Goals / Game", 1.4126984126984128),
        "avgShotsPerGame": ("Shots / Game", 3.2857142857142856),
        "avgSavesPerGame": ("Saves / Game", 1.6507936507936507),
        "avgAssistsPerGame": ("Assists / Game", 0.5079365079365079),
        "avgMVPsPerGame": ("MVPs / Game", 0.2222222222222222),
        "goalsShotsRatio": ("Shot Accuracy", 42.99516908212561),
        "goalsSavesRatio": ("Goals / Save", 0.8557692307692307),
        "assistsGoalsRatio": ("Assists / Goal", 0.3595505617977528),
    }
    stats: Json = {
        "matches": _plain("Matches", state.matches, str(state.matches), "Number"),
        "rating": _plain("Rating", float(state.rating), f"{state.rating:,}", "Number"),
    }
    for name, (shown, value) in averages.items():
        stats[name] = _plain(shown, value, f"{value:.2f}", "NumberPrecision2")
    return {
        "type": "playlistAverage",
        "attributes": {"playlist": playlist, "playerId": player.player_id},
        "metadata": {
            "playlistName": _PLAYLISTS[playlist],
            "iconUrl": _icon(rank.tier),
            "tier": _tier(rank.tier),
            "division": f"Division {_ROMAN[rank.division]}",
        },
        "expiryDate": _NO_DATE,
        "stats": stats,
    }


def _stat(
    name: str | None,
    category: str | None,
    value: float | None,
    metadata: Json,
    style: str,
    *,
    rank: int | None = None,
    percentile: float | None = None,
    shown: str | None = None,
) -> Json:
    made: Json = {}
    if rank is not None or style == "2023":
        made["rank"] = rank
    if percentile is not None or style == "2023":
        made["percentile"] = percentile
    if name is not None or style == "2023":
        made["displayName"] = name
        made["displayCategory"] = category
        made["category"] = category.lower() if category else None
    made["metadata"] = metadata
    made["value"] = value
    precise = isinstance(value, float)
    if shown is None and value is not None:
        shown = f"{value:,.1f}" if precise else f"{value:,}"
    made["displayValue"] = shown
    made["displayType"] = "NumberPrecision1" if precise else "Number"
    return made


def _plain(name: str, value: float, shown: str, kind: str) -> Json:
    return {"displayName": name, "metadata": {}, "value": value, "displayValue": shown, "displayType": kind}


def _history_entry(playlist: int, rating: int, day: datetime) -> Json:
    rank = rank_of(playlist, rating)
    return {
        "rating": rating,
        "tier": _tier(rank.tier),
        "division": f"Division {_ROMAN[rank.division]}",
        "tierId": rank.tier,
        "divisionId": rank.division,
        "collectDate": day.strftime("%Y-%m-%dT%H:%M:%S"),
    }


@lru_cache
def _seasons(last: int) -> bytes:
    return msgspec.json.encode(
        [
            {"type": "playlist", "attributes": {"season": number}, "metadata": {"name": _season_name(number)}}
            for number in range(1, last + 1)
        ]
    )


def _season_name(number: int) -> str:
    return str(number) if number < 15 else f"Season {number - 14} ({number})"


def _tier(tier: int) -> str:
    if tier in {0, 22}:
        return "Supersonic Legend" if tier else "Unranked"
    return f"{_LEVELS[(tier - 1) // 3]} {_ROMAN[(tier - 1) % 3]}"


def _icon(tier: int) -> str:
    return f"https://icons.invalid/cdn/tracker/rocket-league/ranks/s15rank{tier}.png"


def _percentile(rank: Rank) -> float | None:
    return round(min(99.9, (rank.tier * 4 + rank.division) * 1.13), 1) if rank.tier else None


def _moment(at: datetime) -> str:
    """Seven digits of a second, as the site writes them."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}7+00:00"
