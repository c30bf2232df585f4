"""What the API's headers mean, and how many questions are under way at once."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from shared.scraping.failures import PageChanged
from shared.scraping.fetch_context import SiteResponse
from trackers.contracts.esi import fresh_for, generation_of, in_parallel, pages_of

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
NOON, LATER = "Sun, 22 Nov 2026 12:00:00 GMT", "Sun, 22 Nov 2026 12:30:00 GMT"


def answer(**headers: str) -> SiteResponse:
    return SiteResponse(url="u", status=200, headers={n.replace("_", "-"): v for n, v in headers.items()}, body=b"")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache_control": "public, max-age=1800", "age": "300"}, 1500),
        ({"cache_control": "public, max-age=1800", "expires": NOON, "date": NOON}, 1800),
        ({"cache_control": "public", "expires": LATER, "date": NOON}, 1800),
        ({"expires": LATER}, 1800),
        ({"cache_control": "max-age=60", "age": "90"}, None),
        ({"cache_control": "max-age=0"}, None),
        ({"expires": NOON, "date": LATER}, None),
        ({"expires": NOON}, None),
        ({"cache_control": "max-age=99999999"}, 86_400),
        ({"expires": "soon"}, None),
        ({"expires": "0"}, None),
        ({}, None),
    ],
)
def test_how_long_an_answer_is_fresh(headers: dict[str, str], seconds: int | None) -> None:
    assert fresh_for(answer(**headers), now=NOW) == (None if seconds is None else timedelta(seconds=seconds))


def test_the_generation_is_when_the_region_was_last_another() -> None:
    assert generation_of(answer(last_modified=NOON)) == NOW
    for odd in ("", "yesterday", "Sun, 99 Nov 2026 12:00:00 GMT", "\x00"):
        assert generation_of(answer(last_modified=odd)) is None


@pytest.mark.parametrize(("said", "pages"), [("34", 34), ("1", 1), ("0", 1)])
def test_how_many_pages_there_are(said: str, pages: int) -> None:
    assert pages_of(answer(x_pages=said)) == pages
    assert pages_of(answer()) is None


@pytest.mark.parametrize("said", ["many", "-1", "1e9", "99999", "3.5"])
def test_a_number_of_pages_that_cannot_be_is_a_changed_page(said: str) -> None:
    with pytest.raises(PageChanged):
        pages_of(answer(x_pages=said))


async def test_never_more_under_way_than_the_limit_and_every_result_comes() -> None:
    under_way, most = 0, 0

    async def ask(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(10 + number % 5):
            await asyncio.sleep(0)  # others may come to their turn
        under_way -= 1
        return number

    async with aclosing(in_parallel([lambda n=n: ask(n) for n in range(50)], limit=7)) as results:  # type: ignore[misc]  # the default binds the number
        assert sorted([one async for one in results]) == list(range(50))
    assert most == 7


async def test_the_first_failure_ends_the_others() -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        await asyncio.sleep(0)  # the other one begins
        raise ZeroDivisionError

    async def all_of_them() -> None:
        async with aclosing(in_parallel([hang, fail], limit=2)) as results:
            async for _ in results:
                pass

    with pytest.raises(ZeroDivisionError):
        await all_of_them()
    assert ended.is_set()
