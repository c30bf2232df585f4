"""A typed client of the Trackers API: `BotClient` for bots, `MemberClient` for people."""

from trackers_client import models
from trackers_client.client import BotClient, MemberClient, Options
from trackers_client.credentials import Login
from trackers_client.deprecation import Deprecated
from trackers_client.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    InvalidPathValue,
    InvalidWebhook,
    NotFound,
    ServerError,
    TaskNotDone,
    TooManyRequests,
    TrackersError,
    Unauthenticated,
    Unreachable,
    UnreadableAnswer,
)
from trackers_client.paging import every
from trackers_client.retries import Retries
from trackers_client.validators import EtagCache
from trackers_client.webhooks import Message, verify_webhook

__all__ = [
    "ApiError",
    "BotClient",
    "Conflict",
    "Deprecated",
    "EtagCache",
    "Forbidden",
    "Invalid",
    "InvalidPathValue",
    "InvalidWebhook",
    "Login",
    "MemberClient",
    "Message",
    "NotFound",
    "Options",
    "Retries",
    "ServerError",
    "TaskNotDone",
    "TooManyRequests",
    "TrackersError",
    "Unauthenticated",
    "Unreachable",
    "UnreadableAnswer",
    "every",
    "models",
    "verify_webhook",
]
