"""Parameters and dependencies that the endpoints of several audiences share."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import PathParameter, QueryParameter, SkipValidation
from msgspec import Meta

from shared.scraping.target import Status
from shared.web.identity import Identity
from trackers.hiscores.catalogue import MetricKind
from trackers.hiscores.history_queries import HistoryQueries
from trackers.hiscores.modes import GameMode
from trackers.hiscores.queries import PlayerQueries
from trackers.hiscores.schemas import MOST_AT_ONCE, MOST_COMPARED, GainPeriod, PlayerSort, Which
from trackers.hiscores.services.players import PlayerService
from trackers.hiscores.services.registration import PlayerRegistration
from trackers.hiscores.spans import AskedSpan
from users.accounts.schemas import SNOWFLAKE

Registration = NamedDependency[SkipValidation[PlayerRegistration]]
Service = NamedDependency[SkipValidation[PlayerService]]
Queries = NamedDependency[SkipValidation[PlayerQueries]]
Histories = NamedDependency[SkipValidation[HistoryQueries]]

Username = Annotated[
    str,
    PathParameter(
        min_length=1,
        max_length=50,
        description="A player's name in any spelling. If the name is also a path here, such as `stats`, append an "
        "underscore: `stats_`.",
    ),
]
AcceptUnverified = Annotated[
    bool,
    QueryParameter(
        description="true: if the hiscores cannot be reached now, add the player and fetch it later. false: 503."
    ),
]
_Listed = Annotated[str, Meta(max_length=MOST_AT_ONCE * 51)]
"""Names, separated by commas."""
_MetricText = Annotated[str, Meta(max_length=100)]
Usernames = Annotated[
    list[_Listed],
    QueryParameter(
        max_items=200, description=f"Names, separated by commas or in repeated parameters; up to {MOST_AT_ONCE}."
    ),
]
FewUsernames = Annotated[
    list[_Listed],
    QueryParameter(
        max_items=50, description=f"Names, separated by commas or in repeated parameters; up to {MOST_COMPARED}."
    ),
]
BeginsWith = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=50, description="Only names that begin with this text, in any spelling."),
]
ModeFilter = Annotated[GameMode | None, QueryParameter(description="Only players of this game mode.")]
StatusFilter = Annotated[Status | None, QueryParameter(description="Only players with this fetch status.")]
VerifiedFilter = Annotated[
    bool | None,
    QueryParameter(
        description="true: only players that the hiscores have listed. false: only players that they have never listed."
    ),
]
ActiveFilter = Annotated[
    bool | None, QueryParameter(description="true: only active players. false: only deactivated players.")
]
GuildFilter = Annotated[
    str | None, QueryParameter(pattern=SNOWFLAKE, description="Only players that members of this guild follow.")
]
Sort = Annotated[PlayerSort, QueryParameter(description="Order; a dash before the field reverses it.")]
Start = Annotated[
    str | None,
    QueryParameter(
        max_length=40, description="A time with its UTC offset, or a date, which begins at midnight in the time zone."
    ),
]
End = Annotated[
    str | None,
    QueryParameter(max_length=40, description="Like `start`, but a date means the end of that day. Default: now."),
]
Period = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=20,
        description="Instead of `start`: `day`, `week`, `month`, `year` (the current period, from midnight in the time "
        "zone), `all`, or a length such as `7d` or `5d12h`. Default: `7d`; for a timeline `all`.",
    ),
]
TimeZone = Annotated[
    str | None,
    QueryParameter(max_length=64, description="IANA name of the time zone. Default: your time zone; for bots UTC."),
]
Skills = Annotated[list[_MetricText] | None, QueryParameter(max_items=30, description="Only these skills.")]
Bosses = Annotated[list[_MetricText] | None, QueryParameter(max_items=100, description="Only these bosses.")]
Activities = Annotated[list[_MetricText] | None, QueryParameter(max_items=50, description="Only these activities.")]
Moved = Annotated[bool, QueryParameter(description="true: only metrics that changed.")]
Points = Annotated[
    int | None,
    QueryParameter(
        ge=2, le=5_000, description="Reduce the timeline to this many points and keep its shape. Default: all points."
    ),
]
Metric = Annotated[
    str, QueryParameter(min_length=1, max_length=100, description="A skill, boss or activity, by slug or name.")
]
Metrics = Annotated[
    list[_MetricText] | None,
    QueryParameter(
        max_items=MOST_COMPARED, description="Skills, bosses or activities, by slug or name. Default: overall."
    ),
]
BoardPeriod = Annotated[GainPeriod, QueryParameter(description="Calendar period, UTC; weeks begin on Monday.")]
WhichPeriod = Annotated[Which, QueryParameter(description="The current period, or the previous one.")]
BoardLimit = Annotated[int, QueryParameter(ge=1, le=200, description="Maximum number of rows.")]


MetricName = Annotated[
    str, PathParameter(min_length=1, max_length=100, description="A skill, boss or activity, by slug or name.")
]


class TimelineGroup(StrEnum):
    """Groups of metrics in the paths of timelines."""

    SKILLS = "skills"
    BOSSES = "bosses"
    ACTIVITIES = "activities"


KINDS: Final = {
    TimelineGroup.SKILLS: MetricKind.SKILL,
    TimelineGroup.BOSSES: MetricKind.BOSS,
    TimelineGroup.ACTIVITIES: MetricKind.ACTIVITY,
}
TimelineKind = Annotated[TimelineGroup, PathParameter(description="`skills`, `bosses` or `activities`.")]


async def asked_span(
    request: Request[Any, Identity, Any],
    player_histories: Histories,
    start: Start = None,
    end: End = None,
    period: Period = None,
    tz: TimeZone = None,
) -> AskedSpan:
    """Return the span of time in a request, with the requested time zone or that of the asker."""
    zone = await player_histories.zone_of(request.auth, tz)
    return AskedSpan(start=start, end=end, period=period, time_zone=zone)


SPAN: Final = Provide(asked_span)
Span = NamedDependency[SkipValidation[AskedSpan]]


def split(usernames: Sequence[str]) -> list[str]:
    """Split lists of names at commas and drop empty names."""
    return [name for listed in usernames for name in listed.split(",") if name.strip()]
