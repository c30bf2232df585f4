"""The arithmetic of a guild's own rating formula: numbers, a player's figures, `+ - * /` and parentheses.

Read by hand and computed at once: what people type never reaches Python's `eval`.

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
"""Current and best MMR and games played of each playlist."""
DEEPEST: Final = 20
"""Parentheses within parentheses."""
TRIAL: Final[Mapping[str, float]] = {name: 1009.0 + 97 * place for place, name in enumerate(NAMES)}
"""A player whose figures all differ."""
_TOKEN: Final = re.compile(r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z]+)|(?P<sign>[-+*/()]))")


def check(expression: str) -> None:
    """Raises ValueError for what is no formula, or gives no finite number for a player who has played everything."""
    try:
        rating = evaluate(expression, TRIAL)
    except ZeroDivisionError:
        raise ValueError("it divides by zero") from None
    if not math.isfinite(rating):
        raise ValueError("it gives no finite number")


def evaluate(expression: str, figures: Mapping[str, float]) -> float:
    """The rating of a player with these figures, by `NAMES`. Raises ValueError or ZeroDivisionError."""
    return _Reading(_tokens(expression), figures).whole()


def _tokens(expression: str) -> list[str]:
    tokens, place, end = [], 0, len(expression.rstrip())
    while place < end:
        token = _TOKEN.match(expression, place)
        if token is None:
            raise ValueError(f"{expression[place:].lstrip()[0]!r} means nothing in a formula")
        tokens.append(token[0].strip())
        place = token.end()
    return tokens


class _Reading:
    """One pass over the tokens."""

    def __init__(self, tokens: list[str], figures: Mapping[str, float]) -> None:
        self._tokens = [*tokens, ""]
        self._figures = figures
        self._place = 0

    def whole(self) -> float:
        value = self._sum(0)
        if self._next:
            raise ValueError(f"{self._next!r} was not expected there")
        return value

    @property
    def _next(self) -> str:
        return self._tokens[self._place]

    def _take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

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
            raise ValueError("something is missing at the end")
        self._take()
        if word[0].isdigit():
            return float(word)
        if word in self._figures:
            return self._figures[word]
        if word[0].isalpha():
            raise ValueError(f"there is no figure {word!r}; there are {', '.join(NAMES)}")
        if word != "(":
            raise ValueError(f"{word!r} was not expected there")
        if depth == DEEPEST:
            raise ValueError(f"its parentheses are nested deeper than {DEEPEST}")
        value = self._sum(depth + 1)
        if self._next != ")":
            raise ValueError("a parenthesis is not closed")
        self._take()
        return value
