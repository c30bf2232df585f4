"""Requests and responses about fencers and clubs."""

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
"""Maximum fencers per person, active or not."""
MAX_CLUBS = 50
"""Maximum clubs per person, active or not."""

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
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"\S",
        description="Your own name for it; the name on the page if left out.",
    ),
]
GivenWeapons = Annotated[
    Annotated[str, Meta(max_length=200)] | Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=20)],
    Meta(
        description="Epee, foil, saber, in any spelling, with commas or as a list. None or all three: no filter.",
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
    """A fencer to follow for a person of a bot."""

    user_id: ExternalId
    user_data: UserData = UserData()


class BotTracksClub(TrackClub, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A club to follow for a person of a bot."""

    user_id: ExternalId
    user_data: UserData = UserData()


class UpdateTracked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of a followed fencer or club. Omitted fields keep their values."""

    name: Annotated[GivenName | UnsetType | None, Meta(description="null: use the name on the page.")] = UNSET
    weapons: GivenWeapons | UnsetType = UNSET
    active: Annotated[bool | UnsetType, Meta(description="false: no more notifications.")] = UNSET


class TrackedFilter(Struct, frozen=True, kw_only=True):
    """Filter of followed fencers or clubs; None does not filter."""

    user_id: UUID | None = None
    active: bool | None = None


# ---- what comes out ----


class TrackedView(Struct, frozen=True, kw_only=True):
    """A followed fencer or club, with the fetch status of its page."""

    id: UUID
    user_id: UUID
    page_id: Annotated[UUID, Meta(description="The fencer or club, shared by everybody who follows it.")]
    upstream_id: Annotated[int, Meta(description="Number on the site.")]
    url: str
    name: Annotated[
        str | None,
        Meta(description="The follower's own name, or else the name on the page; null until the page is fetched."),
    ]
    weapons: Annotated[list[Weapon], Meta(description="Only these weapons cause notifications; empty: all.")]
    active: bool
    created_at: datetime
    status: Annotated[Status, Meta(description="pending, in_progress, completed or failed.")]
    reason: Annotated[str | None, Meta(description="Reason of a failure: not_found, throttled, login_required, ...")]
    error: str | None
    last_checked_at: datetime | None
    last_success_at: datetime | None
    last_changed_at: datetime | None
    next_fetch_at: datetime | None
    registrations: Annotated[int, Meta(description="Number of open registrations that pass the filter.")]


class TrackedPage(Struct, frozen=True, kw_only=True):
    items: list[TrackedView]
    page: int
    per_page: int
    total: int


class RegistrationView(Struct, frozen=True, kw_only=True):
    """A registration of a fencer for an event."""

    id: UUID
    fencer_id: Annotated[int | None, Meta(description="Number on the site; null if a club's page has no links.")]
    fencer: str | None
    fencer_url: str | None
    tournament: str
    event: str
    event_url: str | None
    weapon: Weapon | None
    date: Annotated[date | None, Meta(description="null while the date is open.")]
    first_seen_at: datetime
    last_seen_at: datetime
    withdrawn_at: datetime | None


class TrackedDetail(Struct, frozen=True, kw_only=True):
    """A followed fencer or club with the upcoming registrations that the filter lets through, the next first."""

    tracked: TrackedView
    registrations: list[RegistrationView]


class TrackingStarted(Struct, frozen=True, kw_only=True):
    """The followed fencer or club, and the task that fetches its page; null while fencers' pages are turned off."""

    tracked: TrackedView
    task_id: UUID | None


class FencerHistoryEntry(Struct, frozen=True, kw_only=True):
    """A change of a registration."""

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
    """Fetch state of a fencer or club."""

    id: UUID
    kind: SubjectKind
    upstream_id: int
    url: str
    name: str | None
    followers: int
    status: Status
    reason: str | None
    error: str | None
    failures: Annotated[int, Meta(description="Failures in a row.")]
    failed: Annotated[int, Meta(description="All failures.")]
    successes: int
    last_checked_at: datetime | None
    last_success_at: datetime | None
    next_fetch_at: datetime | None
    cooling_down: Annotated[bool, Meta(description="True while it is not fetched because it failed too often.")]


class PageHealths(Struct, frozen=True, kw_only=True):
    items: list[PageHealth]
    page: int
    per_page: int
    total: int


class KindHealth(Struct, frozen=True, kw_only=True):
    """Fetch state of all fencers, or of all clubs."""

    followed: Annotated[int, Meta(description="Pages with followers.")]
    trackings: Annotated[int, Meta(description="Total number of followers of these pages.")]
    by_status: dict[str, int]
    by_reason: dict[str, int]
    failing: int
    cooling_down: int
    never_read: int
    oldest_due: datetime | None


class FencersHealth(Struct, frozen=True, kw_only=True):
    """Fetch state of fencers and clubs."""

    fencers: KindHealth
    clubs: KindHealth
    fencers_asked_for: Annotated[bool, Meta(description="True if fencers' pages are fetched.")]
    delay: Annotated[float, Meta(description="Seconds between two requests.")]
    jitter: float
    max_failures: int
    open_registrations: int


class CooldownReset(Struct, frozen=True, kw_only=True):
    """The task that fetches the page now; null while nobody follows it."""

    task_id: UUID | None
