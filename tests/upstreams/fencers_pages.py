"""Pages in the layouts of fencingtracker.com; everybody and everything on them is made up."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Final

from msgspec import Struct

_FIRST: Final = ("Aurelia", "Bastian", "Cosima", "Dario", "Elif", "Fjodor", "Greta", "Hauke", "Ines", "Jonne")
_LAST: Final = ("Abendroth", "Brandauer", "Castellano", "Dvořák", "Eklund", "Fontaine", "Grünwald", "Haslinger", "Içöz")


class Club(Struct):
    id: int
    name: str

    @property
    def slug(self) -> str:
        return "".join(letter for letter in self.name if letter.isascii() and letter.isalnum()) or "x"


class Fencer(Struct):
    id: int
    name: str
    """First name first."""
    club: int | None = None
    linked: bool = True

    @property
    def slug(self) -> str:
        return "-".join(self.name.split())

    @property
    def last_first(self) -> str:
        first, _, last = self.name.rpartition(" ")
        return f"{last}, {first}" if first else last


class Registration(Struct):
    fencer: int
    event: int
    on: str = "both"
    withdrawn: bool = False


class Row(Struct):
    """A fencer in an event, as pages show it."""

    fencer: Fencer
    event: str
    event_id: int | None
    tournament: str
    day: date | None
    withdrawn: bool = False


def name_of(seed: int) -> str:
    return f"{_FIRST[seed % len(_FIRST)]} {_LAST[seed // 10 % len(_LAST)]}"


def fencer(who: Fencer, club: Club | None, rows: Sequence[Row], *, own_links: bool = True) -> bytes:
    """A fencer's page of 2026; without registrations the section is missing."""
    link = (
        ""
        if club is None
        else f'<a class="person-hero__club-link"\n href="/club/{club.id}/{club.slug}/ratings">{escape(club.name)}</a>'
    )
    registrations = _panel("Registrations", ("Date", "Tournament", "Event"), [_fencers_row(row) for row in rows])
    return _document(
        f"""<div class="ranking-page person-page">
    <section class="club-shell person-shell"><section class="ranking-hero person-hero">
        <p class="ranking-eyebrow">Statistics Profile</p>
        <h1>{escape(who.name)}</h1>
        <div class="person-hero__clubs">{link}</div>
    </section>{_nav(f"/p/{who.id}/{escape(who.slug)}", ("", "/history", "/strength")) if own_links else ""}</section>
    <div class="club-shell__body person-shell__body">
    {registrations if rows else ""}
    {
            _panel(
                "Rating history",
                ("Weapon", "Rating", "Date"),
                [_tr("Foil", "U", _numeric(date(2024, 8, 3), "Aug 3, 2024"))],
            )
        }
    {
            _panel(
                "Results",
                ("Date", "Tournament", "Event", "Place"),
                [
                    _tr(
                        _numeric(date(2026, 5, 9), "May 9, 2026"),
                        "Harbour Cup",
                        '<a href="/event/41045/results">Cadet Women&rsquo;s Epee (CDTWE)</a>',
                        "7 of 40",
                    )
                ],
            )
        }
    </div></div>"""
    )


def club_2025(club: Club, rows: Sequence[Row]) -> bytes:
    """A club's page of 2025: a table per tournament, days without their year."""
    blocks = []
    for tournament, entered in _by_tournament(rows).items():
        lines = "\n".join(
            f"<tr><td>{_name(row.fencer)}</td><td>{_event(row)}</td><td>{'Withdrawn' if row.withdrawn else ''}</td>"
            f"<td>{'' if row.day is None else f'{row.day:%a, %b} {row.day.day}'}</td></tr>"
            for row in entered
        )
        fencers = len({row.fencer.id for row in entered})
        blocks.append(
            f"<h3>{escape(tournament)}</h3>\n<p>Location: Lakeside, OH [Add Link]</p>\n"
            f"<p>{len(entered)} entries by {fencers} club members</p>\n<table><thead><tr><th>Name</th><th>Event</th>"
            f"<th>Status</th><th>Date</th></tr></thead>\n<tbody>{lines}</tbody></table>"
        )
    return _document(
        f"""<h1>{escape(club.name)}</h1><h3>({escape(club.name)})</h3><h3>Club Contacts</h3>
<table><tr><th>Name</th><th>Role</th></tr><tr><td>Lindqvist, Maja</td><td>Coach</td></tr></table>
<h3>Tournaments</h3>
{"".join(blocks)}"""
    )


def club_2026(club: Club, rows: Sequence[Row], *, own_links: bool = True) -> bytes:
    """A club's page of 2026, by analogy with a fencer's: a panel per tournament, days in an attribute."""
    panels = [
        _panel(
            tournament,
            ("Date", "Name", "Event", "Status"),
            [
                _tr(
                    "<td></td>" if row.day is None else _numeric(row.day, f"{row.day:%b} {row.day.day}"),
                    _name(row.fencer),
                    _event(row),
                    "Withdrawn" if row.withdrawn else "",
                )
                for row in entered
            ],
        )
        for tournament, entered in _by_tournament(rows).items()
    ]
    return _document(
        f"""<div class="ranking-page club-page"><section class="club-shell">
<section class="ranking-hero club-hero"><h1>{escape(club.name)}</h1></section>
{_nav(f"/club/{club.id}/{club.slug}", ("/ratings", "/registrations")) if own_links else ""}</section>
<div class="club-shell__body">{"".join(panels)}</div></div>"""
    )


def roster(
    event: str, tournament: str, day: date | None, entered: Sequence[Fencer], clubs: Mapping[int, Club]
) -> bytes:
    """Who is registered for an event."""
    names = {number: club.name for number, club in clubs.items()}
    lines = [
        _tr(str(rank), _name(one), escape(names.get(one.club or 0, "")), "U", "1000", "900")
        for rank, one in enumerate(entered, start=1)
    ]
    shown = "Date to be announced" if day is None else f"{day:%A, %B} {day.day}, {day.year} at 2:00 PM"
    table = _panel("Registrations", ("Rank", "Name", "Club", "Rating", "Strength", "Conservative Estimate"), lines)
    return _document(f'<h1>{escape(event)}</h1><p class="ranking-subtitle">{escape(tournament)} | {shown}</p>{table}')


def login() -> bytes:
    return _document(
        '<h1>Log in</h1><form method="post" action="/login"><input type="email" name="email">'
        '<input type="password" name="password"><button>Log in</button></form>'
    )


def rebuilt() -> bytes:
    """Well-formed, and nothing where it was."""
    return _document('<main class="app"><div class="heading">Fencer</div><div class="grid" data-rows="3"></div></main>')


def not_found() -> bytes:
    return _document("<h1>Not Found</h1><p>The page you asked for is not here.</p>")


def _by_tournament(rows: Sequence[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.tournament, []).append(row)
    return grouped


def _nav(page: str, parts: Sequence[str]) -> str:
    links = "".join(f'<a class="nav-link" href="{page}{part}">{part or "Summary"}</a>' for part in parts)
    return f"<nav>{links}</nav>"


def _panel(title: str, columns: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(
        f'<th><button type="button" class="ranking-table__sort-button" data-ranking-sort="text">\n'
        f'<span>{column}</span>\n<i class="bi bi-arrow-down-up" aria-hidden="true"></i></button></th>'
        for column in columns
    )
    return f"""<section class="ranking-panel">
<div class="ranking-panel__header"><div class="ranking-panel__title-group">
<h2>{escape(title)}</h2></div></div><div class="table-responsive ranking-table-wrap">
<table class="table table-striped ranking-table" data-ranking-table><thead><tr>{head}</tr></thead>
<tbody>{"".join(rows)}</tbody></table></div></section>"""


def _fencers_row(row: Row) -> str:
    day = "<td></td>" if row.day is None else _numeric(row.day, f"{row.day:%b} {row.day.day}")
    return _tr(day, escape(row.tournament), _event(row))


def _tr(*cells: str) -> str:
    inner = "".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in cells)
    return f'<tr data-ranking-search="x">{inner}</tr>\n'


def _numeric(day: date, shown: str) -> str:
    return f'<td class="ranking-table__numeric" data-ranking-value="{day:%Y%m%d}">\n    {shown}\n</td>'


def _event(row: Row) -> str:
    return escape(row.event) if row.event_id is None else f'<a href="/event/{row.event_id}">{escape(row.event)}</a>'


def _name(who: Fencer) -> str:
    return (
        f'<a href="/p/{who.id}/{escape(who.slug)}">{escape(who.last_first)}</a>'
        if who.linked
        else escape(who.last_first)
    )


def _document(inner: str) -> bytes:
    page = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8" /><title>Fencing Tracker</title></head>
<body>
<nav class="navbar"><a class="navbar-brand" href="/">Fencing Tracker</a><a href="/topclubs/epee">Epee</a></nav>
{inner}
</body>
</html>"""
    return page.encode()
