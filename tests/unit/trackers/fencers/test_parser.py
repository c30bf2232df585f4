"""Pages -> registrations: both layouts, and never a silent empty list."""

import random
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.upstreams.fencers_pages import Club, Fencer, Row, club_2025, club_2026, fencer, login, not_found, rebuilt

from shared.scraping.failures import PageChanged
from trackers.fencers.parser import PageEntry, asks_to_log_in, parse_club, parse_fencer
from trackers.fencers.weapons import Weapon

DATA = Path(__file__).parents[3] / "data" / "fencers"
TODAY = date(2026, 11, 22)
ALEX = Fencer(id=100_000_011, name="Alex Abendroth", club=100_000_910)
BLAKE = Fencer(id=100_000_012, name="Blake Brandauer", club=100_000_910)
CLUB = Club(id=100_000_910, name="Lakeside Fencing")
EPEE, FOIL, SABER = (
    "Junior Women\u2019s Epee (JNRWE)",
    "Division I Men\u2019s Foil (DV1MF)",
    "Youth 12 Men\u2019s Saber (Y12MS)",
)
DAY = date(2026, 12, 12)


def row(who: Fencer, event: str, number: int | None, tournament: str = "October NAC", day: date | None = DAY) -> Row:
    return Row(fencer=who, event=event, event_id=number, tournament=tournament, day=day)


ROWS = [
    row(ALEX, EPEE, 18_501),
    row(ALEX, SABER, 18_503, "Harbour Cup", date(2026, 12, 19)),
    row(BLAKE, FOIL, 18_502, day=None),
]


def told(entries: list[PageEntry]) -> set[tuple[object, ...]]:
    return {(e.fencer_id, e.fencer, e.tournament, e.event_id, e.code, e.weapon, e.day) for e in entries}


def test_a_fencers_page_tells_event_tournament_and_the_day_with_its_year() -> None:
    page = parse_fencer(fencer(ALEX, CLUB, ROWS[:2]), upstream_id=ALEX.id, today=TODAY)
    assert (page.name, page.club_id) == ("Alex Abendroth", CLUB.id)
    assert told(list(page.entries)) == {
        (ALEX.id, "Alex Abendroth", "October NAC", 18_501, "JNRWE", Weapon.EPEE, DAY),
        (ALEX.id, "Alex Abendroth", "Harbour Cup", 18_503, "Y12MS", Weapon.SABER, date(2026, 12, 19)),
    }


@pytest.mark.parametrize("layout", [club_2025, club_2026])
def test_a_clubs_page_tells_the_same_in_both_layouts(layout: Callable[..., bytes]) -> None:
    page = parse_club(layout(CLUB, ROWS), upstream_id=CLUB.id, today=TODAY)
    assert (page.name, page.tables) == ("Lakeside Fencing", 2)
    assert told(list(page.entries)) == {
        (ALEX.id, "Alex Abendroth", "October NAC", 18_501, "JNRWE", Weapon.EPEE, DAY),
        (ALEX.id, "Alex Abendroth", "Harbour Cup", 18_503, "Y12MS", Weapon.SABER, date(2026, 12, 19)),
        (BLAKE.id, "Blake Brandauer", "October NAC", 18_502, "DV1MF", Weapon.FOIL, None),
    }


def test_a_row_that_comes_twice_is_one_and_results_are_none() -> None:
    twice = fencer(ALEX, CLUB, [ROWS[0], ROWS[0]])
    assert len(parse_fencer(twice, upstream_id=ALEX.id, today=TODAY).entries) == 1
    past = twice.replace(b'"/event/18501"', b'"/event/18501/results"')
    assert parse_fencer(past, upstream_id=ALEX.id, today=TODAY).entries == []


def test_columns_are_found_by_their_headers_wherever_they_stand() -> None:
    page = club_2025(CLUB, ROWS).decode()
    turned = re.sub(
        r"<tr>(<t[hd]>.*?</t[hd]>)(<t[hd]>.*?</t[hd]>)(<t[hd]>.*?</t[hd]>)(<t[hd]>.*?</t[hd]>)</tr>",
        r"<tr>\4\3\2\1</tr>",
        page,
    )
    assert turned != page
    assert told(list(parse_club(turned.encode(), upstream_id=CLUB.id, today=TODAY).entries)) == told(
        list(parse_club(page.encode(), upstream_id=CLUB.id, today=TODAY).entries)
    )


def test_without_a_section_there_are_no_registrations() -> None:
    assert parse_fencer(fencer(ALEX, None, []), upstream_id=ALEX.id, today=TODAY).entries == []


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda page: page.replace(b"<h1>", b"<h5>").replace(b"</h1>", b"</h5>"), "title"),
        (lambda page: page.replace(b"person-", b"people-"), "elements that identify such a page"),
        (lambda page: page.replace(b"<h2>Registrations", b"<h2>Upcoming"), "outside"),
        (lambda page: page.replace(b"<span>Date</span>", b"<span>When</span>"), "no column date"),
        (lambda page: page.replace(b"<table", b"<div").replace(b"</table", b"</div"), "table"),
        (lambda page: page.replace(b"20261212", b"2026-W50"), "date"),
        (lambda page: page[: len(page) // 2], "cut off"),
        (lambda page: page.replace(b"/event/18501", b"/events/18501"), "lacks its event"),
        (lambda page: page.replace(b"<td>October NAC</td>", b"<td></td>"), "lacks its event"),
    ],
)
def test_a_changed_fencers_page_is_loud(broken: Callable[[bytes], bytes], says: str) -> None:
    page = fencer(ALEX, CLUB, ROWS[:2])
    assert broken(page) != page
    with pytest.raises(PageChanged, match=says):
        parse_fencer(broken(page), upstream_id=ALEX.id, today=TODAY)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda page: page.replace(b"<h3>Harbour Cup</h3>", b""), "does not name a separate tournament"),
        (lambda page: page.replace(b"<h3>October NAC</h3>", b""), "does not name a separate tournament"),
        (lambda page: page.replace(b"<th>Event</th>", b"<th>Contest</th>"), "outside"),
        (lambda page: page.replace(b"<th>Date</th>", b""), "no column date"),
        (lambda page: page.replace(b"<th>Name</th><th>Event</th>", b"<th>Event</th>"), "outside"),
        (lambda page: re.sub(rb"<tbody>.*?</tbody>", b"<tbody></tbody>", page, flags=re.DOTALL), "announced"),
    ],
)
def test_a_changed_clubs_page_is_loud(broken: Callable[[bytes], bytes], says: str) -> None:
    page = club_2025(CLUB, ROWS)
    assert broken(page) != page
    with pytest.raises(PageChanged, match=says):
        parse_club(broken(page), upstream_id=CLUB.id, today=TODAY)


@pytest.mark.parametrize("page", [rebuilt(), not_found(), login(), b"", b"{}", b"<html></html>", b"\xff\x00</html>"])
def test_what_is_no_such_page_is_loud(page: bytes) -> None:
    with pytest.raises(PageChanged):
        parse_club(page, upstream_id=CLUB.id, today=TODAY)
    with pytest.raises(PageChanged):
        parse_fencer(page, upstream_id=1, today=TODAY)


def test_a_login_is_told_from_a_page_that_offers_one() -> None:
    assert asks_to_log_in(login())
    offers = fencer(ALEX, CLUB, ROWS[:1]).replace(b"<nav", b'<form><input type="password"></form><nav')
    assert not asks_to_log_in(offers)


SWAPS = (
    (b"<table", b"<div"), (b"</table>", b"</div>"), (b"<tr", b"<section"), (b"<td", b"<span"), (b"<th", b"<b"),
    (b"<h1>", b"<p>"), (b"<h2>", b"<p>"), (b"<h3>", b"<p>"), (b"<tbody>", b""), (b"<thead>", b""), (b"</tr>", b""),
    (b"Registrations", b"Entries"), (b"<span>Event</span>", b"<span>Bout</span>"), (b"Date", b"Day"), (b"Name", b"Who"),
    (b"Tournament", b"Meet"), (b"data-ranking-value", b"data-sort"), (b'href="/event/', b'data-href="/event/'),
    (b'href="/event/', b'href="/e/'), (b"person-", b"p-"), (b"ranking-", b"r-"), (b"club-", b"c-"), (b"</html>", b""),
    (b"2026", b"20X6"), (b"<a ", b"<em "), (b"</a>", b""), (b"October NAC", b""), (b"<body>", b"<body hidden>"),
)  # fmt: skip


def mutated(page: bytes, chance: random.Random) -> bytes:
    """A page after somebody worked on it: words and tags changed everywhere, here or there, or the end lost."""
    for _ in range(chance.randint(1, 3)):
        kind = chance.random()
        if kind < 0.15:
            page = page[: chance.randint(0, len(page))]
        elif kind < 0.3:
            start = chance.randint(0, len(page))
            page = page[:start] + page[start + chance.randint(1, 200) :]
        else:
            old, new = chance.choice(SWAPS)
            page = page.replace(old, new, -1 if chance.random() < 0.7 else 1)
    return page


@pytest.mark.parametrize("seed", range(10))
def test_of_a_thousand_mutated_pages_none_is_silently_empty(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- no secret
    pages: list[tuple[str, bytes]] = [
        ("fencer", fencer(ALEX, CLUB, ROWS[:2])),
        ("club", club_2025(CLUB, ROWS)),
        ("club", club_2026(CLUB, ROWS)),
    ]
    outcomes = {"loud": 0, "read": 0}
    for turn in range(100):
        kind, page = pages[turn % 3]
        broken = mutated(page, chance)
        try:
            if kind == "fencer":
                read = parse_fencer(broken, upstream_id=ALEX.id, today=TODAY).entries
            else:
                club = parse_club(broken, upstream_id=CLUB.id, today=TODAY)
                read = club.entries
                if not club.tables:  # the source, which knows that there were rows, takes this for a changed layout
                    outcomes["loud"] += 1
                    continue
        except PageChanged:
            outcomes["loud"] += 1
            continue
        outcomes["read"] += 1
        # What is left of events on the page was read: cut out with the whole of its row, or still there.
        left = set(re.findall(rb'<a href="/event/([0-9]+)"', broken))
        assert {str(entry.event_id).encode() for entry in read if entry.event_id} >= left, broken
        assert read or not re.search(rb"\((JNRWE|Y12MS|DV1MF)\)", broken), broken
    assert outcomes["loud"] > 20
    assert outcomes["read"] > 5


# ---- whole pages, with the menu, the footer and the other tables around what is read ----


def test_a_whole_page_of_a_fencer() -> None:
    page = parse_fencer((DATA / "fencer.html").read_bytes(), upstream_id=100_000_417, today=date(2026, 12, 20))
    assert (page.name, page.slug) == ("Robin Pell-Ash", "Robin-Pell-Ash")
    assert (page.club_id, page.club_slug) == (100_000_955, "LanternBlades")
    (entry,) = page.entries  # none of the twelve results, whose table has the same columns
    assert (entry.fencer_id, entry.fencer) == (100_000_417, "Robin Pell-Ash")
    assert (entry.event, entry.event_id) == ("Youth 12 Men\u2019s Epee (Y12ME)", 27_164)
    assert (entry.code, entry.weapon) == ("Y12ME", Weapon.EPEE)
    assert entry.tournament == "Winter Lanterns and February Pebble"
    assert (entry.day, entry.year_told) == (date(2027, 2, 7), True)


def test_a_whole_page_of_a_club() -> None:
    body = (DATA / "club_registrations.html").read_bytes()
    page = parse_club(body, upstream_id=100_000_955, today=date(2026, 12, 5))
    assert (page.name, page.tables) == ("Lantern Blades", 2)
    assert [(e.fencer_id, e.fencer, e.tournament, e.event_id, e.weapon, e.day, e.year_told) for e in page.entries] == [
        (100_000_417, "Robin Pell-Ash", "December NAC", 27_201, Weapon.EPEE, date(2026, 12, 12), False),
        (100_000_417, "Robin Pell-Ash", "December NAC", 27_202, Weapon.EPEE, date(2026, 12, 13), False),
        (100_000_431, "Ottoline Bramble", "December NAC", 27_203, Weapon.SABER, None, False),
        (
            100_000_435, "Anselm Teasdale", "Wharf of the Long Pier ROC/RJCC/RYC", 27_210, Weapon.FOIL,
            date(2027, 1, 16), False,
        ),
    ]  # fmt: skip


def test_a_roster_is_neither_a_fencer_nor_a_club() -> None:
    body = (DATA / "event_roster.html").read_bytes()
    with pytest.raises(PageChanged, match="not a fencer's page"):
        parse_fencer(body, upstream_id=100_000_431, today=date(2026, 12, 20))
    with pytest.raises(PageChanged, match="Y12ME"):
        parse_club(body, upstream_id=100_000_955, today=date(2026, 12, 20))


@pytest.mark.parametrize("tenths", range(10))
def test_a_whole_page_that_is_cut_off_anywhere_is_loud(tenths: int) -> None:
    for name, parse in (("fencer.html", parse_fencer), ("club_registrations.html", parse_club)):
        body = (DATA / name).read_bytes()
        with pytest.raises(PageChanged, match="cut off"):
            parse(body[: len(body) * tenths // 10], upstream_id=1, today=TODAY)


def test_columns_that_are_new_change_nothing() -> None:
    body = (DATA / "club_registrations.html").read_bytes()
    wider = re.sub(rb"<tr>(?=<t([hd])>)", rb"<tr><t\1>12</t\1>", body)
    assert wider != body
    today = date(2026, 12, 5)
    assert parse_club(wider, upstream_id=1, today=today) == parse_club(body, upstream_id=1, today=today)
