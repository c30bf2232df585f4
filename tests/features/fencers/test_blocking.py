"""features/fencers/blocking.feature"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.fencers.conftest import EVENTS, Salle
from tests.features.users.people import ADMIN

scenarios(str(Path(__file__).parents[3] / "features/fencers/blocking.feature"))

BLOCKED = "/api/admin/blocked"


@pytest.fixture
def blocks(salle: Salle) -> Iterator[list[str]]:
    """Ids of the blocks of this scenario; those that are left are lifted, because other scenarios have such names."""
    made: list[str] = []
    yield made
    for block_id in made:
        salle.people.ask(ADMIN, "DELETE", f"{BLOCKED}/{block_id}")


@given(parsers.re(r'the admin has blocked the fencer "(?P<name>\w+)"'))
@when(parsers.re(r'the admin blocks the fencer "(?P<name>\w+)"'))
def blocks_the_fencer(salle: Salle, blocks: list[str], name: str) -> None:
    body = {"source": "fencers", "keys": [str(salle.number(name))], "reason": "asked by mail"}
    answer = salle.people.ask(ADMIN, "POST", BLOCKED, body)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    blocks.append(answer.json()["id"])


@when("the admin lifts the block")
def lifts_the_block(salle: Salle, blocks: list[str]) -> None:
    assert salle.people.ask(ADMIN, "DELETE", f"{BLOCKED}/{blocks.pop()}").status_code == httpx.codes.NO_CONTENT


@then(parsers.re(r'the export of (?P<person>[A-Z]\w+) does not name "(?P<name>\w+)"'))
def export_does_not_name(salle: Salle, person: str, name: str) -> None:
    exported = salle.people.ask(person, "GET", "/api/users/me/export")
    assert exported.status_code == httpx.codes.OK
    assert f"{name} Abendroth" not in exported.text
    assert str(salle.number(name)) not in exported.text


@then(parsers.re(r'(?P<person>[A-Z]\w+) does not see that "(?P<name>\w+)" is registered for the (?P<weapon>\w+) event'))
def does_not_see(salle: Salle, person: str, name: str, weapon: str) -> None:
    shown = salle.people.read(person, salle.latest)["registrations"]
    assert (f"{name} Abendroth", EVENTS[weapon]) not in {(one["fencer"], one["event"]) for one in shown}
