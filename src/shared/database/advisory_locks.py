"""Every advisory lock in the database: its number, its purpose, and the SQL that takes it.

All of them end with the transaction that took them, so they work behind a pooler. PostgreSQL keeps single numbers and
pairs of numbers apart: a number of `AdvisoryLock` cannot meet one of `LockNamespace`.

Numbers stay as they are: during an upgrade, processes of the version before take the same locks.
"""

from enum import IntEnum
from typing import Final


class AdvisoryLock(IntEnum):
    """Locks of which there is one."""

    MIGRATION = 7_266_031_154
    """One process migrates at a time; the others wait (migrations/env.py)."""
    RELAY = 7_266_031_155
    """One relay hands out events at a time; the others skip their turn (shared/outbox)."""
    FENCING_PAGES = 7_266_031_156
    """Pages of fencers and clubs are recorded one after another, because they share fencers and events."""
    BLOCKING = 7_266_031_157
    """Whoever blocks a key holds it; who starts to follow something shares it, or is asked to come again."""
    GAME_PROFILES = 7_266_031_158
    """Recordings of game profiles share it; a block of an account holds it, so that it misses no name of the player."""
    PARTITIONS = 7_266_031_160
    """One worker makes or removes partitions at a time; the others skip their turn."""
    LOG_PEOPLE = 7_266_031_161
    """One erasure or claim at a time rewrites entries of the two logs, in which several people stand (shared/audit)."""


class LockNamespace(IntEnum):
    """Locks of which there is one per key: the first number of a pair, the second is a hash of the key."""

    RATED_PERSON = 7_312
    """The ratings of a person on the leaderboards are written by one transaction at a time."""
    DISPATCHED_SOURCE = 7_313
    """One dispatcher at a time counts what is leased of a source and claims what its pace leaves room for."""


EVENT_AGGREGATES: Final = int(AdvisoryLock.RELAY)
"""Seed of the hashes of 64 bits that are the locks on the aggregates of events, not a lock itself.

Two transactions that publish about the same aggregate do so one after the other.
"""


def take(lock: AdvisoryLock) -> str:
    """SQL expression that waits for a lock."""
    return f"pg_advisory_xact_lock({lock:d})"


def try_to_take(lock: AdvisoryLock) -> str:
    """SQL expression that takes a lock if it is free; whether it did."""
    return f"pg_try_advisory_xact_lock({lock:d})"


def take_shared(lock: AdvisoryLock) -> str:
    """SQL expression that waits for a lock which others may share, but nobody may hold alone."""
    return f"pg_advisory_xact_lock_shared({lock:d})"


def try_to_share(lock: AdvisoryLock) -> str:
    """SQL expression that shares a lock unless somebody holds it alone; whether it does."""
    return f"pg_try_advisory_xact_lock_shared({lock:d})"


def key_of(text: str) -> str:
    """SQL expression: the second number of a pair, for an expression of type text. Take several locks in this order."""
    return f"hashtext({text})"


def take_keyed(namespace: LockNamespace, text: str) -> str:
    """SQL expression that waits for the lock of a key, an expression of type text."""
    return f"pg_advisory_xact_lock({namespace:d}, {key_of(text)})"


def aggregate_number(text: str) -> str:
    """SQL expression: the number of the lock of an aggregate. Take several locks in this order."""
    return f"hashtextextended({text}, {EVENT_AGGREGATES})"


def take_number(number: str) -> str:
    """SQL expression that waits for the lock of an `aggregate_number`."""
    return f"pg_advisory_xact_lock({number})"
