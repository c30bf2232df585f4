"""Rules of channels: who can add, verify, test, change and remove them."""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.events import Event
from shared.ids import new_id
from users.access import AccessPolicy, GuildNotFound
from users.accounts.errors import AccountNotFound
from users.message_limits import MessageAddress, MessageLimits
from users.notifications.channel_repository import ChannelRepository, LockedChannel
from users.notifications.delivery_repository import DeliveryRepository
from users.notifications.digest_repository import DigestRepository
from users.notifications.errors import (
    BadAddress,
    BadChallenge,
    ChannelNotActive,
    ChannelNotFound,
    DeliveryNotFound,
    TooManyChannels,
)
from users.notifications.field_encryption import FieldEncryption, Unsealable
from users.notifications.job_enqueuer import JobEnqueuer
from users.notifications.own_messages import TEST
from users.notifications.schemas import (
    AnyNewChannel,
    ChangeChannel,
    ChannelAddress,
    ChannelKind,
    ChannelMade,
    ChannelState,
    ChannelView,
    DeliveryStarted,
    Owner,
    SecretMade,
)
from users.notifications.settings import NotifySettings, SmtpSettings
from users.notifications.targets import checked, recipient
from users.notifications.verification_codes import AttemptLimiter, VerificationCodes

OLD_SECRET_FOR: Final = timedelta(days=1)
"""Time for which a webhook is signed with its old secret too."""


class ChannelService:
    """Adds, verifies, tests, changes and removes the channels of a person or a guild.

    Channels of a guild are for its admins. Raises ChannelNotFound if a channel belongs to another owner.
    """

    def __init__(
        self,
        *,
        channels: ChannelRepository,
        deliveries: DeliveryRepository,
        digests: DigestRepository,
        access: AccessPolicy,
        activity: ActivityLog,
        encryption: FieldEncryption,
        codes: VerificationCodes,
        tries: AttemptLimiter,
        limits: MessageLimits,
        enqueuer: JobEnqueuer,
        clock: Clock,
        settings: NotifySettings,
        mail: SmtpSettings,
    ) -> None:
        self._channels = channels
        self._deliveries = deliveries
        self._digests = digests
        self._access = access
        self._activity = activity
        self._encryption = encryption
        self._codes = codes
        self._tries = tries
        self._limits = limits
        self._enqueuer = enqueuer
        self._clock = clock
        self._settings = settings
        self._mail = mail

    async def add(self, owner: Owner, new: AnyNewChannel) -> ChannelMade:
        """Add a channel; its challenge is sent after the commit.

        Raises BadAddress, EmailNotSetUp, TooManyChannels or TooManyMessages.
        """
        await self._check(owner)
        target = checked(
            new,
            schemes=self._settings.apprise_schemes,
            mail=bool(self._mail.host),
            allow_private=self._settings.allow_private,
        )
        await self._count(owner, recipient(target.kind, target.target.address))
        if not await self._channels.lock_owner(owner):
            raise AccountNotFound if owner.guild_id is None else GuildNotFound(owner.guild_id)
        if await self._channels.count(owner) >= self._settings.channels:
            raise TooManyChannels(self._settings.channels)
        channel_id = new_id()
        secret = new_secret() if target.kind is ChannelKind.WEBHOOK else ""
        sealed = self._sealed(channel_id, replace(target.target, secret=secret))
        name = (new.name or target.kind).strip()
        view = await self._channels.add(channel_id, owner, name, target, target=sealed, now=self._clock.now())
        await self._note("channel.added", owner, view)
        self._enqueuer.verify(channel_id)
        return ChannelMade(channel=view, secret=secret or None)

    async def change(self, owner: Owner, channel_id: UUID, change: ChangeChannel) -> ChannelView:
        locked = await self._locked(owner, channel_id)
        if change.name is UNSET:
            return locked.view
        return await self._channels.rename(channel_id, change.name.strip())

    async def remove(self, owner: Owner, channel_id: UUID) -> None:
        """Remove a channel with its deliveries, pending ones included."""
        if owner.user_id is not None:
            await self._digests.lock(owner.user_id)
        locked = await self._locked(owner, channel_id)
        await self._channels.remove(owner, channel_id)
        await self._note("channel.removed", owner, locked.view)

    async def verify(self, owner: Owner, channel_id: UUID, code: str | None) -> ChannelView:
        """Verify a channel by the code that was sent to it; without a code, send a new challenge.

        Raises BadChallenge, TooManyAttempts or TooManyMessages.
        """
        locked = await self._locked(owner, channel_id)
        if locked.view.verified_at is not None:
            return locked.view
        if code is None:
            await self._count_locked(owner, locked)
            self._enqueuer.verify(channel_id)
            return locked.view
        await self._tries.entered(channel_id)
        if locked.challenge is None or locked.challenge_until is None or locked.challenge_until <= self._clock.now():
            raise BadChallenge
        if not self._codes.fits(channel_id, code, locked.challenge):
            raise BadChallenge
        view = await self._channels.verified(channel_id, now=self._clock.now())
        if view is None:  # locked, so it cannot be gone
            raise ChannelNotFound(channel_id)
        await self._note("channel.verified", owner, view)
        return view

    async def test(self, owner: Owner, channel_id: UUID) -> DeliveryStarted:
        """Send a test message like any other delivery. Raises ChannelNotActive or TooManyMessages."""
        locked = await self._locked(owner, channel_id)
        if locked.view.state is not ChannelState.ACTIVE:
            raise ChannelNotActive(locked.view.state)
        await self._count_locked(owner, locked)
        now = self._clock.now()
        event = Event(
            id=new_id(),
            event=TEST,
            aggregate=f"channel:{channel_id}",
            payload={"channel_id": str(channel_id)},
            user_id=owner.user_id,
            occurred_at=now,
        )
        started = DeliveryStarted(delivery_id=new_id())
        await self._deliveries.note_event(event, now=now)
        await self._deliveries.add(started.delivery_id, event.id, channel_id, user_id=owner.user_id, now=now)
        self._enqueuer.send()
        return started

    async def resume(self, owner: Owner, channel_id: UUID) -> ChannelView:
        """Resume a suspended channel, or end the cooldown of a channel after a failure."""
        await self._locked(owner, channel_id)
        view = await self._channels.resume(channel_id)
        await self._note("channel.resumed", owner, view)
        self._enqueuer.send()
        return view

    async def rotate(self, owner: Owner, channel_id: UUID) -> SecretMade:
        """Give a webhook a new secret; for a day it is signed with the old one too.

        Raises BadAddress if the channel is not a webhook.
        """
        locked = await self._locked(owner, channel_id)
        if locked.view.kind is not ChannelKind.WEBHOOK:
            raise BadAddress("Only webhooks are signed; this channel has no secret.", field="channel_id")
        target = self._opened(locked)
        rotated = SecretMade(secret=new_secret(), old_valid_until=self._clock.now() + OLD_SECRET_FOR)
        target = replace(target, secret=rotated.secret, old_secret=target.secret, old_until=rotated.old_valid_until)
        await self._channels.retarget(channel_id, self._sealed(channel_id, target))
        await self._note("channel.secret_rotated", owner, locked.view)
        return rotated

    async def redrive(self, delivery_id: UUID) -> DeliveryStarted:
        """Send a failed or skipped delivery again, under its own id.

        Raises DeliveryNotFound or ChannelNotActive.
        """
        is_open = await self._deliveries.redrive(delivery_id, now=self._clock.now())
        if is_open is None:
            raise DeliveryNotFound(delivery_id)
        if not is_open:
            raise ChannelNotActive(ChannelState.SUSPENDED)
        self._enqueuer.send()
        return DeliveryStarted(delivery_id=delivery_id)

    async def _locked(self, owner: Owner, channel_id: UUID) -> LockedChannel:
        await self._check(owner)
        locked = await self._channels.locked(owner, channel_id)
        if locked is None:
            raise ChannelNotFound(channel_id)
        return locked

    async def _count_locked(self, owner: Owner, locked: LockedChannel) -> None:
        """Raises BadAddress, TooManyMessages or Unavailable."""
        await self._count(owner, recipient(locked.view.kind, self._opened(locked).address))

    async def _count(self, owner: Owner, to: MessageAddress) -> None:
        owner_id = str(owner.user_id or owner.guild_id)
        await self._limits.count(to, address=owner.address, asker=owner.asker, owner=owner_id)

    def _opened(self, locked: LockedChannel) -> ChannelAddress:
        try:
            return msgspec.json.decode(self._encryption.open(locked.view.id, locked.target), type=ChannelAddress)
        except Unsealable as error:
            raise BadAddress(f"The channel cannot be read: {error}.", field="channel_id") from error

    async def _check(self, owner: Owner) -> None:
        if owner.guild_id is not None:
            await self._access.check_guild_write(owner.asker, owner.guild_id)

    def _sealed(self, channel_id: UUID, target: ChannelAddress) -> bytes:
        return self._encryption.seal(channel_id, msgspec.json.encode(target))

    async def _note(self, event: str, owner: Owner, channel: ChannelView) -> None:
        await self._activity.record(
            event,
            subject="channel",
            subject_id=channel.id,
            user_id=owner.user_id,
            actor=owner.asker,
            details={"kind": channel.kind, "guild_id": owner.guild_id},
        )


def new_secret() -> str:
    """Return a new secret for the signatures of a webhook: 256 random bits."""
    return f"whs_{secrets.token_urlsafe(32)}"
