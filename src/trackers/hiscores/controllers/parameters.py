"""Parameters and dependencies that the endpoints of several audiences take."""

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
        description="A player's name in any spelling. A name that is also a path here (`stats`, say) takes an "
        "underscore behind it: `stats_`.",
    ),
]
AcceptUnverified = Annotated[
    bool,
    QueryParameter(description="Keep the player, waiting, where the hiscores cannot be asked now; else 503."),
]
_Listed = Annotated[str, Meta(max_length=MOST_AT_ONCE * 51)]
"""Names with commas between."""
_MetricText = Annotated[str, Meta(max_length=100)]
Usernames = Annotated[
    list[_Listed],
    QueryParameter(max_items=200, description=f"Names with commas between, or repeated; up to {MOST_AT_ONCE}."),
]
FewUsernames = Annotated[
    list[_Listed],
    QueryParameter(max_items=50, description=f"Names with commas between, or repeated; up to {MOST_COMPARED}."),
]
BeginsWith = Annotated[
    str | None, QueryParameter(min_length=1, max_length=50, description="Only names that begin so, in any spelling.")
]
ModeFilter = Annotated[GameMode | None, QueryParameter(description="Only those of this table.")]
StatusFilter = Annotated[Status | None, QueryParameter(description="Only those whom looking at stands so.")]
VerifiedFilter = Annotated[
    bool | None, QueryParameter(description="Only those whom the hiscores have shown, or only those they never did.")
]
ActiveFilter = Annotated[bool | None, QueryParameter(description="Only active ones, or only deactivated.")]
GuildFilter = Annotated[
    str | None, QueryParameter(pattern=SNOWFLAKE, description="Only those whom members of this guild follow.")
]
Sort = Annotated[PlayerSort, QueryParameter(description="Order; with a dash the other way round.")]
Start = Annotated[
    str | None,
    QueryParameter(
        max_length=40, description="A moment with its offset, or a date, which begins at midnight in the time zone."
    ),
]
End = Annotated[
    str | None,
    QueryParameter(max_length=40, description="As the start; a date ends with its day. Left out: now."),
]
Period = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=20,
        description="Instead of a start: `day`, `week`, `month`, `year` (the one that runs, from midnight in the time "
        "zone), `all`, or a length such as `7d` or `5d12h`. Left out: 7d, of a timeline all.",
    ),
]
TimeZone = Annotated[
    str | None, QueryParameter(max_length=64, description="IANA name. Left out: one's own, for bots UTC.")
]
Skills = Annotated[list[_MetricText] | None, QueryParameter(max_items=30, description="Only these skills.")]
Bosses = Annotated[list[_MetricText] | None, QueryParameter(max_items=100, description="Only these bosses.")]
Activities = Annotated[list[_MetricText] | None, QueryParameter(max_items=50, description="Only these activities.")]
Moved = Annotated[bool, QueryParameter(description="Only what moved.")]
Points = Annotated[
    int | None,
    QueryParameter(ge=2, le=5_000, description="Make it this short, keeping its shape. Left out: all of it."),
]
Metric = Annotated[
    str, QueryParameter(min_length=1, max_length=100, description="A skill, boss or activity, by slug or name.")
]
Metrics = Annotated[
    list[_MetricText] | None,
    QueryParameter(max_items=MOST_COMPARED, description="Skills, bosses, activities; else overall."),
]
BoardPeriod = Annotated[GainPeriod, QueryParameter(description="Calendar periods, UTC; weeks begin on Monday.")]
WhichPeriod = Annotated[Which, QueryParameter(description="The period that runs, or the one before.")]
BoardLimit = Annotated[int, QueryParameter(ge=1, le=200, description="Places at most.")]


MetricName = Annotated[
    str, PathParameter(min_length=1, max_length=100, description="A skill, boss or activity, by slug or name.")
]


class TimelineGroup(StrEnum):
    """What a timeline is of."""

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
    """The span of time that a request asks for, in the zone of who asks."""
    zone = await player_histories.zone_of(request.auth, tz)
    return AskedSpan(start=start, end=end, period=period, time_zone=zone)


SPAN: Final = Provide(asked_span)
Span = NamedDependency[SkipValidation[AskedSpan]]


def split(usernames: Sequence[str]) -> list[str]:
    """Names, also with commas between; empty ones are left out."""
    return [name for some in usernames for name in some.split(",") if name.strip()]
