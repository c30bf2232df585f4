"""What asks as everybody finds what is wrong: an API with known defects, each told by the check that is for it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct
from tests.prove.asking import Asked, Order

from shared.errors import Unauthenticated
from shared.web.openapi import PROBLEM, describe
from shared.web.problems import EXCEPTION_HANDLERS

ROOT = Path(__file__).parents[3]


class Told(Struct, frozen=True):
    name: str


class Asking(Struct, frozen=True):
    name: Annotated[str, Meta(max_length=5)]


@get("/well", operation_id="well")
async def well() -> Told:
    return Told(name="as it says")


@get("/falls/{number:int}", operation_id="falls")
async def falls(number: Annotated[int, PathParameter()]) -> Told:
    raise RuntimeError(number)


@get("/lies", operation_id="lies")
async def lies() -> Told:
    return Response({"name": 7})  # type: ignore[return-value]  # the defect


@post("/narrower", operation_id="narrower")
async def narrower(data: JSONBody[Asking]) -> Told:
    raise ValidationException("no", extra=[{"message": "Expected `str`", "key": "name", "source": "body"}])


@post("/wider", operation_id="wider")
async def wider(data: JSONBody[Any]) -> Told:
    return Told(name=str(data))


@get("/mine", operation_id="mine", security=[{"access_token": []}])
async def mine(request: Request[Any, Any, Any]) -> Told:
    """It knows the login of today, not that of yesterday."""
    if request.headers.get("Authorization") != "Bearer today":
        raise Unauthenticated("Sign in.")
    return Told(name="as it says")


@post("/api/auth/login", include_in_schema=False)
async def login(data: JSONBody[dict[str, str]]) -> dict[str, str]:
    return {"access_token": "today" if data["login"] == "owner" else "nobody's"}


@pytest.fixture
def address() -> Iterator[tuple[str, dict[str, Any]]]:
    """Where the defects are served, and their schema."""
    app = Litestar(
        [well, falls, lies, narrower, wider, mine, login],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=OpenAPIConfig(
            title="Defects",
            version="1",
            components=Components(
                responses={"Problem": PROBLEM},
                security_schemes={"access_token": SecurityScheme(type="http", scheme="bearer")},
            ),
        ),
        logging_config=None,
    )
    describe(app)
    schema = app.openapi_schema.to_schema()
    schema["paths"]["/wider"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {"type": "string"}
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", schema
    finally:
        server.should_exit = True
        thread.join()


def ask(address: tuple[str, dict[str, Any]], own: list[str], *, seconds: float = 30, **role: str) -> Asked:
    """Ask as a role in a process of its own."""
    url, schema = address
    order = Order(
        url=url,
        openapi=schema,
        own=own,
        login=role.get("login", ""),
        credential=role.get("credential", ""),
        bot_credential="",
        password="",
        paths={"falls": {"number": 7}},
        queries={},
        bodies={},
        seconds=seconds,
        examples=3,
        seed=1,
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.prove.asking"],
        cwd=ROOT,
        input=msgspec.json.encode(order),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return msgspec.json.decode(done.stdout, type=Asked)


@pytest.mark.slow
def test_every_defect_is_told_by_its_check(address: tuple[str, dict[str, Any]]) -> None:
    asked = ask(address, ["well", "falls", "lies", "narrower", "wider"])
    assert not asked.errors, asked
    assert asked.operations == {"well", "falls", "lies", "narrower", "wider", "mine"}
    found = {(breach.operation.partition("/")[2], breach.check) for breach in asked.breaches}
    assert {
        ("falls/{number}", "not_a_server_error"),
        ("lies", "response_schema_conformance"),
        ("narrower", "the_schema_is_all_it_takes"),
        ("wider", "negative_data_rejection"),
    } <= found
    assert not [one for one in found if one[0] == "well"]
    assert 500 in asked.statuses
    assert asked.successes["well"] >= 1
    assert "falls" not in asked.successes
    assert any(answer.startswith("500") for answer in asked.otherwise["falls"])


@pytest.mark.slow
def test_a_role_whose_login_has_ended_signs_in_again(address: tuple[str, dict[str, Any]]) -> None:
    asked = ask(address, ["mine"], seconds=3, login="owner", credential="yesterday")
    assert not asked.errors, asked
    assert (asked.sign_ins, asked.accounts_lost) == (1, 0)
    assert asked.otherwise["mine"] == {"401 unauthenticated": 1}
    assert asked.refused > 0
    assert asked.successes["mine"] >= 1
