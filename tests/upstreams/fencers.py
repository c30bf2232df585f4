"""The simulated fencingtracker.com: fencers' pages, clubs' pages and event rosters.

Options (`configure`): `layout` 2025 (a table per tournament, days without a year on clubs' pages) or 2026 (panels with
days in `data-ranking-value`); `login` off, redirect (to /login), form (the page itself) or elsewhere (another host);
`auto` makes up every fencer and club that is asked for, each with a registration or two; `slugs` redirects to the
page's own slug, as the site does; `own_links` has pages link themselves, as fencers' do.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from msgspec import Struct
from tests.upstreams import fencers_pages as pages
from tests.upstreams.fencers_pages import Club, Fencer, Registration
from tests.upstreams.site import Answer, Refused, Request, Site

HTML: Final = "text/html; charset=utf-8"
_FENCER: Final = re.compile(r"/p/([0-9]+)/([^/]+)")
_CLUB: Final = re.compile(r"/club/([0-9]+)/([^/]+)/registrations")
_EVENT: Final = re.compile(r"/event/([0-9]+)")
_LAYOUTS: Final = (2025, 2026)
_LOGINS: Final = ("off", "redirect", "form", "elsewhere")
_EVENTS: Final = (
    "Junior Women\u2019s Epee (JNRWE)",
    "Cadet Men\u2019s Foil (CDTMF)",
    "Youth 12 Men\u2019s Saber (Y12MS)",
    "Division I Women\u2019s Saber (DV1WS)",
)


class Event(Struct):
    """An event to come."""

    id: int
    name: str
    tournament: str
    day: date | None
    linked: bool = True
    """On clubs' pages."""


class FencersSite(Site):
    name = "fencers"

    def forget(self) -> None:
        self._fencers: dict[int, Fencer] = {}
        self._clubs: dict[int, Club] = {}
        self._events: dict[int, Event] = {}
        self._registered: dict[tuple[int, int], Registration] = {}
        self._options: dict[str, Any] = {
            "layout": 2026,
            "login": "off",
            "auto": False,
            "slugs": False,
            "own_links": True,
        }

    def configure(self, **options: Any) -> None:
        if unknown := set(options) - set(self._options):
            raise Refused(f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(self._options)}")
        if options.get("layout", 2026) not in _LAYOUTS or options.get("login", "off") not in _LOGINS:
            raise Refused(f"layouts are {_LAYOUTS}, logins {_LOGINS}")
        self._options |= options

    def actions(self) -> dict[str, Callable[..., Any]]:
        return {
            **super().actions(),
            "add_fencer": self.add_fencer,
            "add_club": self.add_club,
            "add_event": self.add_event,
            "register": self.register,
            "withdraw": self.withdraw,
            "move": self.move,
        }

    # ---- what a test can do ----

    def add_club(self, club: int, name: str) -> None:
        self._clubs[club] = Club(id=club, name=name)

    def add_fencer(self, fencer: int, name: str, club: int | None = None, *, linked: bool = True) -> None:
        """A fencer; one who is not `linked` stands on the club's page by name alone."""
        self._fencers[fencer] = Fencer(id=fencer, name=name, club=club, linked=linked)

    def add_event(self, event: int, name: str, tournament: str, day: str | None = None, *, linked: bool = True) -> None:
        """An event to come; `day` as 2026-07-05, none while it is open; `linked`: whether clubs' pages link it."""
        held_on = None if day is None else date.fromisoformat(day)
        self._events[event] = Event(event, name, tournament, held_on, linked)

    def register(self, fencer: int, event: int, *, on: str = "both") -> None:
        """Register; `on` says which pages tell it: both, fencer or club."""
        self._known(fencer, event)
        self._registered[fencer, event] = Registration(fencer=fencer, event=event, on=on)

    def withdraw(self, fencer: int, event: int, *, status: bool = False) -> None:
        """Gone from the pages; with `status` the club's page says Withdrawn instead."""
        self._known(fencer, event)
        if status:
            self._registered[fencer, event].withdrawn = True
        else:
            self._registered.pop((fencer, event), None)

    def move(self, event: int, day: str | None) -> None:
        """Give an event another day."""
        self._events[event].day = None if day is None else date.fromisoformat(day)

    # ---- the pages ----

    def answer(self, request: Request) -> Answer:
        if request.path == "/login" or self._options["login"] == "form":
            return _page(pages.login())
        if self._options["login"] != "off":
            to = (
                f"/login?next={request.path}"
                if self._options["login"] == "redirect"
                else "https://auth.example.org/login"
            )
            return Answer(status=302, content_type="text/plain", headers={"Location": to})
        if found := _FENCER.fullmatch(request.path):
            return self._fencer(int(found[1]), found[2], request)
        if found := _CLUB.fullmatch(request.path):
            return self._club(int(found[1]))
        if found := _EVENT.fullmatch(request.path):
            return self._event(int(found[1]), request)
        return self.missing(request)

    def changed(self, request: Request) -> Answer:
        return _page(pages.rebuilt())

    def missing(self, request: Request) -> Answer:
        return Answer(status=404, body=pages.not_found(), content_type=HTML)

    def _fencer(self, number: int, slug: str, request: Request) -> Answer:
        fencer = self._fencers.get(number) or self._made_up(number)
        if fencer is None:
            return self.missing(request)
        if self._options["slugs"] and slug != fencer.slug:
            return Answer(status=301, content_type="text/plain", headers={"Location": f"/p/{number}/{fencer.slug}"})
        rows = [
            pages.Row(fencer=fencer, event=event.name, event_id=event.id, tournament=event.tournament, day=event.day)
            for event in self._events_of(number, "fencer")
        ]
        club = self._clubs.get(fencer.club) if fencer.club is not None else None
        return _page(pages.fencer(fencer, club, rows, own_links=self._options["own_links"]))

    def _club(self, number: int) -> Answer:
        club = self._clubs.get(number)
        if club is None and self._options["auto"]:
            club = self._clubs[number] = Club(id=number, name=f"Club {number}")
            for member in (number * 10 + 1, number * 10 + 2):
                self._made_up(member, club=number)
        if club is None:
            return Answer(status=404, body=pages.not_found(), content_type=HTML)
        rows = [
            pages.Row(
                fencer=fencer,
                event=event.name,
                event_id=event.id if event.linked else None,
                tournament=event.tournament,
                day=event.day,
                withdrawn=self._registered[fencer.id, event.id].withdrawn,
            )
            for fencer in self._fencers.values()
            if fencer.club == number
            for event in self._events_of(fencer.id, "club")
        ]
        if self._options["layout"] == 2025:
            return _page(pages.club_2025(club, rows))
        return _page(pages.club_2026(club, rows, own_links=self._options["own_links"]))

    def _event(self, number: int, request: Request) -> Answer:
        event = self._events.get(number)
        if event is None:
            return self.missing(request)
        entered = [self._fencers[f] for f, e in self._registered if e == number]
        return _page(pages.roster(event.name, event.tournament, event.day, entered, self._clubs))

    def _events_of(self, fencer: int, page: str) -> list[Event]:
        return [
            self._events[registered.event]
            for registered in self._registered.values()
            if registered.fencer == fencer
            and registered.on in {"both", page}
            and not (page == "fencer" and registered.withdrawn)
        ]

    def _made_up(self, number: int, club: int | None = None) -> Fencer | None:
        """With the option `auto`: always the same fencer for a number, registered for an event or two."""
        if not self._options["auto"]:
            return None
        if number in self._fencers:
            return self._fencers[number]
        seed = int.from_bytes(hashlib.blake2b(f"{self.seed}:{number}".encode(), digest_size=4).digest(), "big")
        self.add_fencer(number, pages.name_of(seed), club)
        for turn in range(1 + seed % 2):
            event = 20_000 + (seed + turn * 7) % 40
            if event not in self._events:
                day = self.clock().date() + timedelta(days=30 + event % 60)
                self.add_event(event, _EVENTS[event % 4], f"Lakeside Open {event % 10}", day.isoformat())
            self.register(number, event)
        return self._fencers[number]

    def _known(self, fencer: int, event: int) -> None:
        if fencer not in self._fencers or event not in self._events:
            raise Refused(f"no such fencer or event: {fencer}, {event}")


def _page(body: bytes) -> Answer:
    return Answer(body=body, content_type=HTML)
