"""Rating formulas: compute score and salary from a player's playlist states. Pure and exact.

Only played matches count: a state that the site merely estimates has no games and no rating for a formula.

- WEIGHTED_AVERAGE, PEAK_MMR and CUSTOM use the current season.
- ASCENDANCY counts the games of this season and the one before, and takes rating and peak from the same span: the
  rating of the later season that was played, and the better of the two seasons' peaks. It does not use the all-time
  peak, which may be years old, nor this season's peak alone, which equals the rating when a season is a day old.
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
"""The game whose playlists the formulas use."""
PLAYLISTS: Final[Mapping[str, str]] = MappingProxyType({"ones": "10", "twos": "11", "threes": "13", "fours": "61"})
"""Name of a playlist in formulas -> its key."""
SALARY_STEP: Final = 25
MAX_SCORE: Final = 10**15
"""The limit of scores, positive and negative; a custom formula may exceed it."""


class RatedPlaylist(Struct, frozen=True, kw_only=True):
    """A player's state in one playlist of one season."""

    rating: int
    peak: int | None
    """The best rating in that season."""
    matches: int
    estimated: bool
    at: float = 0.0
    """The last change, in seconds of the epoch."""
    manual_id: UUID | None = None
    """The manual snapshot that it is from; None: from the site."""
    vouched: bool = True
    """True if the site or the staff of the guild vouch for it."""


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
"""A player who has played all playlists and whose figures are all different."""


class ManualPlaylistState(Struct, frozen=True, kw_only=True):
    """A playlist of a manual snapshot by the tracker's owner."""

    snapshot_id: UUID
    season: int
    playlist: str
    rating: int
    matches: int
    at: float
    """The moment of the figures, in seconds of the epoch."""
    reviews: Mapping[str, bool]
    """Guild id -> True if its staff confirmed the snapshot, False if they rejected it."""

    def counts_in(self, guild_id: str, setting: ManualSnapshots) -> bool:
        """True if a guild with this setting counts the snapshot; rejected snapshots never count."""
        review = self.reviews.get(guild_id)
        if setting is ManualSnapshots.CONFIRMED:
            return review is True
        return setting is ManualSnapshots.ALL and review is not False


class RatedTracker(Struct, frozen=True, kw_only=True):
    """A tracker of a person with the states of its account."""

    user_id: UUID
    tracker_id: UUID
    account_id: UUID
    handle: str
    season: int
    """The current season of the account."""
    current: Season
    previous: Season
    fetched: bool = True
    """True if the site showed the season; else it is the newest that the person entered."""
    fetched_at: float = 0.0
    """The last fetch of the account, in seconds of the epoch."""
    manual: Sequence[ManualPlaylistState] = ()
    """Manual snapshots of the owner, the oldest first."""

    @property
    def uses_manual(self) -> bool:
        return any(state.manual_id for season in (self.current, self.previous) for state in season.values())


class Played(Struct, frozen=True, kw_only=True):
    """A playlist's figures for a formula; all 0 if it was not played."""

    rating: int = 0
    peak: int = 0
    games: int = 0


class Rating(Struct, frozen=True, kw_only=True):
    """Result of a formula for a player."""

    score: int
    salary: int
    games: int
    """Games that the score is based on; 0: the player is not rated, and the score is 0."""
    figures: dict[str, int]
    """The inputs of the formula, by their names in custom formulas."""


def rate(formula: RatingFormula, current: Season, previous: Season) -> Rating:
    """Compute a player's score, rounded half up, and salary, the score to the nearest 25, from two seasons.

    A player is not rated without games that count, or if a custom formula gives no finite number.
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
    """Return a tracker as a guild sees it: the site's playlist states with the manual snapshots that the guild counts.

    A manual snapshot sets the state of a playlist until the account is fetched again, or as long as the site has no
    state of the playlist. Peaks are the better of both.
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
    """True if a manual snapshot contributes to the score."""
    seasons = (tracker.current, tracker.previous) if isinstance(formula, Ascendancy) else (tracker.current,)
    return any(
        state is not None and state.manual_id is not None
        for season in seasons
        for state in map(season.get, PLAYLISTS.values())
    )


def best(trackers: Iterable[tuple[RatedTracker, Rating]]) -> tuple[RatedTracker, Rating] | None:
    """Return the tracker that represents a person; None if none of their scores is based on games."""
    rated = (row for row in trackers if row[1].games)
    return min(rated, key=lambda row: (-row[1].score, row[0].tracker_id), default=None)


def half_up(numerator: int, denominator: int) -> int:
    """Round a ratio with a positive denominator to the nearest integer; halves go up: 2.5 -> 3, -2.5 -> -2."""
    return (2 * numerator + denominator) // (2 * denominator)


def salary_of(score: int) -> int:
    """Return the score to the nearest 25."""
    return SALARY_STEP * half_up(score, SALARY_STEP)


def _played(state: RatedPlaylist | None) -> Played:
    if state is None or state.estimated or state.matches <= 0:
        return Played()
    return Played(rating=state.rating, peak=max(state.peak or 0, state.rating), games=state.matches)


def _together(current: RatedPlaylist | None, previous: RatedPlaylist | None) -> Played:
    """Combine a playlist's figures over two seasons."""
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


def _counting(played: Mapping[str, Played], minimum: MinGames) -> dict[str, Played]:
    """Return the playlists with enough games."""
    return {name: of for name, of in played.items() if of.games and of.games >= getattr(minimum, name)}


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
    """Return integers in the proportion of the decimal weights: 0.1 is exactly a tenth, not the nearest float."""
    exact = {name: _exact(getattr(weights, name)) for name in PLAYLISTS}
    whole = lcm(*(weight.denominator for weight in exact.values()))
    return {name: int(weight * whole) for name, weight in exact.items()}


@lru_cache(maxsize=256)
def _shares(formula: Ascendancy) -> tuple[int, int, int]:
    """Return current and peak weight as parts of a whole: 0.25 and 0.75 are 1 and 3 of 4."""
    current, peak = _exact(formula.current_weight), _exact(formula.peak_weight)
    whole = lcm(current.denominator, peak.denominator)
    return int(current * whole), int(peak * whole), whole


def _exact(weight: float) -> Fraction:
    return Fraction(str(weight))
