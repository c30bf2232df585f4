"""When a target is looked at again: after success on schedule, after failure by whose fault it was."""

import math
import random
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shared.scraping.failures import Fault, Reason
from shared.scraping.policy import Policy
from shared.scraping.target import Target

ROUNDED_TO: Final = 10
"""Seconds; due times are rounded up to these, so that the index on them stays small."""
SPREAD: Final = 0.05
"""Routine visits are moved by up to this share of their interval, so that targets registered together spread out."""
QUIET_SHARE: Final = 1 / 8
"""Of the time since something changed, after which it is worth looking again."""
PLACES: Final = 2**32
MAX_BACKOFF: Final = timedelta(days=30)
NEVER: Final = "infinity"
"""Due time of a target that waits to be re-driven by hand."""


def failures_in_a_row(target: Target, reason: Reason) -> int:
    """How many failures of one fault there are in a row, this one included; another fault begins anew."""
    before = Reason(target.last_reason) if target.last_reason else None
    return target.failures + 1 if before and before.fault is reason.fault else 1


def after_success(target: Target, policy: Policy, *, changed: bool, now: datetime, rng: random.Random) -> datetime:
    """One interval from now, moved a little or at the target's own place in it, rounded up.

    Where the policy says so, a target is looked at the more rarely the longer nothing of it changed.
    """
    interval = target.interval if changed else resting(target, policy, now=now)
    if policy.phased:
        return rounded(own_place(target.id, interval, now=now))
    return rounded(now + interval * (1 + rng.uniform(-SPREAD, SPREAD)))


def resting(target: Target, policy: Policy, *, now: datetime) -> timedelta:
    """The interval of a target that did not change: a QUIET_SHARE of its quiet time, within the policy's bounds."""
    if target.steady or target.quiet_since is None or policy.slowest <= 1:
        return target.interval
    slowest = min(target.interval * policy.slowest, max(MAX_BACKOFF, target.interval))
    return min(max(target.interval, (now - target.quiet_since) * QUIET_SHARE), slowest)


def own_place(target: UUID, interval: timedelta, *, now: datetime) -> datetime:
    """The target's place in an interval, next come by after at least half of one.

    The place is as random as the identifier's last bits and stays, so that targets that were registered together lie
    evenly over the interval from their second look on.
    """
    seconds = interval.total_seconds()
    place = int(target) % PLACES / PLACES * seconds
    turns = math.ceil((now.timestamp() + seconds / 2 - place) / seconds)
    return min(datetime.fromtimestamp(turns * seconds + place, now.tzinfo), now + max(MAX_BACKOFF, interval))


def after_failure(
    target: Target, reason: Reason, policy: Policy, *, now: datetime, rng: random.Random, rest: float | None = None
) -> datetime | str:
    """When a failed target is tried again; NEVER once a bug of ours has failed it too often.

    Gone and private things are asked for ever more rarely (interval doubling); a host's failure waits for its rest
    (`rest` seconds, from the breaker) and, like a changed page or a bug of ours, for a backoff with full jitter. Where
    the policy pauses targets, one that failed too often by the host's fault or the source's rests for the pause.
    """
    tries = failures_in_a_row(target, reason)
    if reason.fault is Fault.TARGET:
        return rounded(now + min(MAX_BACKOFF, target.interval * 2 ** min(tries - 1, 10)))
    if reason.fault is Fault.OURS and tries >= policy.dead_after:
        return NEVER
    if reason.fault is not Fault.OURS and policy.pause_after is not None and tries >= policy.pause_after:
        pause = min(policy.pause_limit, policy.pause * 2 ** min(tries - policy.pause_after, 20))
        return now + timedelta(seconds=max(rest or 0.0, pause))
    ceiling = min(target.interval.total_seconds(), policy.retry * 2 ** min(tries - 1, 20))
    wait = (rest or 0.0) + max(1.0, rng.uniform(0, ceiling))
    return now + timedelta(seconds=wait)


def rounded(at: datetime) -> datetime:
    """Up to the next multiple of ROUNDED_TO seconds."""
    return datetime.fromtimestamp(math.ceil(at.timestamp() / ROUNDED_TO) * ROUNDED_TO, at.tzinfo)
