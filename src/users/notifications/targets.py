"""Checks and masks the addresses of new channels, and names their hosts. Pure."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from email_validator import EmailNotValidError, validate_email

from shared.addresses import AddressRefusedError, refuse_literal
from users.accounts.errors import EmailNotSetUp
from users.message_limits import MessageAddress, mailbox
from users.notifications.errors import BadAddress
from users.notifications.schemas import (
    AnyNewChannel,
    ChannelAddress,
    ChannelKind,
    NewApprise,
    NewDiscord,
    NewEmail,
    TargetView,
)

DISCORD_HOSTS: Final = frozenset({"discord.com", "canary.discord.com", "ptb.discord.com", "discordapp.com"})
_DISCORD_PATH: Final = re.compile(r"/api/(?:v[0-9]{1,2}/)?webhooks/([0-9]{17,20})/([A-Za-z0-9_-]{20,200})/?")
PARAMETERS: Final = frozenset({"priority", "sound", "silent", "thread", "topic", "preview", "device", "tags"})
"""Parameters of Apprise that only shape a message; others can name files, hosts or time-outs."""


def checked(new: AnyNewChannel, *, schemes: Collection[str], mail: bool, allow_private: bool) -> TargetView:
    """Return the target of a new channel if messages can be sent to it. Raises BadAddress or EmailNotSetUp."""
    if isinstance(new, NewEmail):
        return _email(new.address, mail=mail)
    if isinstance(new, NewApprise):
        return _apprise(new.url, schemes)
    parts = _web_address(new.url, allow_private=allow_private)
    if isinstance(new, NewDiscord):
        return _discord(new.url, parts, allow_private=allow_private)
    return TargetView(
        target=ChannelAddress(address=new.url), kind=ChannelKind.WEBHOOK, shown=_masked(parts), host=host_of(parts)
    )


def recipient(kind: ChannelKind, address: str) -> MessageAddress:
    """Return the place to count messages by; all spellings of an address give the same place."""
    if kind is ChannelKind.EMAIL:
        return MessageAddress(address=mailbox(address))
    place = address.partition("?")[0].rstrip("/")
    if kind is ChannelKind.WEBHOOK:
        host = (urlsplit(address).hostname or "").rstrip(".")
        return MessageAddress(address=place, host=host)
    path = _DISCORD_PATH.fullmatch(urlsplit(address).path) if kind is ChannelKind.DISCORD else None
    return MessageAddress(address=place if path is None else f"discord webhook {path[1]}")


def _email(address: str, *, mail: bool) -> TargetView:
    if not mail:
        raise EmailNotSetUp("choose another kind of channel")
    try:
        normal = validate_email(address, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError as error:
        raise BadAddress(f"This is not an e-mail address: {error}", field="address") from error
    return TargetView(target=ChannelAddress(address=normal), kind=ChannelKind.EMAIL, shown=normal, host="smtp")


def _apprise(url: str, schemes: Collection[str]) -> TargetView:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or not rest or scheme not in schemes:
        raise BadAddress(f"Give the address of one of these services: {', '.join(sorted(schemes))}.", field="url")
    query = rest.partition("?")[2]
    named = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    if unknown := named - PARAMETERS:
        raise BadAddress(f"The parameter {min(unknown)[:40]!r} is not allowed.", field="url")
    return TargetView(
        target=ChannelAddress(address=f"{scheme}://{rest}"),
        kind=ChannelKind.APPRISE,
        shown=f"{scheme}://…{_tail(rest)}",
        host=scheme,
    )


def _discord(url: str, parts: SplitResult, *, allow_private: bool) -> TargetView:
    path = _DISCORD_PATH.fullmatch(parts.path)
    ours = parts.hostname in DISCORD_HOSTS and parts.port in {None, 443}
    if path is None or not (ours or allow_private) or parts.query:
        raise BadAddress(
            "This is not a Discord webhook, such as https://discord.com/api/webhooks/<id>/<token>.", field="url"
        )
    shown = f"{parts.scheme}://{parts.netloc}/api/webhooks/…/…{path[2][-4:]}"
    return TargetView(target=ChannelAddress(address=url), kind=ChannelKind.DISCORD, shown=shown, host=host_of(parts))


def _web_address(url: str, *, allow_private: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress("This is not an address; give one like https://bot.example.org/hooks.", field="url") from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise BadAddress("Give an address that begins with https://.", field="url")
    if not parts.hostname or port == 0 or parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress("Give an address with a host, and without user, password or #fragment.", field="url")
    if not allow_private:
        try:
            refuse_literal(parts.hostname)
        except (AddressRefusedError, ValueError):
            raise BadAddress("This address is not public; messages go to public addresses only.", field="url") from None
    return parts


def host_of(parts: SplitResult) -> str:
    """Return the host, with its port unless that is 443."""
    return parts.hostname or "" if parts.port in {None, 443} else f"{parts.hostname}:{parts.port}"


def _masked(parts: SplitResult) -> str:
    path = parts.path if parts.path in {"", "/"} and not parts.query else f"/…{_tail(parts.path)}"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _tail(text: str) -> str:
    """Return the last 4 characters if there are at least 12, so that most of the secret stays hidden; else nothing."""
    bare = text.partition("?")[0].rstrip("/")
    return bare[-4:] if len(bare) >= 12 else ""  # noqa: PLR2004 -- three times what is shown
