"""features/operations/health.feature"""

from pathlib import Path

import httpx
import pytest
from pytest_bdd import parsers, scenarios, then, when
from tests.features.service import Service

scenarios(str(Path(__file__).parents[3] / "features/operations/health.feature"))

PATHS = {"alive": "/health/live", "ready": "/health/ready"}


@pytest.fixture
def answers() -> list[httpx.Response]:
    return []


@when(parsers.re(r"somebody checks whether the service is (?P<what>alive|ready)"))
def asks(service: Service, answers: list[httpx.Response], what: str) -> None:
    answers.append(service.http.get(PATHS[what], headers={"Authorization": ""}))


@then("the check succeeds")
def it_is(answers: list[httpx.Response]) -> None:
    assert (answers[-1].status_code, answers[-1].json()["ok"]) == (httpx.codes.OK, True), answers[-1].text


@then("the database and Redis are healthy, each with its response time")
def parts_are_well(answers: list[httpx.Response]) -> None:
    parts = answers[-1].json()["parts"]
    assert {"database", "redis"} <= parts.keys()
    assert all(part["ok"] and part["ms"] >= 0 for part in parts.values() if part["required"]), parts
