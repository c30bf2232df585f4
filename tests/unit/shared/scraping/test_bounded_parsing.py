"""Pages that keep a parser busy for minutes end within bounds; ordinary ones are read alike in either process."""

import os
import sys
from datetime import date
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from tests.upstreams.fencers_pages import Club, Fencer, Row, club_2026

from shared.scraping.bounded_parsing import MAX_INLINE_SIZE, MAX_INLINE_TAGS, _Call, _run, parse_bounded
from shared.scraping.failures import PageChanged
from trackers.fencers.parser import parse_club

TODAY = date(2026, 5, 6)
CLUB = Club(id=100_000_910, name="Lakeside Fencing")
ALEX = Fencer(id=100_000_011, name="Alex Abendroth", club=CLUB.id)
PAGE = club_2026(
    CLUB,
    [Row(fencer=ALEX, event="Epee (JNRWE)", event_id=18_501, tournament="October NAC", day=date(2026, 12, 12))],
)


async def test_a_large_page_is_read_as_a_small_one() -> None:
    large = PAGE.replace(b"</body>", b"<!-- " + b"x" * MAX_INLINE_SIZE + b" --></body>")
    assert len(large) > MAX_INLINE_SIZE
    small = await parse_bounded(parse_club, PAGE, upstream_id=CLUB.id, today=TODAY)
    assert await parse_bounded(parse_club, large, upstream_id=CLUB.id, today=TODAY) == small
    assert [entry.day for entry in small.entries] == [date(2026, 12, 12)]


async def test_a_page_that_changed_is_said_so_by_the_other_process() -> None:
    with pytest.raises(PageChanged, match="no title"):
        await parse_bounded(parse_club, b"<p>" * (MAX_INLINE_TAGS + 1) + b"</html>", upstream_id=1, today=TODAY)


@pytest.fixture
def parsers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of parsers that either process can import."""
    (tmp_path / "odd_parsers.py").write_text(ODD_PARSERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_parsers", raising=False)
    return import_module("odd_parsers")


ODD_PARSERS = """
import os

def process(body: bytes) -> int:
    return os.getpid()

def spinning(body: bytes) -> int:
    while True:
        pass

def hoarding(body: bytes) -> int:
    return len(bytearray(2 << 30))
"""


@pytest.mark.parametrize(
    ("page", "here"),
    [
        (b"x" * MAX_INLINE_SIZE, True),
        (b"x" * (MAX_INLINE_SIZE + 1), False),
        (b"<p>" * MAX_INLINE_TAGS, True),
        (b"<p>" * (MAX_INLINE_TAGS + 1), False),
    ],
    ids=["small", "large", "few tags", "many tags"],
)
async def test_a_large_page_is_parsed_in_another_process(parsers: ModuleType, page: bytes, *, here: bool) -> None:
    assert (await parse_bounded(parsers.process, page) == os.getpid()) == here


async def test_a_parser_that_takes_too_much_memory_is_ended(parsers: ModuleType) -> None:
    with pytest.raises(PageChanged, match="1024 MB"):
        await parse_bounded(parsers.hoarding, b"x" * (MAX_INLINE_SIZE + 1))


async def test_a_parser_that_takes_too_much_cpu_time_is_ended(parsers: ModuleType) -> None:
    call = _Call(module=parsers.__name__, function="spinning", body=b"", arguments={}, cpu_limit_s=1)
    outcome = await _run(call)
    assert outcome.page_changed
    assert "not a normal page" in outcome.page_changed


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(b"<div>" * 400_000, id="deep"),
        pytest.param(b"".join(b"<b id=%d><p>" % number for number in range(60_000)), id="formatting left open"),
        pytest.param(b"<div " + b" ".join(b"a%d" % number for number in range(300_000)) + b">", id="attributes"),
    ],
)
async def test_a_page_without_bounds_is_given_up_within_them(page: bytes) -> None:
    arguments = {"upstream_id": 1, "today": TODAY}
    outcome = await _run(
        _Call(
            module=parse_club.__module__,
            function="parse_club",
            body=page + b"</html>",
            arguments=arguments,
            cpu_limit_s=1,
        )
    )
    assert outcome.page_changed
    assert "not a normal page" in outcome.page_changed
