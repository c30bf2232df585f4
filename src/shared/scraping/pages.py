"""HTML pages in place of data: their meaning, and the line of them that is worth reporting.

The content type decides nothing: sites send JSON as text/html and block pages as application/json. An HTML page in
place of data is a block, whatever its status, unless it is a plain 5xx.
"""

import re
from html import unescape
from typing import Final

from shared.scraping.failures import Blocked, ScrapeFailure, Throttled

HTTP_OK: Final = 200
REFUSED: Final = frozenset({401, 403, 451, 1020})
"""1020 is a code of a firewall, which some proxies pass on as the status."""
TOO_MANY: Final = 429
THROTTLE_WORDS: Final = ("you are being rate limited", "rate limit exceeded", "too many requests", "error 1015")
BLOCK_WORDS: Final = ("access denied", "just a moment", "attention required", "error 1020", "checking your browser")
LOOKED_AT: Final = 65_536
"""Bytes of a page that are searched for its meaning; block pages are small."""
_TITLE: Final = re.compile(rb"<title\b[^>]{0,200}>(.{0,1000}?)</title", re.IGNORECASE | re.DOTALL)
LINE: Final = 160
"""Characters of a line in a report."""


def is_json(body: bytes) -> bool:
    """True if a body begins like JSON."""
    return body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def is_html(body: bytes) -> bool:
    """True if a body begins like an HTML page."""
    return _is_html(_text(body))


def raise_for_page(status: int, body: bytes) -> None:
    """Raise Throttled or Blocked if a page in place of data refuses us; otherwise return."""
    text = _text(body)
    failure: type[ScrapeFailure]
    if status == TOO_MANY or any(words in text for words in THROTTLE_WORDS):
        failure, means = Throttled, "the site counts too many requests"
    elif any(words in text for words in BLOCK_WORDS) or (_is_html(text) and (status == HTTP_OK or status in REFUSED)):
        failure, means = Blocked, "the site answered with a page for browsers instead of data"
    else:
        return
    title = title_of(body)
    raise failure(f'{means}: "{title}"' if title else means, http_status=status)


def title_of(body: bytes) -> str:
    """Title of a page, or its first words if it has no title; empty for an empty page."""
    page = body[:LOOKED_AT]
    if not page.strip():
        return ""
    title = _TITLE.search(page)
    return line_of(unescape((title[1] if title else page).decode("utf-8", "replace")))


def line_of(text: str) -> str:
    """Text of a foreign site as one line of at most LINE characters that is safe to log and to show."""
    shown = " ".join("".join(character if character.isprintable() else " " for character in text[:1000]).split())
    return shown if len(shown) <= LINE else f"{shown[: LINE - 1]}…"


def _text(body: bytes) -> str:
    return body[:LOOKED_AT].decode("utf-8", "replace").lower()


def _is_html(text: str) -> bool:
    start = text.lstrip("\ufeff \t\r\n")[:512]
    return start.startswith("<") and ("<html" in start or "<!doctype" in start or "<head" in start or "<body" in start)
