"""Webhooks: signed JSON to an endpoint of a member or guild (docs/webhooks.md is for its developer)."""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.clock import Clock
from shared.scraping.fetch_context import retry_after
from users.notifications.outbound_messages import OutboundMessage, SendFailed
from users.notifications.schemas import ChannelAddress
from users.notifications.transports.http import GuardedHttpClient

VERSION: Final = "v1"
GONE: Final = 410
DIGEST: Final = "digest"
"""Event of a message that contains several events."""


class WebhookBody(Struct, frozen=True, kw_only=True):
    """Body of a message to an endpoint."""

    id: UUID
    event: str
    occurred_at: datetime
    title: str
    lines: tuple[str, ...]
    url: str | None
    payload: Any


class WebhookTransport:
    """Signs messages and POSTs them."""

    def __init__(self, *, post: GuardedHttpClient, clock: Clock) -> None:
        self._post = post
        self._clock = clock

    async def send(self, target: ChannelAddress, outbound: OutboundMessage) -> None:
        answer = await self._signed(target, str(outbound.id), msgspec.json.encode(_body(outbound)))
        if not answer.ok:
            raise SendFailed(
                f"it answered {answer.status}",
                retry_after=retry_after(answer.retry_after, now=self._clock.now()),
                for_good=answer.status == GONE,
            )

    async def challenge(self, target: ChannelAddress, code: str) -> bool:  # noqa: ARG002 -- an endpoint needs no code
        """Challenge the endpoint: it must answer 2xx and return the challenge, as text or JSON. Raises SendFailed."""
        challenge = secrets.token_urlsafe(24)
        body = msgspec.json.encode({"type": "verification", "challenge": challenge})
        answer = await self._signed(target, challenge, body)
        if not answer.ok:
            raise SendFailed(f"it answered the challenge with {answer.status}")
        if not _echoes(answer.body, challenge):
            raise SendFailed("its answer does not contain the challenge that was sent")
        return True

    async def _signed(self, target: ChannelAddress, message_id: str, body: bytes) -> Any:
        now = self._clock.now()
        timestamp = int(now.timestamp())
        keys = [target.secret]
        if target.old_until is not None and target.old_until > now:
            keys.append(target.old_secret)
        return await self._post.json(
            target.address,
            body,
            {
                "Trackers-Id": message_id,
                "Trackers-Timestamp": str(timestamp),
                "Trackers-Signature": ",".join(f"{VERSION}={signature(key, timestamp, body)}" for key in keys),
            },
        )


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the HMAC-SHA256 of `<timestamp>.<body>` with the webhook's secret, in hex."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _body(outbound: OutboundMessage) -> WebhookBody:
    parts = [
        WebhookBody(
            id=outbound.id,
            event=update.event.event,
            occurred_at=update.event.occurred_at,
            title=update.message.title,
            lines=update.message.lines,
            url=update.message.url,
            payload=update.event.payload,
        )
        for update in outbound.news
    ]
    if len(parts) == 1:
        return parts[0]
    items = [
        {**msgspec.structs.asdict(part), "id": update.event.id}
        for part, update in zip(parts, outbound.news, strict=True)
    ]
    return WebhookBody(
        id=outbound.id,
        event=DIGEST,
        occurred_at=outbound.occurred_at,
        title=outbound.title,
        lines=tuple(outbound.text.splitlines()),
        url=None,
        payload={"items": items},
    )


def _echoes(body: bytes, challenge: str) -> bool:
    if body.strip() == challenge.encode():
        return True
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    given = answer.get("challenge") if isinstance(answer, dict) else answer
    return given == challenge
