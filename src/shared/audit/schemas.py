"""The logs' entries: as they are written, and as admins read them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from shared.web.identity import BotIdentity, Identity


class ActorKind(StrEnum):
    """Who can have asked for something."""

    USER = "user"
    BOT = "bot"
    ANONYMOUS = "anonymous"


class Actor(Struct, frozen=True, kw_only=True):
    """Who did it, as the logs note it: a person only by id, so that their erasure leaves no name behind."""

    kind: ActorKind
    id: UUID | None = None
    name: str | None = None

    @classmethod
    def of(cls, identity: "Identity | Actor | None") -> "Actor":
        if isinstance(identity, Actor):
            return identity
        if identity is None:
            return cls(kind=ActorKind.ANONYMOUS)
        if isinstance(identity, BotIdentity):
            return cls(kind=ActorKind.BOT, id=identity.key_id, name=identity.name)
        return cls(kind=ActorKind.USER, id=identity.user_id)


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One mutating request: who asked for what, from where, and how it was answered."""

    id: UUID
    at: datetime
    actor_kind: ActorKind
    method: str
    status: int
    actor_id: Annotated[UUID | None, Meta(description="The person's id, or that of the bot's key.")] = None
    actor_name: Annotated[str | None, Meta(description="A bot's name; people are known by id alone.")] = None
    route: Annotated[str | None, Meta(description="The path with its parameters' names; null where there is none.")] = (
        None
    )
    path: str | None = None
    resource: Annotated[dict[str, Any] | None, Meta(description="The path's parameters.")] = None
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    body: Annotated[
        Any,
        Meta(
            description="Fields that this route keeps, the names of others; of no JSON, or a long one, size and type."
        ),
    ] = None
    mentions: Annotated[
        list[str] | None,
        Meta(description="Ids of people whom it concerns besides the one who asked, ours and outside ones."),
    ] = None


class ActivityEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to a thing, as services tell it."""

    event: str
    """`<subject>.<what happened>`: tracker.registered, scrape.failed."""
    subject: str
    """The kind of thing."""
    subject_id: object
    """The thing's id; written as text."""
    user_id: UUID | None = None
    """Whose thing it is."""
    details: Mapping[str, Any] | Struct | None = None


class ActivityEntry(Struct, frozen=True, kw_only=True):
    """Something that happened to a thing, and who did it where somebody did."""

    id: UUID
    at: datetime
    event: str
    subject: Annotated[str, Meta(description="The kind of thing.")]
    subject_id: str
    user_id: Annotated[UUID | None, Meta(description="Whose thing it is.")] = None
    actor_kind: ActorKind | None = None
    actor_id: UUID | None = None
    details: Any = None
    request_id: str | None = None


class AuditPage(Struct, frozen=True, kw_only=True):
    items: list[AuditEntry]
    next_before: Annotated[UUID | None, Meta(description="`before` of the next page; null on the last one.")] = None


class ActivityPage(Struct, frozen=True, kw_only=True):
    items: list[ActivityEntry]
    next_before: Annotated[UUID | None, Meta(description="`before` of the next page; null on the last one.")] = None


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Which requests are asked for; None: all."""

    actor_id: UUID | None = None
    actor_kind: ActorKind | None = None
    method: str | None = None
    route: str | None = None
    status: int | None = None
    failed: bool | None = None
    resource: str | None = None
    mention: str | None = None


class ActivityFilter(Struct, frozen=True, kw_only=True):
    """Which happenings are asked for; None: all. An event that ends with a dot is the beginning of one."""

    event: str | None = None
    subject: str | None = None
    subject_id: str | None = None
    user_id: UUID | None = None
    actor_id: UUID | None = None


class LogPage(Struct, frozen=True, kw_only=True):
    """Which part of a log: entries of a time, older than `before`, up to `limit`."""

    limit: int
    before: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
