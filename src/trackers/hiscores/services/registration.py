"""Adding players: the first look tells whether there is one, and is the first record at the same time.

The player is stored and taken up in one transaction, so that the name is theirs and no worker looks beside us; the look
follows outside of it; where it finds nobody, the player goes again.
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
"""Seconds after which it is worth trying again where the site did not say."""
LATER: Final = 3600.0


class Adding(Struct, frozen=True, kw_only=True):
    """What is to be added, and for whom."""

    username: str
    display_name: str
    mode: GameMode
    interval: timedelta
    steady: bool
    person: UUID | None
    follow: bool


class Parts:
    """What one step needs, on the session of its unit of work."""

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
    """Adds players; opens its own units of work, because a look at the site lies between them."""

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
        """The canonical name of the player, who is tracked from now on.

        Raises InvalidUsername, AlreadyTracked under any spelling, BeingAdded by somebody else, PlayerUnknown where the
        hiscores know no such player, FollowLimit, AddLimit; HiscoresUnavailable where they cannot be asked, unless that
        is accepted: then the player waits.
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
            player_id, asked = await self._store(adding, given, asker)
        task = await self._fetch(asked)
        if task is not None and task.status is Status.COMPLETED:
            return username  # what the look recorded tells of the player
        unknown = task is not None and task.reason == Reason.NOT_FOUND
        async with self._database.unit_of_work():
            if not unknown and accept_unverified:
                await self._parts().players.accept(player_id)
                structlog.get_logger(__name__).info("player_waits", player_id=str(player_id))
                return username
            if not await self._take_back(player_id, added_at=added_at):
                return username  # somebody else's look found the player meanwhile
        if unknown:
            raise PlayerUnknown(username, adding.mode)
        why, retry_after = await self._why_not(task)
        raise HiscoresUnavailable(
            f"Nobody can say now whether there is a player {username}: {why}. Try again later, or add the player with "
            "?accept_unverified=true and let them wait.",
            retry_after=retry_after,
        )

    async def _why_not(self, task: Task | None) -> tuple[str, float]:
        """Why nobody could look, and the seconds after which it is worth trying again."""
        if not self._enabled:
            return "the operator has turned the hiscores off", LATER
        try:
            rest = await self._pacer.cooldown_of(self._host)
        except PacerUnreachableError:
            return "nobody can keep the pace while Redis is away", ASK_AGAIN
        if rest:
            return "the hiscores have asked us to stay away, or fail", rest
        if task is None:
            return "there are too many before you, or the hiscores take too long", ASK_AGAIN
        return task.error or "nobody may look; the source may be paused", ASK_AGAIN

    async def _store(
        self, adding: Adding, given: NewPlayer | NewPlayerFor, asker: Identity
    ) -> tuple[UUID, RequestedRun | None]:
        """The player, and the look that was asked for and taken up; None: the source is off."""
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
        if person is None:  # nobody's players are counted by nobody
            parts.access.check_everybody(asker)
        elif await parts.players.added_by(person) >= self._limit:
            raise AddLimit(f"{self._limit} players were added already; remove one that nobody needs.")
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
        told = {"player": adding.username, "mode": str(adding.mode)}
        await parts.activity.record(
            "player.added", subject="player", subject_id=player_id, user_id=person, actor=asker, details=told
        )
        asked = await self._inline_fetch().ask(SOURCE, target_id) if self._enabled else None
        return player_id, asked

    async def _fetch(self, asked: RequestedRun | None) -> Task | None:
        """What came of the look; None where it took too long, or nobody may look."""
        if asked is None:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._inline_fetch().carry_out(asked)
        except (TimeoutError, TaskNotFound):  # the player was blocked or purged meanwhile
            return None

    async def _take_back(self, player_id: UUID, *, added_at: datetime) -> bool:
        """Whether nobody has seen the player since, who is gone now; the look that found nobody may have done it."""
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
        else:  # one who had been removed, and came back with a history
            await parts.players.remove(player_id, now=self._clock.now())
        await parts.service.forget_unfetched(player.target_id)
        return True
