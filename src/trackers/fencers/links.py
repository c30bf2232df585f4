"""What people paste, what a target is called, and where its page is. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from trackers.fencers.errors import BadReference
from trackers.fencers.names import words
from trackers.fencers.settings import SITE

SOURCE: Final = "fencers"
MAX_LINK_LENGTH: Final = 500
MAX_ID_LENGTH: Final = 15
"""Digits."""
NAMELESS: Final = "x"
"""The slug while no page has told one; the site takes any that is not empty."""
_HOSTS: Final = frozenset({"fencingtracker.com", "www.fencingtracker.com"})
_DIGITS: Final = re.compile(rf"[0-9]{{1,{MAX_ID_LENGTH}}}")
_FENCER: Final = re.compile(rf"/p/([0-9]{{1,{MAX_ID_LENGTH}}})(?:/([^/]+))?(?:/[^/]*)?/?")
_CLUB: Final = re.compile(rf"/club/([0-9]{{1,{MAX_ID_LENGTH}}})/([^/]+)(?:/[^/]*)?/?")
_SLUG: Final = re.compile(r"[^\w.~-]+")


class SubjectKind(StrEnum):
    """What is followed; each has a page of its own."""

    FENCER = "fencer"
    CLUB = "club"


@dataclass(frozen=True, slots=True)
class Reference:
    """A fencer or a club, as the site numbers them."""

    kind: SubjectKind
    upstream_id: int
    slug: str = NAMELESS
    """Of the address that is asked for, as it was pasted; links that people are shown have the page's own."""

    @property
    def key(self) -> str:
        """Of its target."""
        return f"{self.kind}:{self.upstream_id}"

    @property
    def address(self) -> str:
        """Path of the page that tells the registrations."""
        if self.kind is SubjectKind.FENCER:
            return f"/p/{self.upstream_id}/{self.slug}"
        return f"/club/{self.upstream_id}/{self.slug}/registrations"


def parse_reference(kind: SubjectKind, pasted: str) -> Reference:
    """A fencer or club from bare digits or a pasted link. Raises BadReference, saying what to paste instead."""
    text = pasted.strip()
    if _DIGITS.fullmatch(text):
        return _made(kind, text, None, pasted)
    if len(text) > MAX_LINK_LENGTH:
        raise _bad(kind, pasted)
    path = _path_of(text)
    found = (_FENCER if kind is SubjectKind.FENCER else _CLUB).fullmatch(path) if path is not None else None
    if found is None:
        raise _bad(kind, pasted)
    return _made(kind, found[1], found[2], pasted)


def read_key(key: str) -> Reference:
    """A target's key (fencer:100000001) or a pasted link of either kind. Raises BadReference."""
    kind, colon, digits = key.partition(":")
    if colon and kind in set(SubjectKind) and _DIGITS.fullmatch(digits):
        return _made(SubjectKind(kind), digits, None, key)
    path = _path_of(key.strip()) or ""
    return parse_reference(SubjectKind.CLUB if path.startswith("/club/") else SubjectKind.FENCER, key)


def page_url(kind: SubjectKind, upstream_id: int, slug: str = NAMELESS) -> str:
    """Where people look it up."""
    return f"{SITE}{Reference(kind, upstream_id, slug).address}"


def event_url(upstream_id: int | None) -> str | None:
    """Of an event that is still to come; past ones have other ids."""
    return None if upstream_id is None else f"{SITE}/event/{upstream_id}"


def slug_in(href: str, kind: SubjectKind, upstream_id: int) -> str | None:
    """The slug by which a link of the site names a fencer or club; None for another's, and where it names none."""
    path = _path_of(href.strip()) or ""
    found = (_FENCER if kind is SubjectKind.FENCER else _CLUB).fullmatch(path)
    if found is None or int(found[1]) != upstream_id:
        return None
    slug = _clean(found[2])
    return None if slug == NAMELESS else slug


def _path_of(text: str) -> str | None:
    """The path of a link to the site, with or without scheme and host; None for another site's."""
    if text.startswith("/") and not text.startswith("//"):
        return text.partition("?")[0].partition("#")[0]
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or host not in _HOSTS or parts.username is not None:
        return None
    return parts.path


def _made(kind: SubjectKind, digits: str, slug: str | None, pasted: str) -> Reference:
    number = int(digits)
    if number == 0:
        raise _bad(kind, pasted)
    return Reference(kind, number, _clean(slug))


def _clean(slug: str | None) -> str:
    return quote(_SLUG.sub("-", words(unquote(slug or ""))).strip("-.")[:80]) or NAMELESS


def _bad(kind: SubjectKind, pasted: str) -> BadReference:
    wanted = (
        "the fencer's number, or the link of their page, https://fencingtracker.com/p/100000001/First-Last"
        if kind is SubjectKind.FENCER
        else "the club's number, or the link of its page, https://fencingtracker.com/club/100000900/Name/registrations"
    )
    return BadReference(f"This names no {kind}; give {wanted}.", extra={"given": words(pasted)[:100]})
