"""Rules of tracked players: the person who added a player may change and remove it, everybody may follow it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.errors import Forbidden, Unavailable
from shared.events import EventType, NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.pacing import HostPacer, PacerUnreachableError
from shared.scraping.policy import Policy
from shared.scraping.targets import Targets
from shared.web.identity import BotIdentity, Identity, PersonIdentity
from trackers.hiscores.errors import (
    AnotherWorld,
    FollowLimit,
    PlayerInactive,
    PlayerNotFound,
    RefreshCooldown,
    StillFollowed,
)
from trackers.hiscores.events import PLAYER_STOPPED, REMOVED, UPDATED, PlayerRemoved, PlayerUpdated
from trackers.hiscores.follows import FollowRepository
from trackers.hiscores.messages import PlayerUpdate, page_of
from trackers.hiscores.modes import SOURCE, GameMode, key_of, same_world
from trackers.hiscores.names import canonical
from trackers.hiscores.repository import Player, PlayerRepository
from trackers.hiscores.schemas import ChangePlayer, FetchStarted, FollowFor, Following, PlayerRef
from users.access import AccessPolicy
from users.accounts.schemas import DISCORD
from users.accounts.service import AccountService

REST_UNKNOWN: Final = 5.0
"""Seconds to add to an estimate while the cooldown of the site is unknown."""
SWITCHED_OFF: Final = "the operator to enable the hiscores"
PAUSED: Final = "an admin to resume the paused source"
TRIES: Final = 3


class PlayerService:
    """Changes, removes, follows and fetches players."""

    def __init__(
        self,
        *,
        players: PlayerRepository,
        follows: FollowRepository,
        accounts: AccountService,
        targets: Targets,
        pacer: HostPacer,
        policy: Policy,
        access: AccessPolicy,
        activity: ActivityLog,
        outbox: Outbox,
        clock: Clock,
        enabled: bool,
        cooldown: float,
        follow_limit: int,
    ) -> None:
        self._players = players
        self._follows = follows
        self._accounts = accounts
        self._targets = targets
        self._pacer = pacer
        self._policy = policy
        self._access = access
        self._activity = activity
        self._outbox = outbox
        self._clock = clock
        self._enabled = enabled
        self._cooldown = timedelta(seconds=cooldown)
        self._follow_limit = follow_limit

    async def fetch(self, username: str, *, force: bool = False) -> FetchStarted:
        """Request a fetch of a player now, with priority; return the pending or running fetch if there is one.

        Raises InvalidUsername, PlayerNotFound, PlayerInactive, or RefreshCooldown within the cooldown unless `force` is
        set.
        """
        player = await self.named(username)
        if not player.active:
            raise PlayerInactive(f"{player.display_name} is deactivated; activate the player first.")
        if not force and not player.awaited and player.last_attempt_at is not None:
            wait = (player.last_attempt_at + self._cooldown - self._clock.now()).total_seconds()
            if wait > 0:
                raise RefreshCooldown(
                    f"{player.display_name} was fetched less than {self._cooldown.total_seconds():g} s ago; "
                    f"try again in {wait:.0f} s.",
                    retry_after=wait,
                )
        tasks = await self._targets.request_run(SOURCE, [player.target_id])
        if player.target_id not in tasks:
            raise PlayerNotFound(player.username)
        task_id = tasks[player.target_id]
        if not self._enabled:
            return FetchStarted(task_id=task_id, estimated_seconds=None, estimated_at=None, waits_for=SWITCHED_OFF)
        takes = await self._targets.estimate(
            SOURCE, player.target_id, policy=self._policy, rest=await self._site_cooldown()
        )
        if takes is None:
            return FetchStarted(task_id=task_id, estimated_seconds=None, estimated_at=None, waits_for=PAUSED)
        seconds = round(takes.total_seconds(), 1)
        return FetchStarted(task_id=task_id, estimated_seconds=seconds, estimated_at=self._clock.now() + takes)

    async def update(self, username: str, given: ChangePlayer, *, asker: Identity) -> None:
        """Change the interval or the game mode of a player, or deactivate or activate it.

        Raises InvalidUsername, PlayerNotFound, Forbidden if the asker did not add the player, AnotherWorld for a game
        mode with separate progress, or StillFollowed for the deactivation of a player that others follow.
        """
        player = await self._locked(username)
        await self._check_change(asker, player)
        if given == ChangePlayer():
            return
        mode = GameMode(player.mode) if given.mode is UNSET else given.mode
        if not same_world(GameMode(player.mode), mode):
            raise AnotherWorld(
                f"The {mode} game mode has separate progress, so this history cannot continue there. Remove "
                f"{player.display_name} and add the player in that game mode."
            )
        active = player.active if given.active is UNSET else given.active
        if player.active and not active:
            await self._check_others(asker, player)
        interval = timedelta(seconds=player.interval_seconds if given.interval is UNSET else given.interval)
        target_id = player.target_id
        if mode != player.mode or (active and not player.active):
            key = key_of(mode, player.username)
            target_id = (await self._targets.track(SOURCE, {key: key}, interval=interval))[key]
        steady = player.steady if given.adaptive is UNSET else not given.adaptive
        await self._targets.set_interval(target_id, interval=interval, steady=steady)
        await self._players.change(player.id, target_id=target_id, mode=mode, active=active)
        await self.forget_unfetched(player.target_id)
        if not active:
            await self.forget_unfetched(target_id)
        payload = PlayerUpdated(
            player_id=player.id,
            username=player.username,
            mode=str(mode),
            active=active,
            interval=interval.total_seconds(),
            adaptive=not steady,
        )
        await self._record_change(UPDATED, payload, player, asker)
        if player.active and not active:
            await self._publish_stop(player, asker, removed=False)

    async def remove(self, username: str, *, asker: Identity, purge: bool = False) -> None:
        """Stop tracking a player. The history stays, and comes back with the player, unless `purge` deletes it.

        Raises InvalidUsername, PlayerNotFound, Forbidden, or StillFollowed if others follow the player. Admins and
        bots with an installation-wide key may remove every player.
        """
        player = await self._locked(username)
        await self._check_change(asker, player)
        await self._check_others(asker, player)
        if purge:
            if not isinstance(asker, PersonIdentity) or not asker.is_admin:
                raise Forbidden("Only admins may delete recorded history.")
            await self._players.purge(player.no)
        else:
            await self._players.remove(player.id, now=self._clock.now())
        await self.forget_unfetched(player.target_id)
        if purge and not await self._players.is_used(player.target_id):
            await self._targets.erase([player.target_id])
        payload = PlayerRemoved(player_id=player.id, username=player.username, purged=purge)
        await self._record_change(REMOVED, payload, player, asker)
        await self._publish_stop(player, asker, removed=True)

    async def follow(self, username: str, user_id: UUID, *, asker: Identity) -> Following:
        """Put a player on a person's list; a repetition changes nothing.

        Raises InvalidUsername, PlayerNotFound, FollowLimit, Forbidden, or AccountNotFound.
        """
        await self._access.check_write(asker, user_id)
        await self._accounts.lock(user_id)
        unlocked = await self.named(username)
        await self._players.lock(unlocked.id)
        player = await self.named(username)  # again: it may have been removed or merged before the lock
        await self.follow_locked(player.id, user_id)
        return Following(player=_ref(player), following=True)

    async def follow_locked(self, player_id: UUID, user_id: UUID) -> None:
        """Follow for a person whose account is locked, so that the count is right. Raises FollowLimit."""
        if await self._follows.count(user_id, player_id) >= self._follow_limit:
            raise FollowLimit(
                f"The limit of {self._follow_limit} followed players is reached; take a player off the list first, or "
                'add the player with "follow": false.'
            )
        await self._follows.follow(user_id, player_id, now=self._clock.now())

    async def unfollow(self, username: str, user_id: UUID, *, asker: Identity) -> Following:
        """Take a player off a person's list."""
        await self._access.check_write(asker, user_id)
        player = await self.named(username)
        await self._follows.unfollow(user_id, player.id)
        return Following(player=_ref(player), following=False)

    async def follow_for(self, username: str, given: FollowFor, *, asker: Identity) -> Following:
        """Put a player on the list of a person, by Discord id."""
        person = await self._accounts.from_external(DISCORD, given.user_id, given.user_data, by=asker)
        return await self.follow(username, person, asker=asker)

    async def unfollow_for(self, username: str, external_id: str, *, asker: Identity) -> Following:
        """Take a player off the list of a person, by Discord id."""
        person = await self._accounts.known_external(DISCORD, external_id)
        if person is None:  # an unknown person follows nobody; no account is created
            return Following(player=_ref(await self.named(username)), following=False)
        return await self.unfollow(username, person, asker=asker)

    async def named(self, username: str) -> Player:
        """Return the tracked player with this name. Raises InvalidUsername or PlayerNotFound."""
        name = canonical(username)
        player = await self._players.by_name(name)
        if player is None:
            raise PlayerNotFound(name, now=await self._players.renamed(name))
        return player

    async def forget_unfetched(self, target_id: UUID) -> None:
        """Stop fetching a target that has no active player any more."""
        await self._targets.lock([target_id])
        if not await self._players.is_fetched(target_id):
            await self._targets.forget([target_id])

    async def _locked(self, username: str) -> Player:
        """Lock a player and its target, and return the player as it is under the lock.

        The target is locked first, as in the recorder.
        """
        for _ in range(TRIES):
            player = await self.named(username)
            await self._targets.lock([player.target_id])
            await self._players.lock(player.id)
            locked = await self.named(username)
            if (locked.id, locked.target_id) == (player.id, player.target_id):
                return locked
        raise Unavailable(f"{username[:50]} is being changed by somebody else; try again.", retry_after=1)

    async def _check_change(self, asker: Identity, player: Player) -> None:
        """Raise Forbidden if the asker may not change the player.

        Without a person who added it, only admins and installation-wide keys may.
        """
        if player.added_by is not None:
            await self._access.check_write(asker, player.added_by)
        else:
            self._access.check_everybody(asker)

    async def _check_others(self, asker: Identity, player: Player) -> None:
        """Raise StillFollowed if anybody besides the asker (for a bot: the person who added it) follows the player."""
        everybody = asker.guild_ids is None if isinstance(asker, BotIdentity) else asker.is_admin
        others = 0 if everybody else await self._follows.others(player.id, besides=speaks_for(asker) or player.added_by)
        if others:
            raise StillFollowed(
                f"{player.display_name} has other followers ({others}); take the player off your own list instead."
            )

    async def _publish_stop(self, player: Player, asker: Identity, *, removed: bool) -> None:
        """Publish that a player is no longer fetched, if anybody besides the asker follows it."""
        if not await self._follows.others(player.id, besides=speaks_for(asker)):
            return
        update = PlayerUpdate(
            player_id=player.id,
            username=player.username,
            display_name=player.display_name,
            mode=player.mode,
            url=page_of(player.username),
            removed=removed,
        )
        await self._outbox.publish(NewEvent(event=PLAYER_STOPPED, aggregate=f"player:{player.id}", payload=update))

    async def _site_cooldown(self) -> float:
        try:
            return await self._pacer.cooldown_of(self._policy.host) or 0.0
        except PacerUnreachableError:
            return REST_UNKNOWN

    async def _record_change(self, event: EventType, payload: Struct, player: Player, asker: Identity) -> None:
        details = msgspec.to_builtins(payload)
        await self._activity.record(
            event.name, subject="player", subject_id=player.id, user_id=player.added_by, actor=asker, details=details
        )
        await self._outbox.publish(
            NewEvent(event=event, aggregate=f"player:{player.id}", payload=payload, user_id=player.added_by)
        )


def _ref(player: Player) -> PlayerRef:
    return PlayerRef(id=player.id, username=player.username, display_name=player.display_name, mode=player.mode)


def speaks_for(asker: Identity) -> UUID | None:
    """Return the person who asks; None for a bot."""
    return None if isinstance(asker, BotIdentity) else asker.user_id
