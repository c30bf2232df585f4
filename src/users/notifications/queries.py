"""Read queries for channels, preferences and deliveries: static statements whose rows become Structs."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import PooledQueries
from shared.ids import LAST
from shared.web.identity import PersonIdentity
from users.access import AccessPolicy
from users.notifications.channel_repository import CHANNEL, OWNED, channel_view
from users.notifications.errors import ChannelNotFound
from users.notifications.preference_repository import PREFERENCES, QUIET
from users.notifications.schemas import (
    ANY,
    EVERYTHING,
    Channels,
    ChannelView,
    Deliveries,
    DeliveryState,
    DeliveryView,
    Mode,
    Owner,
    Preferences,
    QuietHoursView,
)

_CHANNELS: Final = text(f"SELECT {CHANNEL} FROM notification_channels WHERE {OWNED} ORDER BY created_at, id")  # noqa: S608 -- fragments of our own
_CHANNEL: Final = text(f"SELECT {CHANNEL} FROM notification_channels WHERE id = :id AND {OWNED}")  # noqa: S608 -- fragments of our own
_DELIVERIES: Final = """
SELECT d.id, d.channel_id, d.event_id, e.event, d.subject_id, d.state, d.attempts, d.last_error, d.due_at, d.sent_at
FROM notification_deliveries d JOIN notified_events e ON e.id = d.event_id
WHERE {leading} d.id < CAST(:before AS uuid)
  AND (CAST(:state AS text) IS NULL OR d.state = :state)
  AND (CAST(:event AS text) IS NULL OR e.event = :event)
ORDER BY d.id DESC LIMIT CAST(:limit AS bigint)
"""
_DELIVERIES_OF: Final = {
    "channel_id": text(_DELIVERIES.format(leading="d.channel_id = CAST(:channel_id AS uuid) AND")),
    "user_id": text(_DELIVERIES.format(leading="d.user_id = CAST(:user_id AS uuid) AND")),
    None: text(_DELIVERIES.format(leading="")),
}


class NotificationQueries:
    """Reads channels, deliveries and preferences. Raises ChannelNotFound if a channel belongs to another owner."""

    def __init__(self, reader: PooledQueries, *, access: AccessPolicy, known_events: Sequence[str]) -> None:
        self._reader = reader
        self._access = access
        self._known_events = known_events

    async def channels(self, owner: Owner) -> Channels:
        """Return an owner's channels, the oldest first; those of a guild only to its admins."""
        await self._check(owner)
        rows = await self._reader.rows(_CHANNELS, _owner_ids(owner))
        return Channels(items=[channel_view(row) for row in rows])

    async def channels_of(self, user_id: UUID) -> Channels:
        """Return a person's own channels without checking who asks."""
        rows = await self._reader.rows(_CHANNELS, {"user_id": user_id, "guild_id": None})
        return Channels(items=[channel_view(row) for row in rows])

    async def channel(self, owner: Owner, channel_id: UUID) -> ChannelView:
        await self._check(owner)
        row = await self._reader.row(_CHANNEL, {**_owner_ids(owner), "id": channel_id})
        if row is None:
            raise ChannelNotFound(channel_id)
        return channel_view(row)

    async def deliveries(
        self, owner: Owner, channel_id: UUID, *, before: UUID | None, limit: int, state: DeliveryState | None = None
    ) -> Deliveries:
        """Return the deliveries of a channel, pending ones included, the newest first."""
        await self.channel(owner, channel_id)
        return await self.every_delivery(channel_id=channel_id, state=state, before=before, limit=limit)

    async def every_delivery(
        self,
        *,
        before: UUID | None,
        limit: int,
        channel_id: UUID | None = None,
        user_id: UUID | None = None,
        state: DeliveryState | None = None,
        event: str | None = None,
    ) -> Deliveries:
        """Return deliveries of everybody that match the filters, the newest first."""
        filters = {"channel_id": channel_id, "user_id": user_id}
        leading = next((name for name, value in filters.items() if value is not None), None)
        rows = await self._reader.rows(
            _DELIVERIES_OF[leading],
            {**filters, "state": state, "event": event, "before": before or LAST, "limit": limit + 1},
        )
        items = [_delivery(row) for row in rows[:limit]]
        return Deliveries(items=items, next_before=items[-1].id if len(rows) > limit else None)

    async def preferences(self, asker: PersonIdentity) -> Preferences:
        """Return a person's preferences, and all events that they can receive."""
        modes = await self.modes(asker.user_id)
        return Preferences(
            defaults=modes.pop(str(EVERYTHING), {}),
            quiet_hours=await self.quiet_hours(asker.user_id),
            subjects=modes,
            events=sorted(self._known_events),
        )

    async def modes(self, user_id: UUID) -> dict[str, dict[str, Mode]]:
        """Return a person's modes by subject (zeros: all subjects), then by event."""
        modes: dict[str, dict[str, Mode]] = {}
        for row in await self._reader.rows(PREFERENCES, {"user_id": user_id}):
            modes.setdefault(str(row["subject_id"]), {})[row["event"] or ANY] = Mode(row["mode"])
        return modes

    async def quiet_hours(self, user_id: UUID) -> QuietHoursView | None:
        row = await self._reader.row(QUIET, {"user_id": user_id})
        if row is None:
            return None
        return QuietHoursView(from_=row["begins"].strftime("%H:%M"), to=row["ends"].strftime("%H:%M"))

    async def _check(self, owner: Owner) -> None:
        if owner.guild_id is not None:
            await self._access.check_guild_write(owner.asker, owner.guild_id)


def _owner_ids(owner: Owner) -> dict[str, Any]:
    return {"user_id": owner.user_id, "guild_id": owner.guild_id}


def _delivery(row: dict[str, Any]) -> DeliveryView:
    return DeliveryView(**{**row, "state": DeliveryState(row["state"])})
