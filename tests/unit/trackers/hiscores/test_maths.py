"""The game's arithmetic beside a slow one that is written down another way."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.hiscores.catalogue import COMBAT_SKILLS, Metric, MetricKind
from trackers.hiscores.comparison import MetricValue
from trackers.hiscores.maths import XP_OF_LEVEL, combat_level, level_for, virtual_level, xp_for
from trackers.hiscores.progress import gain

LEVELS = st.integers(1, 99)


def slow_xp(level: int) -> int:
    with localcontext() as context:
        context.prec = 50
        points = sum(int(n + 300 * Decimal(2) ** (Decimal(n) / 7)) for n in range(1, level))
    return points // 4


def slow_combat(levels: dict[str, int]) -> int:
    with localcontext() as context:
        context.prec = 50
        base = Decimal("0.25") * (levels["defence"] + max(levels["hitpoints"], 10) + levels["prayer"] // 2)
        melee = Decimal("0.325") * (levels["attack"] + levels["strength"])
        ranged = Decimal("0.325") * int(Decimal("1.5") * levels["ranged"])
        magic = Decimal("0.325") * int(Decimal("1.5") * levels["magic"])
        return int(base + max(melee, ranged, magic))


@pytest.mark.parametrize(
    ("level", "xp"),
    [
        (1, 0),
        (2, 83),
        (10, 1154),
        (50, 101_333),
        (92, 6_517_253),
        (99, 13_034_431),
        (120, 104_273_167),
        (126, 188_884_740),
    ],
)
def test_levels_begin_where_the_game_says(level: int, xp: int) -> None:
    assert xp_for(level) == xp
    assert virtual_level(xp) == level
    assert level == 1 or virtual_level(xp - 1) == level - 1


def test_the_table_is_that_of_exact_arithmetic() -> None:
    assert list(XP_OF_LEVEL) == [slow_xp(level) for level in range(1, 127)]


@given(st.integers(0, 200_000_000))
def test_a_level_is_the_last_one_that_has_begun(xp: int) -> None:
    level = max(level for level in range(1, 127) if XP_OF_LEVEL[level - 1] <= xp)
    assert virtual_level(xp) == level
    assert level_for(xp) == min(99, level)


@given(st.fixed_dictionaries(dict.fromkeys(COMBAT_SKILLS, LEVELS)))
def test_combat_levels_beside_decimal_arithmetic(levels: dict[str, int]) -> None:
    assert combat_level(levels) == slow_combat(levels)


def test_combat_levels_of_who_has_just_begun_and_of_who_has_everything() -> None:
    assert combat_level({}) == 3
    assert combat_level(dict.fromkeys(COMBAT_SKILLS, 99)) == 126


VALUES = st.none() | st.integers(0, 5_000_000_000)
RANKS = st.none() | st.integers(1, 2_000_000)


@given(VALUES, VALUES, RANKS, RANKS, st.booleans())
def test_gains_beside_what_they_mean(
    before: int | None, after: int | None, rank: int | None, ranked: int | None, rating: bool
) -> None:
    metric = Metric(slug="lms_rank" if rating else "zulrah", name="x", kind=MetricKind.BOSS)
    found = gain(metric, MetricValue(before, rank), MetricValue(after, ranked), days=2.0)
    if before is None or after is None:
        assert (found.gained, found.per_day) == (None, None)
    else:
        assert found.gained == (after - before if rating or after > before else 0)
        assert found.per_day == round(found.gained / 2, 2)
    assert found.rank_gained == (None if rank is None or ranked is None else rank - ranked)
