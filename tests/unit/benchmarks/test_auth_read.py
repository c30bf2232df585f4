from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from benchmarks.auth_read import FLOOR, NOTES, REQUESTS, Cost, in_turn, results
from benchmarks.floors.unauthenticated import OPENED, Known, opened
from benchmarks.load import Asking
from litestar import Litestar, get
from msgspec import json

from app.schema import openapi_schema
from shared.web.identity import PersonIdentity, Role

ADA = PersonIdentity(
    user_id=UUID(int=1),
    role=Role.USER,
    session_id=UUID(int=2),
    token_id="t",
    expires_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def costs(seconds: float, cpu: float) -> dict[str, list[Cost]]:
    """A floor of a second and half a second's CPU to the round; everything else costs as given."""
    made = {name: [Cost(seconds=seconds, cpu=cpu, p99_ms=9, body={})] for name in NOTES}
    return {FLOOR: [Cost(seconds=1.0, cpu=0.5, p99_ms=7, body={})], **made}


@pytest.mark.parametrize(("seconds", "cpu", "verdicts"), [(1.29, 0.645, [True, True]), (1.31, 0.655, [False, False])])
def test_only_a_token_that_was_verified_has_a_target(seconds: float, cpu: float, verdicts: list[bool]) -> None:
    by_name = {result.name: result for result in results(costs(seconds, cpu))}

    assert [by_name["auth_read"].ok, by_name["auth_read_cpu"].ok] == verdicts
    assert all(result.ok is None for name, result in by_name.items() if name not in {"auth_read", "auth_read_cpu"})
    assert by_name["auth_read"].floor == REQUESTS
    assert by_name["auth_read_cpu"].note == f"rounds {cpu / 0.5:.2f}-{cpu / 0.5:.2f}"


def test_each_round_shows_other_tokens_until_all_had_their_turn() -> None:
    asking = [Asking(path=f"/{number}", headers={}) for number in range(4)]

    turns = in_turn(asking, 2)

    assert [[one.path for one in next(turns)] for _ in range(3)] == [["/0", "/1"], ["/2", "/3"], ["/0", "/1"]]


def test_a_single_one_has_every_turn() -> None:
    turns = in_turn([Asking(path="/0", headers={})], 2)

    assert [len(next(turns)), len(next(turns))] == [1, 1]


def app_of_two() -> Litestar:
    @get("/one", operation_id="one", sync_to_thread=False)
    def one() -> None: ...

    @get("/other", operation_id="other", sync_to_thread=False)
    def other() -> None: ...

    return Litestar([one, other], openapi_config=None, logging_config=None)


def test_the_floor_takes_one_operation_from_the_check() -> None:
    app = opened(app_of_two(), "one")

    handlers: list[Any] = [handler for route in app.routes for handler in getattr(route, "route_handlers", ())]
    assert {handler.operation_id for handler in handlers if handler.opt.get("open")} == {"one"}


def test_an_operation_that_is_gone_is_not_taken_for_an_open_one() -> None:
    with pytest.raises(LookupError):
        opened(app_of_two(), "a third")


def test_the_operation_that_the_floor_opens_is_the_product_s() -> None:
    operations = [operation for path in json.decode(openapi_schema())["paths"].values() for operation in path.values()]

    assert OPENED in {operation.get("operationId") for operation in operations}


async def test_every_request_at_the_floor_comes_from_one_person() -> None:
    seen: list[Any] = []

    async def app(scope: Any, _: Any, __: Any) -> None:
        seen.append((scope["auth"], scope["state"]["who"]))

    known: Any = Known(app, ADA)
    await known({"type": "http", "state": {}}, None, None)

    assert seen == [(ADA, ADA.label)]
