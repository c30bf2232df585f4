"""Links that people paste, keys of targets, and addresses of pages. Pure."""

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
"""Maximum number of digits."""
NAMELESS: Final = "x"
"""The slug while the real one is unknown; the site accepts any slug that is not empty."""
_HOSTS: Final = frozenset({"fencingtracker.com", "www.fencingtracker.com"})
_DIGITS: Final = re.compile(rf"[0-9]{{1,{MAX_ID_LENGTH}}}")
_FENCER: Final = re.compile(rf"/p/([0-9]{{1,{MAX_ID_LENGTH}}})(?:/([^/]+))?(?:/[^/]*)?/?")
_CLUB: Final = re.compile(rf"/club/([0-9]{{1,{MAX_ID_LENGTH}}})/([^/]+)(?:/[^/]*)?/?")
_SLUG: Final = re.compile(r"[^\w.~-]+")


class SubjectKind(StrEnum):
    """Kinds of followed subjects; each has its own page."""

    FENCER = "fencer"
    CLUB = "club"


@dataclass(frozen=True, slots=True)
class Reference:
    """A fencer or a club by its number on the site."""

    kind: SubjectKind
    upstream_id: int
    slug: str = NAMELESS
    """Slug of the fetched address, as it was pasted; links that people see have the slug of the page itself."""

    @property
    def key(self) -> str:
        """Key of its target."""
        return f"{self.kind}:{self.upstream_id}"

    @property
    def address(self) -> str:
        """Path of the page with the registrations."""
        if self.kind is SubjectKind.FENCER:
            return f"/p/{self.upstream_id}/{self.slug}"
        return f"/club/{self.upstream_id}/{self.slug}/registrations"


def parse_reference(kind: SubjectKind, pasted: str) -> Reference:
    """Parse digits or a pasted link. Raises BadReference, which says what to paste instead."""
    text = pasted.strip()
    if _DIGITS.fullmatch(text):
        return _reference(kind, text, None, pasted)
    if len(text) > MAX_LINK_LENGTH:
        raise _bad(kind, pasted)
    path = _path_of(text)
    match = (_FENCER if kind is SubjectKind.FENCER else _CLUB).fullmatch(path) if path is not None else None
    if match is None:
        raise _bad(kind, pasted)
    return _reference(kind, match[1], match[2], pasted)


def read_key(key: str) -> Reference:
    """Parse the key of a target (fencer:100000001) or a pasted link of either kind. Raises BadReference."""
    kind, colon, digits = key.partition(":")
    if colon and kind in set(SubjectKind) and _DIGITS.fullmatch(digits):
        return _reference(SubjectKind(kind), digits, None, key)
    path = _path_of(key.strip()) or ""
    return parse_reference(SubjectKind.CLUB if path.startswith("/club/") else SubjectKind.FENCER, key)


def page_url(kind: SubjectKind, upstream_id: int, slug: str = NAMELESS) -> str:
    """Return the address of the page for people."""
    return f"{SITE}{Reference(kind, upstream_id, slug).address}"


def event_url(upstream_id: int | None) -> str | None:
    """Return the address of an upcoming event; past events have other ids."""
    return None if upstream_id is None else f"{SITE}/event/{upstream_id}"


def slug_in(href: str, kind: SubjectKind, upstream_id: int) -> str | None:
    """Return the slug in a link to this fencer or club; None for a link to another one, or without a slug."""
    path = _path_of(href.strip()) or ""
    match = (_FENCER if kind is SubjectKind.FENCER else _CLUB).fullmatch(path)
    if match is None or int(match[1]) != upstream_id:
        return None
    slug = _clean(match[2])
    return None if slug == NAMELESS else slug


def _path_of(text: str) -> str | None:
    """Return the path of a link to the site, with or without scheme and host; None for another site."""
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


def _reference(kind: SubjectKind, digits: str, slug: str | None, pasted: str) -> Reference:
    number = int(digits)
    if number == 0:
        raise _bad(kind, pasted)
    return Reference(kind, number, _clean(slug))


def _clean(slug: str | None) -> str:
    return quote(_SLUG.sub("-", words(unquote(slug or ""))).strip("-.")[:80]) or NAMELESS


def _bad(kind: SubjectKind, pasted: str) -> BadReference:
    expected = (
        "the fencer's number, or the link of their page, https://fencingtracker.com/p/100000001/First-Last"
        if kind is SubjectKind.FENCER
        else "the club's number, or the link of its page, https://fencingtracker.com/club/100000900/Name/registrations"
    )
    return BadReference(f"This is not a {kind}; enter {expected}.", extra={"given": words(pasted)[:100]})
