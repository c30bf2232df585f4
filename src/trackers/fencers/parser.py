"""Parser of fencingtracker.com: pages -> registrations. Pure; columns are found by their header texts.

An upcoming event on a page that the parser did not read raises PageChanged, so that a changed page is never mistaken
for an empty page.

Two layouts: a table per tournament under its heading (2025), and panels with dates in `data-ranking-value` (2026). The
club's page of 2026 is unknown; it is read in the same way as the fencer's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser, LexborNode

from shared.scraping.failures import PageChanged
from trackers.fencers.dates import DateUnreadableError, read_day
from trackers.fencers.links import SubjectKind, slug_in
from trackers.fencers.names import fold, fold_person, shown_person, words
from trackers.fencers.weapons import Weapon, code_of, weapon_of

MAX_ROWS: Final = 5_000
REGISTRATIONS: Final = "registrations"
_EVENT: Final = re.compile(r"(?:https?://[^/]+)?/event/([0-9]{1,15})/?(?:[?#].*)?")
_RESULTS: Final = re.compile(r"(?:https?://[^/]+)?/event/[0-9]+/results/?(?:[?#].*)?")
_PERSON: Final = re.compile(r"(?:https?://[^/]+)?/p/([0-9]{1,15})(?:/[^/?#]*)?/?(?:[?#].*)?")
_CLUB: Final = re.compile(r"(?:https?://[^/]+)?/club/([0-9]{1,15})/.*")
_ENTRIES: Final = re.compile(r"([0-9]{1,6}) entries by [0-9]+")
_PASSWORD_FIELD: Final = re.compile(rb"""<input\b[^>]{0,500}\btype\s{0,9}=\s{0,9}["']?password\b""", re.IGNORECASE)
_FENCER_OR_CLUB: Final = re.compile(rb"""<table\b|\bclass=["'][^"'>]{0,200}\bperson-page\b""", re.IGNORECASE)
_COLUMNS: Final[Mapping[str, str]] = {
    "name": "name",
    "fencer": "name",
    "athlete": "name",
    "event": "event",
    "date": "date",
    "tournament": "tournament",
    "competition": "tournament",
    "status": "status",
}
_NO_TOURNAMENT: Final = frozenset({"tournaments", "registrations", "upcoming tournaments", "club contacts", "contacts"})
_WITHDRAWN: Final = frozenset({"withdrawn", "withdrew", "scratched", "cancelled", "canceled"})
_OWN_ADDRESS: Final = (('link[rel="canonical"]', "href"), ('meta[property="og:url"]', "content"), ("a[href]", "href"))
_HEADINGS: Final = frozenset({"h2", "h3", "h4"})


class PageEntry(Struct, frozen=True, kw_only=True):
    """A fencer in an upcoming event, as a page lists it."""

    fencer_id: int | None
    """Number on the site; None if the page does not link the fencer."""
    fencer: str
    """Name, first name first."""
    fencer_slug: str | None = None
    """Slug in the page's link to the fencer."""
    tournament: str
    event_id: int | None
    event: str
    """Name with the code."""
    code: str | None
    weapon: Weapon | None
    day: date | None
    """None while the day is open."""
    year_told: bool


class FencerPage(Struct, frozen=True, kw_only=True):
    """A fencer with their registrations."""

    name: str
    slug: str | None = None
    """Slug that the page gives as its own; None if it gives none."""
    club_id: int | None
    club_slug: str | None = None
    entries: Sequence[PageEntry]


class ClubPage(Struct, frozen=True, kw_only=True):
    """A club with the registrations of its members."""

    name: str
    slug: str | None = None
    entries: Sequence[PageEntry]
    tables: int
    """Number of tables of registrations; 0 if nobody is registered, or if the layout has changed."""


def parse_fencer(body: bytes, *, upstream_id: int, today: date) -> FencerPage:
    """Parse a fencer's page; without a section of registrations there are none. Raises PageChanged."""
    tree = _tree(body)
    name = _title(tree)
    if tree.css_first(".person-page, .person-shell, .person-hero") is None:
        raise PageChanged("this is not a fencer's page: the elements that identify such a page are missing")
    read = _Reading(tree, today)
    tables = [table for table in _tables(tree) if table.heading and fold(table.heading.text()) == REGISTRATIONS]
    if not tables and any(fold(words(node.text())) == REGISTRATIONS for node in tree.css("h2, h3")):
        raise PageChanged("the section of registrations has no table")
    for table in tables:
        columns = _columns(table.node)
        if missing := {"date", "tournament", "event"} - columns.keys():
            raise PageChanged(f"the registrations have no column {', '.join(sorted(missing))}")
        for cells in _rows(table.node, columns):
            read.entry(
                cells, columns, tournament=words(cells[columns["tournament"]].text()), fencer=(upstream_id, name)
            )
    read.check_nothing_missed()
    club_id, club_slug = _club_of(tree)
    return FencerPage(
        name=name,
        slug=_own_slug(tree, SubjectKind.FENCER, upstream_id),
        club_id=club_id,
        club_slug=club_slug,
        entries=read.entries,
    )


def parse_club(body: bytes, *, upstream_id: int, today: date) -> ClubPage:
    """Parse a club's page of registrations. Raises PageChanged."""
    tree = _tree(body)
    name = _title(tree)
    read = _Reading(tree, today)
    seen: set[int] = set()
    tables = 0
    for table in _tables(tree):
        columns = _columns(table.node)
        if not {"name", "event"} <= columns.keys():
            continue  # contacts and the like; events of an unknown table of registrations raise below
        if "date" not in columns:
            raise PageChanged("the registrations have no column date")
        heading = None if "tournament" in columns else _tournament(table, seen)
        tables += 1
        before = read.rows
        for cells in _rows(table.node, columns):
            _entry_of_club(read, cells, columns, heading)
        if table.announced and read.rows == before:
            raise PageChanged(f"{table.announced} entries are announced, but the table has none")
    read.check_nothing_missed()
    if not tables and not _looks_like_a_club(tree):
        raise PageChanged(
            "this is not a club's page: registrations and the elements that identify such a page are missing"
        )
    return ClubPage(name=name, slug=_own_slug(tree, SubjectKind.CLUB, upstream_id), entries=read.entries, tables=tables)


def asks_to_log_in(body: bytes) -> bool:
    """True if a page is a login form, and neither a fencer nor a club."""
    return _PASSWORD_FIELD.search(body) is not None and _FENCER_OR_CLUB.search(body) is None


class _Table(Struct):
    """A table with its heading and the number of entries that is announced between the two."""

    node: LexborNode
    heading: LexborNode | None
    announced: int


class _Reading:
    """Collects what is read from a page."""

    def __init__(self, tree: LexborHTMLParser, today: date) -> None:
        self._tree = tree
        self._today = today
        self._entries: dict[object, PageEntry] = {}
        self._links: set[int] = set()
        self._coded = 0
        self.rows = 0

    @property
    def entries(self) -> list[PageEntry]:
        """Entries without duplicates, because a page may repeat them."""
        return list(self._entries.values())

    def entry(
        self,
        cells: Sequence[LexborNode],
        columns: Mapping[str, int],
        *,
        tournament: str,
        fencer: tuple[int | None, str],
        slug: str | None = None,
    ) -> None:
        """Read a row. Raises PageChanged."""
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise PageChanged(f"more than {MAX_ROWS} registrations on one page")
        event_cell, date_cell = cells[columns["event"]], cells[columns["date"]]
        event, hrefs = words(event_cell.text()), _hrefs(event_cell)
        if any(_RESULTS.fullmatch(href) for href in hrefs):
            return  # a past event; its number is of another range
        numbers = [int(match[1]) for href in hrefs if (match := _EVENT.fullmatch(href))]
        if (hrefs and not numbers) or not event or not tournament or not fencer[1]:
            raise PageChanged(f"a registration lacks its event, tournament or fencer: {words(event)[:60]!r}")
        self._links.update(numbers)
        self._coded += code_of(event) is not None
        if "status" in columns and fold(cells[columns["status"]].text()) in _WITHDRAWN:
            return
        try:
            day = read_day(date_cell.text(), packed=date_cell.attributes.get("data-ranking-value"), today=self._today)
        except DateUnreadableError as error:
            raise PageChanged(f"a date cannot be read: {error}") from error
        parsed = PageEntry(
            fencer_id=fencer[0],
            fencer=fencer[1],
            fencer_slug=slug,
            tournament=tournament,
            event_id=numbers[0] if numbers else None,
            event=event,
            code=code_of(event),
            weapon=weapon_of(event),
            day=day.on,
            year_told=day.year_told,
        )
        self._entries.setdefault(identity_of(parsed), parsed)

    def check_nothing_missed(self) -> None:
        """Raise PageChanged unless every upcoming event that the page links or names has been read."""
        linked = {
            int(match[1])
            for node in self._tree.css("a[href]")
            if (match := _EVENT.fullmatch((node.attributes.get("href") or "").strip()))
        }
        if missed := linked - self._links:
            raise PageChanged(f"{len(missed)} events are linked outside of the known tables: {sorted(missed)[:3]}")
        named = _codes_to_come(self._tree)
        if len(named) > self._coded:
            count = len(named) - self._coded
            raise PageChanged(f"{count} events are named outside of the known tables: {named[:3]}")


def identity_of(entry: PageEntry) -> object:
    """Return what identifies a registration: fencer and event by number, or else by folded names and day."""
    fencer = entry.fencer_id if entry.fencer_id is not None else fold_person(entry.fencer)
    if entry.event_id is not None:
        return fencer, entry.event_id
    return fencer, fold(entry.tournament), entry.code or fold(entry.event), entry.day


def _tree(body: bytes) -> LexborHTMLParser:
    if b"</html>" not in body[-4096:].lower():
        raise PageChanged("the page is cut off, or is not HTML")
    return LexborHTMLParser(body)


def _title(tree: LexborHTMLParser) -> str:
    node = tree.css_first("h1")
    name = words(node.text()) if node is not None else ""
    if not name:
        raise PageChanged("the page has no title (h1)")
    return name


def _tables(tree: LexborHTMLParser) -> Iterator[_Table]:
    """Yield the tables in their order, each with the last heading before it."""
    heading, announced = None, 0
    if tree.body is None:
        return
    for node in tree.body.traverse():
        if node.tag in _HEADINGS:
            heading, announced = node, 0
        elif node.tag == "p" and (match := _ENTRIES.search(words(node.text()))):
            announced = int(match[1])
        elif node.tag == "table":
            yield _Table(node=node, heading=heading, announced=announced)
            announced = 0


def _columns(table: LexborNode) -> dict[str, int]:
    """Return column -> position by the texts of the header; of two equal texts the first counts."""
    header = table.css_first("tr")
    columns: dict[str, int] = {}
    if header is not None:
        for position, cell in enumerate(_cells(header)):
            known = _COLUMNS.get(fold(words(cell.text())))
            if known is not None:
                columns.setdefault(known, position)
    return columns


def _rows(table: LexborNode, columns: Mapping[str, int]) -> Iterator[list[LexborNode]]:
    """Yield the cells of each row below the header. Raises PageChanged if a row is too short."""
    for row in table.css("tr")[1:]:
        cells = _cells(row)
        if len(cells) == 1 and fold(cells[0].text()).startswith("no ") and not _hrefs(cells[0]):
            continue  # "No registrations yet"
        if len(cells) <= max(columns.values()):
            raise PageChanged("a row of the registrations is shorter than the header")
        yield cells


def _cells(row: LexborNode) -> list[LexborNode]:
    return [cell for cell in row.iter() if cell.tag in {"td", "th"}]


def _entry_of_club(
    read: _Reading, cells: Sequence[LexborNode], columns: Mapping[str, int], heading: str | None
) -> None:
    cell = cells[columns["name"]]
    hrefs = _hrefs(cell)
    numbers = [int(match[1]) for href in hrefs if (match := _PERSON.fullmatch(href))]
    slugs = (slug_in(href, SubjectKind.FENCER, numbers[0]) for href in hrefs) if numbers else iter(())
    read.entry(
        cells,
        columns,
        tournament=heading if heading is not None else words(cells[columns["tournament"]].text()),
        fencer=(numbers[0] if numbers else None, shown_person(cell.text())),
        slug=next((slug for slug in slugs if slug), None),
    )


def _tournament(table: _Table, seen: set[int]) -> str:
    """Return the tournament's name above a table: a heading of its own. Raises PageChanged."""
    if table.heading is None:
        raise PageChanged("a table of registrations has no heading with a tournament")
    name = words(table.heading.text())
    if table.heading.mem_id in seen or fold(name) in _NO_TOURNAMENT or not fold(name):
        raise PageChanged(
            f"a table of registrations has the heading {name[:60]!r}, which does not name a separate tournament"
        )
    seen.add(table.heading.mem_id)
    return name


def _codes_to_come(tree: LexborHTMLParser) -> list[str]:
    """Return the codes of events in the text of the page, except those that link to results."""
    if tree.body is None:
        return []
    codes = []
    for node in tree.body.traverse(include_text=True):
        if node.tag == "-text" and (code := code_of(node.text())) is not None:
            link = node.parent.attributes.get("href") if node.parent is not None and node.parent.tag == "a" else None
            if link is None or not _RESULTS.fullmatch(link.strip()):
                codes.append(code)
    return codes


def _hrefs(node: LexborNode) -> list[str]:
    return [(link.attributes.get("href") or "").strip() for link in node.css("a")]


def _club_of(tree: LexborHTMLParser) -> tuple[int | None, str | None]:
    """Return the number and slug of a fencer's club."""
    link = tree.css_first("a.person-hero__club-link")
    href = (link.attributes.get("href") or "").strip() if link is not None else ""
    match = _CLUB.fullmatch(href)
    return (int(match[1]), slug_in(href, SubjectKind.CLUB, int(match[1]))) if match else (None, None)


def _own_slug(tree: LexborHTMLParser, kind: SubjectKind, upstream_id: int) -> str | None:
    """Return the slug of the page's own address, or else of its first link to itself."""
    for selector, attribute in _OWN_ADDRESS:
        for node in tree.css(selector):
            if slug := slug_in(node.attributes.get(attribute) or "", kind, upstream_id):
                return slug
    return None


def _looks_like_a_club(tree: LexborHTMLParser) -> bool:
    headings = {fold(words(node.text())) for node in tree.css("h2, h3, h4")}
    return bool(headings & _NO_TOURNAMENT) or tree.css_first('[class^="club-"], [class*=" club-"]') is not None
