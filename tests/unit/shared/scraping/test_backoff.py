"""When a target is looked at again."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.ids import new_id
from shared.scraping.backoff import MAX_BACKOFF, NEVER, after_failure, after_success, failures_in_a_row
from shared.scraping.failures import Reason
from shared.scraping.policy import Policy
from shared.scraping.target import Target

NOW = datetime(2026, 11, 22, 12, 0, 3, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = Policy(host="site.example", delay=1.0, retry=30.0, dead_after=5)


def target(*, failures: int = 0, last: Reason | None = None, interval: timedelta = DAY) -> Target:
    return Target(
        id=UUID(int=1),
        run_id=UUID(int=2),
        key="k",
        address="k",
        interval=interval,
        lease_until=NOW,
        failures=failures,
        last_reason=last,
        attempts=failures,
        etag=None,
        last_modified=None,
        content_hash=None,
        parser_version=1,
    )


def waits(reason: Reason, *, failures: int, rest: float | None = None) -> list[float]:
    found = []
    for seed in range(200):
        rng = random.Random(seed)  # noqa: S311 -- no secret
        at = after_failure(target(failures=failures, last=reason), reason, POLICY, now=NOW, rng=rng, rest=rest)
        assert isinstance(at, datetime)
        found.append((at - NOW).total_seconds())
    return found


def due_after(one: Target, policy: Policy, *, changed: bool, seed: int = 0) -> datetime:
    return after_success(one, policy, changed=changed, now=NOW, rng=random.Random(seed))  # noqa: S311 -- no secret


def test_after_success_an_interval_passes_give_or_take_a_twentieth() -> None:
    due = [due_after(target(), POLICY, changed=True, seed=seed) for seed in range(200)]
    assert all(abs(at - NOW - DAY) <= DAY * 0.05 + timedelta(seconds=10) for at in due)
    assert len(set(due)) > 100
    assert all(at.second % 10 == 0 and at.microsecond == 0 for at in due)


@pytest.mark.parametrize(("failures", "ceiling"), [(0, 30), (1, 60), (4, 480)])
def test_a_host_that_fails_is_retried_after_full_jitter_that_doubles(failures: int, ceiling: float) -> None:
    found = waits(Reason.UNAVAILABLE, failures=failures)
    assert all(1 <= wait <= ceiling for wait in found)
    assert min(found) < ceiling * 0.1
    assert max(found) > ceiling * 0.9


def test_backoff_never_exceeds_the_interval_however_often_it_failed() -> None:
    assert max(waits(Reason.UNAVAILABLE, failures=60)) <= DAY.total_seconds()


def test_a_host_that_rests_is_not_asked_before_its_rest_is_over() -> None:
    assert min(waits(Reason.THROTTLED, failures=0, rest=120.0)) > 120


def test_gone_things_are_asked_for_ever_more_rarely() -> None:
    first, second, late = (waits(Reason.NOT_FOUND, failures=failures)[0] for failures in (0, 1, 20))
    assert first == pytest.approx(DAY.total_seconds(), abs=10)
    assert second == pytest.approx(2 * DAY.total_seconds(), abs=10)
    assert late == pytest.approx(MAX_BACKOFF.total_seconds(), abs=10)


def test_what_a_bug_of_ours_failed_too_often_waits_to_be_re_driven() -> None:
    rng = random.Random(1)  # noqa: S311 -- no secret
    for failures, dead in ((4, True), (3, False)):
        due = after_failure(target(failures=failures, last=Reason.ERROR), Reason.ERROR, POLICY, now=NOW, rng=rng)
        assert (due == NEVER) is dead


def test_failures_of_another_kind_are_counted_anew() -> None:
    rng = random.Random(1)  # noqa: S311 -- no secret
    after_outages = target(failures=10, last=Reason.UNAVAILABLE)
    assert failures_in_a_row(after_outages, Reason.THROTTLED) == 11
    assert failures_in_a_row(after_outages, Reason.NOT_FOUND) == 1
    assert after_failure(after_outages, Reason.ERROR, POLICY, now=NOW, rng=rng) != NEVER
    gone = after_failure(after_outages, Reason.NOT_FOUND, POLICY, now=NOW, rng=rng)
    assert isinstance(gone, datetime)
    assert gone - NOW <= DAY + timedelta(seconds=10)


ADAPTIVE = replace(POLICY, slowest=8.0)


def quiet(for_days: float, *, steady: bool = False) -> Target:
    return replace(target(), quiet_since=NOW - timedelta(days=for_days), steady=steady)


@pytest.mark.parametrize(("days", "waits_days"), [(1, 1), (8, 1), (16, 2), (40, 5), (64, 8), (1000, 8)])
def test_what_does_not_change_is_looked_at_more_rarely_within_bounds(days: float, waits_days: float) -> None:
    wait = due_after(quiet(days), ADAPTIVE, changed=False) - NOW
    assert abs(wait - DAY * waits_days) <= DAY * waits_days * 0.05 + timedelta(seconds=10)


def test_what_changed_just_now_is_looked_at_after_its_interval_again() -> None:
    assert due_after(quiet(1000), ADAPTIVE, changed=True) - NOW < DAY * 1.06


def test_who_opted_out_is_looked_at_every_interval() -> None:
    assert due_after(quiet(1000, steady=True), ADAPTIVE, changed=False) - NOW < DAY * 1.06


def test_no_source_looks_more_rarely_unless_it_says_so() -> None:
    assert due_after(quiet(1000), POLICY, changed=False) - NOW < DAY * 1.06


def test_who_is_rarely_looked_at_stays_within_thirty_days_unless_asked_for_more_rarely() -> None:
    slow = replace(quiet(4000), interval=timedelta(days=10))
    assert due_after(slow, ADAPTIVE, changed=False) - NOW < MAX_BACKOFF * 1.06


PHASED = replace(POLICY, phased=True)


def test_each_target_has_its_own_place_in_the_interval_and_keeps_it() -> None:
    hour = timedelta(hours=1)
    targets = [replace(target(interval=hour), id=new_id()) for _ in range(1_200)]
    first = [due_after(one, PHASED, changed=True) for one in targets]
    assert all(hour / 2 <= at - NOW <= hour * 1.5 + timedelta(seconds=10) for at in first)
    minutes = Counter(int((at - NOW).total_seconds() % 3600 // 60) for at in first)
    assert len(minutes) == 60
    assert max(minutes.values()) < 45  # 20 on average: nobody bunches, though all were registered at once
    for one, at in zip(targets[:50], first, strict=False):
        later = after_success(one, PHASED, changed=True, now=at + timedelta(minutes=7), rng=random.Random(1))  # noqa: S311 -- no secret
        assert abs(later - at - hour) <= timedelta(seconds=10)


@pytest.mark.parametrize("reason", [Reason.UNAVAILABLE, Reason.PAGE_CHANGED, Reason.LOGIN_REQUIRED])
@pytest.mark.parametrize(("failures", "hours"), [(2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 24), (40, 24)])
def test_where_the_policy_pauses_targets_one_that_failed_too_often_rests_longer_each_time(
    reason: Reason, failures: int, hours: int
) -> None:
    policy = Policy(host="site.example", delay=5.0, pause_after=3, pause=3600.0)
    at = after_failure(target(failures=failures, last=reason), reason, policy, now=NOW, rng=random.Random(1))  # noqa: S311 -- no secret
    assert at == NOW + timedelta(hours=hours)


def test_before_that_it_is_retried_and_what_is_gone_keeps_its_own_pace() -> None:
    policy = Policy(host="site.example", delay=5.0, pause_after=3, pause=3600.0)
    rng = random.Random(1)  # noqa: S311 -- no secret
    again = after_failure(target(failures=1, last=Reason.UNAVAILABLE), Reason.UNAVAILABLE, policy, now=NOW, rng=rng)
    assert isinstance(again, datetime)
    assert again - NOW <= timedelta(seconds=60)
    gone = after_failure(target(failures=2, last=Reason.NOT_FOUND), Reason.NOT_FOUND, policy, now=NOW, rng=rng)
    assert isinstance(gone, datetime)
    assert gone - NOW >= 4 * DAY
