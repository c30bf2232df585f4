"""What comes instead of a profile, and whose fault it is.

The site's own word counts before the status: an `errors[0].code` says what is wrong with the *player*. Only that code
concludes that a player is gone; a bare or HTML 404 means that the route is not where we know it (wrong base address,
or the site moved it), which is a changed page for the operator to look at, not a thousand players gone at once.
"""

from typing import Final, NoReturn

import msgspec
from msgspec import Struct

from shared.scraping.failures import (
    Blocked,
    HostUnavailable,
    PageChanged,
    TargetNotFound,
    TargetPrivate,
    Throttled,
)
from shared.scraping.pages import HTTP_OK, REFUSED, THROTTLE_WORDS, TOO_MANY, is_json, line_of, raise_for_page, title_of

_COME_BACK: Final = frozenset({408, 425})
_GONE: Final = frozenset({404, 410})
_SERVER_ERROR: Final = 500


class _SiteError(Struct):
    code: str | None = None
    message: str | None = None


class _Refusal(Struct):
    errors: list[_SiteError] | None = None
    message: str | None = None


_refusal_decoder: Final = msgspec.json.Decoder(_Refusal)


def raise_for_answer(status: int, content_type: str | None, body: bytes) -> None:
    """Return if an answer may be parsed; else raise the ScrapeFailure that it means. Retry-After is the fetcher's."""
    if status == HTTP_OK and body.startswith(b"{"):
        return  # what JSON says inside is the parser's
    if is_json(body):
        raise_for_messages(body, status)
        if status == HTTP_OK:
            return
        what = _message_of(body)
    else:
        what = title_of(body)
        raise_for_page(status, body)
    kind = f" ({content_type})" if content_type and not what else ""
    _raise_for_status(status, what, kind)


def raise_for_messages(body: bytes, status: int = HTTP_OK) -> None:
    """Raise what a JSON body's `errors` or `message` mean, whatever the status; return where they say nothing known."""
    try:
        refusal = _refusal_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for error in refusal.errors or ():
        code = (error.code or "").rpartition("::")[2]
        said = line_of(error.message or error.code or "")
        if code == "NotFound" and status < _SERVER_ERROR:
            raise TargetNotFound(f"the site knows no such player: {said}", http_status=status)
        if code == "Private":
            raise TargetPrivate(f"the player hides the profile: {said}", http_status=status)
        if code == "ExternalError":
            raise HostUnavailable(f"the site cannot reach the game: {said}", http_status=status)
    if any(words in (refusal.message or "").lower() for words in THROTTLE_WORDS):
        raise Throttled(f"the site counts too many requests: {line_of(refusal.message or '')}", http_status=status)


def raise_for_200(body: bytes) -> NoReturn:
    """Raise what a body means that came with status 200 and is no JSON."""
    raise_for_page(HTTP_OK, body)
    _raise_for_status(HTTP_OK, title_of(body), "")


def _raise_for_status(status: int, what: str, kind: str) -> NoReturn:
    said = f': "{what}"' if what else kind
    if status == TOO_MANY:
        raise Throttled(f"the site counts too many requests{said}", http_status=status)
    if status in REFUSED:
        raise Blocked(f"the site refuses us with {status}{said}", http_status=status)
    if status >= _SERVER_ERROR or status in _COME_BACK:
        raise HostUnavailable(f"the site answers {status}{said}", http_status=status)
    if status in _GONE:
        raise PageChanged(
            f"the site answers {status} without saying that the player is missing: is the base address right?{said}",
            http_status=status,
        )
    if status == HTTP_OK and not what:
        raise HostUnavailable("the site answers with an empty body", http_status=status)
    raise PageChanged(f"the site answers {status} with something unknown{said}", http_status=status)


def _message_of(body: bytes) -> str:
    try:
        refusal = _refusal_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line_of(body[:400].decode("utf-8", "replace"))
    said = [text for error in refusal.errors or () for text in (error.code, error.message)]
    return line_of(" ".join(text for text in (*said, refusal.message) if text))
