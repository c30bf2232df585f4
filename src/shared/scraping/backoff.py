"""When a target is looked at again: after success on schedule, after failure by whose fault it was."""

import math
import random
from datetime import datetime, timedelta
from typing import Final

from shared.scraping.failures import Reason
from shared.scraping.source import Policy, Target

ROUNDED_TO: Final = 10
"""Seconds; due times are rounded up to these, so that the index on them stays small."""
SPREAD: Final = 0.05
"""Routine visits are moved by up to this share of their interval, so that targets registered together spread out."""
LONGEST: Final = timedelta(days=30)
NEVER: Final = "infinity"
"""Due time of a target that waits to be re-driven by hand."""


_KINDS: Final = {
    Reason.NOT_FOUND: "target",
    Reason.PRIVATE: "target",
    Reason.BLOCKED: "host",
    Reason.THROTTLED: "host",
    Reason.UNAVAILABLE: "host",
    Reason.PAGE_CHANGED: "page",
    Reason.ERROR: "ours",
}


def failures_in_a_row(target: Target, reason: Reason) -> int:
    """How many failures of this kind there are in a row, this one included; another kind begins anew."""
    before = Reason(target.last_reason) if target.last_reason else None
    return target.failures + 1 if before and _KINDS[before] == _KINDS[reason] else 1


def after_success(target: Target, *, now: datetime, rng: random.Random) -> datetime:
    """One interval from now, moved a little, rounded up."""
    return rounded(now + target.interval * (1 + rng.uniform(-SPREAD, SPREAD)))


def after_failure(
    target: Target, reason: Reason, policy: Policy, *, now: datetime, rng: random.Random, rest: float | None = None
) -> datetime | str:
    """When a failed target is tried again; NEVER once a bug of ours has failed it too often.

    Gone and private things are asked for ever more rarely (interval doubling); a host's failure waits for its rest
    (`rest` seconds, from the breaker) and, like a changed page or a bug of ours, for a backoff with full jitter.
    """
    tries = failures_in_a_row(target, reason)
    if reason in {Reason.NOT_FOUND, Reason.PRIVATE}:
        return rounded(now + min(LONGEST, target.interval * 2 ** min(tries - 1, 10)))
    if reason is Reason.ERROR and tries >= policy.dead_after:
        return NEVER
    ceiling = min(target.interval.total_seconds(), policy.retry * 2 ** min(tries - 1, 20))
    wait = (rest or 0.0) + max(1.0, rng.uniform(0, ceiling))
    return now + timedelta(seconds=wait)


def rounded(at: datetime) -> datetime:
    """Up to the next multiple of ROUNDED_TO seconds."""
    return datetime.fromtimestamp(math.ceil(at.timestamp() / ROUNDED_TO) * ROUNDED_TO, at.tzinfo)
