"""Maps answers that are not a profile to the ScrapeFailure that they mean.

The error in the body counts before the status: `errors[0].code` says what is wrong with the *player*. Only this code
marks a player as gone. A bare or HTML 404 means that the route has moved or the base address is wrong: this is a
changed page, which the operator checks, and not a thousand missing players.
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
    """Return if the answer may be parsed, else raise the ScrapeFailure it means. The fetcher handles Retry-After."""
    if status == HTTP_OK and body.startswith(b"{"):
        return  # the parser handles errors inside JSON
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
    """Raise the failure that `errors` or `message` of a JSON body mean, for any status; return if they are unknown."""
    try:
        refusal = _refusal_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for error in refusal.errors or ():
        code = (error.code or "").rpartition("::")[2]
        message = line_of(error.message or error.code or "")
        if code == "NotFound" and status < _SERVER_ERROR:
            raise TargetNotFound(f"the site has no such player: {message}", http_status=status)
        if code == "Private":
            raise TargetPrivate(f"the player hides the profile: {message}", http_status=status)
        if code == "ExternalError":
            raise HostUnavailable(f"the site cannot reach the game: {message}", http_status=status)
    if any(words in (refusal.message or "").lower() for words in THROTTLE_WORDS):
        raise Throttled(
            f"the site says that we sent too many requests: {line_of(refusal.message or '')}", http_status=status
        )


def raise_for_200(body: bytes) -> NoReturn:
    """Raise the failure that a body with status 200 means if it is not JSON."""
    raise_for_page(HTTP_OK, body)
    _raise_for_status(HTTP_OK, title_of(body), "")


def _raise_for_status(status: int, what: str, kind: str) -> NoReturn:
    detail = f': "{what}"' if what else kind
    if status == TOO_MANY:
        raise Throttled(f"the site says that we sent too many requests{detail}", http_status=status)
    if status in REFUSED:
        raise Blocked(f"the site refuses us with {status}{detail}", http_status=status)
    if status >= _SERVER_ERROR or status in _COME_BACK:
        raise HostUnavailable(f"the site answers {status}{detail}", http_status=status)
    if status in _GONE:
        raise PageChanged(
            f"the site answers {status} without saying that the player is missing: is the base address right?{detail}",
            http_status=status,
        )
    if status == HTTP_OK and not what:
        raise HostUnavailable("the site answers with an empty body", http_status=status)
    raise PageChanged(f"the site answers {status} with an unrecognised response{detail}", http_status=status)


def _message_of(body: bytes) -> str:
    try:
        refusal = _refusal_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line_of(body[:400].decode("utf-8", "replace"))
    messages = [text for error in refusal.errors or () for text in (error.code, error.message)]
    return line_of(" ".join(text for text in (*messages, refusal.message) if text))
