"""Old rows go in batches, kinds in turns, for a while; what is left goes the next time."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs
from tests.clock import FixedClock

from app.container import AppContainer
from shared.retention import FOR_EVER, Ageing, Retention

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Pile:
    """Rows of an age in days each, the oldest first."""

    def __init__(self, what: str, ages: list[int], *, keep_days: int = 30) -> None:
        self.ages = ages
        self.batches: list[int] = []
        self.kind = Ageing(what=what, keep_days=keep_days, remove=self.remove, batch_size=10)

    async def remove(self, session: AsyncSession, before: datetime, limit: int) -> int:
        assert not session.in_transaction(), "a batch begins with a transaction of its own"
        old = [age for age in self.ages if NOW - timedelta(days=age) < before][:limit]
        self.ages = self.ages[len(old) :]
        self.batches.append(len(old))
        return len(old)


Removing = Callable[..., Awaitable[int]]


@pytest.fixture
def removing(container: AppContainer) -> Removing:
    async def remove(*piles: Pile, longest_run: float = 30.0) -> int:
        kinds = [pile.kind for pile in piles]
        clock = FixedClock(NOW)
        return await Retention(
            database=container.database(), clock=clock, kinds=kinds, longest_run=longest_run
        ).remove_old()

    return remove


async def test_nothing_young_goes_and_batches_are_bounded(removing: Removing) -> None:
    pile = Pile("a", [31] * 25 + [30, 29, 0])
    assert await removing(pile) == 25
    assert (pile.ages, pile.batches) == ([30, 29, 0], [10, 10, 5])


async def test_kinds_take_turns_and_none_waits_for_the_others(removing: Removing) -> None:
    much, little = Pile("much", [40] * 1000), Pile("little", [40] * 3)
    assert await removing(much, little, longest_run=0.0) == 10 + 3
    assert len(much.ages) == 990, "no further batch once the time is over"
    assert await removing(much, little) == 990, "the next run goes on"


async def test_what_is_kept_for_ever_is_not_even_looked_for(removing: Removing) -> None:
    kept = Pile("kept", [10_000], keep_days=FOR_EVER)
    assert await removing(kept) == 0
    assert kept.batches == []


async def test_a_kind_that_fails_is_told_and_does_not_hold_up_the_others(removing: Removing) -> None:
    class Broken(Pile):
        async def remove(self, session: AsyncSession, before: datetime, limit: int) -> int:
            self.batches.append(limit)
            await session.execute(text("SELECT no_such_column"))
            return limit

    broken, much = Broken("broken", []), Pile("much", [40] * 25)
    with capture_logs() as logs, pytest.raises(ProgrammingError, match="no_such_column"):
        await removing(broken, much)
    assert (much.ages, len(broken.batches)) == ([], 1)
    told = [(log["event"], log["what"]) for log in logs]
    assert told == [("old_rows_stay", "broken"), ("old_rows_removed", "much")]


async def test_every_kind_that_fails_is_raised(removing: Removing) -> None:
    class Broken(Pile):
        async def remove(self, session: AsyncSession, before: datetime, limit: int) -> int:
            raise ValueError(self.kind.what)

    with pytest.raises(ExceptionGroup) as raised:
        await removing(Broken("a", []), Broken("b", []))
    assert [str(error) for error in raised.value.exceptions] == ["a", "b"]
