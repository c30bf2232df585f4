"""The wire: problem+json for everything that is wrong, ids on every answer, one transaction a request."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from dependency_injector import providers
from litestar import Litestar, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs
from tests.application import application, transport
from tests.conftest import Bench, container_of

from app.api import asgi, create_app
from app.container import AppContainer
from shared.di import provide_session
from shared.web.problems import EXCEPTION_HANDLERS
from shared.web.settings import WebSettings


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return body


async def test_unknown_paths_and_methods_are_problems(api: Bench) -> None:
    assert_problem(await api.http.get("/nowhere"), 404, "not_found")
    answer = await api.http.delete("/internal/trackers/add")
    assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b"", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"user_id": "281474976710656001", "url": 5}', 422, "invalid"),
        (b'{"user_id": "28147497671065600x", "url": "u"}', 422, "invalid"),
        (b'{"user_id": "281474976710656001", "url": "u", "surprise": 1}', 422, "invalid"),
        (b'{"user_id": "281474976710656001", "url": "\\ud800"}', 400, "bad_request"),
        (b'{"user_id": "281474976710656001", "url": "\\u0000"}', 422, "unsupported_link"),
        (b'{"user_id": "281474976710656001", "url": "' + b"x" * 5000 + b'"}', 422, "link_too_long"),
        (b"\xff\xfe", 400, "bad_request"),
        (b"x" * (WebSettings().body_limit + 1), 413, "body_too_large"),
    ],
)
async def test_bad_bodies_are_problems(api: Bench, body: bytes, status: int, code: str) -> None:
    answer = await api.http.post("/internal/trackers/add", content=body, headers={"content-type": "application/json"})
    assert_problem(answer, status, code)


async def test_a_nul_in_what_is_told_of_a_person_is_no_server_error(api: Bench) -> None:
    body = {
        "user_id": "281474976710656001",
        "url": "https://tracker.gg/rocket-league/profile/epic/a",
        "user_data": {"username": "a\0b"},
    }
    assert_problem(await api.http.post("/internal/trackers/add", json=body), 422, "invalid")


async def test_bad_parameters_name_themselves(api: Bench) -> None:
    body = assert_problem(await api.http.get(f"/internal/trackers/{uuid4()}/snapshots?limit=0"), 422, "invalid")
    assert "limit" in body["errors"][0]["field"]
    assert_problem(await api.http.get("/internal/trackers/not-an-id"), 404, "not_found")


async def test_things_that_are_not_there_are_404(api: Bench) -> None:
    for path in ("", "/status", "/seasons", "/snapshots"):
        assert_problem(await api.http.get(f"/internal/trackers/{uuid4()}{path}"), 404, "tracker_not_found")
    assert_problem(await api.http.post(f"/internal/trackers/{uuid4()}/refresh"), 404, "tracker_not_found")
    for audience in ("api", "internal"):
        assert_problem(await api.http.get(f"/{audience}/tasks/{uuid4()}"), 404, "task_not_found")


async def test_the_callers_request_id_is_kept_when_it_is_a_sane_one(api: Bench) -> None:
    answer = await api.http.get("/health/live", headers={"X-Request-Id": "bot-4711-abc"})
    assert answer.headers["x-request-id"] == "bot-4711-abc"
    answer = await api.http.get("/health/live", headers={"X-Request-Id": "bad id\t"})
    assert answer.headers["x-request-id"] != "bad id\t"


async def test_the_log_line_of_a_request_names_its_route(api: Bench) -> None:
    thing = uuid4()
    with capture_logs() as logs:
        await api.http.get(f"/internal/trackers/{thing}")
        await api.http.get("/nowhere")
    lines = [(line["path"], line["route"], line["status"]) for line in logs if line["event"] == "request"]
    assert lines == [
        (f"/internal/trackers/{thing}", "/internal/trackers/{tracker_id}", 404),
        ("/nowhere", None, 404),
    ]


async def test_health_says_which_part_is_away(api: Bench, container: AppContainer) -> None:
    assert (await api.http.get("/health/live")).status_code == 200
    ready = await api.http.get("/health/ready")
    assert (ready.status_code, ready.json()["ok"]) == (200, True)


async def test_health_is_503_while_redis_is_away(environ: dict[str, str]) -> None:
    container = container_of({**environ, "TRACKERS_REDIS_URL": "unix:///nonexistent/redis.sock"})
    async with httpx.AsyncClient(transport=transport(application(container)), base_url="http://test") as http:
        answer = await http.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"]["ok"]
    assert not answer.json()["parts"]["redis"]["ok"]
    assert "TRACKERS_REDIS_URL" in answer.json()["parts"]["redis"]["error"]
    assert "nonexistent" not in answer.text
    await container.database().close()


async def test_a_database_that_is_away_is_503_and_not_a_bug(environ: dict[str, str], bot_key: str) -> None:
    away = "postgresql://nobody@/nothing?host=/nonexistent"
    container = container_of({**environ, "TRACKERS_DATABASE_URL": away})
    async with httpx.AsyncClient(transport=transport(application(container)), base_url="http://test") as http:
        answer = await http.get(f"/api/tasks/{uuid4()}")
    body = assert_problem(answer, 503, "unavailable")
    assert "nonexistent" not in str(body)
    assert answer.headers["retry-after"]
    await container.database().close()
    await container.redis().aclose()


async def test_an_unexpected_error_is_500_without_its_text(api: Bench, container: AppContainer) -> None:
    def broken() -> None:
        raise RuntimeError("sesame")

    with container.games.service.override(providers.Callable(broken)):
        answer = await api.http.post(
            "/internal/trackers/add", json={"user_id": "281474976710656001", "url": "https://tracker.gg/"}
        )
    assert_problem(answer, 500, "internal_error")
    assert "sesame" not in answer.text


async def test_a_commit_that_fails_is_not_answered_as_done(container: AppContainer) -> None:
    @post("/write")
    async def write(session: NamedDependency[SkipValidation[AsyncSession]]) -> dict[str, bool]:
        await session.execute(text("INSERT INTO users (id, created_at) VALUES (uuidv7(), now())"))
        backend = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        async with container.engine().connect() as other:
            await other.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})
        return {"written": True}

    app = Litestar(
        [write],
        dependencies={"session": provide_session(container.database)},
        exception_handlers=EXCEPTION_HANDLERS,
        logging_config=None,
    )
    async with httpx.AsyncClient(transport=transport(app), base_url="http://test") as http:
        answer = await http.post("/write")
    assert answer.status_code == 503
    assert await container.reader().value(text("SELECT count(*) FROM users")) == 0


async def test_reading_a_tracker_asks_the_database_once(api: Bench, container: AppContainer) -> None:
    own = asgi(create_app(container), container)  # as a process builds it: a copy of the graph would be another engine
    answer = await api.http.post(
        "/internal/trackers/add",
        json={"user_id": "281474976710656001", "url": "https://tracker.gg/rocket-league/profile/epic/counted"},
    )
    path = f"/internal/trackers/{answer.json()['trackers'][0]['id']}"
    asked: list[str] = []
    from sqlalchemy import event  # noqa: PLC0415 -- only this test listens

    event.listen(container.engine().sync_engine, "checkout", lambda *_: asked.append("a connection"))
    async with httpx.AsyncClient(transport=transport(own), base_url="http://test", headers=api.http.headers) as http:
        await http.get(path)
        asked.clear()
        await asyncio.gather(*(http.get(path) for _ in range(5)))
    assert len(asked) == 5


async def test_the_schema_describes_every_endpoint(api: Bench) -> None:
    schema = (await api.http.get("/schema/openapi.json")).json()
    operations = [op for path in schema["paths"].values() for op in path.values()]
    assert {"internal_register_trackers", "internal_add_tracker", "get_task"} <= {
        op["operationId"] for op in operations
    }
    assert all(op.get("description") or op.get("summary") for op in operations)
