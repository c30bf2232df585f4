"""Wait for a condition, never for a time: return once it holds, fail after a limit that no slow machine reaches."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

LIMIT_S: Final = 120.0
"""Seconds after which a condition counts as never coming true. Generous: a passing test does not wait for it."""
POLL_S: Final = 0.02


async def eventually(ask: Callable[[], Awaitable[T]], *, what: str, within: float = LIMIT_S, poll: float = POLL_S) -> T:
    """Ask until the answer is true and return it. An AssertionError that `ask` raises counts as "not yet".

    Raises:
        AssertionError: the limit is over; it names what was waited for and the last answer.

    """
    until = time.monotonic() + within
    while True:
        last: object
        try:
            answer = await ask()
        except AssertionError as not_yet:
            last = not_yet
        else:
            if answer:
                return answer
            last = answer
        if time.monotonic() >= until:
            raise AssertionError(_overdue(what, within, last))
        await asyncio.sleep(poll)


def eventually_sync(ask: Callable[[], T], *, what: str, within: float = LIMIT_S, poll: float = POLL_S) -> T:
    """The same for tests without an event loop, and for processes from outside."""
    until = time.monotonic() + within
    while True:
        last: object
        try:
            answer = ask()
        except AssertionError as not_yet:
            last = not_yet
        else:
            if answer:
                return answer
            last = answer
        if time.monotonic() >= until:
            raise AssertionError(_overdue(what, within, last))
        time.sleep(poll)


def _overdue(what: str, within: float, last: object) -> str:
    return f"{what}: not within {within:g} s; last: {last!r}"
