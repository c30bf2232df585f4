"""What people and bots send about fencers and clubs, and what they get to see."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.scraping.target import Status
from trackers.fencers.links import SubjectKind
from trackers.fencers.recording import ChangeKind
from trackers.fencers.weapons import Weapon
from users.accounts.schemas import ExternalId, UserData

MAX_FENCERS = 200
"""That one person may keep, active or not."""
MAX_CLUBS = 50
"""Likewise."""

PastedFencer = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        description="The fencer's number on fencingtracker.com, or the link of their page.",
        examples=["https://fencingtracker.com/p/100000001/Alex-Example", "100000001"],
    ),
]
PastedClub = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        description="The club's number on fencingtracker.com, or the link of its page.",
        examples=["https://fencingtracker.com/club/100000900/Example/registrations", "100000900"],
    ),
]
GivenName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"\S", description="Left out: as the page has it.")
]
GivenWeapons = Annotated[
    Annotated[str, Meta(max_length=200)] | Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=20)],
    Meta(
        description="Epee, foil, saber, in any spelling, with commas or as a list; none or all three: no filter.",
        examples=["epee, foil", ["saber"]],
    ),
]


# ---- what comes in ----


class TrackFencer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fencer to follow."""

    fencer: PastedFencer
    name: GivenName | None = None
    weapons: GivenWeapons = ""


class TrackClub(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A club to follow."""

    club: PastedClub
    name: GivenName | None = None
    weapons: GivenWeapons = ""


class BotTracksFencer(TrackFencer, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fencer that a bot's person wants to follow."""

    user_id: ExternalId
    user_data: UserData = UserData()


class BotTracksClub(TrackClub, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A club that a bot's person wants to follow."""

    user_id: ExternalId
    user_data: UserData = UserData()


class UpdateTracked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: Annotated[GivenName | UnsetType | None, Meta(description="null: as the page has it.")] = UNSET
    weapons: GivenWeapons | UnsetType = UNSET
    active: Annotated[bool | UnsetType, Meta(description="What is deactivated is not told of any more.")] = UNSET


class TrackedFilter(Struct, frozen=True, kw_only=True):
    """Which are asked for; None: all that one may see."""

    user_id: UUID | None = None
    active: bool | None = None


# ---- what comes out ----


class TrackedView(Struct, frozen=True, kw_only=True):
    """Somebody follows a fencer or a club, and how the looking at its page stands."""

    id: UUID
    user_id: UUID
    page_id: Annotated[UUID, Meta(description="The fencer or club, shared by everybody who follows it.")]
    upstream_id: Annotated[int, Meta(description="The site's number.")]
    url: str
    name: Annotated[str | None, Meta(description="As its follower calls it, else as the page does; null until read.")]
    weapons: Annotated[list[Weapon], Meta(description="Only these are told of; none: all.")]
    active: bool
    created_at: datetime
    status: Annotated[Status, Meta(description="pending, in_progress, completed or failed.")]
    reason: Annotated[str | None, Meta(description="Why it failed: not_found, throttled, login_required, ...")]
    error: str | None
    last_checked_at: datetime | None
    last_success_at: datetime | None
    last_changed_at: datetime | None
    next_fetch_at: datetime | None
    registrations: Annotated[int, Meta(description="Open ones that the filter lets through.")]


class TrackedPage(Struct, frozen=True, kw_only=True):
    items: list[TrackedView]
    page: int
    per_page: int
    total: int


class RegistrationView(Struct, frozen=True, kw_only=True):
    """A fencer in an event."""

    id: UUID
    fencer_id: Annotated[int | None, Meta(description="The site's number; null where a club's page links nobody.")]
    fencer: str | None
    fencer_url: str | None
    tournament: str
    event: str
    event_url: str | None
    weapon: Weapon | None
    date: Annotated[date | None, Meta(description="null while it is open.")]
    first_seen_at: datetime
    last_seen_at: datetime
    withdrawn_at: datetime | None


class TrackedDetail(Struct, frozen=True, kw_only=True):
    """What somebody follows, with the registrations to come that its filter lets through, the next first."""

    tracked: TrackedView
    registrations: list[RegistrationView]


class TrackingStarted(Struct, frozen=True, kw_only=True):
    """What was just followed, and the task that looks at its page; null while fencers' pages are switched off."""

    tracked: TrackedView
    task_id: UUID | None


class FencerHistoryEntry(Struct, frozen=True, kw_only=True):
    """What became known of a registration, and when."""

    id: UUID
    kind: ChangeKind
    at: datetime
    registration_id: UUID
    fencer: str | None
    tournament: str
    event: str
    weapon: Weapon | None
    date_before: date | None
    date: date | None


class FencerHistory(Struct, frozen=True, kw_only=True):
    items: list[FencerHistoryEntry]
    next_before: Annotated[UUID | None, Meta(description="`before` of the next page; null on the last one.")] = None


# ---- for admins ----


class PageHealth(Struct, frozen=True, kw_only=True):
    """How the looking at one fencer or club goes."""

    id: UUID
    kind: SubjectKind
    upstream_id: int
    url: str
    name: str | None
    followers: int
    status: Status
    reason: str | None
    error: str | None
    failures: Annotated[int, Meta(description="In a row.")]
    failed: Annotated[int, Meta(description="In all.")]
    successes: int
    last_checked_at: datetime | None
    last_success_at: datetime | None
    next_fetch_at: datetime | None
    cooling_down: Annotated[bool, Meta(description="Whether it rests because it failed too often.")]


class PageHealths(Struct, frozen=True, kw_only=True):
    items: list[PageHealth]
    page: int
    per_page: int
    total: int


class KindHealth(Struct, frozen=True, kw_only=True):
    """How the looking at all fencers, or all clubs, goes."""

    followed: Annotated[int, Meta(description="Pages that somebody follows.")]
    trackings: Annotated[int, Meta(description="Followers of them all together.")]
    by_status: dict[str, int]
    by_reason: dict[str, int]
    failing: int
    cooling_down: int
    never_read: int
    oldest_due: datetime | None


class FencersHealth(Struct, frozen=True, kw_only=True):
    """How the looking at fencers and clubs goes."""

    fencers: KindHealth
    clubs: KindHealth
    fencers_asked_for: Annotated[bool, Meta(description="Whether fencers' pages are asked for at all.")]
    delay: Annotated[float, Meta(description="Seconds between two requests.")]
    jitter: float
    max_failures: int
    open_registrations: int


class CooldownReset(Struct, frozen=True, kw_only=True):
    """The task that looks at the page now; null while nobody follows it."""

    task_id: UUID | None
