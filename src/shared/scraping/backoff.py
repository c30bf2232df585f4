"""Next due time of a target: by its interval after a success, by the fault after a failure."""

import math
import random
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shared.scraping.failures import Fault, Reason
from shared.scraping.policy import Policy
from shared.scraping.target import Target

ROUNDED_TO: Final = 10
"""Seconds. Due times are rounded up to a multiple of it, so that the index on them stays small."""
SPREAD: Final = 0.05
"""Routine due times move by up to this share of the interval, so that targets registered together spread out."""
QUIET_SHARE: Final = 1 / 8
"""Share of the time since the last change after which another fetch is worthwhile."""
PLACES: Final = 2**32
MAX_BACKOFF: Final = timedelta(days=30)
NEVER: Final = "infinity"
"""Due time of a dead target, which waits until an admin has it fetched again."""


def failures_in_a_row(target: Target, reason: Reason) -> int:
    """Consecutive failures with the same fault, including this one; another fault starts again at 1."""
    before = Reason(target.last_reason) if target.last_reason else None
    return target.failures + 1 if before and before.fault is reason.fault else 1


def after_success(target: Target, policy: Policy, *, changed: bool, now: datetime, rng: random.Random) -> datetime:
    """One interval from now, rounded up: moved a little at random, or at the target's own phase if the policy says so.

    If the policy sets `slowest`, the interval of a target grows with the time since its last change.
    """
    interval = target.interval if changed else resting(target, policy, now=now)
    if policy.phased:
        return rounded(own_place(target.id, interval, now=now))
    return rounded(now + interval * (1 + rng.uniform(-SPREAD, SPREAD)))


def resting(target: Target, policy: Policy, *, now: datetime) -> timedelta:
    """Interval of a target that did not change: QUIET_SHARE of the time since its last change, in the policy's bounds.

    A steady target, and every target of a policy without `slowest`, keeps its interval.
    """
    if target.steady or target.quiet_since is None or policy.slowest <= 1:
        return target.interval
    slowest = min(target.interval * policy.slowest, max(MAX_BACKOFF, target.interval))
    return min(max(target.interval, (now - target.quiet_since) * QUIET_SHARE), slowest)


def own_place(target: UUID, interval: timedelta, *, now: datetime) -> datetime:
    """Next time at the target's own phase of the interval, at least half an interval from now.

    The phase comes from the random last bits of the id and never changes, so that targets that were registered
    together are spread evenly over the interval from their second run on.
    """
    seconds = interval.total_seconds()
    phase = int(target) % PLACES / PLACES * seconds
    cycles = math.ceil((now.timestamp() + seconds / 2 - phase) / seconds)
    return min(datetime.fromtimestamp(cycles * seconds + phase, now.tzinfo), now + max(MAX_BACKOFF, interval))


def after_failure(
    target: Target, reason: Reason, policy: Policy, *, now: datetime, rng: random.Random, rest: float | None = None
) -> datetime | str:
    """Next due time of a failed target; NEVER after `policy.dead_after` failures in a row by a bug of ours.

    A missing or private target waits for its interval, doubled with each failure, at most MAX_BACKOFF. A failure of the
    host waits for the host's cooldown (`rest`, seconds) and then, like a changed page or a bug of ours, for a backoff
    with full jitter. If the policy sets `pause_after`, a target with that many failures in a row by the host or the
    source waits for a pause instead, which doubles with each further failure.
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
    """The time, rounded up to the next multiple of ROUNDED_TO seconds."""
    return datetime.fromtimestamp(math.ceil(at.timestamp() / ROUNDED_TO) * ROUNDED_TO, at.tzinfo)
