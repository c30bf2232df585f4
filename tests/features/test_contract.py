"""That the contract is read as it stands in features/: no scenario is lost, no step runs without running."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd.feature import get_feature
from tests.features.proof import PROOFS

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
FEATURES = sorted((ROOT / "features").rglob("*.feature"))
SCENARIO = re.compile(r"^\s*Scenario(?: Outline)?:\s*(.+?)\s*$", re.MULTILINE)

ASYNC_STEP = """
from pytest_bdd import given, scenarios, then

scenarios("lies.feature")


@given("something")
def something():
    pass


@then("it is wrong")
async def wrong():
    raise AssertionError("never reached: nobody awaits this")
"""
LIES = """
Feature: Lies
  Scenario: A coroutine that nobody awaits
    Given something
    Then it is wrong
"""


@pytest.mark.parametrize("path", FEATURES, ids=lambda path: path.stem)
def test_every_scenario_has_a_name_of_its_own(path: Path) -> None:
    # pytest-bdd keeps scenarios by name: of two with one name it silently drops the first.
    written = SCENARIO.findall(path.read_text(encoding="utf-8"))
    assert written
    assert list(get_feature(str(path.parent), path.name).scenarios) == written


@pytest.mark.parametrize("path", FEATURES, ids=lambda path: path.stem)
def test_every_scenario_belongs_to_a_rule(path: Path) -> None:
    feature = get_feature(str(path.parent), path.name)
    assert [scenario.name for scenario in feature.scenarios.values() if scenario.rule is None] == []


@pytest.mark.parametrize("path", FEATURES, ids=lambda path: path.stem)
def test_every_feature_is_told_to_the_service(path: Path) -> None:
    mirror = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.stem.replace('-', '_')}.py")
    assert path.name in mirror.read_text(encoding="utf-8")


def tags_in(path: Path) -> Iterator[str]:
    """Tags that stand over some scenario."""
    feature = get_feature(str(path.parent), path.name)
    for scenario in feature.scenarios.values():
        yield from feature.tags | scenario.tags | (scenario.rule.tags if scenario.rule else set())
        for examples in scenario.examples:
            yield from examples.tags


@pytest.mark.parametrize("requirement", PROOFS)
def test_every_requirement_is_proven_by_a_scenario(requirement: str) -> None:
    assert any(requirement in tags_in(path) for path in FEATURES)


@pytest.mark.parametrize(("guarded", "failed"), [(True, 1), (False, 0)], ids=["guarded", "as pytest-bdd does it"])
def test_a_step_that_would_never_be_awaited_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *, guarded: bool, failed: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    if guarded:
        pytester.makeconftest("from tests.features.guard import pytest_bdd_before_step_call")
    pytester.makefile(".feature", lies=LIES)
    pytester.makepyfile(test_lies=ASYNC_STEP)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1 - failed, failed=failed, warnings=0 if guarded else None)
    if guarded:
        result.stdout.fnmatch_lines(["*the step 'it is wrong' is a coroutine function*"])
