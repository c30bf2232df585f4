"""Settings of authentication."""

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta

from shared.settings import SettingsStruct


class Registration(StrEnum):
    """Rule for the registration of accounts."""

    OPEN = "open"
    CODE = "code"
    CLOSED = "closed"


class AuthSettings(SettingsStruct, frozen=True, kw_only=True):
    """Accounts of people: registration, tokens, passwords, attempts."""

    env_prefix: ClassVar[str] = "TRACKERS_AUTH_"

    registration: Annotated[
        Registration,
        Meta(
            description="Who may register: open (everybody), code (people with a claim code from the bot), "
            "closed (nobody; admins create accounts with `trackers users create-admin`)."
        ),
    ] = Registration.OPEN
    access_lifetime: Annotated[float, Meta(ge=60, le=3600, description="Seconds that an access token is valid.")] = (
        900.0
    )
    session_days: Annotated[
        float, Meta(gt=0, le=365, description="Days until you must log in again, no matter how often you refresh.")
    ] = 30.0
    attempts: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Failed logins in a window that one login allows from one address; 20 times as many from all "
            "addresses together.",
        ),
    ] = 10
    attempts_per_address: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Logins in a window that one address may try; the same number of registrations and of claims.",
        ),
    ] = 50
    attempts_window: Annotated[float, Meta(ge=1, le=86_400, description="Length of this window in seconds.")] = 900.0
    messages_per_mailbox: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Messages an hour to one address that somebody entered: codes, tests, confirmations, notices. "
            "Three times as many a day.",
        ),
    ] = 10
    messages_per_host: Annotated[
        int, Meta(ge=1, le=100_000, description="Challenges and tests an hour to webhooks of one host.")
    ] = 60
    messages_per_address: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Messages an hour to entered addresses that one IP address may cause (of IPv6: one /64 "
            "network); a bot key may cause ten times as many.",
        ),
    ] = 30
    hash_memory_kib: Annotated[int, Meta(ge=8192, le=1_048_576, description="Memory of one Argon2id hash, in KiB.")] = (
        47_104
    )
    hash_passes: Annotated[
        int, Meta(ge=1, le=20, description="Passes of one Argon2id hash; a change rehashes at the next login.")
    ] = 1
    hash_threads: Annotated[
        int, Meta(ge=1, le=32, description="Passwords that one process hashes at once; others wait.")
    ] = 2
