from collections.abc import Awaitable, Callable
from io import StringIO

import msgspec
import pytest
from benchmarks.common import Result, compared, encoded, interleaved, median, rounded, show, spread
from rich.console import Console


def test_a_ratio_at_or_above_its_least_is_ok() -> None:
    result = compared("reading", 60.0, "requests/s", 100.0, at_least=0.6)

    assert (result.ratio, result.target, result.ok) == (0.6, ">= 0.6", True)


def test_a_ratio_below_its_least_is_a_miss() -> None:
    assert compared("reading", 59.0, "requests/s", 100.0, at_least=0.6).ok is False


def test_a_ratio_above_its_most_is_a_miss() -> None:
    assert compared("claim", 1.5, "ms", 1.0, at_most=1.5).ok is True
    assert compared("claim", 1.6, "ms", 1.0, at_most=1.5).ok is False


def test_without_a_target_there_is_nothing_to_miss() -> None:
    assert compared("claim", 9.0, "ms", 1.0).ok is None


def test_a_floor_of_nothing_does_not_break_the_run() -> None:
    assert compared("cpu", 1.0, "s", 0.0, at_most=2.0).ok is False


def test_figures_keep_the_digits_that_count() -> None:
    assert [rounded(1234.567), rounded(0.00123456)] == [1235.0, 0.001235]


def test_the_median_of_an_even_number_lies_between() -> None:
    assert [median([3.0, 1.0, 2.0]), median([4.0, 1.0, 2.0, 3.0])] == [2.0, 2.5]


def test_the_spread_pairs_each_round_with_its_own_floor() -> None:
    assert spread([10.0, 30.0], [20.0, 20.0]) == "rounds 0.50-1.50"


async def test_contenders_take_turns_and_swap_who_goes_first() -> None:
    order: list[str] = []

    def contender(name: str) -> Callable[[], Awaitable[int]]:
        async def measure() -> int:
            order.append(name)
            return len(order)

        return measure

    measured = await interleaved({"ours": contender("ours"), "floor": contender("floor")}, rounds=3)

    assert order == ["ours", "floor", "floor", "ours", "ours", "floor"]
    assert measured == {"ours": [1, 4, 5], "floor": [2, 3, 6]}


async def test_no_round_begins_after_the_time_is_over_but_one_is_made() -> None:
    async def measure() -> int:
        return 1

    assert await interleaved({"ours": measure}, rounds=9, within=-1.0) == {"ours": [1]}


def test_results_are_a_list_of_objects_whose_first_keys_are_the_agreed_ones() -> None:
    text = encoded([compared("memory", 110.0, "MB", 100.0, at_most=1.2, note="of a worker")])

    (written,) = msgspec.json.decode(text)
    assert list(written)[:5] == ["name", "value", "unit", "floor", "ratio"]
    assert written == {
        "name": "memory",
        "value": 110.0,
        "unit": "MB",
        "floor": 100.0,
        "ratio": 1.1,
        "target": "<= 1.2",
        "ok": True,
        "note": "of a worker",
    }


def test_an_infinite_ratio_is_written_as_json() -> None:
    (written,) = msgspec.json.decode(encoded([compared("cpu", 1.0, "s", 0.0)]))

    assert written["ratio"] is None


@pytest.mark.parametrize(("value", "verdict"), [(60.0, "ok"), (10.0, "miss")])
def test_the_table_says_which_targets_are_met(value: float, verdict: str) -> None:
    written = StringIO()

    show([compared("reading", value, "requests/s", 100.0, at_least=0.5)], Console(file=written, width=200))

    assert f">= 0.5  {verdict}" in written.getvalue()


def test_a_value_without_a_floor_has_a_line_too() -> None:
    written = StringIO()

    show([Result(name="cpu", value=1.5, unit="s")], Console(file=written, width=200))

    assert "1.5 s" in written.getvalue()
