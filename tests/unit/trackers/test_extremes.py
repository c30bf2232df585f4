"""Numbers and dates beyond sense in what foreign sites send: each place, each value; refused by name or fit to store.

A batch writes what several visits brought. So nothing that a parser returns may fail to fit its column.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from tests.upstreams.fencers_pages import Club, Fencer, Row, club_2025, club_2026, fencer

from shared.scraping.failures import PageChanged
from shared.scraping.fetch_context import SiteResponse, retry_after
from trackers.contracts.esi import fresh_for, generation_of, pages_of
from trackers.contracts.parser import (
    parse_bids,
    parse_category,
    parse_group,
    parse_items,
    parse_listings,
    parse_type,
)
from trackers.fencers.dates import DateUnreadableError, read_day
from trackers.fencers.parser import parse_club, parse_fencer
from trackers.flights.parser import BEST, parse_results
from trackers.flights.search import ScrapeQuery
from trackers.games.parser import parse_playlists, parse_profile, parse_rating_history
from trackers.hiscores.parser import BUILT_IN, parse_csv, parse_json

DATA: Final = Path(__file__).parents[2] / "data"
NUMBERS: Final = ("2147483648", "9223372036854775808", "-9223372036854775809", "1e400", "-1", "1" + "0" * 400, "1e308")
DATES: Final = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "99999-01-01T00:00:00Z",
)
NARROW: Final[Mapping[str, int]] = {
    **dict.fromkeys(("tier", "division", "peak_tier", "peak_division", "level", "stops"), 2**15 - 1),
    **dict.fromkeys(("material_efficiency", "time_efficiency"), 2**15 - 1),
    **dict.fromkeys(("rating", "matches_played", "win_streak", "peak_rating", "delta_up", "delta_down"), 2**31 - 1),
    **dict.fromkeys(("number", "rank", "days_to_complete", "duration_minutes"), 2**31 - 1),
}
"""Columns that hold less than a bigint, by the field that fills them."""
NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)


def storable(read: Any, field: str = "") -> None:
    """Fails for what does not fit its column."""
    for name, value in _parts(read, field):
        storable(value, name)
    if isinstance(read, datetime):
        assert 1900 <= read.astimezone(UTC).year <= 9999, field
    elif isinstance(read, date):
        assert 1900 <= read.year <= 2200, field
    elif isinstance(read, int):
        assert abs(read) <= NARROW.get(field, 2**63 - 1), field
    elif isinstance(read, float):
        assert abs(read) <= 1e308, field


def _parts(read: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(read, Struct):
        yield from ((name, getattr(read, name)) for name in read.__struct_fields__)
    elif isinstance(read, Mapping):
        yield from ((str(name), value) for name, value in read.items())
    elif isinstance(read, list | tuple):
        yield from ((field, value) for value in read)


def storable_or_refused(parse: Callable[[bytes], Any], body: bytes) -> None:
    """Fails for any other error than a changed page that says what changed."""
    try:
        read = parse(body)
    except PageChanged as refused:
        said = str(refused)
    else:
        said = "read"
        storable(read)
    assert said, body[:200]


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of the numbers and times in a body, the first two entries of each list."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield from places(value, (*path, name))
    elif isinstance(body, list):
        for index, value in enumerate(body[:2]):
            yield from places(value, (*path, index))
    elif _is_a_number(body) or _is_a_time(body):
        yield path


def _is_a_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_a_time(value: Any) -> bool:
    return isinstance(value, str) and len(value) > 10 and value[4:5] == "-" and "T" in value


def changed(body: Any, path: tuple[Any, ...], raw: str) -> bytes:
    """The body as JSON with the text `raw` at a place."""
    here = body
    for step in path[:-1]:
        here = here[step]
    kept, here[path[-1]] = here[path[-1]], "@@"
    try:
        return json.dumps(body).replace('"@@"', raw).encode()
    finally:
        here[path[-1]] = kept


def body_of(name: str) -> Any:
    return json.loads((DATA / name).read_bytes())


QUERY: Final = ScrapeQuery(
    provider="google_flights", origin="VIE", destination="OSL", departs_on=date(2027, 3, 14), currency="EUR"
)


def results(body: bytes) -> Any:
    """As the site's script holds them; what is no JSON for us is refused before."""
    try:
        data = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise PageChanged(str(error)) from error
    return parse_results(data, QUERY)


def frozen_results() -> Any:
    found = (DATA / "flights" / "one_way_eur.html").read_text().partition("key: 'ds:1'")[2]
    return json.loads(found.partition("data:")[2].partition(", sideChannel")[0])


HISTORY: Final = {"data": {"11": [{"rating": 1, "collectDate": "2025-01-01T00:00:00Z", "tierId": 1, "divisionId": 1}]}}
TYPE: Final = {
    "type_id": 1,
    "name": "a",
    "group_id": 1,
    "published": True,
    "market_group_id": 1,
    "volume": 1.0,
    "packaged_volume": 1.0,
}
BID: Final = [{"bid_id": 1, "amount": 1.0, "date_bid": "2026-11-20T10:00:00Z"}]
BODIES: Final[Mapping[str, tuple[Callable[[bytes], Any], Any]]] = {
    "games profile": (parse_profile, body_of("games/profile_2025.json")),
    "games season": (lambda body: parse_playlists(body, 30), body_of("games/season_30.json")),
    "games history": (parse_rating_history, HISTORY),
    "hiscores": (parse_json, body_of("hiscores/player.json")),
    "contracts": (parse_listings, body_of("contracts/contracts-page.json")),
    "contract items": (parse_items, body_of("contracts/items-blueprint-copy.json")),
    "contract bids": (parse_bids, BID),
    "type": (parse_type, TYPE),
    "group": (parse_group, {"group_id": 1, "name": "a", "category_id": 1}),
    "category": (parse_category, {"category_id": 1, "name": "a", "groups": [1]}),
    "flights": (results, frozen_results()),
}


@pytest.mark.parametrize("source", BODIES)
def test_whatever_number_or_date_a_site_sends_is_storable_or_refused_by_name(source: str) -> None:
    parse, body = BODIES[source]
    found = list(places(body))
    assert found
    storable(parse(json.dumps(body).encode()))
    for path in found:
        for raw in (*NUMBERS, *(f'"{day}"' for day in DATES)):
            storable_or_refused(parse, changed(body, path, raw))


@pytest.mark.parametrize("time", ["0001-01-01T00:00", "9999-12-31T23:59", "1969-12-31T22:00", "2200-01-02T00:00"])
def test_a_flight_at_such_a_time_is_refused_with_its_row(time: str) -> None:
    data = frozen_results()
    (journey,) = json.loads(data[BEST][0][0][8])
    changed_times = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d", time.encode(), b64decode(journey))
    assert changed_times != b64decode(journey)
    data[BEST][0][0][8] = json.dumps([b64encode(changed_times).decode()])
    with pytest.raises(PageChanged, match="row 0 departs or arrives in the year"):
        parse_results(data, QUERY)


def test_a_flight_with_more_stops_than_the_column_holds_is_refused_with_its_row() -> None:
    data = frozen_results()
    itinerary = data[BEST][0][0][0]
    itinerary[2] = itinerary[2][:1] * 40_000
    with pytest.raises(PageChanged, match="row 0"):
        parse_results(data, QUERY)


@pytest.mark.parametrize("raw", NUMBERS)
@pytest.mark.parametrize("field", ["contract_id", "price", "days_to_complete", "issuer_id"])
def test_a_contract_with_such_a_number_is_a_rejected_row_and_the_others_stay(field: str, raw: str) -> None:
    rows = body_of("contracts/contracts-page.json")
    read = parse_listings(changed(rows, (0, field), raw))
    if read.rejected:
        assert field in read.rejected[0].reason or "out of range" in read.rejected[0].reason
    assert len(read.rows) + len(read.rejected) == len(rows)
    assert len(read.rejected) <= 1


@pytest.mark.parametrize("raw", NUMBERS)
def test_hiscores_as_csv_with_such_a_number_are_refused_or_storable(raw: str) -> None:
    lines = (DATA / "hiscores" / "player.csv").read_bytes().split()
    for line, column in ((0, 0), (0, 1), (0, 2), (3, 2), (-1, 0), (-1, 1)):
        row = lines[line].split(b",")
        row[column] = raw.encode()
        table = [*lines]
        table[line] = b",".join(row)
        storable_or_refused(lambda body: parse_csv(body, BUILT_IN), b"\n".join(table))


CLUB: Final = Club(id=100_000_910, name="Lakeside Fencing")
ALEX: Final = Fencer(id=100_000_011, name="Alex Abendroth", club=CLUB.id)
ROW: Final = Row(
    fencer=ALEX, event="Junior Women\u2019s Epee (JNRWE)", event_id=18_501, tournament="October NAC", day=NOW.date()
)


@pytest.mark.parametrize("number", [*NUMBERS, "9" * 15, "9" * 16])
def test_fencers_clubs_and_events_with_such_numbers_are_storable_or_refused(number: str) -> None:
    for page, parse in (
        (fencer(ALEX, CLUB, [ROW]), lambda body: parse_fencer(body, upstream_id=ALEX.id, today=NOW.date())),
        (club_2025(CLUB, [ROW]), lambda body: parse_club(body, upstream_id=CLUB.id, today=NOW.date())),
        (club_2026(CLUB, [ROW]), lambda body: parse_club(body, upstream_id=CLUB.id, today=NOW.date())),
    ):
        for known in (b"18501", b"100000011", b"100000910"):
            storable_or_refused(parse, page.replace(known, number.encode()))


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("Sat, Oct 4, 0001", None),
        ("Oct 4, 9999", None),
        ("Oct 4, 99999", None),
        ("Oct 99, 2026", None),
        ("", "00010101"),
        ("", "99991231"),
        ("", "999990101"),
        ("", "2147483648"),
        ("", "-1"),
        ("", "1e400"),
    ],
)
def test_a_day_beyond_sense_is_named(text: str, packed: str | None) -> None:
    with pytest.raises(DateUnreadableError, match=r"^.+$"):
        read_day(text, packed=packed, today=NOW.date())


HEADERS: Final = (
    *NUMBERS,
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -1400",
    "Mon, 01 Jan 0001 00:00:00 +1400",
    "Mon, 01 Jan 99999 00:00:00 GMT",
    "Mon, 99 Jan 2026 00:00:00 GMT",
    "9" * 5000,
    "\u00b2",
)


@pytest.mark.parametrize("value", HEADERS)
def test_whatever_a_header_says_of_time_is_bounded(value: str) -> None:
    wait = retry_after(value, now=NOW)
    assert wait is None or 0 <= wait <= 30 * 86_400
    headers = {**dict.fromkeys(("expires", "last-modified", "date", "age"), value), "cache-control": f"max-age={value}"}
    answer = SiteResponse(url="", status=200, headers=headers, body=b"")
    fresh = fresh_for(answer, now=NOW)
    assert fresh is None or 0 < fresh.total_seconds() <= 86_400
    storable(generation_of(answer))
    paged = SiteResponse(url="", status=200, headers={"x-pages": value}, body=b"")
    with pytest.raises(PageChanged, match="X-Pages"):
        pages_of(paged)


def test_a_retry_after_in_sense_is_kept() -> None:
    assert retry_after("120", now=NOW) == 120
    assert retry_after(format_datetime(NOW.replace(minute=2), usegmt=True), now=NOW) == 120


@given(st.text(max_size=40))
def test_no_text_in_a_header_raises(value: str) -> None:
    assert retry_after(value, now=NOW) is None or value
