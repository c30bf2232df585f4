"""Tests wait for conditions, not for times: what the helper does, and a check that every test uses it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.waiting import eventually, eventually_sync

TESTS: Final = Path(__file__).parents[1]
WAITING: Final = TESTS / "waiting.py"
CLOCKS: Final = frozenset({"monotonic", "perf_counter", "time"})
"""Calls without arguments that read a clock that also runs while others have the processor."""
LIMITS: Final = {"timeout": 1, "wait_for": 2}
"""Functions whose last argument, of so many, is a limit in seconds."""
GENEROUS_S: Final = 60


async def test_the_first_true_answer_comes_back() -> None:
    answers: Iterator[int | AssertionError] = iter([0, AssertionError("not yet"), 7, 8])

    async def ask() -> int:
        answer = next(answers)
        if isinstance(answer, AssertionError):
            raise answer
        return answer

    assert await eventually(ask, what="seven", poll=0) == 7
    assert eventually_sync(lambda: 9, what="nine") == 9


def test_what_never_comes_is_named_with_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"the moon: not within 0 s; last: 0"):
        eventually_sync(lambda: 0, what="the moon", within=0)


def unreasoned(source: str) -> list[str]:
    """Lines that wait for a time or evaluate by one, and say nothing of why."""
    tree, lines = ast.parse(source), source.splitlines()
    found = {
        node.lineno: what for node, what in _timed(tree) if "#" not in " ".join(lines[node.lineno - 1 : _end(node)])
    }
    return [f"{number}: {what}: {lines[number - 1].strip()}" for number, what in sorted(found.items())]


def _end(node: ast.expr | ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _timed(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            durations = {
                target.id
                for statement in ast.walk(function)
                if isinstance(statement, ast.Assign) and _reads_a_clock(statement.value, frozenset())
                for target in statement.targets
                if isinstance(target, ast.Name)
            }
            for statement in ast.walk(function):
                if isinstance(statement, ast.Assert) and any(
                    isinstance(part, ast.Compare) and _reads_a_clock(part, frozenset(durations))
                    for part in ast.walk(statement.test)
                ):
                    yield statement, "a measured duration is asserted"
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            name = _name(call.func)
            if name == "sleep":
                yield call, "a sleep"
            if name in LIMITS and call.args and len(call.args) == LIMITS[name] and _is_short(call.args[-1]):
                yield call, "a short limit"


def _reads_a_clock(part: ast.AST, durations: frozenset[str]) -> bool:
    return any(
        (isinstance(node, ast.Call) and not node.args and _name(node.func) in CLOCKS)
        or (isinstance(node, ast.Attribute) and node.attr == "elapsed")
        or (isinstance(node, ast.Name) and node.id in durations)
        for node in ast.walk(part)
    )


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _is_short(argument: ast.expr) -> bool:
    return (
        isinstance(argument, ast.Constant) and isinstance(argument.value, int | float) and argument.value < GENEROUS_S
    )


@pytest.mark.parametrize(
    "source",
    [
        "await asyncio.sleep(1)",
        "time.sleep(0.1)",
        "def test():\n    began = monotonic()\n    assert monotonic() - began < 2",
        "def test():\n    took = time.perf_counter() - began\n    assert took < 2",
        "def test():\n    assert answer.elapsed < limit",
        "async def test():\n    async with asyncio.timeout(10):\n        pass",
        "async def test():\n    await asyncio.wait_for(running, 2.0)",
    ],
)
def test_the_check_sees_a_test_that_waits_or_judges_by_time(source: str) -> None:
    assert len(unreasoned(source)) == 1
    reasoned = [f"{line}  # why" for line in source.splitlines()]
    assert unreasoned("\n".join(reasoned)) == []


def test_the_check_lets_waits_for_conditions_be() -> None:
    source = "async def test():\n    await asyncio.wait_for(running, LIMIT_S)\n    assert clock.now() == START\n"
    assert unreasoned(source) == []


def test_no_test_waits_for_a_time_without_a_reason_on_the_line() -> None:
    files = [path for path in sorted(TESTS.rglob("*.py")) if path != WAITING]
    assert len(files) > 200
    found = [f"{path.relative_to(TESTS)}:{line}" for path in files for line in unreasoned(path.read_text())]
    assert found == [], "wait with tests/waiting.py, or say why not at the end of the line"
