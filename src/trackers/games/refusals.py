"""What comes instead of a profile, and whose fault it is.

The site's own word counts before the status: an `errors[0].code` says what is wrong with the *player*. Only that code
concludes that a player is gone; a bare or HTML 404 means that the route is not where we know it (wrong base address,
or the site moved it), which is a changed page for the operator to look at, not a thousand players gone at once.
A page of HTML where JSON belongs is a block, whatever its status, unless it is a plain 5xx.
The content type decides nothing: sites send JSON as text/html and block pages as application/json.
"""

from typing import Final, NoReturn

import msgspec
from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser

from shared.scraping.failures import (
    Blocked,
    HostUnavailable,
    PageChanged,
    ScrapeFailure,
    TargetNotFound,
    TargetPrivate,
    Throttled,
)

_OK: Final = 200
_REFUSED: Final = frozenset({401, 403, 451, 1020})
"""1020 is a firewall's own number; some proxies hand it on as the status."""
_COME_BACK: Final = frozenset({408, 425})
_GONE: Final = frozenset({404, 410})
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500

_THROTTLE_WORDS: Final = ("you are being rate limited", "rate limit exceeded", "too many requests", "error 1015")
_BLOCK_WORDS: Final = ("access denied", "just a moment", "attention required", "error 1020", "checking your browser")
_LOOKED_AT: Final = 65_536
"""Bytes of a page that are searched for its meaning; block pages are small."""


class _SiteError(Struct):
    code: str | None = None
    message: str | None = None


class _Refusal(Struct):
    errors: list[_SiteError] | None = None
    message: str | None = None


_refusal_decoder: Final = msgspec.json.Decoder(_Refusal)


def raise_for_answer(status: int, content_type: str | None, body: bytes) -> None:
    """Return if an answer may be parsed; else raise the ScrapeFailure that it means. Retry-After is the fetcher's."""
    if status == _OK and body.startswith(b"{"):
        return  # what JSON says inside is the parser's
    if is_json(body):
        raise_for_messages(body, status)
        if status == _OK:
            return
        what = _message_of(body)
    else:
        what = _title_of(body)
        _raise_for_page(status, what, body)
    kind = f" ({content_type})" if content_type and not what else ""
    _raise_for_status(status, what, kind)


def raise_for_messages(body: bytes, status: int = _OK) -> None:
    """Raise what a JSON body's `errors` or `message` mean, whatever the status; return where they say nothing known."""
    try:
        refusal = _refusal_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for error in refusal.errors or ():
        code = (error.code or "").rpartition("::")[2]
        said = _line(error.message or error.code or "")
        if code == "NotFound" and status < _SERVER_ERROR:
            raise TargetNotFound(f"the site knows no such player: {said}", http_status=status)
        if code == "Private":
            raise TargetPrivate(f"the player hides the profile: {said}", http_status=status)
        if code == "ExternalError":
            raise HostUnavailable(f"the site cannot reach the game: {said}", http_status=status)
    if any(words in (refusal.message or "").lower() for words in _THROTTLE_WORDS):
        raise Throttled(f"the site counts too many requests: {_line(refusal.message or '')}", http_status=status)


def raise_for_page(body: bytes) -> NoReturn:
    """Raise what a body means that came with status 200 and is no JSON."""
    title = _title_of(body)
    _raise_for_page(_OK, title, body)
    _raise_for_status(_OK, title, "")


def is_json(body: bytes) -> bool:
    """Whether a body begins as JSON does."""
    return body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def _raise_for_page(status: int, title: str, body: bytes) -> None:
    text = body[:_LOOKED_AT].decode("utf-8", "replace").lower()
    failure: type[ScrapeFailure]
    if status == _TOO_MANY or any(words in text for words in _THROTTLE_WORDS):
        failure, means = Throttled, "the site counts too many requests"
    elif any(words in text for words in _BLOCK_WORDS) or (_is_html(text) and (status == _OK or status in _REFUSED)):
        failure, means = Blocked, "the site shows a page to browsers instead of an answer"
    else:
        return
    raise failure(f'{means}: "{title}"' if title else means, http_status=status)


def _raise_for_status(status: int, what: str, kind: str) -> NoReturn:
    said = f': "{what}"' if what else kind
    if status == _TOO_MANY:
        raise Throttled(f"the site counts too many requests{said}", http_status=status)
    if status in _REFUSED:
        raise Blocked(f"the site refuses us with {status}{said}", http_status=status)
    if status >= _SERVER_ERROR or status in _COME_BACK:
        raise HostUnavailable(f"the site answers {status}{said}", http_status=status)
    if status in _GONE:
        raise PageChanged(
            f"the site answers {status} without saying that the player is missing: is the base address right?{said}",
            http_status=status,
        )
    if status == _OK and not what:
        raise HostUnavailable("the site answers with an empty body", http_status=status)
    raise PageChanged(f"the site answers {status} with something unknown{said}", http_status=status)


def _is_html(text: str) -> bool:
    start = text.lstrip("\ufeff \t\r\n")[:512]
    return start.startswith("<") and ("<html" in start or "<!doctype" in start or "<head" in start or "<body" in start)


def _message_of(body: bytes) -> str:
    try:
        refusal = _refusal_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _line(body[:400].decode("utf-8", "replace"))
    said = [text for error in refusal.errors or () for text in (error.code, error.message)]
    return _line(" ".join(text for text in (*said, refusal.message) if text))


def _title_of(body: bytes) -> str:
    """A page's title, else its first words."""
    page = body[:_LOOKED_AT]
    if not page.strip():
        return ""
    title = LexborHTMLParser(page).css_first("title") if b"<" in page else None
    return _line(title.text() if title is not None else page.decode("utf-8", "replace"))


def _line(text: str) -> str:
    shown = " ".join("".join(character if character.isprintable() else " " for character in text[:1000]).split())
    return shown if len(shown) <= 160 else f"{shown[:159]}…"  # noqa: PLR2004 -- as long as a line of a report
