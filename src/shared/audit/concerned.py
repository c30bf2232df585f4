"""Ids of the people that a request concerns.

They are stored with the audit entry, so that an export or an erasure of a person finds it.
"""

from contextvars import ContextVar
from typing import Final
from uuid import UUID

_CONCERNED: Final[ContextVar[set[UUID] | None]] = ContextVar("concerned", default=None)


def collect_concerned() -> set[UUID]:
    """Start a new set, to which `concerns` adds people until this request ends."""
    people: set[UUID] = set()
    _CONCERNED.set(people)
    return people


def concerns(user_id: UUID | None) -> None:
    """Note that the current request concerns a person. Does nothing outside a request."""
    people = _CONCERNED.get()
    if people is not None and user_id is not None:
        people.add(user_id)
