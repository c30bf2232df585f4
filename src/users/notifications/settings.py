"""Settings of notifications and of the mail server."""

import re
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from shared.settings import LONGEST_AGE, CommaSeparated, Secret, SettingsStruct

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,30}")
NEVER: Final = frozenset(
    {"http", "https", "mailto", "mailtos", "discord", "file", "json", "jsons", "xml", "xmls", "form", "forms"}
)
"""Schemes that are refused: other kinds of channels handle them more safely, or they can request any address."""


class Schemes(CommaSeparated):
    """URL schemes of Apprise services."""

    __slots__ = ()

    @staticmethod
    def checked(part: str) -> str:
        scheme = part.lower().removesuffix("://")
        if not _SCHEME.fullmatch(scheme) or scheme in NEVER:
            raise ValueError("expected schemes of push services, such as pover,tgram,ntfys")
        return scheme


class NotifySettings(SettingsStruct, frozen=True, kw_only=True):
    """Settings of notifications: allowed addresses, limits, retention."""

    env_prefix: ClassVar[str] = "TRACKERS_NOTIFY_"

    apprise_schemes: Annotated[
        Schemes,
        Meta(
            description="Push services that Apprise channels may use, separated by commas. The default ones have fixed "
            "public hosts. If you allow a service whose addresses name a host (ntfys, gotifys, matrixs), the host is "
            "checked before each message, but Apprise resolves its name again: the owner of the name could answer "
            "differently then. Empty: the default."
        ),
    ] = Schemes(("pbul", "pover", "slack", "tgram"))
    allow_private: Annotated[
        bool,
        Meta(
            description="Whether channels may use private addresses and plain http: for tests, and for installations "
            "that only people you trust can reach."
        ),
    ] = False
    timeout: Annotated[float, Meta(gt=0, le=15, description="Time limit for sending one message, in seconds.")] = 10.0
    per_host: Annotated[
        int, Meta(ge=1, le=200, description="Messages that one worker sends to one host at the same time.")
    ] = 8
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s?#<>]+)?$",
            extra={"expected": "an address such as https://trackers.example.org"},
            description="Address at which people reach this API from outside, for links in mails: digests then have "
            "an unsubscribe link (RFC 8058), and mails that confirm an e-mail address have a link instead of a code. "
            "Empty: no links.",
        ),
    ] = ""
    channels: Annotated[int, Meta(ge=1, le=200, description="Maximum of channels per person or guild.")] = 20
    keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days to keep deliveries and their events. 0: without end.")
    ] = 30
    digests_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days to keep the digest history; each person's last digest stays. 0: without end.",
        ),
    ] = 400

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "public_url", self.public_url.rstrip("/"))


class SmtpSettings(SettingsStruct, frozen=True, kw_only=True):
    """Settings of the mail server."""

    env_prefix: ClassVar[str] = "TRACKERS_SMTP_"

    host: Annotated[
        str, Meta(description="Mail server. Empty: no e-mail channels, and no e-mail addresses in accounts.")
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the mail server.")] = 587
    username: Annotated[str, Meta(description="User on the mail server. Empty: no login.")] = ""
    password: Annotated[Secret | None, Meta(description="Password of that user.")] = None
    starttls: Annotated[
        bool, Meta(description="Whether mail must be sent encrypted (STARTTLS; on port 465 TLS from the start).")
    ] = True
    sender: Annotated[str, Meta(description="Sender address of e-mail.", extra={"env": "TRACKERS_SMTP_FROM"})] = (
        "trackers@localhost"
    )
