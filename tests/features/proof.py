"""What scenarios prove: their rule, by its words, and what the game trackers' contract asks for, by their tags.

A tag may stand over a scenario, a rule, or the examples of an outline. `make features` ends with a table of each;
test_contract.py fails where something is proven by no scenario.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest

RULE: Final = "rule"
PROOF: Final = "proof"
COLUMN: Final = 100
RULES: Final = {
    "rule-1": "one to four trackers at first, all valid, by who has no active ones",
    "rule-2": "a link names an account of a platform that is followed; nobody follows one twice",
    "rule-3": "four trackers a person at most",
    "rule-4": "what is registered is scraped, its status tracked, its errors told",
    "rule-5": "people refresh and change their own trackers only",
    "rule-6": "processing is scheduled, told and cancelled",
    "rule-7": "schedules are filtered by status, completed ones included",
}
TRAPS: Final = {
    "trap-swallowed-error": "retries that never fire because the job swallowed the error",
    "trap-removed-link": "a removed link that can never be registered again",
    "trap-limit-race": "a limit that is checked, then inserted past",
    "trap-half-registered": "several trackers registered one by one without a transaction",
    "trap-missed-schedule": "a schedule missed while the service was down stays PENDING for ever",
    "trap-schedule-twice": "two instances run a schedule twice",
    "trap-in-progress-forever": "in progress after a crash is never picked up again",
    "trap-pace-per-process": "a rate limiter per process",
    "trap-not-found-as-invalid": "not found reported as an invalid response",
    "trap-streak-sign": "a streak loses its sign",
    "trap-estimated-as-real": "estimated ranks stored as real",
    "trap-queued-twice": "the same tracker queued many times",
    "trap-deactivated-counts": "deactivated trackers still counting towards the limit",
    "trap-off-as-failed": "processing that a guild switched off reported as FAILED",
}
PROOFS: Final = {**RULES, **TRAPS}
HEADINGS: Final = {RULE: "the contract, rule by rule", PROOF: "the game trackers' contract: rules and traps"}
OUTCOMES: Final = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}


@dataclass(frozen=True)
class Line:
    """One line of a table, and how the terminal shows it."""

    text: str
    markup: str


def proofs_of(item: pytest.Item) -> list[tuple[str, str]]:
    """What a scenario proves, to be carried into its report."""
    tags = {mark.name for mark in item.iter_markers()}
    return [(PROOF, f"@{tag}  {meaning}") for tag, meaning in PROOFS.items() if tag in tags]


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
