"""When a target is looked at again."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.scraping.backoff import LONGEST, NEVER, after_failure, after_success, failures_in_a_row
from shared.scraping.failures import Reason
from shared.scraping.source import Policy, Target

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


def test_after_success_an_interval_passes_give_or_take_a_twentieth() -> None:
    due = [after_success(target(), now=NOW, rng=random.Random(seed)) for seed in range(200)]  # noqa: S311 -- no secret
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
    assert late == pytest.approx(LONGEST.total_seconds(), abs=10)


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
