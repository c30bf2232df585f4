"""What admins do about players: new names, histories that belong together, shorter tables."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.errors import Invalid
from shared.outbox.events import NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.hiscores.catalogue import TOTAL_LEVEL, Metric
from trackers.hiscores.comparison import Entry, RecordKind, gains_between
from trackers.hiscores.errors import HistoriesDoNotFit, PlayerNotFound
from trackers.hiscores.follows import FollowRepository
from trackers.hiscores.metrics import MetricBook, MetricNumbers
from trackers.hiscores.modes import SOURCE, GameMode, key_of, same_world
from trackers.hiscores.names import canonical, shown
from trackers.hiscores.news import RENAMED, PlayerNews, page_of
from trackers.hiscores.repository import AchievementRow, GainRow, Player, PlayerRepository, StoredRecord
from trackers.hiscores.schemas import PlayerRef, Renamed
from trackers.hiscores.services.players import PlayerService
from trackers.hiscores.thresholds import passed

MOST_SHOWN: Final = 5


class PlayerAdministration:
    """Renames players and merges their histories where they fit."""

    def __init__(
        self,
        *,
        players: PlayerRepository,
        follows: FollowRepository,
        service: PlayerService,
        numbers: MetricNumbers,
        book: MetricBook,
        targets: Targets,
        activity: ActivityLog,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._players = players
        self._follows = follows
        self._service = service
        self._numbers = numbers
        self._book = book
        self._targets = targets
        self._activity = activity
        self._outbox = outbox
        self._clock = clock

    async def rename(self, player_id: UUID, username: str, *, asker: Identity) -> Renamed:
        """Go on with a player under a new name; who is tracked under it already becomes the same player.

        Two histories fit where the one ends before the other begins, and nothing that only grows is less in the other.
        Raises PlayerNotFound, InvalidUsername, Invalid for the name that the player has, HistoriesDoNotFit.
        """
        name = canonical(username)
        player = await self._held(player_id)
        if name == player.username:
            raise Invalid(f"{player.display_name} is called so already.")
        other = await self._players.by_name(name)
        records = 0
        if other is None:
            await self._move_to(player, name)
        else:
            for held in sorted((player.id, other.id)):
                await self._players.hold(held)
            records = await self._merge(player, other)
        await self._players.note_name(player.no, player.username, now=self._clock.now())
        now_called = shown(username) if other is None else other.display_name
        await self._tell(player, name, now_called, asker, merged=other is not None)
        ref = PlayerRef(id=player.id, username=name, display_name=now_called, mode=player.mode)
        return Renamed(player=ref, former=player.username, merged=other is not None, records=records)

    async def accept_shorter_table(self, mode: GameMode, *, asker: Identity) -> None:
        """Take the next body of a table as it is, though its lists be shorter than those last seen."""
        await self._numbers.forget_layout(mode)
        await self._activity.record(
            "hiscore_table.accepted", subject="source", subject_id=SOURCE, actor=asker, details={"mode": str(mode)}
        )

    async def _held(self, player_id: UUID) -> Player:
        await self._players.hold(player_id)
        player = await self._players.by_id(player_id)
        if player is None:
            raise PlayerNotFound(str(player_id))
        return player

    async def _move_to(self, player: Player, username: str) -> None:
        """Look for the player under the new name from now on."""
        key = key_of(GameMode(player.mode), username)
        interval = timedelta(seconds=player.interval_seconds)
        target_id = (await self._targets.track(SOURCE, {key: key}, interval=interval))[key]
        await self._targets.pace(target_id, interval=interval, steady=player.steady)
        await self._players.change(
            player.id, target_id=target_id, username=username, mode=player.mode, active=player.active
        )
        await self._service.forget_unlooked(player.target_id)
        if not player.active:
            await self._service.forget_unlooked(target_id)

    async def _merge(self, player: Player, other: Player) -> int:
        """Make the other's history the later part of the player's; how many records there are then."""
        if not same_world(GameMode(player.mode), GameMode(other.mode)):
            raise HistoriesDoNotFit(f"One is of the {player.mode} hiscores, the other of the {other.mode} ones.")
        ends, begins = await self._players.ends(player.no), await self._players.ends(other.no)
        if begins is not None:
            if ends is not None and begins[0] <= ends[1]:
                raise HistoriesDoNotFit(
                    f"{player.display_name} was seen until {ends[1]:%Y-%m-%d %H:%M} UTC, {other.display_name} from "
                    f"{begins[0]:%Y-%m-%d %H:%M} on: one account is not seen under two names.",
                    seen_until=ends[1],
                    seen_from=begins[0],
                )
            before, after = await self._players.state(player.no), await self._players.first_keyframe(other.no)
            if before is not None and after is not None:
                await self._check_growth(before.entries, after.entries)
            await self._players.move_history(other.no, into=player.no, eras=before.era if before else 0)
        await self._players.forget_derived(other.no)
        await self._follows.move(other.id, into=player.id)
        await self._players.remove(other.id, now=self._clock.now())
        await self._players.change(
            player.id, target_id=other.target_id, username=other.username, mode=other.mode, active=other.active
        )
        await self._service.forget_unlooked(player.target_id)
        records = await self._players.history(player.no)
        await self._derive_anew(player.no, records)
        return len(records)

    async def _check_growth(self, before: Mapping[int, Entry], after: Mapping[int, Entry]) -> None:
        """Raises HistoriesDoNotFit, naming what is less in the later history."""
        metrics = await self._book.covering({*before, *after})
        less = [
            metrics[no].name
            for no, gained in gains_between(before, after).items()
            if gained < 0 and metrics[no].grows_only and metrics[no].slug != TOTAL_LEVEL
        ]
        if less:
            shown_some = ", ".join(less[:MOST_SHOWN])
            raise HistoriesDoNotFit(f"The later history has less of {shown_some}: another account's.", less=less)

    async def _derive_anew(self, no: int, records: Sequence[StoredRecord]) -> None:
        """Gains, bests and achievements, as if every record were made just now."""
        metrics = await self._book.covering({metric for record in records for metric in record.entries})
        await self._players.forget_derived(no)
        gains, achieved = derived(no, records, metrics)
        await self._players.add_derived(gains, achieved)

    async def _tell(self, player: Player, username: str, now_called: str, asker: Identity, *, merged: bool) -> None:
        details = {"former": player.username, "username": username, "merged": merged}
        await self._activity.record(
            "player.renamed",
            subject="player",
            subject_id=player.id,
            user_id=player.added_by,
            actor=asker,
            details=details,
        )
        news = PlayerNews(
            player_id=player.id,
            username=username,
            display_name=now_called,
            mode=player.mode,
            url=page_of(username),
            former=player.display_name,
        )
        await self._outbox.publish(NewEvent(event=RENAMED, aggregate=f"player:{player.id}", payload=news))


def derived(
    no: int, records: Sequence[StoredRecord], metrics: Mapping[int, Metric]
) -> tuple[list[GainRow], list[AchievementRow]]:
    """What follows from a player's records, the oldest first; what was flagged or lies between eras does not."""
    gains: list[GainRow] = []
    achieved: list[AchievementRow] = []
    state: dict[int, Entry] = {}
    era, looked_at = None, None
    for record in records:
        if record.kind == RecordKind.FLAGGED:
            continue
        if era == record.era:
            gains += [
                GainRow(player=no, metric=metric, gain=gained, at=record.at)
                for metric, gained in gains_between(state, record.entries).items()
                if gained > 0 or not metrics[metric].grows_only
            ]
        if era in {None, record.era}:
            for metric, entry in record.entries.items():
                was = state[metric].value if metric in state else None
                achieved += [
                    AchievementRow(
                        player=no,
                        metric=metric,
                        threshold=threshold,
                        after=looked_at if was is not None else None,
                        before=record.at,
                    )
                    for threshold in passed(metrics[metric], was, entry.value)
                ]
        state = {**state, **record.entries} if era == record.era else dict(record.entries)
        era, looked_at = record.era, record.at
    return gains, achieved
