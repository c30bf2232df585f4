"""Gains of somebody with ten thousand records, a long timeline, a board of a hundred thousand, and what boards cost.

The floors ask the least for the same on a bare connection and leave the rows as they come; the product makes Structs of
them that go to the wire.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from app.container import AppContainer, running_app
from benchmarks.common import Result, compared, interleaved, median, spread
from benchmarks.hiscore_players import BEGAN, EVERY, METRICS, make_players, played
from benchmarks.house import House, connect
from shared.web.identity import PersonIdentity, Role
from trackers.hiscores.catalogue import MetricKind
from trackers.hiscores.comparison import Verdict
from trackers.hiscores.record_repository import GainRow, RecordRepository, SeenRow
from trackers.hiscores.schemas import GainPeriod
from trackers.hiscores.spans import AskedSpan

LONG: Final = 13_500
"""Looks, of which three in four are recorded."""
SHORT: Final = 1_350
PLAYERS: Final = 100_000
WRITERS: Final = 100
"""Players who are looked at in one batch."""
ASKED: Final = 20
ROUNDS: Final = 7
AT_LEAST: Final = 0.5
GROWS: Final = 1.3
SLAYER: Final = next(no for no, metric in METRICS.items() if metric.slug == "slayer")
SOMEBODY: Final = PersonIdentity(
    user_id=UUID(int=1),
    role=Role.USER,
    session_id=UUID(int=1),
    token_id="",
    expires_at=datetime(2100, 1, 1, tzinfo=UTC),
)

_FILL: Final = """
INSERT INTO hiscore_gains (player, metric, period, starts, gain)
SELECT p.no, m.id, 1, date_trunc('week', now())::date, (random() * 1000000)::bigint
FROM hiscore_players p CROSS JOIN (SELECT id FROM hiscore_metrics ORDER BY id LIMIT 12 OFFSET 14) AS m
"""
# The same answer by SQL alone: of each metric the last value of both states, and what lies between.
_BARE_GAINS: Final = """
SELECT e.metric, s.val, e.val, e.val - s.val, s.rank, e.rank
FROM hiscore_players p, LATERAL (
    SELECT DISTINCT ON (u.metric) u.metric, u.val, u.rank
    FROM hiscore_records r, unnest(r.metrics, r.vals, r.ranks) AS u (metric, val, rank)
    WHERE r.player = p.no AND r.kind <> 2 AND r.at BETWEEN (
        SELECT max(at) FROM hiscore_records k WHERE k.player = p.no AND k.kind = 1 AND k.at <= $3) AND $3
    ORDER BY u.metric, r.at DESC
) AS e LEFT JOIN LATERAL (
    SELECT DISTINCT ON (u.metric) u.metric, u.val, u.rank
    FROM hiscore_records r, unnest(r.metrics, r.vals, r.ranks) AS u (metric, val, rank)
    WHERE r.player = p.no AND r.kind <> 2 AND r.at BETWEEN (
        SELECT max(at) FROM hiscore_records k WHERE k.player = p.no AND k.kind = 1 AND k.at <= $2) AND $2
    ORDER BY u.metric, r.at DESC
) AS s ON s.metric = e.metric
WHERE p.username = $1 AND p.removed_at IS NULL
"""
_BARE_TIMELINE: Final = """
SELECT at, vals[array_position(metrics, $2::smallint)], ranks[array_position(metrics, $2::smallint)]
FROM hiscore_records WHERE player = $1 AND $2::smallint = ANY(metrics) AND kind <> 2 AND at >= $3 ORDER BY at
"""
_BARE_BOARD: Final = """
SELECT g.gain, p.username, p.display_name, p.mode FROM hiscore_gains g JOIN hiscore_players p ON p.no = g.player
WHERE g.metric = $1 AND g.period = 1 AND g.starts = date_trunc('week', now())::date ORDER BY g.gain DESC LIMIT 100
"""
Ask = Callable[[], Awaitable[float]]


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_hiscores")
    connection: Any = await connect(database)
    try:
        long, short, *others = await make_players(connection, PLAYERS)
        records = [await _keep(connection, player, looks) for player, looks in ((long, LONG), (short, SHORT))]
        await connection.execute(_FILL)
        await connection.execute("VACUUM ANALYZE")
        async with running_app(house.container(house.environ(database))) as container:
            times = await interleaved(_reading(container, connection, long), rounds=ROUNDS)
            writing = {
                "with": _writing(container, others[:WRITERS], gains=True),
                "without": _writing(container, others[WRITERS : 2 * WRITERS], gains=False),
            }
            written = await interleaved(writing, rounds=5)
    finally:
        await connection.close()
    notes = {"history_gain": f"{records[0]:,} records", "timeline": "3,000 days", "gainers": f"{PLAYERS:,} players"}
    results = [
        compared(
            name, 1000 / median(times[name]), "/s", 1000 / median(times[f"{name}_bare"]), at_least=AT_LEAST,
            note=f"{note}, {median(times[name]):.2f} ms, floor {median(times[f'{name}_bare']):.2f}; "
            f"{spread(times[f'{name}_bare'], times[name])}",
        )
        for name, note in notes.items()
    ]  # fmt: skip
    growth = compared(
        "history_growth", median(times["history_gain"]), "ms", median(times["history_gain_short"]), at_most=GROWS,
        note=f"{records[0]:,} records; floor: {records[1]:,}",
    )  # fmt: skip
    cost = compared(
        "gains_written", median(written["with"]), "ms/look", median(written["without"]),
        note="a look that moved a dozen metrics, with what boards and bests need of it; floor: without",
    )  # fmt: skip
    return [*results, growth, cost]


def _reading(container: AppContainer, connection: Any, long: int) -> dict[str, Ask]:
    histories = container.hiscores.history_queries()
    ends = {"p1": BEGAN + EVERY * (LONG - 200), "p2": BEGAN + EVERY * (SHORT - 200)}
    since = BEGAN + EVERY * (LONG // 10)

    def gains(name: str) -> Ask:
        end = ends[name]
        asked = AskedSpan(start=(end - timedelta(days=60)).isoformat(), end=end.isoformat())

        async def ask() -> None:
            assert len(msgspec.json.encode(await histories.get_history(name, asked))) > 10_000

        return _timed(ask)

    async def bare_gains() -> None:
        rows = await connection.fetch(_BARE_GAINS, "p1", ends["p1"] - timedelta(days=60), ends["p1"])
        assert len(rows) == len(METRICS)

    async def timeline() -> None:
        found = await histories.get_timeline("p1", "slayer", MetricKind.SKILL, AskedSpan(start=since.isoformat()))
        assert found.recorded > 1_000
        msgspec.json.encode(found)

    async def bare_timeline() -> None:
        assert len(await connection.fetch(_BARE_TIMELINE, long, SLAYER, since)) > 1_000

    async def board() -> None:
        found = await histories.get_leaderboard(SOMEBODY, "slayer", GainPeriod.WEEK, limit=100)
        assert len(found.items) == 100
        msgspec.json.encode(found)

    async def bare_board() -> None:
        assert len(await connection.fetch(_BARE_BOARD, SLAYER)) == 100

    return {
        "history_gain": gains("p1"),
        "history_gain_bare": _timed(bare_gains),
        "history_gain_short": gains("p2"),
        "timeline": _timed(timeline),
        "timeline_bare": _timed(bare_timeline),
        "gainers": _timed(board),
        "gainers_bare": _timed(bare_board),
    }


def _writing(container: AppContainer, players: Sequence[int], *, gains: bool) -> Ask:
    """Looks at a hundred players a batch, each of which moved the same as in a year of play; ms a look."""
    recorded = [(at, verdict) for at, verdict in played(3, 400) if verdict.record is not None][1:]
    place = 0

    async def write() -> float:
        nonlocal place
        started = time.perf_counter()
        for at, verdict in recorded[place : place + ASKED]:
            seen = [_seen(player, at, verdict) for player in players]
            gained = [
                GainRow(player=player, metric=no, gain=gain, at=at, since=at)
                for player in players
                for no, gain in verdict.gains.items()
            ]
            async with container.database().unit_of_work() as session:
                await RecordRepository(session).record(seen, gained if gains else [], [])
        place += ASKED
        return (time.perf_counter() - started) / ASKED / len(players) * 1000

    return write


def _seen(player: int, at: datetime, verdict: Verdict) -> SeenRow:
    recorded, entries = sorted(verdict.recorded), sorted(verdict.entries)
    return SeenRow(
        player=player,
        at=at,
        kind=int(verdict.record or 0),
        era=verdict.era,
        since_keyframe=verdict.since_keyframe,
        display_name=f"p{player}",
        metrics=recorded,
        vals=[verdict.recorded[no].value for no in recorded],
        ranks=[verdict.recorded[no].rank for no in recorded],
        state_metrics=entries,
        state_vals=[verdict.entries[no].value for no in entries],
        state_ranks=[verdict.entries[no].rank for no in entries],
        overall_xp=1,
        total_level=1,
        flagged=False,
    )


async def _keep(connection: Any, player: int, looks: int) -> int:
    """Store what a player's looks come to; how many records."""
    rows = []
    for at, verdict in played(player, looks):
        if verdict.record is not None:
            metrics = sorted(verdict.recorded)
            entries = [verdict.recorded[no] for no in metrics]
            vals, ranks = [entry.value for entry in entries], [entry.rank for entry in entries]
            rows.append((player, verdict.era, int(verdict.record), at, metrics, vals, ranks))
    await connection.copy_records_to_table("hiscore_records", records=rows)
    return len(rows)


def _timed(ask: Callable[[], Awaitable[None]]) -> Ask:
    """Milliseconds that one takes, of ASKED."""

    async def time_them() -> float:
        started = time.perf_counter()
        for _ in range(ASKED):
            await ask()
        return (time.perf_counter() - started) / ASKED * 1000

    return time_them
