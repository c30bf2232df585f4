"""Request and response bodies for players."""

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
"""Maximum number of players in a request for stats."""
MOST_COMPARED = 10

Username = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=50,
        description="Any spelling: case does not matter; space, hyphen and underscore are the same.",
        examples=["Lynx Titan"],
    ),
]
Interval = Annotated[
    int, Meta(ge=SHORTEST, le=MAX_INTERVAL_S, description="Seconds between two fetches: 15 minutes to 30 days.")
]
Adaptive = Annotated[
    bool, Meta(description="true: fetch less often while the player does not play. false: always fetch every interval.")
]


class NewPlayer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A player to track, and to follow unless `follow` is false."""

    username: Username
    mode: GameMode = GameMode.REGULAR
    interval: Interval | None = None
    """Default: the interval in the settings."""
    adaptive: Adaptive = True
    follow: Annotated[bool, Meta(description="Also follow the player.")] = True


class NewPlayerFor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A player that a bot tracks, for a person if `user_id` is given."""

    username: Username
    user_id: ExternalId | None = None
    user_data: UserData = UserData()
    mode: GameMode = GameMode.REGULAR
    interval: Interval | None = None
    adaptive: Adaptive = True


class FollowFor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person who follows a player, by Discord id."""

    user_id: ExternalId
    user_data: UserData = UserData()


class ChangePlayer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of a player. Omitted fields keep their values."""

    interval: Interval | UnsetType = UNSET
    adaptive: Adaptive | UnsetType = UNSET
    active: Annotated[bool | UnsetType, Meta(description="A deactivated player is not fetched.")] = UNSET
    mode: GameMode | UnsetType = UNSET


class RenamePlayer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new name of a player."""

    username: Username


class PlayerSort(StrEnum):
    """Field that orders a list; a dash reverses the order."""

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
    """Filters of a list of players; None: no filter."""

    begins_with: str | None = None
    mode: GameMode | None = None
    status: Status | None = None
    active: bool | None = None
    verified: bool | None = None
    guild_id: str | None = None
    follower: UUID | None = None


class PlayerView(FetchStatus, frozen=True, kw_only=True):
    """A player and the state of its fetches."""

    id: UUID
    username: str
    """The canonical spelling, by which the game distinguishes players."""
    display_name: str
    mode: str
    active: bool
    verified: bool
    """True if the hiscores have shown the player. Otherwise it may not exist."""
    flagged: bool
    """The hiscores show less than before. The old figures stay until the decrease has lasted, or is over."""
    interval: int
    adaptive: bool
    overall_xp: int | None
    total_level: int | None
    fetches: int
    records: int
    """Number of fetches that showed a change."""
    recorded_at: datetime | None
    created_at: datetime


class PlayerPage(Struct, frozen=True, kw_only=True):
    items: list[PlayerView]
    page: int
    per_page: int
    total: int


class PlayerRef(Struct, frozen=True, kw_only=True):
    """Id and names of a player."""

    id: UUID
    username: str
    display_name: str
    mode: str


class FetchStarted(Struct, frozen=True, kw_only=True):
    """A requested fetch; `/api/tasks/{task_id}` shows its state and result."""

    task_id: UUID
    estimated_seconds: Annotated[
        float | None,
        Meta(description="Seconds until the fetch is done, from the queue and the pace of the site. null: unknown."),
    ]
    estimated_at: datetime | None
    waits_for: str | None = None
    """Action that the fetch waits for, if nothing is fetched at present."""


class MetricView(Struct, frozen=True, kw_only=True):
    """A metric that the hiscores count."""

    slug: str
    name: str
    kind: MetricKind


class SkillStat(Struct, frozen=True, kw_only=True):
    """A skill; null means unknown, not 0."""

    skill: str
    name: str
    rank: int | None
    level: int | None
    virtual_level: int | None
    xp: int | None


class ScoreStat(Struct, frozen=True, kw_only=True):
    """The kills of a boss, or the points of an activity; null means unknown, not 0."""

    metric: str
    name: str
    rank: int | None
    score: int | None


class Stats(Struct, frozen=True, kw_only=True):
    """Figures of the last fetch."""

    total_level: int | None
    overall_xp: int | None
    overall_rank: int | None
    combat_level: int
    combat_is_lower_bound: bool
    """True if a skill that counts for the combat level is unknown."""
    skills: list[SkillStat]
    bosses: list[ScoreStat]
    activities: list[ScoreStat]


class PlayerStats(Struct, frozen=True, kw_only=True):
    """Stats of a player; `stats` is null before the first fetch.

    While a player is flagged, `seen_at` is the time of the last fetch, but the figures are those that still count.
    """

    player: PlayerRef
    seen_at: datetime | None
    flagged: bool
    stats: Stats | None


class ManyStats(Struct, frozen=True, kw_only=True):
    """Stats of players in the order of the request, each once, and the names that are not tracked."""

    items: list[PlayerStats]
    missing: list[str]


class Compared(Struct, frozen=True, kw_only=True):
    """The two states that were compared."""

    started_at: datetime
    start_is: str
    """`before`: the last record at or before the start. `inside`: the first record after it, because none is older.
    `reset`: the first record after a reset, such as a rollback.
    """
    ended_at: datetime


class MetricGain(Struct, frozen=True, kw_only=True):
    """The change of a metric; null means unknown. Values of skills are experience."""

    metric: str
    name: str
    kind: MetricKind
    start: int | None
    end: int | None
    gained: int | None
    """A decrease counts as 0, except in ratings, which can go down."""
    per_day: float | None
    rank_start: int | None
    """The rank when the metric was last recorded. A change of rank alone is not recorded."""
    rank_end: int | None
    rank_gained: int | None
    """Places gained; negative: lost."""
    level_start: int | None = None
    level_end: int | None = None


class PlayerHistory(Struct, frozen=True, kw_only=True):
    """Gains of a player in a span; `compared` is null if the player was not fetched before its end."""

    player: PlayerRef
    start: datetime | None
    end: datetime
    time_zone: str
    days: float | None
    """Days behind `per_day`: from the start, or the first fetch after it, to the end, or the last fetch before it."""
    compared: Compared | None
    gains: list[MetricGain]


class TimelinePoint(Struct, frozen=True, kw_only=True):
    """The value of a metric at a fetch."""

    at: datetime
    value: int | None
    rank: int | None
    level: int | None = None


class Timeline(Struct, frozen=True, kw_only=True):
    """Values of a metric, oldest first, reduced if you request fewer points than there are."""

    player: PlayerRef
    metric: MetricView
    start: datetime | None
    end: datetime
    points: list[TimelinePoint]
    recorded: int
    """Number of points before the reduction."""


class ComparedPlayer(Struct, frozen=True, kw_only=True):
    """Value and gain of a player in a metric, in a comparison."""

    username: str
    display_name: str
    metric: str
    value: int | None
    rank: int | None
    gained: int | None
    started_at: datetime | None
    ended_at: datetime | None


class Comparison(Struct, frozen=True, kw_only=True):
    """Players compared by metric, the largest gain first."""

    start: datetime | None
    end: datetime
    time_zone: str
    items: list[ComparedPlayer]
    missing: list[str]


class GainPeriod(StrEnum):
    """Calendar days, weeks from Monday, months and years, all in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Which(StrEnum):
    """The current period, or the period before it."""

    CURRENT = "current"
    PREVIOUS = "previous"


class BoardRow(Struct, frozen=True, kw_only=True):
    """A place on a leaderboard; equal gains share a place."""

    place: int
    username: str
    display_name: str
    mode: str
    gained: int


class PlayerLeaderboard(Struct, frozen=True, kw_only=True):
    """The largest gains in a metric in a period."""

    metric: MetricView
    period: GainPeriod
    starts: date
    ends: date
    """The first day after the period."""
    items: list[BoardRow]


class Best(Struct, frozen=True, kw_only=True):
    """The period with the largest gain of a player in a metric."""

    metric: str
    name: str
    period: GainPeriod
    starts: date
    gained: int


class Bests(Struct, frozen=True, kw_only=True):
    player: PlayerRef
    items: list[Best]


class Achievement(Struct, frozen=True, kw_only=True):
    """An achievement between two fetches; `after` is null if it was reached before the first fetch."""

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
    """A player, and whether the person follows it."""

    player: PlayerRef
    following: bool


class Card(Struct, frozen=True, kw_only=True):
    """Summary of a player."""

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
    """A player under its new name."""

    player: PlayerRef
    former: str
    merged: bool
    """True if the player that was tracked under the new name was merged into this player."""
    records: int


class MetricNames(Struct, frozen=True, kw_only=True):
    items: list[MetricView]
