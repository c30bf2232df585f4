"""Recorder of fetches: compares them with the known states, writes changes in bulk and publishes events."""

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
"""Failed fetches in a row, because the player is missing, after which followers are notified."""


@dataclass(slots=True)
class HiscoreChanges:
    """Rows and events of a batch of fetches."""

    seen: list[SeenRow] = field(default_factory=list)
    gains: list[GainRow] = field(default_factory=list)
    achieved: list[AchievementRow] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    begun_anew: list[int] = field(default_factory=list)
    """Players whose derived data belongs to another account, or was rolled back."""
    changed: set[UUID] = field(default_factory=set)
    """Targets of players that changed in more than ranks."""


class HiscoreRecorder:
    """Compares fetches with the known states and writes the changes of a whole batch at once."""

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
        """Record a batch of fetches; return the targets of players that changed in more than ranks."""
        stored = await self._records.stored([fetch.target.id for fetch in observations])
        tracked = [fetch for fetch in observations if fetch.target.id in stored]
        if not tracked:  # removed during the fetch
            return set()
        now = max(fetch.at for fetch in tracked)
        by_slug = {reading.metric.slug: reading.metric for fetch in tracked for reading in fetch.value.readings}
        numbers = await self._numbers.numbered(by_slug.values(), now=now)
        metrics = {numbers[slug]: metric for slug, metric in by_slug.items()}
        await self._note_layouts(tracked, stored)
        written = HiscoreChanges()
        for fetch in tracked:
            _add_fetch(written, fetch, stored[fetch.target.id], numbers, metrics, self._decrease_lasts)
        for number in written.begun_anew:
            await self._records.forget_derived(number)
        await self._records.record(written.seen, written.gains, written.achieved)
        if written.events:
            await self._outbox.publish(*sorted(written.events, key=lambda event: event.aggregate))
        return written.changed

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        """Publish that a player is missing in its table after three 404s in a row, once; a single 404 proves nothing.

        A player that the table has never shown is then removed; a provisional player is removed after the first 404.
        """
        gone = {failure.target.id: failure for failure in failures if failure.failure.reason is Reason.NOT_FOUND}
        stored = await self._records.stored(list(gone)) if gone else {}
        events = []
        for target, player in stored.items():
            times = failures_in_a_row(gone[target].target, Reason.NOT_FOUND)
            if player.known is None and (player.provisional or times == TOLD_AFTER):
                await self._players.purge(player.no)
                await self._targets.forget([target])
                events.append(removed(player.id, player.username, reason=Reason.NOT_FOUND, owner=player.added_by))
            elif player.known is not None and times == TOLD_AFTER:
                events.append(_event(PLAYER_MISSING, news_of(player), key=f"missing:{gone[target].target.run_id}"))
        if events:
            await self._outbox.publish(*sorted(events, key=lambda event: event.aggregate))

    async def _note_layouts(
        self, observations: Sequence[Observation[HiscoresPage]], stored: Mapping[UUID, StoredPlayer]
    ) -> None:
        """Store the present lists of each table, from its latest fetch."""
        latest = {stored[fetch.target.id].mode: fetch for fetch in sorted(observations, key=lambda fetch: fetch.at)}
        for mode in sorted(latest):
            await self._numbers.note_layout(GameMode(mode), latest[mode].value.layout, now=latest[mode].at)


def _add_fetch(
    written: HiscoreChanges,
    fetch: Observation[HiscoresPage],
    player: StoredPlayer,
    numbers: Mapping[str, int],
    metrics: Mapping[int, Metric],
    fall_lasts: timedelta,
) -> None:
    """Compare a fetch with the known state of its player, and add its rows and events."""
    seen = {numbers[reading.metric.slug]: MetricValue(reading.value, reading.rank) for reading in fetch.value.readings}
    known = player.known
    flagged = player.flagged_at is not None
    lasted = player.flagged_at is not None and fetch.at - player.flagged_at >= fall_lasts
    verdict = compare(known, seen, metrics, flagged=flagged, lasted=lasted)
    name = fetch.value.name
    display = name if name is not None and spells(name, player.username) else player.display_name
    written.seen.append(_seen_row(player, fetch, verdict, numbers, display_name=shown(display)))
    written.gains += [
        GainRow(player=player.no, metric=number, gain=gain, at=fetch.at, since=known.fetched_at if known else fetch.at)
        for number, gain in verdict.gains.items()
        if gain
    ]
    if verdict.record is None:
        return
    written.changed.add(fetch.target.id)
    if verdict.flagged:
        _log_decrease(player, verdict, metrics)
        return
    if known is not None and verdict.era != known.era:
        decreased = [metrics[number].name for number in verdict.decreased]
        written.events.append(
            _event(PLAYER_DECREASED, news_of(player, decreased=decreased), key=f"decreased:{fetch.target.run_id}")
        )
        written.begun_anew.append(player.no)
        known = None  # achievements of a new era count as reached before the first fetch
    before = {number: entry.value for number, entry in known.entries.items()} if known is not None else {}
    reached = [
        (number, threshold)
        for number, entry in seen.items()
        if number in verdict.recorded
        for threshold in passed(metrics[number], before.get(number), entry.value)
    ]
    after = None if known is None else known.fetched_at
    written.achieved += [
        AchievementRow(
            player=player.no,
            metric=number,
            threshold=threshold,
            after=after if before.get(number) is not None else None,
            before=fetch.at,
        )
        for number, threshold in reached
    ]
    if player.known is None:
        written.events.append(added(player))
    if known is None:
        return  # there is no message about the first fetch
    update = news_of(
        player,
        xp_gained=verdict.gains.get(numbers[OVERALL], 0),
        levels=_levels(verdict, before, metrics),
        achievements=[
            in_words(metrics[number], threshold) for number, threshold in reached if before.get(number) is not None
        ],
    )
    written.events.append(_event(PLAYER_PROGRESSED, update, key=f"progressed:{fetch.target.run_id}"))


def news_of(
    player: StoredPlayer,
    *,
    xp_gained: int = 0,
    levels: Sequence[LevelUp] = (),
    achievements: Sequence[str] = (),
    decreased: Sequence[str] = (),
) -> PlayerUpdate:
    """Return an update about a player, with the URL of the player's page."""
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
    """Return the event that the hiscores have shown a player for the first time."""
    payload = PlayerAdded(player_id=player.id, username=player.username, mode=player.mode)
    return NewEvent(
        event=ADDED,
        aggregate=f"player:{player.id}",
        payload=payload,
        user_id=player.added_by,
        key=f"added:{player.id}",
    )


def removed(player_id: UUID, username: str, *, reason: str, owner: UUID | None) -> NewEvent:
    """Return the event that a player is no longer tracked."""
    payload = PlayerRemoved(player_id=player_id, username=username, reason=reason)
    return NewEvent(event=REMOVED, aggregate=f"player:{player_id}", payload=payload, user_id=owner)


def _event(event: EventType, update: PlayerUpdate, *, key: str) -> NewEvent:
    return NewEvent(event=event, aggregate=f"player:{update.player_id}", payload=update, key=key)


def _levels(verdict: Verdict, before: Mapping[int, int | None], metrics: Mapping[int, Metric]) -> list[LevelUp]:
    """Return the levels gained, of skills whose experience was known."""
    levels = []
    for number in sorted(verdict.gains):
        metric, was, now = metrics[number], before.get(number), verdict.recorded[number].value
        if metric.kind is not MetricKind.SKILL or metric.slug == OVERALL or was is None or now is None:
            continue
        if level_for(now) > level_for(was):
            levels.append(LevelUp(skill=metric.slug, name=metric.name, before=level_for(was), now=level_for(now)))
    return levels


def _seen_row(
    player: StoredPlayer,
    fetch: Observation[HiscoresPage],
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
        at=fetch.at,
        kind=None if verdict.record is None else int(verdict.record),
        era=verdict.era,
        since_keyframe=verdict.since_keyframe,
        display_name=display_name,
        metrics=recorded,
        vals=[verdict.recorded[number].value for number in recorded],
        ranks=[verdict.recorded[number].rank for number in recorded],
        state_metrics=entries,
        state_vals=[verdict.entries[number].value for number in entries],
        state_ranks=[verdict.entries[number].rank for number in entries],
        overall_xp=None if overall is None else overall.value,
        total_level=None if total is None else total.value,
        flagged=verdict.flagged,
    )


def _log_decrease(player: StoredPlayer, verdict: Verdict, metrics: Mapping[int, Metric]) -> None:
    structlog.get_logger(__name__).warning(
        "player_decreased",
        player_id=str(player.id),
        metrics=[metrics[number].slug for number in verdict.decreased],
    )
