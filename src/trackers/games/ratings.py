"""What a league's formula makes of a player's playlist states: score and salary. Pure and exact.

Only what was played counts: a standing that the site merely estimates has no games, and no rating that a formula reads.

- WEIGHTED_AVERAGE, PEAK_MMR and CUSTOM read the current season.
- ASCENDANCY counts the games of this season and the one before, and takes rating and peak from the same span: the
  rating of the later one that was played, and the better of the two seasons' peaks. The all-time peak is no part of
  it: it may be years old, and this season's alone would be the rating itself when a season is a day old.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import isfinite, lcm
from types import MappingProxyType
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from users.guilds import expressions
from users.guilds.guild_settings import (
    Ascendancy,
    Custom,
    ManualSnapshots,
    MinGames,
    PeakMmr,
    PlaylistWeights,
    RatingFormula,
    WeightedAverage,
)

GAME: Final = "rocket-league"
"""The game whose playlists the formulas speak of."""
PLAYLISTS: Final[Mapping[str, str]] = MappingProxyType({"ones": "10", "twos": "11", "threes": "13", "fours": "61"})
"""What formulas call a playlist -> its key."""
SALARY_STEP: Final = 25
MAX_SCORE: Final = 10**15
"""Scores end there, either way; a guild's own formula may multiply as it likes."""


class RatedPlaylist(Struct, frozen=True, kw_only=True):
    """Where a player stood in one playlist of one season."""

    rating: int
    peak: int | None
    """The best rating of that season."""
    matches: int
    estimated: bool
    at: float = 0.0
    """Since when, in seconds of the epoch."""
    manual_id: UUID | None = None
    """The manual snapshot that says so; None: the site does."""
    vouched: bool = True
    """Whether the site, or the staff of the guild, stand behind it."""


Season = Mapping[str, RatedPlaylist]
"""The playlist states of one season, by playlist key."""


TRIAL_SEASON: Final[Season] = MappingProxyType(
    {
        key: RatedPlaylist(
            rating=int(expressions.TRIAL[name]),
            peak=int(expressions.TRIAL[f"{name}Peak"]),
            matches=int(expressions.TRIAL[f"{name}Games"]),
            estimated=False,
        )
        for name, key in PLAYLISTS.items()
    }
)
"""A player who has played everything and whose figures all differ."""


class ManualPlaylistState(Struct, frozen=True, kw_only=True):
    """A playlist of a manual snapshot of the person who has the tracker."""

    snapshot_id: UUID
    season: int
    playlist: str
    rating: int
    matches: int
    at: float
    """When it was so, in seconds of the epoch."""
    reviews: Mapping[str, bool]
    """Guild -> whether its staff confirmed or rejected it."""

    def counts_in(self, guild_id: str, setting: ManualSnapshots) -> bool:
        """Whether a guild with this setting counts it; what its staff rejected never does."""
        review = self.reviews.get(guild_id)
        if setting is ManualSnapshots.CONFIRMED:
            return review is True
        return setting is ManualSnapshots.ALL and review is not False


class RatedTracker(Struct, frozen=True, kw_only=True):
    """One tracker of one person, and where its account stands."""

    user_id: UUID
    tracker_id: UUID
    account_id: UUID
    handle: str
    season: int
    """The current one of its account."""
    current: Season
    previous: Season
    fetched: bool = True
    """Whether the site told the season; else it is the newest that the person entered."""
    fetched_at: float = 0.0
    """The last fetch of the account, in seconds of the epoch."""
    manual: Sequence[ManualPlaylistState] = ()
    """Of the person, the oldest first."""

    @property
    def uses_manual(self) -> bool:
        return any(state.manual_id for season in (self.current, self.previous) for state in season.values())


class Played(Struct, frozen=True, kw_only=True):
    """What a formula may know of a playlist; all 0 where it was not played."""

    rating: int = 0
    peak: int = 0
    games: int = 0


class Rating(Struct, frozen=True, kw_only=True):
    """What a formula makes of a player."""

    score: int
    salary: int
    games: int
    """How many games the score rests on; 0: the player is not rated, and the score is 0."""
    figures: dict[str, int]
    """What the formula read, by the names of a guild's own formula."""


def rate(formula: RatingFormula, current: Season, previous: Season) -> Rating:
    """Score, rounded half up, and salary, the score to the nearest 25, from the playlist states of two seasons.

    Who has no games that count, or for whom a guild's own formula gives no finite number, is not rated.
    """
    if isinstance(formula, Ascendancy):
        played = {name: _together(current.get(key), previous.get(key)) for name, key in PLAYLISTS.items()}
    else:
        played = {name: _played(current.get(key)) for name, key in PLAYLISTS.items()}
    figures = _figures(played)
    if isinstance(formula, Custom):
        score, games = _custom(formula, figures), figures["totalGames"]
    elif isinstance(formula, Ascendancy):
        score, games = _ascendancy(formula, played)
    elif isinstance(formula, PeakMmr):
        score, games = _peak_mmr(formula, played)
    else:
        score, games = _weighted_average(formula, played)
    if score is None or games == 0:
        return Rating(score=0, salary=0, games=0, figures=figures)
    score = max(-MAX_SCORE, min(MAX_SCORE, score))
    return Rating(score=score, salary=salary_of(score), games=games, figures=figures)


def in_guild(tracker: RatedTracker, guild_id: str, setting: ManualSnapshots) -> RatedTracker:
    """A tracker as a guild sees it: the site's playlist states, and beside them the manual snapshots that it counts.

    A manual snapshot says where a playlist stands until the account is fetched again, or while the site says nothing of
    the playlist. Peaks are the better of both.
    """
    counted = [manual for manual in tracker.manual if manual.counts_in(guild_id, setting)]
    if not counted:
        return tracker
    newer = [manual.season for manual in counted if not tracker.fetched or manual.at >= tracker.fetched_at]
    if tracker.fetched:
        newer.append(tracker.season)
    season = max(newer)
    known = {tracker.season: tracker.current, tracker.season - 1: tracker.previous}
    current, previous = dict(known.get(season, {})), dict(known.get(season - 1, {}))
    for manual in counted:
        playlist_states = {season: current, season - 1: previous}.get(manual.season)
        if playlist_states is None:
            continue
        before = playlist_states.get(manual.playlist)
        if before is None or manual.at >= max(before.at, tracker.fetched_at) or before.manual_id:
            playlist_states[manual.playlist] = RatedPlaylist(
                rating=manual.rating,
                peak=max(manual.rating, before.peak or 0) if before else manual.rating,
                matches=manual.matches,
                estimated=False,
                at=manual.at,
                manual_id=manual.snapshot_id,
                vouched=manual.reviews.get(guild_id) is True,
            )
    return replace(tracker, season=season, current=current, previous=previous)


def rests_on_manual(formula: RatingFormula, tracker: RatedTracker) -> bool:
    """Whether a score is made of a manual snapshot, too."""
    seasons = (tracker.current, tracker.previous) if isinstance(formula, Ascendancy) else (tracker.current,)
    return any(
        state is not None and state.manual_id is not None
        for season in seasons
        for state in map(season.get, PLAYLISTS.values())
    )


def best(trackers: Iterable[tuple[RatedTracker, Rating]]) -> tuple[RatedTracker, Rating] | None:
    """The tracker that stands for a person; None where no score of theirs rests on a game."""
    rated = (row for row in trackers if row[1].games)
    return min(rated, key=lambda row: (-row[1].score, row[0].tracker_id), default=None)


def half_up(numerator: int, denominator: int) -> int:
    """The integer nearest to a ratio (of a positive denominator); what is half way goes up: 2.5 -> 3, -2.5 -> -2."""
    return (2 * numerator + denominator) // (2 * denominator)


def salary_of(score: int) -> int:
    """The score to the nearest 25."""
    return SALARY_STEP * half_up(score, SALARY_STEP)


def _played(state: RatedPlaylist | None) -> Played:
    if state is None or state.estimated or state.matches <= 0:
        return Played()
    return Played(rating=state.rating, peak=max(state.peak or 0, state.rating), games=state.matches)


def _together(current: RatedPlaylist | None, previous: RatedPlaylist | None) -> Played:
    """A playlist over two seasons."""
    now, before = _played(current), _played(previous)
    return Played(
        rating=now.rating if now.games else before.rating,
        peak=max(now.peak, before.peak),
        games=now.games + before.games,
    )


def _figures(played: Mapping[str, Played]) -> dict[str, int]:
    return {
        **{name: of.rating for name, of in played.items()},
        **{f"{name}Peak": of.peak for name, of in played.items()},
        **{f"{name}Games": of.games for name, of in played.items()},
        "totalGames": sum(of.games for of in played.values()),
    }


def _counting(played: Mapping[str, Played], least: MinGames) -> dict[str, Played]:
    """The playlists with enough games."""
    return {name: of for name, of in played.items() if of.games and of.games >= getattr(least, name)}


def _weighted_average(formula: WeightedAverage, played: Mapping[str, Played]) -> tuple[int | None, int]:
    weights = _weights(formula.weights)
    counting = {name: of for name, of in _counting(played, formula.min_games).items() if weights[name]}
    if not counting:
        return None, 0
    weighed = sum(of.rating * weights[name] for name, of in counting.items())
    return half_up(weighed, sum(weights[name] for name in counting)), sum(of.games for of in counting.values())


def _peak_mmr(formula: PeakMmr, played: Mapping[str, Played]) -> tuple[int | None, int]:
    counting = _counting(played, formula.min_games).values()
    return max((of.rating for of in counting), default=None), sum(of.games for of in counting)


def _ascendancy(formula: Ascendancy, played: Mapping[str, Played]) -> tuple[int | None, int]:
    counting = [played["twos"], played["threes"]]
    games = sum(of.games for of in counting)
    if not games:
        return None, 0
    of_current, of_peak, whole = _shares(formula)
    weighed = sum((of_current * of.rating + of_peak * of.peak) * of.games for of in counting)
    return half_up(weighed, whole * games), games


def _custom(formula: Custom, figures: Mapping[str, int]) -> int | None:
    try:
        value = expressions.evaluate(formula.expression, figures)
    except ZeroDivisionError:
        return None
    return half_up(*float(value).as_integer_ratio()) if isfinite(value) else None


@lru_cache(maxsize=256)
def _weights(weights: PlaylistWeights) -> dict[str, int]:
    """Whole numbers in the proportion of the weights as they were written: 0.1 is a tenth, not the float beside it."""
    exact = {name: _exact(getattr(weights, name)) for name in PLAYLISTS}
    whole = lcm(*(weight.denominator for weight in exact.values()))
    return {name: int(weight * whole) for name, weight in exact.items()}


@lru_cache(maxsize=256)
def _shares(formula: Ascendancy) -> tuple[int, int, int]:
    """Current and peak weight as parts of a whole: 0.25 and 0.75 are 1 and 3 of 4."""
    current, peak = _exact(formula.current_weight), _exact(formula.peak_weight)
    whole = lcm(current.denominator, peak.denominator)
    return int(current * whole), int(peak * whole), whole


def _exact(weight: float) -> Fraction:
    return Fraction(str(weight))
