"""Webhooks of Discord channels (https://discord.com/developers/docs/resources/webhook#execute-webhook)."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from shared.clock import Clock
from shared.scraping.fetch_context import MAX_WAIT_S, retry_after
from users.notifications.messages import Message
from users.notifications.outbound_messages import OutboundMessage, SendFailed, code_message
from users.notifications.schemas import ChannelAddress
from users.notifications.transports.http import GuardedHttpClient, TransportResponse

GONE: Final = frozenset({401, 403, 404, 410})
THROTTLED: Final = 429
TITLE, DESCRIPTION, EMBEDS, ALL = 256, 4096, 10, 5800
"""Limits: characters of title and description, embeds per message, characters in all (Discord allows 6000)."""
_MARKUP: Final = re.compile(r"([\\*_~`|>#\[\]()<@-])")


class _Throttled(msgspec.Struct):
    retry_after: Annotated[float, msgspec.Meta(ge=0)]


_throttled: Final = msgspec.json.Decoder(_Throttled).decode


class DiscordTransport:
    """POSTs embeds; the text of a message can mention nobody."""

    def __init__(self, *, post: GuardedHttpClient, clock: Clock) -> None:
        self._post = post
        self._clock = clock

    async def send(self, target: ChannelAddress, outbound: OutboundMessage) -> None:
        await self._execute(target, _embeds([update.message for update in outbound.news]))

    async def challenge(self, target: ChannelAddress, code: str) -> bool:
        title, text = code_message(code)
        await self._execute(target, [{"title": title, "description": text}])
        return False

    async def _execute(self, target: ChannelAddress, embeds: list[dict[str, Any]]) -> None:
        body = msgspec.json.encode({"embeds": embeds, "allowed_mentions": {"parse": []}})
        answer = await self._post.json(f"{target.address}?wait=true", body)
        if answer.status == THROTTLED:
            raise SendFailed("Discord asks us to wait (429)", retry_after=_wait(answer, now=self._clock.now()))
        if not answer.ok:
            raise SendFailed(
                f"Discord answered {answer.status}",
                retry_after=retry_after(answer.retry_after, now=self._clock.now()),
                for_good=answer.status in GONE,
            )


def _wait(answer: TransportResponse, *, now: datetime) -> float | None:
    """Return the seconds to wait: those in the body are exact to the millisecond, those in the header are whole."""
    try:
        return min(_throttled(answer.body).retry_after, MAX_WAIT_S)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return retry_after(answer.retry_after, now=now)


def _embeds(messages: list[Message]) -> list[dict[str, Any]]:
    embeds: list[dict[str, Any]] = []
    left = ALL
    for message in messages[: EMBEDS if len(messages) <= EMBEDS else EMBEDS - 1]:
        title = _plain(message.title, min(TITLE, left))
        text = _plain("\n".join(message.lines), min(DESCRIPTION, left - len(title)))
        left -= len(title) + len(text)
        if not title:
            break
        embeds.append({"title": title, "description": text} | ({"url": message.url} if message.url else {}))
    if more := len(messages) - len(embeds):
        embeds = [*embeds[: EMBEDS - 1], {"title": f"and {more} more"}]
    return embeds


def _plain(text: str, longest: int) -> str:
    """Escape markup so that Discord shows the text unchanged; cut the text to `longest` characters."""
    escaped = _MARKUP.sub(r"\\\1", text)
    return escaped if len(escaped) <= longest else f"{escaped[: max(0, longest - 1)].rstrip(chr(92))}…"[:longest]
