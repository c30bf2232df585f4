"""Registration of players: the first fetch checks that the player exists, and makes the first record.

A transaction stores the player and leases its target, so that the name is reserved and no worker fetches it at the same
time. The fetch follows after the transaction. If the player does not exist, it is removed again.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database
from shared.ids import new_id
from shared.scraping.failures import Reason
from shared.scraping.pacing import HostPacer, PacerUnreachableError
from shared.scraping.target import Status
from shared.scraping.targets import InlineFetch, RequestedRun, Targets, Task, TaskNotFound
from shared.web.identity import Identity
from trackers.hiscores.errors import AddLimit, BeingAdded, HiscoresUnavailable, PlayerAlreadyTracked, PlayerUnknown
from trackers.hiscores.modes import SOURCE, GameMode, key_of
from trackers.hiscores.names import canonical, shown
from trackers.hiscores.record_repository import RecordRepository
from trackers.hiscores.repository import PlayerRepository
from trackers.hiscores.schemas import NewPlayer, NewPlayerFor
from trackers.hiscores.services.players import PlayerService, speaks_for
from users.access import AccessPolicy
from users.accounts.schemas import DISCORD
from users.accounts.service import AccountService

ASK_AGAIN: Final = 30.0
"""Seconds until the next try, if the site has not given a time."""
LATER: Final = 3600.0


class Adding(Struct, frozen=True, kw_only=True):
    """A player to add, and the person who adds it."""

    username: str
    display_name: str
    mode: GameMode
    interval: timedelta
    steady: bool
    person: UUID | None
    follow: bool


class Parts:
    """Dependencies of a step, on the session of its unit of work."""

    def __init__(
        self,
        *,
        players: PlayerRepository,
        records: RecordRepository,
        service: PlayerService,
        targets: Targets,
        accounts: AccountService,
        access: AccessPolicy,
        activity: ActivityLog,
    ) -> None:
        self.players = players
        self.records = records
        self.service = service
        self.targets = targets
        self.accounts = accounts
        self.access = access
        self.activity = activity


class PlayerRegistration:
    """Adds players. It opens its own units of work, because a fetch runs between them."""

    def __init__(
        self,
        *,
        database: Database,
        pacer: HostPacer,
        host: str,
        parts: Callable[[], Parts],
        inline_fetch: Callable[[], InlineFetch],
        clock: Clock,
        enabled: bool,
        interval: float,
        patience: float,
        limit: int,
    ) -> None:
        self._database = database
        self._pacer = pacer
        self._host = host
        self._parts = parts
        self._inline_fetch = inline_fetch
        self._clock = clock
        self._enabled = enabled
        self._interval = timedelta(seconds=interval)
        self._patience = patience
        self._limit = limit

    async def add_player(
        self, given: NewPlayer | NewPlayerFor, *, asker: Identity, accept_unverified: bool = False
    ) -> str:
        """Track a player and return its canonical name.

        Raises InvalidUsername, PlayerAlreadyTracked if the name is tracked in any spelling, BeingAdded if somebody else
        is adding it, PlayerUnknown if the hiscores do not list it, FollowLimit, AddLimit, or HiscoresUnavailable if the
        hiscores cannot be asked. With `accept_unverified`, the player then waits for a later fetch instead.
        """
        username = canonical(given.username)
        adding = Adding(
            username=username,
            display_name=shown(given.username),
            mode=given.mode,
            interval=self._interval if given.interval is None else timedelta(seconds=given.interval),
            steady=not given.adaptive,
            person=speaks_for(asker),
            follow=given.follow if isinstance(given, NewPlayer) else given.user_id is not None,
        )
        added_at = self._clock.now()
        async with self._database.unit_of_work():
            player_id, run = await self._store(adding, given, asker)
        task = await self._fetch(run)
        if task is not None and task.status is Status.COMPLETED:
            return username  # the recorder has published the new player
        unknown = task is not None and task.reason == Reason.NOT_FOUND
        async with self._database.unit_of_work():
            if not unknown and accept_unverified:
                await self._parts().players.accept(player_id)
                structlog.get_logger(__name__).info("player_waits", player_id=str(player_id))
                return username
            if not await self._undo(player_id, added_at=added_at):
                return username  # another fetch has found the player in between
        if unknown:
            raise PlayerUnknown(username, adding.mode)
        reason, retry_after = await self._reason(task)
        raise HiscoresUnavailable(
            f"It is not possible to check right now whether {username} exists: {reason}. Try again later, or add the "
            "player unchecked with ?accept_unverified=true.",
            retry_after=retry_after,
        )

    async def _reason(self, task: Task | None) -> tuple[str, float]:
        """Return why the player could not be fetched, and the seconds until the next try."""
        if not self._enabled:
            return "the operator has disabled the hiscores", LATER
        try:
            cooldown = await self._pacer.cooldown_of(self._host)
        except PacerUnreachableError:
            return "requests cannot be paced while Redis is unreachable", ASK_AGAIN
        if cooldown:
            return "the hiscores are failing, or have asked for a pause", cooldown
        if task is None:
            return "too many requests are ahead, or the hiscores are too slow", ASK_AGAIN
        return task.error or "fetches are not possible; the source may be paused", ASK_AGAIN

    async def _store(
        self, adding: Adding, given: NewPlayer | NewPlayerFor, asker: Identity
    ) -> tuple[UUID, RequestedRun | None]:
        """Store the player and lease its target; return its id and the run, or None if the source is off."""
        parts = self._parts()
        taken = await parts.players.taken(adding.username)
        if taken is not None:
            display_name, mode, provisional = taken
            raise BeingAdded(display_name) if provisional else PlayerAlreadyTracked(display_name, mode)
        person = adding.person
        if isinstance(given, NewPlayerFor) and given.user_id is not None:
            person = await parts.accounts.from_external(DISCORD, given.user_id, given.user_data, by=asker)
            await parts.access.check_write(asker, person)
        elif person is not None:
            await parts.accounts.lock(person)
        if person is None:  # a player that no person adds counts towards no limit
            parts.access.check_everybody(asker)
        elif await parts.players.added_by(person) >= self._limit:
            raise AddLimit(f"The limit of {self._limit} added players is reached; remove a player first.")
        key = key_of(adding.mode, adding.username)
        target_id = (await parts.targets.track(SOURCE, {key: key}, interval=adding.interval))[key]
        await parts.targets.set_interval(target_id, interval=adding.interval, steady=adding.steady)
        player_id = await parts.players.add(
            new_id(),
            target_id=target_id,
            username=adding.username,
            display_name=adding.display_name,
            mode=adding.mode,
            added_by=person,
            now=self._clock.now(),
        )
        if player_id is None:
            raise PlayerAlreadyTracked(adding.display_name, adding.mode)
        if adding.follow and person is not None:
            await parts.service.follow_locked(player_id, person)
        details = {"player": adding.username, "mode": str(adding.mode)}
        await parts.activity.record(
            "player.added", subject="player", subject_id=player_id, user_id=person, actor=asker, details=details
        )
        run = await self._inline_fetch().ask(SOURCE, target_id) if self._enabled else None
        return player_id, run

    async def _fetch(self, run: RequestedRun | None) -> Task | None:
        """Run the fetch and return its task; None if it took too long or was not possible."""
        if run is None:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._inline_fetch().carry_out(run)
        except (TimeoutError, TaskNotFound):  # no task: the player was blocked or purged in between
            return None

    async def _undo(self, player_id: UUID, *, added_at: datetime) -> bool:
        """Remove the player again; False if another fetch has found it since `added_at`, so that it stays.

        The failed fetch may have removed it already.
        """
        parts = self._parts()
        player = await parts.players.provisional(player_id)
        if player is None:
            return True
        await parts.targets.lock([player.target_id])
        await parts.players.lock(player_id)
        known = await parts.records.state(player.no)
        if known is not None and known.fetched_at >= added_at:
            return False
        if known is None:
            await parts.players.purge(player.no)
        else:  # it had been removed before, and came back with a history
            await parts.players.remove(player_id, now=self._clock.now())
        await parts.service.forget_unfetched(player.target_id)
        return True
