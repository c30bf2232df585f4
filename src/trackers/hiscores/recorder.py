"""How looks are stored: compared with what is known, written in bulk where they differ, and told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from shared.events import EventType, NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.backoff import failures_in_a_row
from shared.scraping.failures import Reason
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.targets import Targets
from trackers.hiscores.catalogue import OVERALL, TOTAL_LEVEL, Metric, MetricKind
from trackers.hiscores.comparison import MetricValue, Verdict, compare
from trackers.hiscores.events import (
    ADDED,
    PLAYER_DECREASED,
    PLAYER_MISSING,
    PLAYER_PROGRESSED,
    REMOVED,
    PlayerAdded,
    PlayerRemoved,
)
from trackers.hiscores.maths import level_for
from trackers.hiscores.messages import LevelUp, PlayerUpdate, page_of
from trackers.hiscores.metrics import MetricNumbers
from trackers.hiscores.modes import GameMode
from trackers.hiscores.names import shown, spells
from trackers.hiscores.parser import HiscoresPage
from trackers.hiscores.record_repository import AchievementRow, GainRow, RecordRepository, SeenRow, StoredPlayer
from trackers.hiscores.repository import PlayerRepository
from trackers.hiscores.thresholds import in_words, passed

TOLD_AFTER: Final = 3
"""Looks in a row at a known player who is not there, after which followers are told."""


@dataclass(slots=True)
class HiscoreChanges:
    """What a batch of looks comes to."""

    seen: list[SeenRow] = field(default_factory=list)
    gains: list[GainRow] = field(default_factory=list)
    achieved: list[AchievementRow] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    begun_anew: list[int] = field(default_factory=list)
    """Players of whom what was derived is another's, or was rolled back."""
    changed: set[UUID] = field(default_factory=set)
    """Targets of players who played."""


class HiscoreRecorder:
    """Compares looks with what is known and writes what changed, a whole batch at once."""

    def __init__(
        self,
        *,
        players: PlayerRepository,
        records: RecordRepository,
        numbers: MetricNumbers,
        targets: Targets,
        outbox: Outbox,
        fall_lasts: float,
    ) -> None:
        self._players = players
        self._records = records
        self._numbers = numbers
        self._targets = targets
        self._outbox = outbox
        self._decrease_lasts = timedelta(seconds=fall_lasts)

    async def record(self, observations: Sequence[Observation[HiscoresPage]]) -> set[UUID]:
        """Targets of players of whom anything but a rank moved."""
        stored = await self._records.stored([one.target.id for one in observations])
        ours = [one for one in observations if one.target.id in stored]
        if not ours:  # removed while they were looked at
            return set()
        now = max(one.at for one in ours)
        by_slug = {reading.metric.slug: reading.metric for one in ours for reading in one.value.readings}
        numbers = await self._numbers.numbered(by_slug.values(), now=now)
        metrics = {numbers[slug]: metric for slug, metric in by_slug.items()}
        await self._note_layouts(ours, stored)
        written = HiscoreChanges()
        for one in ours:
            _take(written, one, stored[one.target.id], numbers, metrics, self._decrease_lasts)
        for no in written.begun_anew:
            await self._records.forget_derived(no)
        await self._records.record(written.seen, written.gains, written.achieved)
        if written.events:
            await self._outbox.publish(*sorted(written.events, key=lambda event: event.aggregate))
        return written.changed

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        """Tell, once in a row of them, of players who are not on their table any more; one 404 proves nothing.

        Whom the table never showed is tracked no longer; at once, where whoever added them is no longer here to see.
        """
        gone = {failure.target.id: failure for failure in failures if failure.failure.reason is Reason.NOT_FOUND}
        stored = await self._records.stored(list(gone)) if gone else {}
        events = []
        for target, player in stored.items():
            often = failures_in_a_row(gone[target].target, Reason.NOT_FOUND)
            if player.known is None and (player.provisional or often == TOLD_AFTER):
                await self._players.purge(player.no)
                await self._targets.forget([target])
                events.append(removed(player.id, player.username, reason=Reason.NOT_FOUND, owner=player.added_by))
            elif player.known is not None and often == TOLD_AFTER:
                events.append(_event(PLAYER_MISSING, news_of(player), key=f"missing:{gone[target].target.run_id}"))
        if events:
            await self._outbox.publish(*sorted(events, key=lambda event: event.aggregate))

    async def _note_layouts(
        self, observations: Sequence[Observation[HiscoresPage]], stored: Mapping[UUID, StoredPlayer]
    ) -> None:
        """What each table's lists are like now, from the latest look at it."""
        latest = {stored[one.target.id].mode: one for one in sorted(observations, key=lambda one: one.at)}
        for mode in sorted(latest):
            await self._numbers.note_layout(GameMode(mode), latest[mode].value.layout, now=latest[mode].at)


def _take(
    written: HiscoreChanges,
    one: Observation[HiscoresPage],
    player: StoredPlayer,
    numbers: Mapping[str, int],
    metrics: Mapping[int, Metric],
    fall_lasts: timedelta,
) -> None:
    """Compare one look with what is known of its player."""
    seen = {numbers[reading.metric.slug]: MetricValue(reading.value, reading.rank) for reading in one.value.readings}
    known = player.known
    flagged = player.flagged_at is not None
    lasted = player.flagged_at is not None and one.at - player.flagged_at >= fall_lasts
    verdict = compare(known, seen, metrics, flagged=flagged, lasted=lasted)
    name = one.value.name
    display = name if name is not None and spells(name, player.username) else player.display_name
    written.seen.append(_seen_row(player, one, verdict, numbers, display_name=shown(display)))
    written.gains += [
        GainRow(player=player.no, metric=no, gain=gain, at=one.at, since=known.fetched_at if known else one.at)
        for no, gain in verdict.gains.items()
        if gain
    ]
    if verdict.record is None:
        return
    written.changed.add(one.target.id)
    if verdict.flagged:
        _log_decrease(player, verdict, metrics)
        return
    if known is not None and verdict.era != known.era:
        decreased = [metrics[no].name for no in verdict.decreased]
        written.events.append(
            _event(PLAYER_DECREASED, news_of(player, decreased=decreased), key=f"decreased:{one.target.run_id}")
        )
        written.begun_anew.append(player.no)
        known = None  # what was passed by whoever it was is passed before anybody looked
    before = {no: entry.value for no, entry in known.entries.items()} if known is not None else {}
    reached = [
        (no, threshold)
        for no, entry in seen.items()
        if no in verdict.recorded
        for threshold in passed(metrics[no], before.get(no), entry.value)
    ]
    after = None if known is None else known.fetched_at
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
    if player.known is None:
        written.events.append(added(player))
    if known is None:
        return  # the first look is no news
    news = news_of(
        player,
        xp_gained=verdict.gains.get(numbers[OVERALL], 0),
        levels=_levels(verdict, before, metrics),
        achievements=[in_words(metrics[no], threshold) for no, threshold in reached if before.get(no) is not None],
    )
    written.events.append(_event(PLAYER_PROGRESSED, news, key=f"progressed:{one.target.run_id}"))


def news_of(
    player: StoredPlayer,
    *,
    xp_gained: int = 0,
    levels: Sequence[LevelUp] = (),
    achievements: Sequence[str] = (),
    decreased: Sequence[str] = (),
) -> PlayerUpdate:
    """What is told of a player, with where people look them up."""
    return PlayerUpdate(
        player_id=player.id,
        username=player.username,
        display_name=player.display_name,
        mode=player.mode,
        url=page_of(player.username),
        xp_gained=xp_gained,
        levels=levels,
        achievements=achievements,
        decreased=decreased,
    )


def added(player: StoredPlayer) -> NewEvent:
    """What bots are told of a player whom the hiscores have shown for the first time."""
    told = PlayerAdded(player_id=player.id, username=player.username, mode=player.mode)
    return NewEvent(
        event=ADDED,
        aggregate=f"player:{player.id}",
        payload=told,
        user_id=player.added_by,
        key=f"added:{player.id}",
    )


def removed(player_id: UUID, username: str, *, reason: str, owner: UUID | None) -> NewEvent:
    """What bots are told of a player who is tracked no longer."""
    told = PlayerRemoved(player_id=player_id, username=username, reason=reason)
    return NewEvent(event=REMOVED, aggregate=f"player:{player_id}", payload=told, user_id=owner)


def _event(event: EventType, news: PlayerUpdate, *, key: str) -> NewEvent:
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
    one: Observation[HiscoresPage],
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
        flagged=verdict.flagged,
    )


def _log_decrease(player: StoredPlayer, verdict: Verdict, metrics: Mapping[int, Metric]) -> None:
    structlog.get_logger(__name__).warning(
        "player_decreased",
        player_id=str(player.id),
        metrics=[metrics[no].slug for no in verdict.decreased],
    )
