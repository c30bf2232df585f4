"""The job that challenges a channel: its owner must prove that they can read what arrives there."""

from collections.abc import Callable, Mapping
from uuid import UUID

import msgspec

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Database
from users.notifications.channel_repository import ChannelRepository
from users.notifications.field_encryption import FieldEncryption, Unsealable
from users.notifications.outbound_messages import SendFailed, Transport
from users.notifications.schemas import ChannelAddress, ChannelKind
from users.notifications.verification_codes import GOOD_FOR, VerificationCodes


class Challenger:
    """Sends challenges: a code for the owner to enter, or a challenge that a webhook answers by itself."""

    def __init__(
        self,
        *,
        database: Database,
        channels: Callable[[], ChannelRepository],
        activity: Callable[[], ActivityLog],
        transports: Mapping[ChannelKind, Transport],
        encryption: FieldEncryption,
        codes: VerificationCodes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._channels = channels
        self._activity = activity
        self._transports = transports
        self._encryption = encryption
        self._codes = codes
        self._clock = clock

    async def challenge(self, channel: str) -> None:
        """Send a new code, which replaces the last one; a failure is stored as the last error of the channel."""
        channel_id = UUID(channel)
        code, digest = self._codes.make(channel_id)
        async with self._database.unit_of_work():
            challenged = await self._channels().challenge(channel_id, digest, until=self._clock.now() + GOOD_FOR)
        if challenged is None:  # removed or verified in the meantime
            return
        try:
            target = msgspec.json.decode(self._encryption.open(channel_id, challenged.target), type=ChannelAddress)
            verified = await self._transports[challenged.kind].challenge(target, code)
        except (SendFailed, Unsealable) as failure:
            async with self._database.unit_of_work():
                await self._channels().note_error(channel_id, str(failure))
            return
        if not verified:
            return
        async with self._database.unit_of_work():
            if await self._channels().verified(channel_id, now=self._clock.now()) is not None:
                await self._activity().record(
                    "channel.verified",
                    subject="channel",
                    subject_id=channel_id,
                    user_id=challenged.user_id,
                    details={"kind": challenged.kind, "guild_id": challenged.guild_id},
                )
