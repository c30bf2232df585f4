"""Read queries for players, their stats and achievements: static statements whose rows become Structs."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import TextClause, text

from shared.clock import Clock
from shared.database import Queries
from shared.errors import Invalid
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_COLUMNS, STATUS_IS
from shared.web.identity import Identity, PersonIdentity
from trackers.hiscores.errors import PlayerNotFound, TooManyPlayers
from trackers.hiscores.messages import page_of
from trackers.hiscores.metrics import MetricBook
from trackers.hiscores.names import beginning, canonical
from trackers.hiscores.progress import state_of, stats_of
from trackers.hiscores.repository import FORMER, LISTED
from trackers.hiscores.schemas import (
    MOST_AT_ONCE,
    Achievement,
    Achievements,
    Best,
    Bests,
    Card,
    GainPeriod,
    ManyStats,
    MetricNames,
    MetricView,
    PlayerFilter,
    PlayerPage,
    PlayerRef,
    PlayerSort,
    PlayerStats,
    PlayerView,
)
from trackers.hiscores.thresholds import in_words
from users.access import AccessPolicy

PLAYER_COLUMNS: Final = f"""
SELECT p.id, p.username, p.display_name, p.mode, p.active, p.verified_at IS NOT NULL AS verified,
       p.flagged_at IS NOT NULL AS flagged, t.interval_seconds AS interval, NOT t.steady AS adaptive,
       p.overall_xp, p.total_level, coalesce(z.fetches, 0) AS fetches, coalesce(z.records, 0) AS records, p.recorded_at,
       p.created_at, {STATUS_COLUMNS}
"""
PLAYER_JOINS: Final = """
FROM hiscore_players p
JOIN scrape_targets t ON t.id = p.target_id
LEFT JOIN scrape_schedule s ON s.target_id = p.target_id
LEFT JOIN hiscore_states z ON z.player = p.no
"""
_VIEW: Final = text(f"{PLAYER_COLUMNS} {PLAYER_JOINS} WHERE p.username = :username AND {LISTED}")
_ORDER: Final = {
    PlayerSort.NAME: "p.username",
    PlayerSort.NAME_DOWN: "p.username DESC",
    PlayerSort.CREATED: "p.id",
    PlayerSort.CREATED_DOWN: "p.id DESC",
    PlayerSort.CHANGED: "p.recorded_at NULLS FIRST, p.id",
    PlayerSort.CHANGED_DOWN: "p.recorded_at DESC NULLS LAST, p.id DESC",
    PlayerSort.LEVEL: "p.total_level NULLS FIRST, p.id",
    PlayerSort.LEVEL_DOWN: "p.total_level DESC NULLS LAST, p.id DESC",
    PlayerSort.XP: "p.overall_xp NULLS FIRST, p.id",
    PlayerSort.XP_DOWN: "p.overall_xp DESC NULLS LAST, p.id DESC",
}
# Not LIKE, in which an underscore matches any letter.
_FILTERS: Final = {
    "begins_with": "starts_with(p.username, :begins_with)",
    "mode": "p.mode = :mode",
    "active": "p.active = :active",
    "verified": "(p.verified_at IS NOT NULL) = :verified",
    "follower": "EXISTS (SELECT FROM hiscore_follows f WHERE f.player_id = p.id AND f.user_id = :follower)",
    "guild_id": """EXISTS (SELECT FROM hiscore_follows f JOIN guild_members g ON g.user_id = f.user_id
                           WHERE f.player_id = p.id AND g.guild_id = :guild_id
                             AND g.confirmed_by IS NOT NULL)""",
}
_STATES: Final = text(f"""
SELECT p.id, p.username, p.display_name, p.mode, p.flagged_at IS NOT NULL AS flagged,
       z.metrics, z.vals, z.ranks, z.fetched_at
FROM hiscore_players p LEFT JOIN hiscore_states z ON z.player = p.no
WHERE p.username = ANY(CAST(:usernames AS text[])) AND {LISTED}
""")  # noqa: S608 -- fragments of our own
_NUMBERED: Final = text(f"""
SELECT p.id, p.no, p.username, p.display_name, p.mode FROM hiscore_players p
WHERE p.username = :username AND {LISTED}
""")  # noqa: S608 -- fragments of our own
_BESTS: Final = text("""
SELECT metric, period, starts, gain FROM hiscore_bests WHERE player = :no ORDER BY metric, period
""")
_ACHIEVEMENTS: Final = text("""
SELECT metric, threshold, after, before FROM hiscore_achievements WHERE player = :no
ORDER BY before DESC, metric, threshold DESC LIMIT :limit
""")
_GAINED_LATELY: Final = text("""
SELECT period, gain FROM hiscore_gains
WHERE player = :no AND metric = :metric
  AND (period = 0 AND starts = CAST(:today AS date)
       OR period = 1 AND starts = CAST(date_trunc('week', CAST(:today AS date)) AS date))
""")
_ZONE: Final = text("SELECT time_zone FROM users WHERE id = :id")
PERIODS: Final = tuple(GainPeriod)
EVERY_ACHIEVEMENT: Final = 10_000
ON_A_CARD: Final = 5


class NumberedPlayer(PlayerRef, frozen=True, kw_only=True):
    """A player with its number in the large tables."""

    no: int

    @property
    def ref(self) -> PlayerRef:
        return PlayerRef(id=self.id, username=self.username, display_name=self.display_name, mode=self.mode)


@cache
def _list_statements(names: frozenset[str], status: Status | None, sort: PlayerSort) -> tuple[TextClause, TextClause]:
    """Return the statements for a page and for the total, with the named filters only: plans differ by filter."""
    filters = [_FILTERS[name] for name in sorted(names)] + ([STATUS_IS[status]] if status else [])
    where = " AND ".join([LISTED, *filters])
    page = text(f"{PLAYER_COLUMNS} {PLAYER_JOINS} WHERE {where} ORDER BY {_ORDER[sort]} LIMIT :limit OFFSET :skip")
    joins = PLAYER_JOINS if status else "FROM hiscore_players p"
    return page, text(f"SELECT count(*) {joins} WHERE {where}")


class PlayerReads:
    """Finds players by name. Every user and bot with access to players may read all of them."""

    def __init__(self, questions: Queries, *, book: MetricBook, clock: Clock) -> None:
        self._questions = questions
        self._book = book
        self._clock = clock

    async def _numbered(self, username: str) -> NumberedPlayer:
        """Return the player with this name. Raises InvalidUsername or PlayerNotFound."""
        name = canonical(username)
        row = await self._questions.row(_NUMBERED, {"username": name})
        if row is None:
            raise await self._not_found(name)
        return NumberedPlayer(**row)

    async def _not_found(self, username: str) -> PlayerNotFound:
        return PlayerNotFound(username, now=await self._questions.value(FORMER, {"username": username}))

    async def zone_of(self, asker: Identity, asked: str | None) -> str:
        """Return the time zone of spans: the requested zone, else the person's own, else UTC."""
        if asked is not None:
            return asked
        if isinstance(asker, PersonIdentity):
            return str(await self._questions.value(_ZONE, {"id": asker.user_id}) or "UTC")
        return "UTC"


class PlayerQueries(PlayerReads):
    """Reads players, their stats and achievements."""

    def __init__(self, questions: Queries, *, book: MetricBook, clock: Clock, access: AccessPolicy) -> None:
        super().__init__(questions, book=book, clock=clock)
        self._access = access

    async def get_player(self, username: str) -> PlayerView:
        """Return a player and the state of its fetches. Raises InvalidUsername or PlayerNotFound."""
        name = canonical(username)
        row = await self._questions.row(_VIEW, {"username": name})
        if row is None:
            raise await self._not_found(name)
        return PlayerView(**row)

    async def list_players(
        self,
        asker: Identity,
        filters: PlayerFilter,
        *,
        sort: PlayerSort = PlayerSort.NAME,
        page: int = 1,
        per_page: int = 50,
    ) -> PlayerPage:
        """Return a page of the players that match all filters.

        Raises GuildNotFound, Forbidden for the list of somebody else, or InvalidUsername if no name can begin with
        `begins_with`.
        """
        if filters.guild_id is not None:
            await self._access.check_guild_read(asker, filters.guild_id)
        if filters.follower is not None:
            await self._access.check_read(asker, filters.follower)
        parameters: dict[str, Any] = {
            "begins_with": None if filters.begins_with is None else beginning(filters.begins_with),
            "mode": filters.mode,
            "active": filters.active,
            "verified": filters.verified,
            "guild_id": filters.guild_id,
            "follower": filters.follower,
        }
        parameters = {name: value for name, value in parameters.items() if value is not None}
        items, count = _list_statements(frozenset(parameters), filters.status, sort)
        rows = await self._questions.rows(items, {**parameters, "limit": per_page, "skip": (page - 1) * per_page})
        return PlayerPage(
            items=[PlayerView(**row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._questions.value(count, parameters),
        )

    async def get_current_stats(self, username: str) -> PlayerStats:
        """Return the stats of a player, without figures before the first fetch.

        Raises InvalidUsername or PlayerNotFound.
        """
        stats = await self.get_multiple_stats([username])
        if not stats.items:
            raise await self._not_found(stats.missing[0])
        return stats.items[0]

    async def get_multiple_stats(self, usernames: Sequence[str]) -> ManyStats:
        """Return the stats of up to MOST_AT_ONCE players, each once, in the given order; `missing` has untracked names.

        Raises InvalidUsername, Invalid without a name, or TooManyPlayers.
        """
        names = list(dict.fromkeys(canonical(name) for name in usernames))
        if not names:
            raise Invalid("Name at least one player: `?usernames=Lynx Titan,Somebody Else`.")
        if len(names) > MOST_AT_ONCE:
            raise TooManyPlayers(f"{len(names)} players are too many; name up to {MOST_AT_ONCE} at a time.")
        rows = {row["username"]: row for row in await self._questions.rows(_STATES, {"usernames": names})}
        metrics = await self._book.covering({number for row in rows.values() for number in row["metrics"] or ()})
        return ManyStats(
            items=[_stats(rows[name], metrics) for name in names if name in rows],
            missing=[name for name in names if name not in rows],
        )

    async def get_bests(self, username: str) -> Bests:
        """Return the best day, week, month and year of a player in each metric with gains."""
        player = await self._numbered(username)
        rows = await self._questions.rows(_BESTS, {"no": player.no})
        metrics = await self._book.covering({row["metric"] for row in rows})
        return Bests(
            player=player.ref,
            items=[
                Best(
                    metric=metrics[row["metric"]].slug,
                    name=metrics[row["metric"]].name,
                    period=PERIODS[row["period"]],
                    starts=row["starts"],
                    gained=row["gain"],
                )
                for row in rows
            ],
        )

    async def get_achievements(self, username: str) -> Achievements:
        """Return the achievements of a player, the latest first."""
        player = await self._numbered(username)
        return Achievements(player=player.ref, items=await self._achievements(player.no, limit=EVERY_ACHIEVEMENT))

    async def get_card(self, username: str) -> Card:
        """Return a summary of a player."""
        player = await self._numbered(username)
        latest = await self.get_current_stats(username)
        today = self._clock.now().date()
        overall, _ = await self._book.find("overall")
        gained = {
            row["period"]: row["gain"]
            for row in await self._questions.rows(_GAINED_LATELY, {"no": player.no, "metric": overall, "today": today})
        }
        stats = latest.stats
        return Card(
            player=player.ref,
            seen_at=latest.seen_at,
            total_level=stats.total_level if stats else None,
            overall_xp=stats.overall_xp if stats else None,
            overall_rank=stats.overall_rank if stats else None,
            combat_level=stats.combat_level if stats else None,
            xp_today=gained.get(0, 0),
            xp_this_week=gained.get(1, 0),
            skills_at_99=sum(skill.level == 99 for skill in stats.skills) if stats else 0,  # noqa: PLR2004 -- the level
            latest_achievements=await self._achievements(player.no, limit=ON_A_CARD),
            url=page_of(player.username),
        )

    async def list_metrics(self) -> MetricNames:
        """Return every metric that the hiscores count."""
        return MetricNames(
            items=[
                MetricView(slug=metric.slug, name=metric.name, kind=metric.kind) for metric in await self._book.listed()
            ]
        )

    async def _achievements(self, number: int, *, limit: int) -> list[Achievement]:
        rows = await self._questions.rows(_ACHIEVEMENTS, {"no": number, "limit": limit})
        metrics = await self._book.covering({row["metric"] for row in rows})
        return [
            Achievement(
                metric=metrics[row["metric"]].slug,
                name=metrics[row["metric"]].name,
                threshold=row["threshold"],
                what=in_words(metrics[row["metric"]], row["threshold"]),
                after=row["after"],
                before=row["before"],
            )
            for row in rows
        ]


def _stats(row: dict[str, Any], metrics: Any) -> PlayerStats:
    player = PlayerRef(id=row["id"], username=row["username"], display_name=row["display_name"], mode=row["mode"])
    fetched_at: datetime | None = row["fetched_at"]
    if fetched_at is None:
        return PlayerStats(player=player, seen_at=None, flagged=False, stats=None)
    stats = stats_of(state_of([row]), metrics)
    return PlayerStats(player=player, seen_at=fetched_at, flagged=row["flagged"], stats=stats)
