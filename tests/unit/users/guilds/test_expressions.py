"""The arithmetic that guilds write themselves."""

import pytest

from users.guilds.expressions import DEEPEST, NAMES, TRIAL, check, evaluate

FIGURES = dict.fromkeys(NAMES, 0.0) | {"ones": 100.0, "twos": 200.0, "threesPeak": 300.0, "totalGames": 8.0}


@pytest.mark.parametrize(
    ("expression", "rating"),
    [
        ("1", 1),
        ("twos", 200),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("100 / 5 / 2", 10),
        ("-ones + twos", 100),
        ("2 - -3", 5),
        ("--1", 1),
        ("\n twos*2\t", 400),
        ("0.5 + 1", 1.5),
        ("(ones + threesPeak) / totalGames", 50),
    ],
)
def test_formulas_give_what_arithmetic_says(expression: str, rating: float) -> None:
    assert evaluate(expression, FIGURES) == rating
    check(expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "something is missing at the end"),
        ("   ", "something is missing at the end"),
        ("1 +", "something is missing at the end"),
        ("(1", "a parenthesis is not closed"),
        ("1)", "')' was not expected there"),
        (".5", "'.' is not allowed in a formula"),
        ("1 2", "'2' was not expected there"),
        ("* 2", "'*' was not expected there"),
        ("2 ** 3", "'*' was not expected there"),
        ("()", "')' was not expected there"),
        ("twoss", "there is no figure 'twoss'"),
        ("twos.real", "'.' is not allowed in a formula"),
        ("__import__('os')", "'_' is not allowed in a formula"),
        ("twos\0", "'\\x00' is not allowed in a formula"),
        ("٣ + 1", "'٣' is not allowed in a formula"),
        ("twos if ones else 1", "'if' was not expected there"),
        ("print(1)", "there is no figure 'print'"),
        ("1 / 0", "it divides by zero"),
        ("1 / (twos - twos)", "it divides by zero"),
        ("9" * 400, "its result is not a finite number"),
        ("0 * " + "9" * 400, "its result is not a finite number"),
        ("(" * (DEEPEST + 1) + "1" + ")" * (DEEPEST + 1), "nested deeper than"),
    ],
)
def test_what_is_no_formula_is_refused_in_words(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".+") as refused:
        check(expression)
    assert message in str(refused.value)


def test_the_longest_chains_are_read_without_running_out_of_stack() -> None:
    check("-" * 499 + "1")
    check("1" + "+1" * 249)
    check("(" * DEEPEST + "1" + ")" * DEEPEST)


def test_the_figures_of_the_trial_all_differ() -> None:
    assert len(set(TRIAL.values())) == len(NAMES) == 13
