"""Errors of channels, deliveries, preferences and digests.

ChannelNotFound 404, DeliveryNotFound 404, TooManyChannels 409, ChannelNotActive 409, BadAddress 422, BadChallenge 422,
UnknownEvent 422, TooManyAttempts 429; of digests: NoMailbox 409, BadUnsubscribeLink 404.
"""

from collections.abc import Sequence
from uuid import UUID

from shared.errors import Conflict, Invalid, NotFound, TooManyRequests


class ChannelNotFound(NotFound):
    code = "channel_not_found"

    def __init__(self, channel_id: UUID) -> None:
        super().__init__(f"There is no channel {channel_id}, or it is not yours.")


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(f"There is no failed or skipped delivery {delivery_id}.")


class TooManyChannels(Conflict):
    code = "too_many_channels"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} channels, which is the maximum; remove one first.")


class ChannelNotActive(Conflict):
    code = "channel_not_active"

    def __init__(self, state: str) -> None:
        super().__init__(f"This channel is {state}; verify it or resume it first.")


class BadAddress(Invalid):
    code = "bad_channel_address"

    def __init__(self, detail: str, *, field: str) -> None:
        super().__init__(detail, extra={"field": field})


class BadChallenge(Invalid):
    code = "bad_channel_code"

    def __init__(self) -> None:
        super().__init__("The code is wrong or has expired; verify without a code to get a new one.")


class UnknownEvent(Invalid):
    code = "unknown_event"

    def __init__(self, event: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no event {event!r}; use {', '.join(known)}, or * for all.")


class NoMailbox(Conflict):
    code = "no_mailbox"

    def __init__(self) -> None:
        super().__init__("Digests come by e-mail: add and verify an e-mail channel first, or name one of yours.")


class BadUnsubscribeLink(NotFound):
    code = "bad_unsubscribe_link"

    def __init__(self) -> None:
        super().__init__("This link is not valid; copy it whole from the digest, or change your digest settings.")


class TooManyAttempts(TooManyRequests):
    code = "too_many_tries"
