"""The rules of players who are tracked: whoever added one may change and remove them, everybody may follow."""

from datetime import timedelta
from uuid import UUID

from msgspec import UNSET

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.errors import Forbidden
from shared.outbox.events import NewEvent
from shared.outbox.outbox import Outbox
from shared.scraping.pacing import Gate, GateUnreachableError
from shared.scraping.source import Policy
from shared.scraping.targets import Targets
from shared.web.identity import BotIdentity, Identity, PersonIdentity
from trackers.hiscores.errors import (
    FetchedLately,
    FollowLimit,
    PlayerInactive,
    PlayerNotFound,
    StillFollowed,
)
from trackers.hiscores.follows import FollowRepository
from trackers.hiscores.modes import SOURCE, GameMode, key_of, same_world
from trackers.hiscores.names import canonical
from trackers.hiscores.repository import Player, PlayerRepository
from trackers.hiscores.schemas import ChangePlayer, FetchStarted, FollowFor, Following, PlayerRef
from users.access import AccessPolicy
from users.accounts.schemas import DISCORD, UserData
from users.accounts.service import AccountService

REST_UNKNOWN = 5.0
"""Seconds to add to an estimate while nobody can say how long the site rests."""


class PlayerService:
    """Changing, removing, following players, and having them looked at."""

    def __init__(
        self,
        *,
        players: PlayerRepository,
        follows: FollowRepository,
        accounts: AccountService,
        targets: Targets,
        gate: Gate,
        policy: Policy,
        access: AccessPolicy,
        activity: ActivityLog,
        outbox: Outbox,
        clock: Clock,
        cooldown: float,
        follow_limit: int,
    ) -> None:
        self._players = players
        self._follows = follows
        self._accounts = accounts
        self._targets = targets
        self._gate = gate
        self._policy = policy
        self._access = access
        self._activity = activity
        self._outbox = outbox
        self._clock = clock
        self._cooldown = timedelta(seconds=cooldown)
        self._follow_limit = follow_limit

    async def fetch(self, username: str, *, force: bool = False) -> FetchStarted:
        """Look at a player now, ahead of the rest; while a look waits or is under way, that same one.

        Raises InvalidUsername, PlayerNotFound, PlayerInactive, or FetchedLately within the cooldown unless `force`d.
        """
        player = await self.named(username)
        if not player.active:
            raise PlayerInactive(f"{player.display_name} is deactivated; activate the player first.")
        if not force and not player.awaited and player.last_attempt_at is not None:
            wait = (player.last_attempt_at + self._cooldown - self._clock.now()).total_seconds()
            if wait > 0:
                raise FetchedLately(
                    f"{player.display_name} was looked at less than {self._cooldown.total_seconds():g} s ago; "
                    f"ask again in {wait:.0f} s.",
                    retry_after=wait,
                )
        tasks = await self._targets.look_now(SOURCE, [player.target_id])
        if player.target_id not in tasks:
            raise PlayerNotFound(player.username)
        takes = await self._targets.estimate(SOURCE, player.target_id, policy=self._policy, rest=await self._rest())
        return FetchStarted(
            task_id=tasks[player.target_id],
            estimated_seconds=round(takes.total_seconds(), 1),
            estimated_at=self._clock.now() + takes,
        )

    async def update(self, username: str, given: ChangePlayer, *, asker: Identity) -> None:
        """Change how often, in which table, and whether a player is looked at.

        Raises InvalidUsername, PlayerNotFound, or Forbidden for who did not add the player.
        """
        player = await self._held(username)
        await self._check_change(asker, player)
        mode = GameMode(player.mode) if given.mode is UNSET else given.mode
        active = player.active if given.active is UNSET else given.active
        interval = timedelta(seconds=player.interval_seconds if given.interval is UNSET else given.interval)
        target_id = player.target_id
        if mode != player.mode or (active and not player.active):
            key = key_of(mode, player.username)
            target_id = (await self._targets.track(SOURCE, {key: key}, interval=interval))[key]
        steady = player.steady if given.adaptive is UNSET else not given.adaptive
        await self._targets.pace(target_id, interval=interval, steady=steady)
        await self._players.change(player.id, target_id=target_id, username=player.username, mode=mode, active=active)
        if not same_world(GameMode(player.mode), mode):
            await self._players.begin_anew(player.no)
        await self.forget_unlooked(player.target_id)
        if not active:
            await self.forget_unlooked(target_id)
        details = {"mode": str(mode), "active": active, "interval": interval.total_seconds(), "adaptive": not steady}
        await self._note("player.updated", player, asker, details)

    async def remove(self, username: str, *, asker: Identity, purge: bool = False) -> None:
        """Track a player no longer; what was recorded stays, and comes back with the player, unless it is `purge`d.

        Raises InvalidUsername, PlayerNotFound, Forbidden, or StillFollowed where others than who added the player
        follow; admins remove whomever they will.
        """
        player = await self._held(username)
        await self._check_change(asker, player)
        if isinstance(asker, PersonIdentity) and not asker.is_admin:
            others = await self._follows.others(player.id, besides=asker.user_id)
            if others:
                raise StillFollowed(
                    f"{others} others follow {player.display_name}; take the player off your own list instead."
                )
        if purge:
            if not isinstance(asker, PersonIdentity) or not asker.is_admin:
                raise Forbidden("Only admins delete what was recorded.")
            await self._players.purge(player.no)
        else:
            await self._players.remove(player.id, now=self._clock.now())
        await self.forget_unlooked(player.target_id)
        await self._note("player.removed", player, asker, {"purged": purge})

    async def follow(self, username: str, user_id: UUID, *, asker: Identity) -> Following:
        """Put a player on somebody's list; twice is once. Raises FollowLimit, or Forbidden."""
        await self._access.check_write(asker, user_id)
        player = await self.named(username)
        await self.follow_held(player, user_id)
        return Following(player=_ref(player), following=True)

    async def follow_held(self, player: Player, user_id: UUID) -> None:
        """Raises FollowLimit for one too many."""
        if await self._follows.count_held(user_id, player.id) >= self._follow_limit:
            raise FollowLimit(f"{self._follow_limit} players are followed already; take one off the list first.")
        await self._follows.follow(user_id, player.id, now=self._clock.now())

    async def unfollow(self, username: str, user_id: UUID, *, asker: Identity) -> Following:
        """Take a player off somebody's list."""
        await self._access.check_write(asker, user_id)
        player = await self.named(username)
        await self._follows.unfollow(user_id, player.id)
        return Following(player=_ref(player), following=False)

    async def follow_for(self, username: str, given: FollowFor, *, asker: Identity) -> Following:
        """Put a player on the list of somebody whom a bot knows."""
        person = await self._accounts.from_external(DISCORD, given.user_id, given.user_data)
        return await self.follow(username, person, asker=asker)

    async def unfollow_for(self, username: str, external_id: str, *, asker: Identity) -> Following:
        """Take a player off the list of somebody whom a bot knows."""
        person = await self._accounts.from_external(DISCORD, external_id, UserData())
        return await self.unfollow(username, person, asker=asker)

    async def named(self, username: str) -> Player:
        """Raises InvalidUsername or PlayerNotFound."""
        name = canonical(username)
        player = await self._players.by_name(name)
        if player is None:
            raise PlayerNotFound(name, now=await self._players.renamed(name))
        return player

    async def forget_unlooked(self, target_id: UUID) -> None:
        """Stop looking at a target behind which there is no active player any more."""
        await self._targets.hold([target_id])
        if not await self._players.is_looked_at(target_id):
            await self._targets.forget([target_id])

    async def _held(self, username: str) -> Player:
        """A player as they are now that nobody else can change them."""
        await self._players.hold((await self.named(username)).id)
        return await self.named(username)

    async def _check_change(self, asker: Identity, player: Player) -> None:
        """Whoever added a player, or an admin; nobody's player is everybody's business."""
        if player.added_by is not None:
            await self._access.check_write(asker, player.added_by)
        else:
            self._access.check_everybody(asker)

    async def _rest(self) -> float:
        try:
            return await self._gate.rest_of(self._policy.host) or 0.0
        except GateUnreachableError:
            return REST_UNKNOWN

    async def _note(self, event: str, player: Player, asker: Identity, details: dict[str, object]) -> None:
        told = {"username": player.username, **details}
        await self._activity.record(
            event, subject="player", subject_id=player.id, user_id=player.added_by, actor=asker, details=told
        )
        await self._outbox.publish(
            NewEvent(
                event=event,
                aggregate=f"player:{player.id}",
                payload={"player_id": str(player.id), **told},
                user_id=player.added_by,
            )
        )


def _ref(player: Player) -> PlayerRef:
    return PlayerRef(id=player.id, username=player.username, display_name=player.display_name, mode=player.mode)


def speaks_for(asker: Identity) -> UUID | None:
    """The person who asks, where it is one."""
    return None if isinstance(asker, BotIdentity) else asker.user_id
