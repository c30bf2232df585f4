"""Formulas: examples by hand, and an independent slow reading of each in fractions."""

from fractions import Fraction
from math import floor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import force_setattr

from trackers.games.ratings import (
    MAX_SCORE,
    PLAYLISTS,
    RatedPlaylist,
    RatedTracker,
    Rating,
    Season,
    best,
    half_up,
    rate,
    salary_of,
)
from users.guilds.guild_settings import (
    Ascendancy,
    Custom,
    MinGames,
    PeakMmr,
    PlaylistWeights,
    RatingFormula,
    WeightedAverage,
)

HUNDREDTHS = st.integers(0, 100).map(lambda number: number / 100)
STANDINGS = st.builds(
    RatedPlaylist,
    rating=st.integers(-500, 4000),
    peak=st.none() | st.integers(0, 4000),
    matches=st.integers(0, 120),
    estimated=st.booleans(),
)
SEASONS = st.dictionaries(st.sampled_from([*PLAYLISTS.values(), "27", "34"]), STANDINGS)
FORMULAS = st.one_of(
    st.builds(
        WeightedAverage,
        weights=st.tuples(HUNDREDTHS, HUNDREDTHS, HUNDREDTHS, HUNDREDTHS)
        .filter(any)
        .map(lambda w: PlaylistWeights(ones=w[0], twos=w[1], threes=w[2], fours=w[3])),
        min_games=st.builds(MinGames, ones=st.integers(0, 60), twos=st.integers(0, 60), threes=st.integers(0, 60)),
    ),
    st.builds(PeakMmr, min_games=st.builds(MinGames, ones=st.integers(0, 60), fours=st.integers(0, 60))),
    st.integers(0, 100).map(lambda part: Ascendancy(current_weight=part / 100, peak_weight=(100 - part) / 100)),
)


def at(rating: int, *, peak: int | None = None, matches: int = 100, estimated: bool = False) -> RatedPlaylist:
    return RatedPlaylist(rating=rating, peak=peak, matches=matches, estimated=estimated)


def rounded(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


def slowly(formula: RatingFormula, current: Season, previous: Season) -> int:
    """The page's words, in fractions."""

    def real(season: Season, name: str) -> RatedPlaylist | None:
        state = season.get(PLAYLISTS[name])
        return state if state and not state.estimated and state.matches > 0 else None

    if isinstance(formula, Ascendancy):
        above, below = Fraction(0), 0
        for name in ("twos", "threes"):
            seasons = [found for found in (real(current, name), real(previous, name)) if found]
            if not seasons:
                continue
            peak = max([found.rating for found in seasons] + [found.peak or 0 for found in seasons])
            games = sum(found.matches for found in seasons)
            score = (
                Fraction(f"{formula.current_weight:.2f}") * seasons[0].rating
                + Fraction(f"{formula.peak_weight:.2f}") * peak
            )
            above, below = above + score * games, below + games
        return rounded(above / below) if below else 0
    assert isinstance(formula, WeightedAverage | PeakMmr)
    enough = {
        name: found
        for name in PLAYLISTS
        if (found := real(current, name)) and found.matches >= getattr(formula.min_games, name)
    }
    if isinstance(formula, PeakMmr):
        return max((found.rating for found in enough.values()), default=0)
    weights = {name: Fraction(f"{getattr(formula.weights, name):.2f}") for name in enough}
    if not any(weights.values()):
        return 0
    weighed = sum((weights[name] * found.rating for name, found in enough.items()), Fraction(0))
    return rounded(weighed / sum(weights.values(), Fraction(0)))


@given(FORMULAS, SEASONS, SEASONS)
def test_a_formula_gives_what_the_slow_reading_gives(formula: RatingFormula, current: Season, previous: Season) -> None:
    made = rate(formula, current, previous)
    assert made.score == slowly(formula, current, previous)
    assert made.salary % 25 == 0
    assert abs(made.salary - made.score) <= 12
    if made.games == 0:
        assert made.score == 0


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**20))
def test_what_is_half_way_goes_up(numerator: int, denominator: int) -> None:
    assert half_up(numerator, denominator) == rounded(Fraction(numerator, denominator))


@pytest.mark.parametrize(("half", "up"), [(5, 3), (-5, -2), (1, 1), (-1, 0), (-3, -1), (2 * 10**30 + 1, 10**30 + 1)])
def test_halves_go_up_below_nothing_too(half: int, up: int) -> None:
    assert half_up(half, 2) == up


@pytest.mark.parametrize(("score", "salary"), [(0, 0), (12, 0), (13, 25), (1262, 1250), (1263, 1275), (-13, -25)])
def test_a_salary_is_the_score_to_the_nearest_25(score: int, salary: int) -> None:
    assert salary_of(score) == salary


def test_the_league_default_by_hand() -> None:
    current = {"11": at(1000, peak=1100, matches=30), "13": at(900, peak=1000, matches=10), "10": at(2000, peak=2000)}
    previous = {"11": at(1050, peak=1200, matches=70), "13": at(950, peak=960, matches=90)}
    made = rate(Ascendancy(), current, previous)
    # twos: .25 * 1000 + .75 * 1200 = 1150 over 100 games; threes: .25 * 900 + .75 * 1000 = 975 over 100 games
    assert (made.score, made.salary, made.games) == (1063, 1075, 200)  # 1062.5 goes up
    assert (made.figures["twosPeak"], made.figures["twosGames"], made.figures["threesGames"]) == (1200, 100, 100)


def test_a_season_not_yet_played_counts_as_the_one_before() -> None:
    current = {"11": at(640, matches=0, estimated=True)}
    made = rate(Ascendancy(), current, {"11": at(1000, peak=1200, matches=50)})
    assert (made.score, made.figures["twos"]) == (1150, 1000)


@pytest.mark.parametrize("formula", [Ascendancy(), WeightedAverage(), PeakMmr(), Custom(expression="twos + 100")])
@pytest.mark.parametrize("season", [{}, {"11": at(900, estimated=True)}, {"11": at(900, matches=0)}])
def test_who_has_not_played_is_not_rated(formula: RatingFormula, season: Season) -> None:
    made = rate(formula, season, {})
    assert (made.score, made.salary, made.games) == (0, 0, 0)


def test_an_estimate_is_nothing_to_a_formula_that_asks_for_no_games() -> None:
    nobody_needs_games = MinGames(ones=0, twos=0, threes=0, fours=0)
    season = {"11": at(900), "13": at(2000, estimated=True)}
    assert rate(PeakMmr(min_games=nobody_needs_games), season, {}).score == 900
    assert rate(WeightedAverage(min_games=nobody_needs_games), season, {}).score == 900


def test_weights_are_the_decimals_that_were_written() -> None:
    # In floats .1 * 1001 + .3 * 1004 + ... ends just below the half.
    season = {"10": at(1001), "11": at(1004), "13": at(1004), "61": at(1002)}
    assert rate(WeightedAverage(), season, {}).score == rounded(Fraction(1001 * 1 + 1004 * 3 + 1004 * 5 + 1002 * 1, 10))


@pytest.mark.parametrize(
    ("expression", "score"),
    [
        ("(twos + threesPeak) / 2", 1051),  # 1050.5
        ("0 - (twos + threesPeak) / 2", -1050),
        ("totalGames", 150),
        ("ones + onesPeak + onesGames", 0),
        ("twos / onesGames", 0),  # divides by zero: not rated
        ("1000000000000000 * twos", MAX_SCORE),
        ("0 - 1000000000000000 * twos", -MAX_SCORE),
        ("twos" + "*twos" * 99 + "*0", 0),  # no number
    ],
)
def test_a_guilds_own_formula(expression: str, score: int) -> None:
    season = {"11": at(1001, matches=100), "13": at(1050, peak=1100, matches=50), "10": at(2000, estimated=True)}
    made = rate(Custom(expression="twos"), season, {})
    assert made.score == 1001
    assert rate(_unchecked(expression), season, {}).score == score


def _unchecked(expression: str) -> Custom:
    """A formula that gave a number on trial may still give none for a player."""
    formula = Custom(expression="twos")
    force_setattr(formula, "expression", expression)
    return formula


def tracker(number: int) -> RatedTracker:
    return RatedTracker(
        user_id=UUID(int=1),
        tracker_id=UUID(int=number),
        account_id=UUID(int=number),
        handle="",
        season=34,
        current={},
        previous={},
    )


def rating(score: int, games: int = 1) -> Rating:
    return Rating(score=score, salary=0, games=games, figures={})


def test_the_best_tracker_stands_for_a_person_and_of_equals_the_oldest() -> None:
    rows = [(tracker(3), rating(50)), (tracker(1), rating(70)), (tracker(2), rating(70)), (tracker(4), rating(90, 0))]
    chosen = best(rows)
    assert chosen is not None
    assert chosen[0].tracker_id == UUID(int=1)
    assert best([(tracker(4), rating(0, 0))]) is None
