"""The tables at the end of `make features`."""

from collections import Counter
from types import SimpleNamespace

from tests.features.proof import HEADINGS, PROOFS, RULE, counted, proofs_of, tabulated

TRACKERS = "game trackers"
FLIGHTS = "flight prices"


def report(*properties: tuple[str, str]) -> SimpleNamespace:
    return SimpleNamespace(user_properties=[*properties, ("seconds", "0.1")])


def test_reports_are_counted_by_rule_and_by_proof() -> None:
    tables = counted(
        {
            "passed": [
                report((RULE, "1. One"), (TRACKERS, "@rule-1")),
                report((RULE, "1. One"), (FLIGHTS, "@flights-x")),
            ],
            "failed": [report((RULE, "2. Two"), (TRACKERS, "@rule-1"), (TRACKERS, "@trap-x"))],
            "error": [report((RULE, "2. Two"))],
            "skipped": [report((RULE, "2. Two"))],
            "deselected": [object()],
        }
    )
    assert tables == {
        HEADINGS[RULE]: {"1. One": Counter(passed=2), "2. Two": Counter(failed=2, skipped=1)},
        HEADINGS[TRACKERS]: {"@rule-1": Counter(passed=1, failed=1), "@trap-x": Counter(failed=1)},
        HEADINGS[FLIGHTS]: {"@flights-x": Counter(passed=1)},
    }


def test_a_run_without_scenarios_has_no_table() -> None:
    assert counted({"passed": [report()], "warnings": [object()]}) == {}


def test_the_table_shows_each_in_order_and_the_sum() -> None:
    lines = tabulated({"b": Counter(passed=2, skipped=1), "a" * 120: Counter(failed=1)})
    assert [(line.text.split(), line.markup) for line in lines] == [
        (["rule", "scenarios", "passed", "failed", "skipped"], "bold"),
        ([f"{'a' * 99}…", "1", "0", "1", "0"], "red"),
        (["b", "3", "2", "0", "1"], "green"),
        (["4", "2", "1", "1"], "bold"),
    ]
    assert len({len(line.text) for line in lines}) == 1


def test_a_scenario_carries_what_its_tags_prove() -> None:
    marks = [SimpleNamespace(name=name) for name in ("sites", "trap-streak-sign", "flights-own", "rule-4")]
    item = SimpleNamespace(iter_markers=lambda: iter(marks))
    assert proofs_of(item) == [  # type: ignore[arg-type]  # all that is asked of an item
        (TRACKERS, f"@rule-4  {PROOFS['rule-4']}"),
        (TRACKERS, f"@trap-streak-sign  {PROOFS['trap-streak-sign']}"),
        (FLIGHTS, f"@flights-own  {PROOFS['flights-own']}"),
    ]
