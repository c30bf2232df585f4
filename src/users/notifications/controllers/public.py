"""Endpoints of your own channels and preferences, and of the channels of guilds of which you are an admin."""

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
    """Your channels."""

    path = "/users/me/channels"
    tags = ("notifications",)

    @get("/", operation_id="list_my_channels")
    async def list_channels(self, request: Asking, notification_queries: Queries) -> Channels:
        """List your channels, oldest first, without their secrets."""
        return await notification_queries.channels(_own(request))

    @post("/", operation_id="add_my_channel", audited=("kind",))
    async def add_channel(
        self, request: Asking, data: JSONBody[AnyNewChannel], channel_service: Service
    ) -> ChannelMade:
        """Add a channel, which you must verify before it gets messages.

        A webhook receives a challenge request that it must answer (docs/webhooks.md); every other channel receives a
        code to send to `/verify`. 422 `bad_channel_address` if the address is not allowed. 422 `email_not_set_up` if
        you add an e-mail channel but this service has no mail server. 409 `too_many_channels` if there is already the
        maximum number of channels. 429 `too_many_messages` if too many codes or challenges were sent.
        """
        return await channel_service.add(_own(request), data)

    @get("/{channel_id:uuid}", operation_id="get_my_channel")
    async def get_channel(
        self, request: Asking, channel_id: FromPath[UUID], notification_queries: Queries
    ) -> ChannelView:
        """Get a channel with its last error.

        404 `channel_not_found` if you have no such channel.
        """
        return await notification_queries.channel(_own(request), channel_id)

    @patch("/{channel_id:uuid}", operation_id="change_my_channel")
    async def change_channel(
        self, request: Asking, channel_id: FromPath[UUID], data: JSONBody[ChangeChannel], channel_service: Service
    ) -> ChannelView:
        """Rename a channel.

        404 `channel_not_found` if you have no such channel.
        """
        return await channel_service.change(_own(request), channel_id, data)

    @delete("/{channel_id:uuid}", operation_id="remove_my_channel")
    async def remove_channel(self, request: Asking, channel_id: FromPath[UUID], channel_service: Service) -> None:
        """Remove a channel and its deliveries.

        Pending deliveries are not sent. 404 `channel_not_found` if you have no such channel.
        """
        await channel_service.remove(_own(request), channel_id)

    @post("/{channel_id:uuid}/verify", operation_id="verify_my_channel", status_code=HTTP_200_OK)
    async def verify_channel(
        self, request: Asking, channel_id: FromPath[UUID], data: JSONBody[Verify], channel_service: Service
    ) -> ChannelView:
        """Verify a channel with the code that was sent to it.

        Without `code`, a new code is sent; a webhook receives a new challenge request. 422 `bad_channel_code` if the
        code is wrong or has expired. 429 `too_many_tries` after too many wrong codes, 429 `too_many_messages` if too
        many codes or challenges were sent.
        """
        return await channel_service.verify(_own(request), channel_id, data.code)

    @post("/{channel_id:uuid}/test", operation_id="test_my_channel", status_code=HTTP_202_ACCEPTED)
    async def test_channel(
        self, request: Asking, channel_id: FromPath[UUID], channel_service: Service
    ) -> DeliveryStarted:
        """Send a test message to a channel.

        The state of the returned delivery shows whether the message was sent. 409 `channel_not_active` if the channel
        is not verified or is suspended, 429 `too_many_messages` if too many messages were sent.
        """
        return await channel_service.test(_own(request), channel_id)

    @post("/{channel_id:uuid}/resume", operation_id="resume_my_channel", status_code=HTTP_200_OK)
    async def resume_channel(
        self, request: Asking, channel_id: FromPath[UUID], channel_service: Service
    ) -> ChannelView:
        """Resume a channel after failures.

        A suspended channel gets messages again. If a channel waits before the next try after a failure, that wait ends.
        404 `channel_not_found` if you have no such channel.
        """
        return await channel_service.resume(_own(request), channel_id)

    @post("/{channel_id:uuid}/secret", operation_id="rotate_my_channel_secret", status_code=HTTP_200_OK)
    async def rotate_secret(self, request: Asking, channel_id: FromPath[UUID], channel_service: Service) -> SecretMade:
        """Give a webhook a new secret.

        For a day, messages are signed with both the old and the new secret. 422 `bad_channel_address` if the channel is
        not a webhook.
        """
        return await channel_service.rotate(_own(request), channel_id)

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
        """List the deliveries of a channel, newest first.

        The list includes pending deliveries. 404 `channel_not_found` if you have no such channel.
        """
        return await notification_queries.deliveries(
            _own(request), channel_id, before=before, limit=limit, state=in_state
        )


class GuildChannelController(Controller):
    """Channels that get the updates of a guild's members. Only for admins of the guild; 403 for other members."""

    path = "/guilds/{guild_id:str}/channels"
    tags = ("notifications",)

    @get("/", operation_id="list_guild_channels")
    async def list_channels(self, request: Asking, guild_id: GuildId, notification_queries: Queries) -> Channels:
        """List the channels of a guild, oldest first, without their secrets."""
        return await notification_queries.channels(_guild_owner(request, guild_id))

    @post("/", operation_id="add_guild_channel", audited=("kind",))
    async def add_channel(
        self, request: Asking, guild_id: GuildId, data: JSONBody[AnyNewChannel], channel_service: Service
    ) -> ChannelMade:
        """Add a channel, which you must verify before it gets messages.

        A webhook receives a challenge request that it must answer (docs/webhooks.md); every other channel receives a
        code to send to `/verify`. 422 `bad_channel_address` if the address is not allowed. 422 `email_not_set_up` if
        you add an e-mail channel but this service has no mail server. 409 `too_many_channels` if there is already the
        maximum number of channels. 429 `too_many_messages` if too many codes or challenges were sent.
        """
        return await channel_service.add(_guild_owner(request, guild_id), data)

    @get("/{channel_id:uuid}", operation_id="get_guild_channel")
    async def get_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], notification_queries: Queries
    ) -> ChannelView:
        """Get a channel with its last error.

        404 `channel_not_found` if the guild has no such channel.
        """
        return await notification_queries.channel(_guild_owner(request, guild_id), channel_id)

    @patch("/{channel_id:uuid}", operation_id="change_guild_channel")
    async def change_channel(
        self,
        request: Asking,
        guild_id: GuildId,
        channel_id: FromPath[UUID],
        data: JSONBody[ChangeChannel],
        channel_service: Service,
    ) -> ChannelView:
        """Rename a channel.

        404 `channel_not_found` if the guild has no such channel.
        """
        return await channel_service.change(_guild_owner(request, guild_id), channel_id, data)

    @delete("/{channel_id:uuid}", operation_id="remove_guild_channel")
    async def remove_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> None:
        """Remove a channel and its deliveries.

        Pending deliveries are not sent. 404 `channel_not_found` if the guild has no such channel.
        """
        await channel_service.remove(_guild_owner(request, guild_id), channel_id)

    @post("/{channel_id:uuid}/verify", operation_id="verify_guild_channel", status_code=HTTP_200_OK)
    async def verify_channel(
        self,
        request: Asking,
        guild_id: GuildId,
        channel_id: FromPath[UUID],
        data: JSONBody[Verify],
        channel_service: Service,
    ) -> ChannelView:
        """Verify a channel with the code that was sent to it.

        Without `code`, a new code is sent; a webhook receives a new challenge request. 422 `bad_channel_code` if the
        code is wrong or has expired. 429 `too_many_tries` after too many wrong codes, 429 `too_many_messages` if too
        many codes or challenges were sent.
        """
        return await channel_service.verify(_guild_owner(request, guild_id), channel_id, data.code)

    @post("/{channel_id:uuid}/test", operation_id="test_guild_channel", status_code=HTTP_202_ACCEPTED)
    async def test_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> DeliveryStarted:
        """Send a test message to a channel.

        The state of the returned delivery shows whether the message was sent. 409 `channel_not_active` if the channel
        is not verified or is suspended, 429 `too_many_messages` if too many messages were sent.
        """
        return await channel_service.test(_guild_owner(request, guild_id), channel_id)

    @post("/{channel_id:uuid}/resume", operation_id="resume_guild_channel", status_code=HTTP_200_OK)
    async def resume_channel(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> ChannelView:
        """Resume a channel after failures.

        A suspended channel gets messages again. If a channel waits before the next try after a failure, that wait ends.
        404 `channel_not_found` if the guild has no such channel.
        """
        return await channel_service.resume(_guild_owner(request, guild_id), channel_id)

    @post("/{channel_id:uuid}/secret", operation_id="rotate_guild_channel_secret", status_code=HTTP_200_OK)
    async def rotate_secret(
        self, request: Asking, guild_id: GuildId, channel_id: FromPath[UUID], channel_service: Service
    ) -> SecretMade:
        """Give a webhook a new secret.

        For a day, messages are signed with both the old and the new secret. 422 `bad_channel_address` if the channel is
        not a webhook.
        """
        return await channel_service.rotate(_guild_owner(request, guild_id), channel_id)

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
        """List the deliveries of a channel, newest first.

        The list includes pending deliveries. 404 `channel_not_found` if the guild has no such channel.
        """
        return await notification_queries.deliveries(
            _guild_owner(request, guild_id), channel_id, before=before, limit=limit, state=in_state
        )


class PreferenceController(Controller):
    """Your preferences: the events that you receive, and how."""

    path = "/users/me/notifications"
    tags = ("notifications",)

    @get("/", operation_id="get_my_notifications")
    async def get_preferences(self, request: Asking, notification_queries: Queries) -> Preferences:
        """Get your notification preferences.

        The response also lists all events that you can receive.
        """
        return await notification_queries.preferences(request.auth)

    @put("/", operation_id="put_my_notifications")
    async def put_preferences(
        self, request: Asking, data: JSONBody[ChangePreferences], preference_service: PreferencesService
    ) -> ChangePreferences:
        """Set your default preferences and quiet hours.

        Fields that you omit return to their defaults. 422 `unknown_event` if there is no event with this name.
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
        """Set your preferences for one subject, such as a tracker.

        They replace your previous preferences for the subject and take precedence over your defaults. If `events` is
        empty, your defaults apply again. 422 `unknown_event` if there is no event with this name.
        """
        return await preference_service.settle_subject(request.auth, subject_id, data)


def _own(request: Asking) -> Owner:
    return Owner(asker=request.auth, address=address_of(request), user_id=request.auth.user_id)


def _guild_owner(request: Asking, guild_id: str) -> Owner:
    return Owner(asker=request.auth, address=address_of(request), guild_id=guild_id)
