"""Administration of players: renames, mergers of histories, shorter tables."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.errors import Invalid, Unavailable
from shared.events import NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.targets import Targets
from shared.web.identity import Identity
from trackers.hiscores.catalogue import TOTAL_LEVEL, Metric
from trackers.hiscores.comparison import MetricValue, RecordKind, gains_between
from trackers.hiscores.errors import HistoriesDoNotFit, PlayerNotFound
from trackers.hiscores.events import PLAYER_RENAMED
from trackers.hiscores.follows import FollowRepository
from trackers.hiscores.messages import PlayerUpdate, page_of
from trackers.hiscores.metrics import MetricNumbers
from trackers.hiscores.modes import SOURCE, GameMode, key_of, same_world
from trackers.hiscores.names import canonical, shown
from trackers.hiscores.record_repository import GainRow, RecordRepository, StoredRecord
from trackers.hiscores.repository import Player, PlayerRepository
from trackers.hiscores.schemas import PlayerRef, Renamed
from trackers.hiscores.services.players import PlayerService

MAX_SHOWN: Final = 5
TRIES: Final = 3


class PlayerAdministration:
    """Renames players and merges their histories if they fit."""

    def __init__(
        self,
        *,
        players: PlayerRepository,
        records: RecordRepository,
        follows: FollowRepository,
        service: PlayerService,
        numbers: MetricNumbers,
        targets: Targets,
        activity: ActivityLog,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._players = players
        self._records = records
        self._follows = follows
        self._service = service
        self._numbers = numbers
        self._targets = targets
        self._activity = activity
        self._outbox = outbox
        self._clock = clock

    async def rename(self, player_id: UUID, username: str, *, asker: Identity) -> Renamed:
        """Rename a player. If the new name is tracked already, merge both players into one.

        Two histories fit if the earlier ends before the later begins, and no metric that can only grow is lower in the
        later. Raises PlayerNotFound, InvalidUsername, Invalid if the player has the name already, HistoriesDoNotFit, or
        PlayerAlreadyTracked if the name was taken in between.
        """
        name = canonical(username)
        player, other = await self._lock_both(player_id, name)
        if name == player.username:
            raise Invalid(f"{player.display_name} already has this name.")
        records = 0
        now_called = shown(username) if other is None else other.display_name
        if other is None:
            await self._move_to(player, name, now_called)
        else:
            records = await self._merge(player, other)
        await self._players.note_name(player.no, player.username, now=self._clock.now())
        await self._publish_rename(player, name, now_called, asker, merged=other is not None)
        ref = PlayerRef(id=player.id, username=name, display_name=now_called, mode=player.mode)
        return Renamed(player=ref, former=player.username, merged=other is not None, records=records)

    async def accept_shorter_table(self, mode: GameMode, *, asker: Identity) -> None:
        """Accept the next body of a table, even if its lists are shorter than those last seen."""
        await self._numbers.forget_layout(mode)
        await self._activity.record(
            "hiscore_table.accepted", subject="source", subject_id=SOURCE, actor=asker, details={"mode": str(mode)}
        )

    async def _lock_both(self, player_id: UUID, username: str) -> tuple[Player, Player | None]:
        """Lock a player and the player that is tracked under a name, if any; return both as they are under the lock."""
        for _ in range(TRIES):
            unlocked = await self._both(player_id, username)
            await self._targets.lock([each.target_id for each in unlocked if each is not None])
            await self._players.lock(*(each.id for each in unlocked if each is not None))
            player, other = await self._both(player_id, username)
            if [each and (each.id, each.target_id) for each in unlocked] == [
                each and (each.id, each.target_id) for each in (player, other)
            ]:
                return player, other
        raise Unavailable("One of the players is being changed by somebody else; try again.", retry_after=1)

    async def _both(self, player_id: UUID, username: str) -> tuple[Player, Player | None]:
        player = await self._players.by_id(player_id)
        if player is None:
            raise PlayerNotFound(str(player_id))
        return player, await self._players.by_name(username)

    async def _move_to(self, player: Player, username: str, display_name: str) -> None:
        """Fetch the player under the new name from now on."""
        key = key_of(GameMode(player.mode), username)
        interval = timedelta(seconds=player.interval_seconds)
        target_id = (await self._targets.track(SOURCE, {key: key}, interval=interval))[key]
        await self._targets.set_interval(target_id, interval=interval, steady=player.steady)
        await self._players.rename(
            player.id,
            target_id=target_id,
            username=username,
            display_name=display_name,
            mode=player.mode,
            active=player.active,
            verified_at=player.verified_at,
            flagged_at=player.flagged_at,
        )
        await self._service.forget_unfetched(player.target_id)
        if not player.active:
            await self._service.forget_unfetched(target_id)

    async def _merge(self, player: Player, other: Player) -> int:
        """Append the other player's history to the player's; return the number of records in both."""
        if not same_world(GameMode(player.mode), GameMode(other.mode)):
            raise HistoriesDoNotFit(f"Progress in the game modes {player.mode} and {other.mode} is separate.")
        before, after = await self._records.state(player.no), await self._records.first_keyframe(other.no)
        if before is not None and after is not None:
            if after.at <= before.fetched_at:
                raise HistoriesDoNotFit(
                    f"{player.display_name} was seen until {before.fetched_at:%Y-%m-%d %H:%M} UTC, but "
                    f"{other.display_name} since {after.at:%Y-%m-%d %H:%M}: one account cannot have two names at once.",
                    seen_until=before.fetched_at,
                    seen_from=after.at,
                )
            await self._check_growth(before.entries, after.entries)
        if after is not None:
            await self._records.move_history(other.no, into=player.no, eras=before.era if before else 0, before=before)
        await self._follows.move(other.id, into=player.id)
        await self._players.purge(other.no)
        await self._players.rename(
            player.id,
            target_id=other.target_id,
            username=other.username,
            display_name=other.display_name,
            mode=other.mode,
            active=other.active,
            verified_at=other.verified_at,
            flagged_at=other.flagged_at,
        )
        await self._service.forget_unfetched(player.target_id)
        records = await self._records.history(player.no)
        await self._derive_again(player.no, records)
        return len(records)

    async def _check_growth(self, before: Mapping[int, MetricValue], after: Mapping[int, MetricValue]) -> None:
        """Raise HistoriesDoNotFit, with the metrics, if any that can only grow is lower in the later history."""
        metrics = await self._numbers.by_number()
        less = [
            metrics[number].name
            for number, gained in gains_between(before, after).items()
            if gained < 0 and metrics[number].grows_only and metrics[number].slug != TOTAL_LEVEL
        ]
        if less:
            names = ", ".join(less[:MAX_SHOWN])
            raise HistoriesDoNotFit(
                f"The later history has lower values than the earlier one in {names}, so it belongs to another "
                "account.",
                less=less,
            )

    async def _derive_again(self, number: int, records: Sequence[StoredRecord]) -> None:
        """Derive gains and bests again, from all records."""
        await self._records.forget_gains(number)
        await self._records.add_derived(derived(number, records, await self._numbers.by_number()), [])

    async def _publish_rename(
        self, player: Player, username: str, now_called: str, asker: Identity, *, merged: bool
    ) -> None:
        details = {"former": player.username, "player": username, "merged": merged}
        await self._activity.record(
            "player.renamed",
            subject="player",
            subject_id=player.id,
            user_id=player.added_by,
            actor=asker,
            details=details,
        )
        update = PlayerUpdate(
            player_id=player.id,
            username=username,
            display_name=now_called,
            mode=player.mode,
            url=page_of(username),
            former=player.display_name,
        )
        await self._outbox.publish(NewEvent(event=PLAYER_RENAMED, aggregate=f"player:{player.id}", payload=update))


def derived(number: int, records: Sequence[StoredRecord], metrics: Mapping[int, Metric]) -> list[GainRow]:
    """Return the gains of a player's records, given oldest first; flagged records and changes of era do not count."""
    gains: list[GainRow] = []
    state: dict[int, MetricValue] = {}
    era = None
    for record in records:
        if record.kind == RecordKind.FLAGGED:
            continue
        if era == record.era:
            gains += [
                GainRow(player=number, metric=metric, gain=gained, at=record.at, since=record.at)
                for metric, gained in gains_between(state, record.entries).items()
                if gained > 0 or not metrics[metric].grows_only
            ]
        state = {**state, **record.entries} if era == record.era else dict(record.entries)
        era = record.era
    return gains
