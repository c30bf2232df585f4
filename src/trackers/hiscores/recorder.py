"""How looks are stored: compared with what is known, written in bulk where they differ, and told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from shared.outbox.events import NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.failures import Reason
from shared.scraping.source import FailedVisit, Observation
from trackers.hiscores.catalogue import OVERALL, TOTAL_LEVEL, Metric, MetricKind
from trackers.hiscores.comparison import Entry, RecordKind, Verdict, compare
from trackers.hiscores.maths import level_for
from trackers.hiscores.metrics import MetricNumbers
from trackers.hiscores.modes import GameMode
from trackers.hiscores.names import shown, spells
from trackers.hiscores.news import FELL, MISSING, PROGRESSED, LevelUp, PlayerNews, page_of
from trackers.hiscores.parser import Page
from trackers.hiscores.repository import AchievementRow, GainRow, PlayerRepository, SeenRow, StoredPlayer
from trackers.hiscores.thresholds import in_words, passed

TOLD_AFTER: Final = 3
"""Looks in a row at a known player who is not there, after which followers are told."""


@dataclass(slots=True)
class Written:
    """What a batch of looks comes to."""

    seen: list[SeenRow] = field(default_factory=list)
    gains: list[GainRow] = field(default_factory=list)
    achieved: list[AchievementRow] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    """Targets of players who played."""


class HiscoreRecorder:
    """Compares looks with what is known and writes what changed, a whole batch at once."""

    def __init__(self, *, players: PlayerRepository, numbers: MetricNumbers, outbox: Outbox) -> None:
        self._players = players
        self._numbers = numbers
        self._outbox = outbox

    async def record(self, observations: Sequence[Observation[Page]]) -> set[UUID]:
        """Targets of players of whom anything but a rank moved."""
        stored = await self._players.stored([one.target.id for one in observations])
        ours = [one for one in observations if one.target.id in stored]
        if not ours:  # removed while they were looked at
            return set()
        now = max(one.at for one in ours)
        by_slug = {reading.metric.slug: reading.metric for one in ours for reading in one.value.readings}
        numbers = await self._numbers.numbered(by_slug.values(), now=now)
        metrics = {numbers[slug]: metric for slug, metric in by_slug.items()}
        await self._note_layouts(ours, stored)
        written = Written()
        for one in ours:
            _take(written, one, stored[one.target.id], numbers, metrics)
        await self._players.record(written.seen, written.gains, written.achieved)
        if written.events:
            await self._outbox.publish(*sorted(written.events, key=lambda event: event.aggregate))
        return written.changed

    async def record_failures(self, failures: Sequence[FailedVisit]) -> None:
        """Tell, once in a row of failures, of players who are not on their table any more; one 404 proves nothing."""
        gone = {
            failure.target.id: failure
            for failure in failures
            if failure.failure.reason is Reason.NOT_FOUND and failure.target.failures + 1 == TOLD_AFTER
        }
        stored = await self._players.stored(list(gone)) if gone else {}
        events = [
            _event(MISSING, news_of(player), key=f"missing:{gone[target].target.run_id}")
            for target, player in stored.items()
            if player.verified_at is not None
        ]
        if events:
            await self._outbox.publish(*sorted(events, key=lambda event: event.aggregate))

    async def _note_layouts(
        self, observations: Sequence[Observation[Page]], stored: Mapping[UUID, StoredPlayer]
    ) -> None:
        """What each table's lists are like now, from the latest look at it."""
        latest = {stored[one.target.id].mode: one for one in sorted(observations, key=lambda one: one.at)}
        for mode in sorted(latest):
            await self._numbers.note_layout(GameMode(mode), latest[mode].value.layout, now=latest[mode].at)


def _take(
    written: Written,
    one: Observation[Page],
    player: StoredPlayer,
    numbers: Mapping[str, int],
    metrics: Mapping[int, Metric],
) -> None:
    """Compare one look with what is known of its player."""
    seen = {numbers[reading.metric.slug]: Entry(reading.value, reading.rank) for reading in one.value.readings}
    known = player.known
    verdict = compare(known, seen, metrics, suspicious=player.flagged_at is not None, anew=player.anew)
    name = one.value.name
    display = name if name is not None and spells(name, player.username) else player.display_name
    written.seen.append(_seen_row(player, one, verdict, numbers, display_name=shown(display)))
    written.gains += [
        GainRow(player=player.no, metric=no, gain=gain, at=one.at) for no, gain in verdict.gains.items() if gain
    ]
    if verdict.record is None:
        return
    written.changed.add(one.target.id)
    if verdict.flagged:
        _log_fall(player, verdict, metrics)
        return
    if known is not None and verdict.era != known.era:
        if verdict.fell:
            fell = [metrics[no].name for no in verdict.fell]
            written.events.append(_event(FELL, news_of(player, fell=fell), key=f"fell:{one.target.run_id}"))
        return
    before = {no: entry.value for no, entry in known.entries.items()} if known is not None else {}
    reached = [
        (no, threshold)
        for no, entry in seen.items()
        if no in verdict.recorded
        for threshold in passed(metrics[no], before.get(no), entry.value)
    ]
    after = None if known is None else known.looked_at
    written.achieved += [
        AchievementRow(
            player=player.no,
            metric=no,
            threshold=threshold,
            after=after if before.get(no) is not None else None,
            before=one.at,
        )
        for no, threshold in reached
    ]
    if known is None:
        return  # the first look is no news
    news = news_of(
        player,
        xp_gained=verdict.gains.get(numbers[OVERALL], 0),
        levels=_levels(verdict, before, metrics),
        achievements=[in_words(metrics[no], threshold) for no, threshold in reached if before.get(no) is not None],
    )
    written.events.append(_event(PROGRESSED, news, key=f"progressed:{one.target.run_id}"))


def news_of(
    player: StoredPlayer,
    *,
    xp_gained: int = 0,
    levels: Sequence[LevelUp] = (),
    achievements: Sequence[str] = (),
    fell: Sequence[str] = (),
) -> PlayerNews:
    """What is told of a player, with where people look them up."""
    return PlayerNews(
        player_id=player.id,
        username=player.username,
        display_name=player.display_name,
        mode=player.mode,
        url=page_of(player.username),
        xp_gained=xp_gained,
        levels=levels,
        achievements=achievements,
        fell=fell,
    )


def _event(event: str, news: PlayerNews, *, key: str) -> NewEvent:
    return NewEvent(event=event, aggregate=f"player:{news.player_id}", payload=news, key=key)


def _levels(verdict: Verdict, before: Mapping[int, int | None], metrics: Mapping[int, Metric]) -> list[LevelUp]:
    """Levels gained, of skills whose experience was known."""
    levels = []
    for no in sorted(verdict.gains):
        metric, was, now = metrics[no], before.get(no), verdict.recorded[no].value
        if metric.kind is not MetricKind.SKILL or metric.slug == OVERALL or was is None or now is None:
            continue
        if level_for(now) > level_for(was):
            levels.append(LevelUp(skill=metric.slug, name=metric.name, before=level_for(was), now=level_for(now)))
    return levels


def _seen_row(
    player: StoredPlayer,
    one: Observation[Page],
    verdict: Verdict,
    numbers: Mapping[str, int],
    *,
    display_name: str,
) -> SeenRow:
    recorded, entries = sorted(verdict.recorded), sorted(verdict.entries)
    overall = verdict.entries.get(numbers[OVERALL])
    total = verdict.entries.get(numbers[TOTAL_LEVEL])
    return SeenRow(
        player=player.no,
        at=one.at,
        kind=None if verdict.record is None else int(verdict.record),
        era=verdict.era,
        since_keyframe=verdict.since_keyframe,
        display_name=display_name,
        metrics=recorded,
        vals=[verdict.recorded[no].value for no in recorded],
        ranks=[verdict.recorded[no].rank for no in recorded],
        state_metrics=entries,
        state_vals=[verdict.entries[no].value for no in entries],
        state_ranks=[verdict.entries[no].rank for no in entries],
        overall_xp=None if overall is None else overall.value,
        total_level=None if total is None else total.value,
        flagged=verdict.record is RecordKind.FLAGGED,
    )


def _log_fall(player: StoredPlayer, verdict: Verdict, metrics: Mapping[int, Metric]) -> None:
    structlog.get_logger(__name__).warning(
        "player_fell",
        player_id=str(player.id),
        metrics=[metrics[no].slug for no in verdict.fell],
    )
