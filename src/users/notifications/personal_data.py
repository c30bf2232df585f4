"""Personal data of notifications: a person's channels, preferences, deliveries and digests."""

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
    """Export of a person's notification data."""

    channels: list[ChannelView]
    preferences: Mapping[str, Mapping[str, str]]
    quiet_hours: QuietHoursView | None
    deliveries: list[DeliveryView]
    digests: DigestExport


class NotificationPersonalData:
    """Exports, erases and hands over a person's notification data; exports contain no secrets of channels."""

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
        deliveries: list[DeliveryView] = []
        while True:
            page = await self._queries.every_delivery(
                user_id=user_id, before=deliveries[-1].id if deliveries else None, limit=PAGE_SIZE
            )
            deliveries += page.items
            if page.next_before is None:
                break
        return ChannelExport(
            channels=(await self._queries.channels_of(user_id)).items,
            preferences=await self._queries.modes(user_id),
            quiet_hours=await self._queries.quiet_hours(user_id),
            deliveries=deliveries,
            digests=DigestExport(
                settings=await self._digests.settings(user_id), digests=(await self._digests.sent(user_id)).items
            ),
        )

    async def erase(self, user_id: UUID) -> None:
        """Remove channels, preferences, digests, and deliveries to or about the person, also in guilds' channels."""
        await self._locked_first.lock(user_id)
        for repository in self._personal_data_providers:
            await repository.erase(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Move the data to another account; where both have a preference, that of `to` stays."""
        await self._locked_first.lock(user_id, to)
        for repository in self._personal_data_providers:
            await repository.hand_over(user_id, to=to)
