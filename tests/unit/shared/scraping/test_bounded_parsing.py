"""Pages that keep a parser busy for minutes end within bounds; ordinary ones are read alike in either process."""

from datetime import date

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
    assert "no ordinary one" in outcome.page_changed
