"""What notifications hold about a person: where they are told, what they prefer, and what they were told lately."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

from users.notifications.channel_repository import ChannelRepository
from users.notifications.delivery_repository import DeliveryRepository
from users.notifications.digest_queries import DigestQueries
from users.notifications.digest_repository import DigestRepository
from users.notifications.digest_schemas import DigestExport
from users.notifications.preference_repository import PreferenceRepository
from users.notifications.queries import NotificationQueries
from users.notifications.schemas import ChannelView, DeliveryView, QuietHoursView

PAGE_SIZE: Final = 1_000


class ChannelExport(Struct, frozen=True, kw_only=True):
    """What is kept about a person here."""

    channels: list[ChannelView]
    preferences: Mapping[str, Mapping[str, str]]
    quiet_hours: QuietHoursView | None
    deliveries: list[DeliveryView]
    digests: DigestExport


class NotificationPersonalData:
    """Shown without the channels' secrets, erased, handed over."""

    name: Final = "notifications"

    def __init__(
        self,
        *,
        channels: ChannelRepository,
        deliveries: DeliveryRepository,
        preferences: PreferenceRepository,
        digests: DigestRepository,
        queries: NotificationQueries,
        digest_queries: DigestQueries,
    ) -> None:
        self._personal_data_providers = (channels, deliveries, preferences, digests)
        self._locked_first = digests
        self._digests = digest_queries
        self._queries = queries

    async def export(self, user_id: UUID) -> ChannelExport:
        told: list[DeliveryView] = []
        while True:
            more = await self._queries.every_delivery(
                user_id=user_id, before=told[-1].id if told else None, limit=PAGE_SIZE
            )
            told += more.items
            if more.next_before is None:
                break
        return ChannelExport(
            channels=(await self._queries.channels_of(user_id)).items,
            preferences=await self._queries.modes(user_id),
            quiet_hours=await self._queries.quiet_hours(user_id),
            deliveries=told,
            digests=DigestExport(
                settings=await self._digests.settings(user_id), digests=(await self._digests.sent(user_id)).items
            ),
        )

    async def erase(self, user_id: UUID) -> None:
        """Channels, preferences, and what was told to them or of them, also in their guilds' channels."""
        await self._locked_first.lock(user_id)
        for holder in self._personal_data_providers:
            await holder.erase(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Where both prefer something, the other account's preference stays."""
        await self._locked_first.lock(user_id, to)
        for holder in self._personal_data_providers:
            await holder.hand_over(user_id, to=to)
