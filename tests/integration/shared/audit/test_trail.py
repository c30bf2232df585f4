"""Every mutating request is in the audit log before its answer leaves, and exactly when its change is."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Response, delete, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs
from tests.application import application, transport
from tests.conftest import Bench, container_of
from tests.integration.shared.audit.conftest import ADMIN, Rows, served

from app.container import AppContainer
from shared.audit.trail import KEPT_BYTES
from shared.database import Database
from shared.redaction import REMOVED

ADD = "/internal/trackers/add"
PERSON = "281474976710656001"
LINK = "https://tracker.gg/rocket-league/profile/epic/somebody"
NEW_USER = text("INSERT INTO users (id, created_at) VALUES (uuidv7(), now())")
Session = NamedDependency[SkipValidation[AsyncSession]]


def tracker(**changes: Any) -> dict[str, Any]:
    return {"user_id": PERSON, "url": LINK, **changes}


def kept(**changes: Any) -> dict[str, Any]:
    """What the log keeps of that body: the link may be any text."""
    return {**tracker(**changes), "url": REMOVED}


async def count(container: AppContainer, table: str) -> int:
    return int(await container.reader().value(text(f"SELECT count(*) FROM {table}")))  # noqa: S608 -- the test's own


async def run(container: AppContainer, statement: str) -> None:
    await container.standalone_writer().execute(text(statement))


async def test_a_change_is_audited_with_who_what_and_from_where(api: Bench, bot_key: str, audited: Rows) -> None:
    headers = {"User-Agent": "bot/1 " + "x" * 500, "X-Request-Id": "bot-4711-abc"}
    answer = await api.http.post(f"{ADD}?token=sesame", json=tracker(), headers=headers)
    assert answer.status_code == 201
    (row,) = await audited()
    assert (row["actor_kind"], row["actor_name"]) == ("bot", "test bot")
    assert isinstance(row["actor_id"], UUID)
    assert (row["method"], row["route"], row["path"], row["status"]) == ("POST", ADD, ADD, 201)
    assert row["resource"] is None
    assert row["address"] == "127.0.0.1"
    assert row["user_agent"].startswith("bot/1 x")
    assert len(row["user_agent"]) == 301
    assert row["request_id"] == "bot-4711-abc"
    assert row["body"] == kept()
    assert row["mentions"] == sorted([PERSON, answer.json()["user_id"]])
    assert row["at"] is not None


async def test_the_path_is_told_by_its_template_and_its_parameters(api: Bench, audited: Rows) -> None:
    made = (await api.http.post(ADD, json=tracker())).json()["trackers"][0]["id"]
    await api.http.post(f"/internal/trackers/{made}/refresh")
    _, row = await audited()
    assert row["route"] == "/internal/trackers/{tracker_id}/refresh"
    assert row["path"] == f"/internal/trackers/{made}/refresh"
    assert row["resource"] == {"tracker_id": made}
    assert (row["status"], row["body"]) == (202, None)


async def test_reading_is_not_audited(api: Bench, audited: Rows) -> None:
    await api.http.get(f"/internal/trackers/{uuid4()}")
    await api.http.get("/health/live")
    await api.http.request("OPTIONS", ADD)
    await api.http.head("/nowhere")
    assert await audited() == []


async def test_what_was_refused_is_audited_with_its_status(api: Bench, container: AppContainer, audited: Rows) -> None:
    async with container.database().unit_of_work():
        reader = (await container.users.keys().create("reader", ["trackers:read"])).text
    await api.http.post(ADD, json=tracker())
    expected = [
        (await api.http.post(ADD, json=tracker(), headers={"Authorization": "Bearer nonsense"}), 401),
        (await api.http.post(ADD, json=tracker(), headers={"Authorization": f"Bearer {reader}"}), 403),
        (await api.http.post(ADD, json=tracker()), 409),
        (await api.http.post(ADD, json={"url": 5}), 422),
        (await api.http.post(ADD, content=b"{", headers={"content-type": "application/json"}), 400),
        (await api.http.post(f"/internal/trackers/{uuid4()}/refresh"), 404),
        (await api.http.delete(ADD), 405),
        (await api.http.put("/nowhere/%00", content=b"sesame"), 404),
        (await api.http.post(ADD, content=b"x" * 2_000_000), 413),
    ]
    for answer, status in expected:
        assert answer.status_code == status, answer.text
    rows = (await audited())[1:]
    assert [row["status"] for row in rows] == [status for _, status in expected]
    assert [row["actor_kind"] for row in rows] == [
        "anonymous", "bot", "bot", "bot", "bot", "bot", "anonymous", "anonymous", "bot",
    ]  # fmt: skip
    assert [row["request_id"] for row in rows] == [answer.headers["x-request-id"] for answer, _ in expected]
    assert [row["body"] for row in rows[:5]] == [
        None, None, kept(), {"url": REMOVED}, {"bytes": 1, "type": "application/json"},
    ]  # fmt: skip
    assert rows[6]["route"] is None
    assert (rows[7]["route"], rows[7]["path"]) == (None, "/nowhere/�")


async def test_a_person_is_known_by_id_alone(container: AppContainer, audited: Rows) -> None:
    @put("/things/{thing:str}")
    async def change(thing: FromPath[str], session: Session) -> None:
        await session.execute(NEW_USER)

    async with served(container, change) as http:
        assert (await http.put("/things/blue", headers={"Content-Length": "0"})).status_code == 200
        assert (await http.put("/things/red", headers={"Authorization": ""})).status_code == 401
    first, second = await audited()
    assert (first["actor_kind"], first["actor_id"], first["actor_name"]) == ("user", ADMIN, None)
    assert first["resource"] == {"thing": "blue"}
    assert (second["actor_kind"], second["actor_id"], second["status"]) == ("anonymous", None, 401)


async def test_secrets_are_never_in_the_row(container: AppContainer, audited: Rows) -> None:
    secret = "sesame-open-up"
    key = "trk_abcdefghij_" + "s" * 43

    @patch("/claims/{code:str}")
    async def claim(code: FromPath[str], data: JSONBody[dict[str, Any]], session: Session) -> None:
        await session.execute(NEW_USER)

    async with served(container, claim) as http:
        await http.patch(
            f"/claims/{secret}",
            params={"password": secret},
            json={
                "password": secret,
                "deep": [{"api_key": secret, "note": f"use {key}"}],
                "url": f"https://a:{secret}@b/",
            },
            headers={"Authorization": f"Bearer {secret}", "Cookie": secret, "User-Agent": f"curl {key}"},
        )
        await http.patch(f"/nothing/{key}", content=f"password={secret}")
    for row in await audited():
        assert secret not in str(row)
        assert key not in str(row)
    assert (await audited())[0]["path"] == "/claims/{code}"


async def test_the_row_is_there_before_the_first_byte_of_the_answer(container: AppContainer, bot_key: str) -> None:
    app = application(container)
    seen: list[tuple[int, int]] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append((message["status"], await count(container, "audit_log")))

    for body in (json.dumps(tracker()).encode(), b"{}"):
        await app(_request(ADD, bot_key), _receiving(body), send)  # type: ignore[arg-type]  # plain ASGI dicts
    assert seen == [(201, 1), (422, 2)]


async def test_a_change_whose_row_cannot_be_written_does_not_happen(api: Bench, container: AppContainer) -> None:
    await run(container, "ALTER TABLE audit_log ADD CONSTRAINT nothing CHECK (status = 0)")
    with capture_logs() as logs:
        answer = await api.http.post(ADD, json=tracker())
    assert answer.status_code == 500
    assert await count(container, "users") == 0
    assert await count(container, "game_trackers") == 0
    (told,) = [line for line in logs if line["event"] == "audit_not_written"]
    assert told["log_level"] == "error"
    assert (told["entry"]["status"], told["entry"]["body"]) == (500, kept())


async def test_a_change_that_fails_at_its_commit_leaves_a_row_of_the_failure(
    api: Bench, container: AppContainer, audited: Rows
) -> None:
    await run(
        container,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$",
    )
    await run(
        container,
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON game_trackers DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    answer = await api.http.post(ADD, json=tracker())
    assert answer.status_code == 500
    assert await count(container, "game_trackers") == 0
    (row,) = await audited()
    assert (row["status"], row["body"]) == (500, kept())


async def test_a_connection_lost_before_the_commit_leaves_a_row_of_the_failure(
    container: AppContainer, audited: Rows
) -> None:
    @post("/write")
    async def write(session: Session) -> None:
        await session.execute(NEW_USER)
        backend = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        async with container.engine().connect() as other:
            await other.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})

    async with served(container, write) as http:
        assert (await http.post("/write")).status_code == 503
    assert [row["status"] for row in await audited()] == [503]
    assert await count(container, "users") == 0


async def test_a_rule_that_forbids_rolls_back_and_is_audited_once(api: Bench, audited: Rows) -> None:
    await api.http.post(ADD, json=tracker())
    await api.http.post(ADD, json=tracker())
    assert [row["status"] for row in await audited()] == [201, 409]


async def test_a_handler_with_transactions_of_its_own_is_audited_on_its_own(
    container: AppContainer, audited: Rows
) -> None:
    @post("/own")
    async def own(database: NamedDependency[SkipValidation[Database]]) -> None:
        for _ in range(2):
            async with database.transaction() as session:
                await session.execute(NEW_USER)

    async with served(container, own) as http:
        await http.post("/own")
        await run(container, "ALTER TABLE audit_log ADD CONSTRAINT one CHECK (user_agent <> 'second')")
        with capture_logs() as logs:
            assert (await http.post("/own", headers={"User-Agent": "second"})).status_code == 201
    assert [row["status"] for row in await audited()] == [201]
    (told,) = [line for line in logs if line["event"] == "audit_not_written"]
    assert (told["entry"]["status"], told["entry"]["actor_id"]) == (201, str(ADMIN))


async def test_a_session_that_asked_nothing_is_not_opened_for_the_row(container: AppContainer, audited: Rows) -> None:
    opened: list[bool] = []

    @delete("/nothing")
    async def nothing(session: Session) -> None:
        Database.before_commit(session, lambda: _note(opened))

    async with served(container, nothing) as http:
        assert (await http.delete("/nothing")).status_code == 204
    assert opened == []
    assert [row["status"] for row in await audited()] == [204]


async def test_the_row_tells_the_status_that_was_answered(container: AppContainer, audited: Rows) -> None:
    @put("/made")
    async def made(session: Session) -> Response[None]:
        await session.execute(NEW_USER)
        return Response(None, status_code=201)

    async with served(container, made) as http:
        assert (await http.put("/made")).status_code == 201
    assert [row["status"] for row in await audited()] == [201]


async def test_of_a_long_body_only_the_size_is_noted(api: Bench, audited: Rows) -> None:
    body = json.dumps(tracker(url="x" * KEPT_BYTES)).encode()
    await api.http.post(ADD, content=body, headers={"content-type": "application/json"})
    assert [row["body"] for row in await audited()] == [{"bytes": len(body), "type": "application/json"}]


async def test_while_the_database_is_away_the_entry_is_in_the_log(environ: dict[str, str]) -> None:
    away = "postgresql://nobody@/nothing?host=/nonexistent"
    container = container_of({**environ, "TRACKERS_DATABASE_URL": away})
    async with httpx.AsyncClient(transport=transport(application(container)), base_url="http://test") as http:
        with capture_logs() as logs:
            answer = await http.post("/nowhere", json={"password": "sesame"})
    assert answer.status_code == 404
    (told,) = [line for line in logs if line["event"] == "audit_not_written"]
    assert told["entry"]["path"] == "/nowhere"
    assert "sesame" not in str(told)
    await container.database().close()
    await container.redis().aclose()


@pytest.mark.parametrize("site", ["tracker.gg", "elsewhere.gg"], ids=["on a session", "on its own"])
async def test_requests_at_once_are_not_mixed_up(api: Bench, audited: Rows, site: str) -> None:
    def body(number: int) -> dict[str, Any]:
        link = f"https://{site}/rocket-league/profile/epic/player{number}"
        return tracker(user_id=str(int(PERSON) + number), url=link)

    answers = await asyncio.gather(
        *(api.http.post(ADD, json=body(number), headers={"X-Request-Id": f"request-{number}"}) for number in range(50))
    )
    assert {answer.status_code for answer in answers} == {201 if site == "tracker.gg" else 422}
    rows = {row["request_id"]: row["body"] for row in await audited()}
    assert rows == {f"request-{number}": {**body(number), "url": REMOVED} for number in range(50)}


async def _note(opened: list[bool]) -> None:
    opened.append(True)


def _request(path: str, bot_key: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"authorization", f"Bearer {bot_key}".encode())],
        "client": None,
        "server": ("test", 80),
        "state": {},
    }


def _receiving(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def test_a_post_that_only_asks_is_not_audited(api: Bench, audited: Rows) -> None:
    asked = {"url": "https://tracker.gg/rocket-league/profile/epic/player"}
    assert (await api.http.post("/internal/trackers/parse", json=asked)).status_code == 200
    assert await audited() == []
