"""What a channel may be: addresses checked, masked, and named by the host that they cost. Pure."""

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
"""Of Apprise's parameters those that only shape a message; others name files, hosts, time-outs."""


def checked(new: AnyNewChannel, *, schemes: Collection[str], mail: bool, allow_private: bool) -> TargetView:
    """A target that may be written to. Raises BadAddress or EmailNotSetUp."""
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
    """Where messages of a checked target arrive, for counting: spellings of one place count for the same."""
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
        raise BadAddress(f"This is no e-mail address: {error}", field="address") from error
    return TargetView(target=ChannelAddress(address=normal), kind=ChannelKind.EMAIL, shown=normal, host="smtp")


def _apprise(url: str, schemes: Collection[str]) -> TargetView:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or not rest or scheme not in schemes:
        raise BadAddress(f"Give the address of one of these services: {', '.join(sorted(schemes))}.", field="url")
    query = rest.partition("?")[2]
    named = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    if unknown := named - PARAMETERS:
        raise BadAddress(f"The parameter {min(unknown)[:40]!r} cannot be used here.", field="url")
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
            "This is no Discord webhook; they read https://discord.com/api/webhooks/<id>/<token>.", field="url"
        )
    shown = f"{parts.scheme}://{parts.netloc}/api/webhooks/…/…{path[2][-4:]}"
    return TargetView(target=ChannelAddress(address=url), kind=ChannelKind.DISCORD, shown=shown, host=host_of(parts))


def _web_address(url: str, *, allow_private: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress("This is no address; give one like https://bot.example.org/hooks.", field="url") from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise BadAddress("Give an address that begins with https://.", field="url")
    if not parts.hostname or port == 0 or parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress("Give an address of a host, without user, password or #fragment.", field="url")
    if not allow_private:
        try:
            refuse_literal(parts.hostname)
        except (AddressRefusedError, ValueError):
            raise BadAddress("This address is not a public one; we only write to public ones.", field="url") from None
    return parts


def host_of(parts: SplitResult) -> str:
    """Host and, where it is another than https has, port."""
    return parts.hostname or "" if parts.port in {None, 443} else f"{parts.hostname}:{parts.port}"


def _masked(parts: SplitResult) -> str:
    path = parts.path if parts.path in {"", "/"} and not parts.query else f"/…{_tail(parts.path)}"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _tail(text: str) -> str:
    """The last letters, where so much stays hidden that they give nothing away."""
    bare = text.partition("?")[0].rstrip("/")
    return bare[-4:] if len(bare) >= 12 else ""  # noqa: PLR2004 -- three times what is shown
