"""The soak proof sees a leak, and takes neither a full pool nor fragmented memory for one."""

import pytest
from tests.prove.observed import Vitals
from tests.prove.soak import LEAK, POOL_SIZE, Resting, growth, least_of, steady_growth


def sample(*, allocated: int = 118_000_000, used: int = 0, idle: int = 2, tasks: int = 3, files: int = 40) -> Vitals:
    return Vitals(
        allocated=allocated,
        resident=160_000_000,
        tasks=tasks,
        threads=2,
        files=files,
        used={"database": used, "Redis": 0, "sites": 0},
        idle={"database": idle, "Redis": 4, "sites": 9},
        objects={"builtins.dict": 1000},
    )


def verdict(*samples: Vitals) -> list[bool | None]:
    """What is held, of counts, bytes in use, RSS and the pool, with one sample a round."""
    return [measure.held for measure in growth("worker", [least_of([one]) for one in samples])]


def test_a_pool_that_grows_to_its_size_and_caches_that_fill_hold() -> None:
    grown = [sample(idle=min(POOL_SIZE, number), files=38 + min(POOL_SIZE, number)) for number in range(2, 7)]
    assert verdict(*grown) == [True, True, True, True]
    steps = [sample(allocated=number) for number in (118_900_000, 119_900_000, 120_100_000, 121_500_000)]
    assert verdict(*steps) == [True, True, True, True]


def test_a_connection_that_is_not_given_back_is_seen() -> None:
    assert verdict(sample(), sample(used=3))[0] is False
    assert verdict(sample(used=3), sample(used=3))[0] is False  # one that was lost in the warm-up, too


def test_a_connection_outside_the_pools_is_seen() -> None:
    rounds = [sample(files=40 + number) for number in range(5)]
    assert verdict(*rounds)[0] is False


def test_a_connection_beyond_the_size_of_the_pool_is_seen() -> None:
    assert verdict(sample(), sample(idle=POOL_SIZE + 1, files=44))[3] is False


def test_a_task_that_never_ends_is_seen() -> None:
    rounds = [sample(tasks=3 + number) for number in range(5)]
    assert verdict(*rounds)[0] is False


@pytest.mark.parametrize(("leak", "holds"), [(LEAK // 4, True), (1_000_000, False)])
def test_memory_that_a_round_does_not_give_back_is_seen(leak: int, holds: bool) -> None:
    rounds = [sample(allocated=118_000_000 + leak * number) for number in range(4)]
    assert verdict(*rounds)[1] is holds


def test_the_least_of_the_samples_counts() -> None:
    busy, quiet = sample(tasks=7, used=2, files=42, allocated=123_000_000), sample()
    least: Resting = least_of([busy, quiet, busy])
    assert (least.counts["tasks"], least.used["database"], least.allocated) == (3, 0, 118_000_000)
    assert least.counts["files outside pools"] == quiet.unpooled


def test_growth_counts_as_steady_only_where_most_rounds_grow() -> None:
    assert steady_growth([118, 119, 120, 121, 122]) == 1
    assert steady_growth([118, 121, 121, 124, 124, 125, 128]) == 0
    assert steady_growth([118, 119, 119, 121]) == 0
