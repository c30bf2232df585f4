"""Entries of the two logs, filters and pages."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from shared.web.identity import BotIdentity, Identity


class ActorKind(StrEnum):
    """Kind of caller."""

    USER = "user"
    BOT = "bot"
    ANONYMOUS = "anonymous"


class Actor(Struct, frozen=True, kw_only=True):
    """The caller as the logs store it: a person only by id, so that an erasure leaves no name behind."""

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
    """One mutating request: caller, route, address and status."""

    id: UUID
    at: datetime
    actor_kind: ActorKind
    method: str
    status: int
    actor_id: Annotated[UUID | None, Meta(description="Id of the user or of the bot key.")] = None
    actor_name: Annotated[
        str | None, Meta(description="Name of the bot; null for people, who are stored by id only.")
    ] = None
    route: Annotated[str | None, Meta(description="Path template; null if no route matches the path.")] = None
    path: str | None = None
    resource: Annotated[dict[str, Any] | None, Meta(description="Path parameters.")] = None
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    body: Annotated[
        Any,
        Meta(
            description="Fields that this route stores, names of all others; size and type of a long or non-JSON body."
        ),
    ] = None
    mentions: Annotated[
        list[str] | None,
        Meta(description="User ids and external ids of the people concerned, without the caller."),
    ] = None


class ActivityEvent(Struct, frozen=True, kw_only=True):
    """An entry of the activity log before it is written."""

    event: str
    """`<subject>.<what happened>`: tracker.registered, scrape.failed."""
    subject: str
    """Kind of subject, such as tracker."""
    subject_id: object
    """Id of the subject; stored as text."""
    user_id: UUID | None = None
    """Owner of the subject."""
    details: Mapping[str, Any] | Struct | None = None


class ActivityEntry(Struct, frozen=True, kw_only=True):
    """One event of a subject, with the caller that caused it, if any."""

    id: UUID
    at: datetime
    event: str
    subject: Annotated[str, Meta(description="Kind of subject, such as tracker.")]
    subject_id: str
    user_id: Annotated[UUID | None, Meta(description="Owner of the subject.")] = None
    actor_kind: ActorKind | None = None
    actor_id: UUID | None = None
    details: Any = None
    request_id: str | None = None


class AuditPage(Struct, frozen=True, kw_only=True):
    items: list[AuditEntry]
    next_before: Annotated[
        UUID | None, Meta(description="Value of `before` for the next page; null on the last page.")
    ] = None


class ActivityPage(Struct, frozen=True, kw_only=True):
    items: list[ActivityEntry]
    next_before: Annotated[
        UUID | None, Meta(description="Value of `before` for the next page; null on the last page.")
    ] = None


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Filter for requests; None matches all."""

    actor_id: UUID | None = None
    actor_kind: ActorKind | None = None
    method: str | None = None
    route: str | None = None
    status: int | None = None
    failed: bool | None = None
    resource: str | None = None
    mention: str | None = None


class ActivityFilter(Struct, frozen=True, kw_only=True):
    """Filter for entries of the activity log; None matches all. An `event` that ends with a dot is a prefix."""

    event: str | None = None
    subject: str | None = None
    subject_id: str | None = None
    user_id: UUID | None = None
    actor_id: UUID | None = None


class LogPage(Struct, frozen=True, kw_only=True):
    """A page of a log: up to `limit` entries of a period, older than the id `before`."""

    limit: int
    before: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
