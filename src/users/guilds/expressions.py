"""Arithmetic of a guild's own rating formula: numbers, a player's figures, `+ - * /` and parentheses.

A small parser computes the result while it reads. Text from people never reaches Python's `eval`.

    sum     = product { ("+" | "-") product }
    product = factor { ("*" | "/") factor }
    factor  = { "-" } ( number | name | "(" sum ")" )
"""

import math
import re
from collections.abc import Mapping
from typing import Final

PLAYLISTS: Final = ("ones", "twos", "threes", "fours")
NAMES: Final = (*PLAYLISTS, *(f"{p}Peak" for p in PLAYLISTS), *(f"{p}Games" for p in PLAYLISTS), "totalGames")
"""Figures of a player: current MMR, best MMR and games played of each playlist, and the total of games."""
DEEPEST: Final = 20
"""Maximum depth of nested parentheses."""
TRIAL: Final[Mapping[str, float]] = {name: 1009.0 + 97 * place for place, name in enumerate(NAMES)}
"""Figures of a test player, all different."""
_Token = tuple[str, int]
"""Text of a token and its position."""
_TOKEN: Final = re.compile(r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z]+)|(?P<sign>[-+*/()]))")


class FormulaError(ValueError):
    """An expression is not a valid formula. The message gives the reason."""

    def __init__(self, problem: str, *, position: int | None = None) -> None:
        super().__init__(problem)
        self.position = position
        """Index of the wrong character, from 0; None if no single character is wrong."""


def check(expression: str) -> None:
    """Raise FormulaError unless the expression is a formula that gives a finite number for the player `TRIAL`."""
    try:
        rating = evaluate(expression, TRIAL)
    except ZeroDivisionError:
        raise FormulaError("it divides by zero") from None
    if not math.isfinite(rating):
        raise FormulaError("its result is not a finite number")


def evaluate(expression: str, figures: Mapping[str, float]) -> float:
    """Return the rating of a player with these figures (keys: `NAMES`). Raises FormulaError or ZeroDivisionError."""
    return _Reading(_tokens(expression), figures, end=len(expression)).whole()


def _tokens(expression: str) -> list[_Token]:
    tokens: list[_Token] = []
    place, end = 0, len(expression.rstrip())
    while place < end:
        token = _TOKEN.match(expression, place)
        if token is None:
            wrong = end - len(expression[place:end].lstrip())
            raise FormulaError(f"{expression[wrong]!r} is not allowed in a formula", position=wrong)
        word = token[0].lstrip()
        place = token.end()
        tokens.append((word, place - len(word)))
    return tokens


class _Reading:
    """Recursive descent parser that computes the value in one pass over the tokens."""

    def __init__(self, tokens: list[_Token], figures: Mapping[str, float], *, end: int) -> None:
        self._tokens = [*tokens, ("", end)]
        self._figures = figures
        self._place = 0

    def whole(self) -> float:
        value = self._sum(0)
        if self._next:
            raise self._problem(f"{self._next!r} was not expected there")
        return value

    def _problem(self, problem: str) -> FormulaError:
        """Return an error at the position of the next token."""
        return FormulaError(problem, position=self._tokens[self._place][1])

    @property
    def _next(self) -> str:
        return self._tokens[self._place][0]

    def _take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1][0]

    def _sum(self, depth: int) -> float:
        value = self._product(depth)
        while self._next in {"+", "-"}:
            value = value + self._product(depth) if self._take() == "+" else value - self._product(depth)
        return value

    def _product(self, depth: int) -> float:
        value = self._factor(depth)
        while self._next in {"*", "/"}:
            value = value * self._factor(depth) if self._take() == "*" else value / self._factor(depth)
        return value

    def _factor(self, depth: int) -> float:
        sign = 1.0
        while self._next == "-":
            self._take()
            sign = -sign
        return sign * self._atom(depth)

    def _atom(self, depth: int) -> float:
        word = self._next
        if not word:
            raise self._problem("something is missing at the end")
        if word[0].isdigit():
            return float(self._take())
        if word in self._figures:
            return self._figures[self._take()]
        if word[0].isalpha():
            raise self._problem(f"there is no figure {word!r}; the figures are {', '.join(NAMES)}")
        if word != "(":
            raise self._problem(f"{word!r} was not expected there")
        if depth == DEEPEST:
            raise self._problem(f"its parentheses are nested deeper than {DEEPEST}")
        self._take()
        value = self._sum(depth + 1)
        if self._next != ")":
            raise self._problem("a parenthesis is not closed")
        self._take()
        return value
