"""Messages that a webhook channel sends: whether they are ours, and what they say."""

import hmac
import time
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from trackers_client.errors import InvalidWebhook

OLDEST: Final = 300.0
"""Seconds; what is older may be somebody sending again what they once overheard."""

DIGITS: Final = 12
"""Of a time in seconds; Python refuses to read numbers of thousands of them."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """News, or (`type` is `verification`) the question whether the endpoint is yours: answer with `challenge`."""

    id: str = ""
    event: str = ""
    occurred_at: datetime | None = None
    title: str = ""
    lines: list[str] = []
    url: str | None = None
    payload: Any = None
    """The event as bots read it; of a `digest`, one message for each in `payload["items"]`."""
    type: str = "event"
    challenge: str | None = None


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None, oldest: float = OLDEST
) -> Message:
    """The message, once it is sure that it comes from who has the channel's secret, and not long ago.

    `body` as it arrived, before anything reads it. Raises InvalidWebhook.
    """
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = given.get("trackers-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= DIGITS):
        raise InvalidWebhook("Trackers-Timestamp is missing, or no number.")
    now = time.time() if now is None else now  # real date: what callers are measured by, unless they say another
    if abs(now - int(timestamp)) > oldest:
        raise InvalidWebhook("The message is too old, or a clock is wrong.")
    expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest().encode()
    signatures = [part.strip().removeprefix("v1=") for part in given.get("trackers-signature", "").split(",")]
    if not any(hmac.compare_digest(expected, one.encode(errors="replace")) for one in signatures):
        raise InvalidWebhook("Trackers-Signature is not that of this body under this secret.")
    try:
        return msgspec.json.decode(body, type=Message)
    except msgspec.DecodeError as error:
        raise InvalidWebhook(f"The body is not a message: {error}") from error
