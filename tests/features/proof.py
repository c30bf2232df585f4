"""What scenarios prove: their rule, by its words, and requirements, by their tags; tables of both end a run.

A table has a line for each rule, or for each requirement of an area (requirements.py).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from tests.features.requirements import AREAS

RULE: Final = "rule"
COLUMN: Final = 100
PROOFS: Final = {tag: meaning for area in AREAS.values() for tag, meaning in area.items()}
HEADINGS: Final = {
    RULE: "the contract, rule by rule",
    **{area: f"the contract of {area}, requirement by requirement" for area in AREAS},
}
OUTCOMES: Final = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}


@dataclass(frozen=True)
class Line:
    """One line of a table, and how the terminal shows it."""

    text: str
    markup: str


def proofs_of(item: pytest.Item) -> list[tuple[str, str]]:
    """What a scenario proves, to be carried into its report."""
    tags = {mark.name for mark in item.iter_markers()}
    return [
        (area, f"@{tag}  {meaning}") for area, asked in AREAS.items() for tag, meaning in asked.items() if tag in tags
    ]


def counted(reports: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, Counter[str]]]:
    """Reports by outcome -> by heading, by what was proven, how many scenarios went how."""
    tables: dict[str, dict[str, Counter[str]]] = {}
    for name, row, outcome in _properties(reports):
        tables.setdefault(HEADINGS[name], {}).setdefault(row, Counter())[outcome] += 1
    return tables


def _properties(reports: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str, str]]:
    for stat, outcome in OUTCOMES.items():
        for report in reports.get(stat, ()):
            for name, row in getattr(report, "user_properties", ()):
                if name in HEADINGS:
                    yield name, row, outcome


def tabulated(rows: Mapping[str, Counter[str]]) -> list[Line]:
    """A line for each, the sum below; where the examples of an outline are several, each is a scenario."""
    width = min(COLUMN, max(map(len, rows)))
    lines = [Line(f"{'rule':{width}}  scenarios  passed  failed  skipped", "bold")]
    for row, counts in sorted(rows.items()):
        shown = row if len(row) <= width else f"{row[: width - 1]}…"
        lines.append(Line(_line(shown, counts, width), "red" if counts["failed"] else "green"))
    lines.append(Line(_line("", sum(rows.values(), Counter()), width), "bold"))
    return lines


def _line(shown: str, counts: Counter[str], width: int) -> str:
    return f"{shown:{width}}  {counts.total():9}  {counts['passed']:6}  {counts['failed']:6}  {counts['skipped']:7}"
