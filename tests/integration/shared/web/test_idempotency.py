"""The same POST again under the same key: the same answer, and done at most once, whatever happens meanwhile."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from dependency_injector import providers
from sqlalchemy import Connection, event, text
from tests.clock import FixedClock
from tests.conftest import Bench
from tests.integration.shared.web.conftest import OpenApi

from app.container import AppContainer
from shared.errors import TooManyRequests, Unavailable
from shared.web.idempotency import MAX_STORED_BYTES, IdempotencyKeys, KeyReservation, StoredResponse
from shared.web.identity import BotIdentity

PATH = "/internal/trackers/register-multiple"
BODY = {
    "user_id": "281474976710656001",
    "urls": ["https://tracker.gg/rocket-league/profile/epic/one", "https://tracker.gg/rocket-league/profile/epic/two"],
}


async def send(api: Any, key: str, body: Any = None, path: str = PATH, **headers: str) -> httpx.Response:
    answer: httpx.Response = await api.http.post(
        path, json=BODY if body is None else body, headers={"Idempotency-Key": key, **headers}
    )
    return answer


async def count(container: AppContainer, table: str) -> int:
    return int(await container.reader().value(text(f"SELECT count(*) FROM {table}")))  # noqa: S608 -- the test's own names


def problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_the_same_request_gets_the_same_answer_byte_for_byte(api: Bench, container: AppContainer) -> None:
    first = await send(api, "a")
    again = await send(api, "a")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count(container, "game_trackers") == 2


async def test_without_a_key_nothing_is_kept(api: Bench, container: AppContainer) -> None:
    await api.http.post(PATH, json=BODY)
    assert await count(container, "idempotency_keys") == 0


async def test_a_key_is_for_one_request(api: Bench) -> None:
    await send(api, "a")
    problem(await send(api, "a", {**BODY, "urls": BODY["urls"][:1]}), 422, "idempotency_key_reused")
    problem(await send(api, "a", path="/internal/trackers/add"), 422, "idempotency_key_reused")
    problem(await send(api, "a", path=f"{PATH}?x=1"), 422, "idempotency_key_reused")
    assert (await send(api, "a")).status_code == 201


async def test_every_bot_has_keys_of_its_own(api: Bench, container: AppContainer) -> None:
    async with container.database().unit_of_work():
        other = (await container.users.keys().create("other bot", ["trackers"])).text
    await send(api, "a")
    answer = await send(api, "a", {**BODY, "user_id": "281474976710656002"}, Authorization=f"Bearer {other}")
    assert answer.status_code != 422
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize("key", ["", " ", "with space", "x" * 201, "\x7f", "tab\t-"])
async def test_a_key_is_visible_text_of_bounded_length(api: Bench, container: AppContainer, key: str) -> None:
    problem(await send(api, key), 422, "invalid")
    assert await count(container, "game_trackers") == 0


async def test_twenty_at_once_are_carried_out_once(api: Bench, container: AppContainer) -> None:
    answers = await asyncio.gather(*(send(api, "a") for _ in range(20)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[201] >= 1
    assert set(statuses) <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "idempotency_in_progress")
            assert answer.headers["retry-after"] == "1"
    assert sum("idempotency-replayed" not in answer.headers for answer in answers if answer.status_code == 201) == 1
    assert (await count(container, "users"), await count(container, "game_trackers")) == (1, 2)
    assert (await send(api, "a")).headers["idempotency-replayed"] == "true"


async def test_what_was_refused_is_refused_again(api: Bench) -> None:
    path = f"/internal/trackers/{uuid4()}/refresh"
    first, again = [await send(api, "a", {}, path) for _ in range(2)]
    problem(again, 404, "tracker_not_found")
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("a bug"), 500), (Unavailable("away"), 503), (TooManyRequests("slowly"), 429)],
)
async def test_what_may_go_well_next_time_is_not_kept(
    api: Bench, container: AppContainer, error: Exception, status: int
) -> None:
    def failing() -> None:
        raise error

    with container.games.service.override(providers.Callable(failing)):
        assert (await send(api, "a")).status_code == status
    answer = await send(api, "a")
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers


async def test_a_key_without_the_scope_claims_nothing(api: Bench, container: AppContainer) -> None:
    async with container.database().unit_of_work():
        reader = (await container.users.keys().create("reader", ["trackers:read"])).text
    assert (await send(api, "a", Authorization=f"Bearer {reader}")).status_code == 403
    assert await count(container, "idempotency_keys") == 0


async def test_what_was_cut_off_is_never_done_twice(api: Bench, container: AppContainer) -> None:
    clock = FixedClock()

    class Dying(IdempotencyKeys):
        async def keep(self, claim: KeyReservation, answer: StoredResponse) -> None:
            raise ConnectionError("the database went away")

    with container.idempotency_keys.override(providers.Object(Dying(container.standalone_writer(), clock=clock))):
        assert (await send(api, "a")).status_code == 201  # it was done, and is answered so
    with container.idempotency_keys.override(
        providers.Object(IdempotencyKeys(container.standalone_writer(), clock=clock))
    ):
        problem(await send(api, "a"), 409, "idempotency_in_progress")
        clock.advance(timedelta(seconds=61))
        answer = await send(api, "a")
    problem(answer, 409, "idempotency_unknown")
    assert "new key" in answer.json()["detail"]
    assert await count(container, "game_trackers") == 2


async def test_a_commit_that_may_have_gone_through_keeps_its_claim(api: Bench, container: AppContainer) -> None:
    def hang_up(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.terminate()

    engine = container.engine().sync_engine
    event.listen(engine, "commit", hang_up)
    answer = await send(api, "a")
    event.remove(engine, "commit", hang_up)
    assert answer.status_code == 503
    problem(await send(api, "a"), 409, "idempotency_in_progress")


async def test_a_statement_that_was_cut_off_did_nothing_and_may_be_sent_again(
    api: Bench, container: AppContainer
) -> None:
    def hang_up(connection: Connection, *_: object) -> None:
        driver: Any = connection.connection.driver_connection
        driver.terminate()

    engine = container.engine().sync_engine
    event.listen(engine, "before_cursor_execute", hang_up)
    answer = await send(api, "a")
    event.remove(engine, "before_cursor_execute", hang_up)
    assert answer.status_code == 503
    assert (await send(api, "a")).status_code == 201


async def test_while_the_database_is_away_nothing_runs(open_api: OpenApi, container: AppContainer) -> None:
    class Known:
        async def authenticate(self, key: str) -> BotIdentity:
            return BotIdentity(key_id=uuid4(), name="known", scopes=frozenset({"trackers"}))

    api = await open_api(TRACKERS_DATABASE_URL="postgresql://nobody@/nothing?host=/nonexistent")
    ran: list[str] = []
    with (
        api.container.users.bot_authenticator.override(providers.Object(Known())),
        api.container.games.service.override(providers.Callable(lambda: ran.append("it"))),
    ):
        problem(await send(api, "a"), 503, "unavailable")
    assert ran == []


async def test_an_answer_too_large_to_keep_is_sent_once(container: AppContainer) -> None:
    keys: IdempotencyKeys = container.idempotency_keys()
    bot = uuid4()
    claim = await keys.claim(bot, "a", b"digest")
    assert isinstance(claim, KeyReservation)
    await keys.keep(claim, StoredResponse(status=200, content_type="application/json", body=None))
    with pytest.raises(Exception, match="answered with 200"):
        await keys.claim(bot, "a", b"digest")
    assert MAX_STORED_BYTES < 1_048_576


async def test_keys_are_forgotten_after_a_day(container: AppContainer) -> None:
    clock = FixedClock()
    keys = IdempotencyKeys(container.standalone_writer(), clock=clock)
    bot = uuid4()
    await keys.claim(bot, "old", b"digest")
    clock.advance(timedelta(hours=23))
    await keys.claim(bot, "new", b"digest")
    assert await keys.remove_old() == 0
    clock.advance(timedelta(hours=2))
    assert await keys.remove_old() == 1
    assert await count(container, "idempotency_keys") == 1
    assert "web.remove_old_idempotency_keys" in {job.name for job in container.jobs()}
