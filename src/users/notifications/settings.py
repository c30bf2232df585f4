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
"""What a channel kind of ours does with more care, and what would ask any address at all."""


class Schemes(CommaSeparated):
    """Schemes of Apprise."""

    __slots__ = ()

    @staticmethod
    def checked(part: str) -> str:
        scheme = part.lower().removesuffix("://")
        if not _SCHEME.fullmatch(scheme) or scheme in NEVER:
            raise ValueError("expected schemes of push services, such as pover,tgram,ntfys")
        return scheme


class NotifySettings(SettingsStruct, frozen=True, kw_only=True):
    """Notifications: where they may go, how long one may take."""

    env_prefix: ClassVar[str] = "TRACKERS_NOTIFY_"

    apprise_schemes: Annotated[
        Schemes,
        Meta(
            description="Push services that Apprise channels may name, with commas between them. Those given here by "
            "default ask fixed public hosts. With one whose addresses name a host (ntfys, gotifys, matrixs) its host "
            "is checked before each message, but Apprise looks the name up once more: whoever owns the name could "
            "answer differently then. Empty: the default."
        ),
    ] = Schemes(("pbul", "pover", "slack", "tgram"))
    allow_private: Annotated[
        bool,
        Meta(
            description="Whether channels may name private addresses, and plain http: for tests, and for installations "
            "that only people you trust can reach."
        ),
    ] = False
    timeout: Annotated[float, Meta(gt=0, le=15, description="Seconds that one message may take to be sent.")] = 10.0
    per_host: Annotated[
        int, Meta(ge=1, le=200, description="Messages on their way to one host at once from one worker.")
    ] = 8
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s?#<>]+)?$",
            extra={"expected": "an address such as https://trackers.example.org"},
            description="Address under which people reach this API from outside, for links in mails: digests then "
            "carry the link by which mailboxes offer to give them up (RFC 8058), and confirmations of an e-mail "
            "address bring a link instead of a code. Empty: without.",
        ),
    ] = ""
    channels: Annotated[int, Meta(ge=1, le=200, description="Channels that one person, or one guild, may have.")] = 20
    keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days that deliveries, and what they told, are kept. 0: for ever.")
    ] = 30
    digests_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that it is kept which digests somebody got; the last one always is. 0: for ever.",
        ),
    ] = 400

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "public_url", self.public_url.rstrip("/"))


class SmtpSettings(SettingsStruct, frozen=True, kw_only=True):
    """The mail server that e-mail leaves by."""

    env_prefix: ClassVar[str] = "TRACKERS_SMTP_"

    host: Annotated[str, Meta(description="Mail server. Empty: no e-mail channels, and no addresses in accounts.")] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Its port.")] = 587
    username: Annotated[str, Meta(description="Empty: without logging in.")] = ""
    password: Annotated[Secret | None, Meta(description="Of that user.")] = None
    starttls: Annotated[
        bool, Meta(description="Whether mail must be handed over encrypted (STARTTLS; on port 465 TLS from the start).")
    ] = True
    sender: Annotated[str, Meta(description="Address that e-mail comes from.", extra={"env": "TRACKERS_SMTP_FROM"})] = (
        "trackers@localhost"
    )
