"""Whom a request concerns, so that its entry in the audit log is found when they ask for it, or go."""

from contextvars import ContextVar
from typing import Final
from uuid import UUID

_CONCERNED: Final[ContextVar[set[UUID] | None]] = ContextVar("concerned", default=None)


def collect_concerned() -> set[UUID]:
    """A new set, into which `concerns` puts people until this request ends."""
    people: set[UUID] = set()
    _CONCERNED.set(people)
    return people


def concerns(user_id: UUID | None) -> None:
    """Note that the request under way is about a person. Outside a request, nothing."""
    people = _CONCERNED.get()
    if people is not None and user_id is not None:
        people.add(user_id)
