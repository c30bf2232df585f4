"""Advisory locks in the database: number, purpose, and the SQL that takes them.

All of them end with the transaction that took them, so they work behind a pooler. PostgreSQL keeps single numbers and
pairs of numbers apart: a number of `AdvisoryLock` cannot collide with one of `LockNamespace`.

Do not change the numbers: during an upgrade, processes of the version before take the same locks.
"""

from enum import IntEnum
from typing import Final


class AdvisoryLock(IntEnum):
    """Locks that exist once."""

    MIGRATION = 7_266_031_154
    """One process migrates at a time; the others wait (migrations/env.py)."""
    RELAY = 7_266_031_155
    """One relay hands out events at a time; the others skip their turn (shared/outbox)."""
    FENCING_PAGES = 7_266_031_156
    """Pages of fencers and clubs are recorded one after another, because they share fencers and events."""
    BLOCKING = 7_266_031_157
    """Exclusive for blocking a key; shared for following something, which fails and is retried if it is taken."""
    GAME_PROFILES = 7_266_031_158
    """Recordings of game profiles share it; a block of an account takes it exclusively, to miss no name."""
    PARTITIONS = 7_266_031_160
    """One worker creates or removes partitions at a time; the others skip their turn."""
    LOG_PEOPLE = 7_266_031_161
    """One erasure or claim at a time rewrites entries of the two logs, which may name several people (shared/audit)."""


class LockNamespace(IntEnum):
    """Locks that exist once per key: the first number of a pair; the second is a hash of the key."""

    RATED_PERSON = 7_312
    """One transaction at a time writes the ratings of a person on the leaderboards."""
    DISPATCHED_SOURCE = 7_313
    """One dispatcher at a time counts the leased targets of a source and claims as many as its pace allows."""


EVENT_AGGREGATES: Final = int(AdvisoryLock.RELAY)
"""Seed of the 64-bit hashes that are the locks on aggregates of events; not a lock itself.

Two transactions that publish events about the same aggregate do so one after the other.
"""


def take(lock: AdvisoryLock) -> str:
    """SQL expression that waits for a lock and takes it."""
    return f"pg_advisory_xact_lock({lock:d})"


def try_to_take(lock: AdvisoryLock) -> str:
    """SQL expression that takes a lock if it is free; true if it did."""
    return f"pg_try_advisory_xact_lock({lock:d})"


def take_shared(lock: AdvisoryLock) -> str:
    """SQL expression that takes a lock in shared mode, after waiting until nobody holds it exclusively."""
    return f"pg_advisory_xact_lock_shared({lock:d})"


def try_to_share(lock: AdvisoryLock) -> str:
    """SQL expression that takes a lock in shared mode unless somebody holds it exclusively; true if it did."""
    return f"pg_try_advisory_xact_lock_shared({lock:d})"


def key_of(text: str) -> str:
    """SQL expression for the second number of a pair, from an expression of type text.

    Take several locks in the order of these numbers.
    """
    return f"hashtext({text})"


def take_keyed(namespace: LockNamespace, text: str) -> str:
    """SQL expression that waits for the lock of a key (an expression of type text) and takes it."""
    return f"pg_advisory_xact_lock({namespace:d}, {key_of(text)})"


def aggregate_number(text: str) -> str:
    """SQL expression for the number of the lock of an aggregate, from an expression of type text.

    Take several locks in the order of these numbers.
    """
    return f"hashtextextended({text}, {EVENT_AGGREGATES})"


def take_number(number: str) -> str:
    """SQL expression that waits for the lock of an `aggregate_number` and takes it."""
    return f"pg_advisory_xact_lock({number})"
