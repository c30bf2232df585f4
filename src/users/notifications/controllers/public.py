"""One's own channels and preferences, and those of guilds that one runs."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from shared.web.identity import PersonIdentity
from shared.web.proxies import address_of
from users.guilds.controllers.parameters import GuildId
from users.notifications.controllers.parameters import (
    Before,
    Limit,
    PreferencesService,
    Queries,
    Service,
    StateFilter,
)
from users.notifications.schemas import (
    AnyNewChannel,
    ChangeChannel,
    ChangePreferences,
    ChannelMade,
    Channels,
    ChannelView,
    Deliveries,
    DeliveryStarted,
    Owner,
    Preferences,
    SecretMade,
    SubjectPreferences,
    Verify,
)

Asking = Request[Any, PersonIdentity, Any]


class MyChannelController(Controller):
    """Where one is told."""

    path = "/users/me/channels"
    tags = ("notifications",)

    @get("/", operation_id="list_my_channels")
    async def list_channels(self, request: Asking, notification_queries: Queries) -> Channels:
        """Channels, the oldest first, without their secrets."""
        return await notification_queries.channels(_mine(request))

    @post("/", operation_id="add_my_channel", audited=("kind",))
    async def add_channel(
        self, request: Asking, data: JSONBody[AnyNewChannel], channel_service: Service
    ) -> ChannelMade:
        """Add a channel, to be verified before it is told of anything: a code is sent there, a webhook is challenged.

        422 `bad_channel_address` for an address that nothing may be sent to, `email_not_set_up` where there is no mail
        server; 409 `too_many_channels`; 429 `too_many_messages`.
        """
        return await channel_service.add(_mine(request), data)

    @get("/{channel_id:uuid}", operation_id="get_my_channel")
    async def get_channel(
        self, request: Asking, channel_id: FromPath[UUID], notification_queries: Queries
    ) -> ChannelView:
        """One channel, and what went wrong with it last."""
        return await notification_queries.channel(_mine(request), channel_id)

    @patch("/{channel_id:uuid}", operation_id="change_my_channel")
    async def change_channel(
        self, request: Asking, channel_id: FromPath[UUID], data: JSONBody[ChangeChannel], channel_service: Service
    ) -> ChannelView:
        """Give a channel another name."""
        return await channel_service.change(_mine(request), channel_id, data)

    @delete("/{channel_id:uuid}", operation_id="remove_my_channel")
    async def remove_channel(self, request: Asking, channel_id: FromPath[UUID], channel_service: Service) -> None:
        """End a channel, with the log of what it was told."""
        await channel_service.remove(_mine(request), channel_id)

    @post("/{channel_id:uuid}/verify", operation_id="verify_my_channel", status_code=HTTP_200_OK)
    async def verify_channel(
        self, request: Asking, channel_id: FromPath[UUID], data: JSONBody[Verify], channel_service: Service
    ) -> ChannelView:
        """Prove that one reads the channel, by the code that was sent there; without a code, a new one is sent.

        422 `bad_channel_code`, 429 `too_many_tries` or `too_many_messages`.
        """
        return await channel_service.verify(_mine(request), channel_id, data.code)

    @post("/{channel_id:uuid}/test", operation_id="test_my_channel", status_code=HTTP_202_ACCEPTED)
    async def test_channel(
        self, request: Asking, channel_id: FromPath[UUID], channel_service: Service
    ) -> DeliveryStarted:
        """Send a test message; the log of deliveries tells what became of it.

        409 `channel_not_active`, 429 `too_many_messages`.
        """
        return await channel_service.test(_mine(request), channel_id)

    @post("/{channel_id:uuid}/resume", operation_id="resume_my_channel", status_code=HTTP_200_OK)
    async def resume_channel(
        self, request: Asking, channel_id: FromPath[UUID], channel_service: Service
    ) -> ChannelView:
        """Use a channel again that was suspended, or at once one that rests after a failure."""
        return await channel_service.resume(_mine(request), channel_id)

    @post("/{channel_id:uuid}/secret", operation_id="rotate_my_channel_secret", status_code=HTTP_200_OK)
    async def rotate_secret(self, request: Asking, channel_id: FromPath[UUID], channel_service: Service) -> SecretMade:
        """Give a webhook a new secret; for a day its messages carry a signature by the old one, too."""
        return await channel_service.rotate(_mine(request), channel_id)

    @get("/{channel_id:uuid}/deliveries", operation_id="list_my_channel_deliveries")
    async def list_deliveries(
        self,
        request: Asking,
        channel_id: FromPath[UUID],
        notification_queries: Queries,
        in_state: StateFilter = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> Deliveries:
        """What a channel was told, or is about to be, the newest first."""
        return await notification_queries.deliveries(
            _mine(request), channel_id, before=before, limit=limit, state=in_state
        )


class GuildChannelController(Controller):
    """Where the people of a guild are told of each other: for those who run it, 403 for other members."""

    path = "/guilds/{guild_id:str}/channels"
    tags = ("notifications",)

    @get("/", operation_id="list_guild_channels")
    async def list_channels(self, request: Asking, guild_id: GuildId, notification_queries: Queries) -> Channels:
        """Channels, the oldest first, without their secrets."""
        return await notification_queries.channels(_guilds(request, guild_id))

    @post("/", operation_id="add_guild_channel", audited=("kind",))
    async def add_channel(
        self, request: Asking, guild_id: GuildId, data: JSONBody[AnyNewChannel], channel_service: Service
    ) -> ChannelMade:
        """Add a channel, to be verified before it is told of anything: a code is sent there, a webhook is challenged.

        422 `bad_channel_address` for an address that nothing may be sent to, `email_not_set_up` where there is no mail
        server; 409 `too_many_channels`; 429 `too_many_messages`.
        """
        return await channel_service.add(_guilds(request, guild_id), data)

    @get("/{channel_id:uuid}", operation_id="get_guild_channel")
    async def get_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], notification_queries: Queries
    ) -> ChannelView:
        """One channel, and what went wrong with it last."""
        return await notification_queries.channel(_guilds(request, guild_id), channel_id)

    @patch("/{channel_id:uuid}", operation_id="change_guild_channel")
    async def change_channel(
        self,
        request: Asking,
        guild_id: GuildId,
        channel_id: FromPath[UUID],
        data: JSONBody[ChangeChannel],
        channel_service: Service,
    ) -> ChannelView:
        """Give a channel another name."""
        return await channel_service.change(_guilds(request, guild_id), channel_id, data)

    @delete("/{channel_id:uuid}", operation_id="remove_guild_channel")
    async def remove_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> None:
        """End a channel, with the log of what it was told."""
        await channel_service.remove(_guilds(request, guild_id), channel_id)

    @post("/{channel_id:uuid}/verify", operation_id="verify_guild_channel", status_code=HTTP_200_OK)
    async def verify_channel(
        self,
        request: Asking,
        guild_id: GuildId,
        channel_id: FromPath[UUID],
        data: JSONBody[Verify],
        channel_service: Service,
    ) -> ChannelView:
        """Prove that one reads the channel, by the code that was sent there; without a code, a new one is sent.

        422 `bad_channel_code`, 429 `too_many_tries` or `too_many_messages`.
        """
        return await channel_service.verify(_guilds(request, guild_id), channel_id, data.code)

    @post("/{channel_id:uuid}/test", operation_id="test_guild_channel", status_code=HTTP_202_ACCEPTED)
    async def test_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> DeliveryStarted:
        """Send a test message; the log of deliveries tells what became of it.

        409 `channel_not_active`, 429 `too_many_messages`.
        """
        return await channel_service.test(_guilds(request, guild_id), channel_id)

    @post("/{channel_id:uuid}/resume", operation_id="resume_guild_channel", status_code=HTTP_200_OK)
    async def resume_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> ChannelView:
        """Use a channel again that was suspended, or at once one that rests after a failure."""
        return await channel_service.resume(_guilds(request, guild_id), channel_id)

    @post("/{channel_id:uuid}/secret", operation_id="rotate_guild_channel_secret", status_code=HTTP_200_OK)
    async def rotate_secret(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> SecretMade:
        """Give a webhook a new secret; for a day its messages carry a signature by the old one, too."""
        return await channel_service.rotate(_guilds(request, guild_id), channel_id)

    @get("/{channel_id:uuid}/deliveries", operation_id="list_guild_channel_deliveries")
    async def list_deliveries(
        self,
        request: Asking,
        guild_id: GuildId,
        channel_id: FromPath[UUID],
        notification_queries: Queries,
        in_state: StateFilter = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> Deliveries:
        """What a channel was told, or is about to be, the newest first."""
        return await notification_queries.deliveries(
            _guilds(request, guild_id), channel_id, before=before, limit=limit, state=in_state
        )


class PreferenceController(Controller):
    """How one hears of what."""

    path = "/users/me/notifications"
    tags = ("notifications",)

    @get("/", operation_id="get_my_notifications")
    async def get_preferences(self, request: Asking, notification_queries: Queries) -> Preferences:
        """What one prefers, and every event that one can be told of."""
        return await notification_queries.preferences(request.auth)

    @put("/", operation_id="put_my_notifications")
    async def put_preferences(
        self, request: Asking, data: JSONBody[ChangePreferences], preference_service: PreferencesService
    ) -> ChangePreferences:
        """Settle what holds for all things, and the quiet hours; what is left out is the default again.

        422 `unknown_event`.
        """
        return await preference_service.settle(request.auth, data)

    @put("/subjects/{subject_id:uuid}", operation_id="put_my_subject_notifications")
    async def put_subject(
        self,
        request: Asking,
        subject_id: FromPath[UUID],
        data: JSONBody[SubjectPreferences],
        preference_service: PreferencesService,
    ) -> SubjectPreferences:
        """Settle what holds for one thing (a tracker, say); no events, and the defaults hold again.

        422 `unknown_event`.
        """
        return await preference_service.settle_subject(request.auth, subject_id, data)


def _mine(request: Asking) -> Owner:
    return Owner(asker=request.auth, address=address_of(request), user_id=request.auth.user_id)


def _guilds(request: Asking, guild_id: str) -> Owner:
    return Owner(asker=request.auth, address=address_of(request), guild_id=guild_id)
