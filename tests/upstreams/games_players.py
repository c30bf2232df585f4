"""Players of the simulated Tracker Network: made from a seed, and moved by playing.

Everything about a player follows from (seed, platform, identifier, turns played), so two runs show the same numbers.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

CURRENT_SEASON: Final = 34
CURRENT_PLAYLISTS: Final = (10, 11, 13, 27, 28, 29, 30, 61, 0)
RANKED: Final = (10, 11, 13, 27, 28, 29, 30, 61)
PEAK_PLAYLISTS: Final = (11, 13, 10, 28, 61, 30, 34, 27, 29, 0)
TOP_TIER: Final = 22

_OFTEN_PLAYED: Final = (11, 11, 11, 13, 13, 13, 10, 61)
_FLOORS: Final[Mapping[int, tuple[int, int]]] = {10: (150, 55), 11: (170, 80), 13: (170, 80), 12: (160, 60)}
"""Rating where tier 1 begins, and how much a tier is wide."""
_MASK: Final = (1 << 64) - 1


class Chance:
    """A small repeatable source of numbers (splitmix64): one int per player, where a `Random` has 2,500 bytes."""

    def __init__(self, *seeds: object):
        text = "|".join(str(seed) for seed in seeds)
        self._state = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")

    def below(self, limit: int) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % limit

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)


class Rank(Struct, frozen=True):
    tier: int
    division: int
    """0-3."""
    to_next: int | None
    above_previous: int | None


class PlaylistState(Struct):
    """One playlist of one season."""

    rating: int
    matches: int = 0
    streak: int = 0
    """Negative: losses."""
    peak: int | None = None

    def play(self, change: int, *, won: bool) -> None:
        self.rating = max(0, self.rating + change)
        self.matches += 1
        self.streak = max(1, self.streak + 1) if won else min(-1, self.streak - 1)
        self.peak = max(self.peak or 0, self.rating)


class Peak(Struct):
    season: int
    rating: int


class Player(Struct):
    platform: str
    identifier: str
    """As the player spells it."""
    user_id: str
    player_id: int
    chance: Chance
    season: int
    playlist_states: dict[int, PlaylistState]
    peaks: dict[int, Peak]
    counters: dict[str, int]
    updated_at: datetime
    past: dict[int, dict[int, PlaylistState]] = {}
    """Seasons that ended while the player was known."""
    private: bool = False
    style: str = "2025"
    activity: float = 1.0
    """Chance to play in a turn."""
    turn: int = 0
    version: int = 0
    changed: set[int] = set()
    """Playlists that changed since the body was rendered."""

    def play(self, playlist: int, change: int, *, won: bool, now: datetime) -> None:
        """One match: rating, streak, matches, peaks and lifetime counters move together."""
        state = self.playlist_states.setdefault(playlist, PlaylistState(rating=600))
        state.play(change, won=won)
        peak = self.peaks.get(playlist)
        if peak is None or state.rating > peak.rating:
            self.peaks[playlist] = Peak(self.season, state.rating)
        counters = self.counters
        counters["wins"] += won
        counters["goals"] += self.chance.below(4)
        counters["saves"] += self.chance.below(4)
        counters["assists"] += self.chance.below(3)
        counters["shots"] += 2 + self.chance.below(5)
        counters["mVPs"] += won and self.chance.below(3) == 0
        self.touch(now, playlist)

    def take_turn(self, now: datetime) -> None:
        """What a player does by itself: one match in a playlist that it likes."""
        if self.activity < 1 and self.chance.below(1000) >= self.activity * 1000:
            return
        won = self.chance.below(2) == 1
        size = self.chance.between(6, 13)
        self.play(_OFTEN_PLAYED[self.chance.below(len(_OFTEN_PLAYED))], size if won else -size, won=won, now=now)

    def start_season(self, season: int, now: datetime) -> None:
        """The old season becomes past; nobody has played in the new one."""
        self.past = {**self.past, self.season: self.playlist_states}
        self.season = season
        self.playlist_states = {
            playlist: PlaylistState(rating=state.rating if playlist == 0 else state.rating * 9 // 10 + 60)
            for playlist, state in self.playlist_states.items()
        }
        self.touch(now, *self.playlist_states)

    def touch(self, now: datetime, *playlists: int) -> None:
        self.updated_at = now
        self.version += 1
        self.changed.update(playlists)


def rank_of(playlist: int, rating: int) -> Rank:
    """Tier and division of a rating; the steps are invented, as regular as the game's are not."""
    if playlist == 0:
        return Rank(0, 0, None, None)
    floor, width = _FLOORS.get(playlist, (150, 62))
    division_width = width / 4
    steps = int((rating - floor) / division_width) if rating > floor else 0
    tier, division = min(TOP_TIER, 1 + steps // 4), steps % 4
    if tier == TOP_TIER:
        return Rank(TOP_TIER, 0, None, rating - floor - (TOP_TIER - 1) * width)
    lower = floor + int(steps * division_width)
    upper = floor + int((steps + 1) * division_width)
    return Rank(tier, division, max(1, upper - rating), max(0, rating - lower) if steps else None)


def make_player(
    seed: int,
    platform: str,
    identifier: str,
    *,
    season: int,
    now: datetime,
    unplayed: bool = False,
    style: str = "2025",
    activity: float = 1.0,
    private: bool = False,
) -> Player:
    chance = Chance(seed, platform, identifier.casefold())
    skill = chance.between(300, 1500)
    playlist_states, peaks = {}, {}
    for playlist in CURRENT_PLAYLISTS:
        rating = max(100, skill * (60 if playlist in {10, 27, 28, 29, 30} else 100) // 100 + chance.between(-120, 120))
        state = PlaylistState(rating=rating)
        often = playlist in _OFTEN_PLAYED
        if not unplayed and playlist != 0 and (often or chance.below(3) == 0):
            state.matches = chance.between(60, 900) if often else chance.between(1, 40)
            state.peak = rating + chance.below(60)
            state.streak = (1 if chance.below(2) else -1) * chance.between(1, 6)
        elif not unplayed and playlist != 0:
            state.streak = -1
        playlist_states[playlist] = state
    if not unplayed:
        for playlist in PEAK_PLAYLISTS:
            known = playlist_states.get(playlist)
            best = (known.peak or known.rating) if known else skill
            peaks[playlist] = (
                Peak(season, best) if playlist == 61 else Peak(chance.between(15, season - 1), best + chance.below(200))
            )
    wins = 0 if unplayed else chance.between(200, 9000)
    counters = {
        "wins": wins,
        "goals": wins * chance.between(20, 45) // 10,
        "mVPs": wins * chance.between(3, 6) // 10,
        "saves": wins * chance.between(20, 45) // 10,
        "assists": wins * chance.between(9, 15) // 10,
        "shots": wins * chance.between(70, 110) // 10,
    }
    is_id = platform == "steam" and identifier.isdecimal() and len(identifier) == 17
    user_id = {
        "steam": identifier
        if is_id
        else str(76561190000000000 + chance.below(7 * 10**9)),  # below the first real account
        "epic": f"{chance.below(1 << 64):016x}{chance.below(1 << 64):016x}",
        "psn": str(10**18 + chance.below(8 * 10**18)),
    }.get(platform, str(chance.below(10**16)))
    return Player(
        platform=platform,
        identifier=identifier,
        user_id=user_id,
        player_id=1_000_000 + chance.below(10**9),
        chance=chance,
        season=season,
        playlist_states=playlist_states,
        peaks=peaks,
        counters=counters,
        updated_at=now,
        past={},
        private=private,
        style=style,
        activity=activity,
        changed=set(),
    )


def past_season(seed: int, player: Player, season: int) -> dict[int, PlaylistState]:
    """What a player did in a season before the simulator knew it; empty in seasons before it began to play."""
    if season in player.past:
        return player.past[season]
    chance = Chance(seed, player.platform, player.identifier.casefold(), "season", season)
    began = Chance(seed, player.platform, player.identifier.casefold(), "began").between(1, 20)
    if season < began or not player.peaks:
        return {}
    playlist_states = {}
    for playlist in _playlists_of(season):
        now = player.playlist_states.get(playlist) or player.playlist_states[13]
        rating = max(100, now.rating - (player.season - season) * 4 + chance.between(-80, 80))
        best = player.peaks.get(playlist)
        if best is not None:
            rating = min(rating, best.rating)
        if playlist == 0:
            playlist_states[0] = PlaylistState(rating=rating)
            continue
        peak = rating
        if best is not None:
            peak = best.rating if best.season == season else min(best.rating, rating + chance.below(40))
        playlist_states[playlist] = PlaylistState(rating, chance.between(1, 700), chance.between(1, 4), peak)
    return playlist_states


def _playlists_of(season: int) -> tuple[int, ...]:
    old = (10, 11, 12, 13, 0)
    if season < 10:
        return old
    if season < 15:
        return (*old[:4], 27, 28, 29, 30, 0)
    return (10, 11, 13, 27, 28, 29, 30, 34, 0)
