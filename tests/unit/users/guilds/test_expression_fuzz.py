"""Whatever is typed in as a formula is a number or refused in words, and soon."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.guilds.expressions import NAMES, TRIAL, FormulaError, check, evaluate

LONGEST = 500
LETTERS = "+-*/() .0123456789eE_x\t\n\0abtwosPeakGames٣²é\ud800😀"
SEEDS = ["(twos * 2 + threesPeak) / 3", "-(ones - -fours) / totalGames", "1.5*(2-(3*(4/5)))", "twosGames/threesGames"]
SHARE = 5_000


def outcome(expression: str) -> float | str:
    """The number, or what is said of the expression; anything else fails the test."""
    try:
        return evaluate(expression, TRIAL)
    except ZeroDivisionError:
        return "it divides by zero"
    except FormulaError as error:
        refused = error
    assert str(refused)
    assert refused.position is None or 0 <= refused.position <= len(expression)
    return str(refused)


def mutated(expression: str, rng: random.Random) -> str:
    characters = list(expression)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(characters) + 1)
        what = rng.choice((rng.choice(LETTERS), rng.choice(NAMES), "(" * rng.randint(1, 30), str(rng.random()), ""))
        characters[place : place + rng.randint(0, 2)] = what
    return "".join(characters)[:LONGEST]


def test_ten_thousand_random_and_mutated_expressions() -> None:
    rng = random.Random(20261122)  # noqa: S311 -- the same ones every time
    numbers = 0
    started = time.process_time()
    for number in range(SHARE):
        text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 80)))
        for expression in (text, mutated(SEEDS[number % len(SEEDS)], rng)):
            numbers += not isinstance(outcome(expression), str)
    assert numbers > SHARE // 20  # some of it is still a formula
    assert time.process_time() - started < 20


@given(st.text(max_size=LONGEST) | st.text(alphabet=LETTERS, max_size=LONGEST))
def test_any_text(expression: str) -> None:
    outcome(expression)


@pytest.mark.parametrize(
    "expression",
    ["(" * LONGEST, "-" * LONGEST, "9" * LONGEST, "1" + "*9" * 249, "1/" * 249 + "1", " " * LONGEST],
)
def test_the_worst_of_its_length_takes_no_time(expression: str) -> None:
    started = time.process_time()
    outcome(expression)
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    ("expression", "position"),
    [("twos + !", 7), ("twoss", 0), ("1 + (2", 6), ("1 2", 2), ("  ", 2), ("1 / 0", None), ("twos +", 6), ("a.b", 1)],
)
def test_an_error_says_where(expression: str, position: int | None) -> None:
    with pytest.raises(FormulaError) as refused:
        check(expression)
    assert refused.value.position == position
