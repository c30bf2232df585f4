"""What people and bots send about players, and what they get to see."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.scraping.target import Status
from shared.scraping.targets import FetchStatus
from trackers.hiscores.catalogue import MetricKind
from trackers.hiscores.modes import GameMode
from trackers.hiscores.settings import MAX_INTERVAL_S, SHORTEST
from users.accounts.schemas import ExternalId, UserData

MOST_AT_ONCE = 100
"""Players of whom stats are told at once."""
MOST_COMPARED = 10

Username = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=50,
        description="In any spelling: case, and whether space, hyphen or underscore, is the same.",
        examples=["Lynx Titan"],
    ),
]
Interval = Annotated[
    int, Meta(ge=SHORTEST, le=MAX_INTERVAL_S, description="Seconds between two looks: 15 minutes to 30 days.")
]
Adaptive = Annotated[
    bool, Meta(description="Whether who does not play is looked at more rarely; off: every interval, always.")
]


class NewPlayer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A player to track from now on, and to follow."""

    username: Username
    mode: GameMode = GameMode.REGULAR
    interval: Interval | None = None
    """Left out: as the house does it."""
    adaptive: Adaptive = True
    follow: Annotated[bool, Meta(description="Whether the player is put on one's own list, too.")] = True


class NewPlayerFor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A player to track from now on, and for whom a bot does it."""

    username: Username
    user_id: ExternalId | None = None
    user_data: UserData = UserData()
    mode: GameMode = GameMode.REGULAR
    interval: Interval | None = None
    adaptive: Adaptive = True


class FollowFor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who follows a player, as a bot knows them."""

    user_id: ExternalId
    user_data: UserData = UserData()


class ChangePlayer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    interval: Interval | UnsetType = UNSET
    adaptive: Adaptive | UnsetType = UNSET
    active: Annotated[bool | UnsetType, Meta(description="A deactivated player is not looked at.")] = UNSET
    mode: GameMode | UnsetType = UNSET


class RenamePlayer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name that a player has now."""

    username: Username


class PlayerSort(StrEnum):
    """By what a list is put in order; with a dash the other way round."""

    NAME = "username"
    NAME_DOWN = "-username"
    CREATED = "created_at"
    CREATED_DOWN = "-created_at"
    CHANGED = "recorded_at"
    CHANGED_DOWN = "-recorded_at"
    LEVEL = "total_level"
    LEVEL_DOWN = "-total_level"
    XP = "overall_xp"
    XP_DOWN = "-overall_xp"


class PlayerFilter(Struct, frozen=True, kw_only=True):
    """Which players are asked for; None: all."""

    begins_with: str | None = None
    mode: GameMode | None = None
    status: Status | None = None
    active: bool | None = None
    verified: bool | None = None
    guild_id: str | None = None
    follower: UUID | None = None


class PlayerView(FetchStatus, frozen=True, kw_only=True):
    """A player, and how looking at them stands."""

    id: UUID
    username: str
    """The one spelling by which the game tells players apart."""
    display_name: str
    mode: str
    active: bool
    verified: bool
    """Whether the hiscores have shown the player; else it is not known that there is one."""
    flagged: bool
    """The hiscores show less than before; figures are those of before until that has lasted, or is over."""
    interval: int
    adaptive: bool
    overall_xp: int | None
    total_level: int | None
    fetches: int
    records: int
    """Looks that showed a change."""
    recorded_at: datetime | None
    created_at: datetime


class PlayerPage(Struct, frozen=True, kw_only=True):
    items: list[PlayerView]
    page: int
    per_page: int
    total: int


class PlayerRef(Struct, frozen=True, kw_only=True):
    """Who is meant."""

    id: UUID
    username: str
    display_name: str
    mode: str


class FetchStarted(Struct, frozen=True, kw_only=True):
    """A look that was asked for: `/api/tasks/{task_id}` tells what became of it."""

    task_id: UUID
    estimated_seconds: Annotated[
        float | None,
        Meta(
            description="Until it is over: who is ahead, at the pace at which the site is asked. null: nobody can say."
        ),
    ]
    estimated_at: datetime | None
    waits_for: str | None = None
    """Why nobody looks for now, where that is so."""


class MetricView(Struct, frozen=True, kw_only=True):
    """Something that the hiscores count."""

    slug: str
    name: str
    kind: MetricKind


class SkillStat(Struct, frozen=True, kw_only=True):
    """A skill; null is unknown, which is no 0."""

    skill: str
    name: str
    rank: int | None
    level: int | None
    virtual_level: int | None
    xp: int | None


class ScoreStat(Struct, frozen=True, kw_only=True):
    """A boss's kills, or an activity's points; null is unknown, which is no 0."""

    metric: str
    name: str
    rank: int | None
    score: int | None


class Stats(Struct, frozen=True, kw_only=True):
    """What the last look showed."""

    total_level: int | None
    overall_xp: int | None
    overall_rank: int | None
    combat_level: int
    combat_is_lower_bound: bool
    """Whether a skill that counts for it is unknown."""
    skills: list[SkillStat]
    bosses: list[ScoreStat]
    activities: list[ScoreStat]


class PlayerStats(Struct, frozen=True, kw_only=True):
    """A player as they stand; `stats` is null while nobody has looked yet.

    While a player is flagged, `seen_at` is of the last look and the figures are those that still count.
    """

    player: PlayerRef
    seen_at: datetime | None
    flagged: bool
    stats: Stats | None


class ManyStats(Struct, frozen=True, kw_only=True):
    """Players in the order in which they were asked for, each once; and who is not tracked."""

    items: list[PlayerStats]
    missing: list[str]


class Compared(Struct, frozen=True, kw_only=True):
    """Which two states were compared."""

    started_at: datetime
    start_is: str
    """`before`: the last record at or before the start. `inside`: the first one after it, as there is none older.
    `reset`: where the player began anew, after a rollback, say.
    """
    ended_at: datetime


class MetricGain(Struct, frozen=True, kw_only=True):
    """How a metric moved; null is unknown. Of skills the values are experience."""

    metric: str
    name: str
    kind: MetricKind
    start: int | None
    end: int | None
    gained: int | None
    """What only grows does not fall: a fall is 0. Ratings fall."""
    per_day: float | None
    rank_start: int | None
    """As it was when the metric was recorded last; ranks alone are no reason to record."""
    rank_end: int | None
    rank_gained: int | None
    """Places won; negative: lost."""
    level_start: int | None = None
    level_end: int | None = None


class PlayerHistory(Struct, frozen=True, kw_only=True):
    """What a player gained in a span of time; `compared` is null where nobody looked in it."""

    player: PlayerRef
    start: datetime | None
    end: datetime
    time_zone: str
    days: float | None
    """That `per_day` is about: from the start, or the first look after it, to the end, or the last look before it."""
    compared: Compared | None
    gains: list[MetricGain]


class TimelinePoint(Struct, frozen=True, kw_only=True):
    """What a metric had become at a look."""

    at: datetime
    value: int | None
    rank: int | None
    level: int | None = None


class Timeline(Struct, frozen=True, kw_only=True):
    """How a metric moved, the oldest first; made shorter where there are more points than asked for."""

    player: PlayerRef
    metric: MetricView
    start: datetime | None
    end: datetime
    points: list[TimelinePoint]
    recorded: int
    """Points that there are."""


class ComparedPlayer(Struct, frozen=True, kw_only=True):
    """How a player stands and moved in a metric, beside others."""

    username: str
    display_name: str
    metric: str
    value: int | None
    rank: int | None
    gained: int | None
    started_at: datetime | None
    ended_at: datetime | None


class Comparison(Struct, frozen=True, kw_only=True):
    """Players beside each other: by metric, who gained most first."""

    start: datetime | None
    end: datetime
    time_zone: str
    items: list[ComparedPlayer]
    missing: list[str]


class GainPeriod(StrEnum):
    """Calendar days, weeks from Monday, months and years, UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Which(StrEnum):
    """The period that runs, or the one before it."""

    CURRENT = "current"
    PREVIOUS = "previous"


class BoardRow(Struct, frozen=True, kw_only=True):
    """A place on a leaderboard; who gained as much shares it."""

    place: int
    username: str
    display_name: str
    mode: str
    gained: int


class PlayerLeaderboard(Struct, frozen=True, kw_only=True):
    """Who gained most in a metric in a period."""

    metric: MetricView
    period: GainPeriod
    starts: date
    ends: date
    """The first day after it."""
    items: list[BoardRow]


class Best(Struct, frozen=True, kw_only=True):
    """The period in which a player gained most in a metric."""

    metric: str
    name: str
    period: GainPeriod
    starts: date
    gained: int


class Bests(Struct, frozen=True, kw_only=True):
    player: PlayerRef
    items: list[Best]


class Achievement(Struct, frozen=True, kw_only=True):
    """Something that a player reached between two looks; `after` null: before anybody looked."""

    metric: str
    name: str
    threshold: int
    what: str
    after: datetime | None
    before: datetime


class Achievements(Struct, frozen=True, kw_only=True):
    player: PlayerRef
    items: list[Achievement]


class Following(Struct, frozen=True, kw_only=True):
    """Whether somebody follows a player."""

    player: PlayerRef
    following: bool


class Card(Struct, frozen=True, kw_only=True):
    """A player at a glance."""

    player: PlayerRef
    seen_at: datetime | None
    total_level: int | None
    overall_xp: int | None
    overall_rank: int | None
    combat_level: int | None
    xp_today: int
    xp_this_week: int
    skills_at_99: int
    latest_achievements: list[Achievement]
    url: str


class Renamed(Struct, frozen=True, kw_only=True):
    """A player under their new name."""

    player: PlayerRef
    former: str
    merged: bool
    """Whether who was tracked under the new name is the same player now."""
    records: int


class MetricNames(Struct, frozen=True, kw_only=True):
    items: list[MetricView]
