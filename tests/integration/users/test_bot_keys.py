"""Bot keys: who may ask what."""

from sqlalchemy import text
from tests.conftest import Bench
from tests.waiting import eventually

from app.container import AppContainer
from users.auth.credential_cache import TRUSTED

PATH = "/internal/trackers/parse"
BODY = {"url": "https://tracker.gg/rocket-league/profile/epic/somebody"}


async def made(container: AppContainer, *scopes: str) -> str:
    async with container.database().unit_of_work():
        return str((await container.users.keys().create("another bot", scopes)).text)


async def ask(api: Bench, key: str | None, path: str = PATH) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {"Authorization": ""}
    return (await api.http.post(path, json=BODY, headers=headers)).status_code


async def test_a_key_opens_and_its_absence_does_not(api: Bench, bot_key: str) -> None:
    assert await ask(api, bot_key) == 200
    assert await ask(api, None) == 401
    assert (
        await api.http.post(PATH, json=BODY, headers={"Authorization": "", "X-API-Key": bot_key})
    ).status_code == 200


async def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(api: Bench, bot_key: str) -> None:
    prefix, secret = bot_key[:14], bot_key[14:]
    wrong = [
        prefix + secret[::-1],
        "trk_" + "a" * 10 + "_" + "b" * 43,
        "nonsense",
        "",
        prefix,
        bot_key + "x",
        bot_key.upper(),
    ]
    answers = [(await api.http.post(PATH, json=BODY, headers={"Authorization": f"Bearer {key}"})) for key in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == "Bearer"


async def test_scopes_bound_what_a_key_may_do(api: Bench, container: AppContainer) -> None:
    reader = await made(container, "trackers:read")
    stranger = await made(container, "guilds")
    assert await ask(api, reader) == 200
    assert await ask(api, reader, "/internal/trackers/process-pending") == 403
    assert await ask(api, stranger) == 403


async def test_a_revoked_key_stops_working_within_two_seconds(api: Bench, container: AppContainer) -> None:
    key = await made(container, "trackers")
    assert await ask(api, key) == 200
    async with container.database().unit_of_work():
        await container.users.keys().revoke(key.split("_")[1])

    async def refused() -> bool:
        return await ask(api, key) == 401

    await eventually(refused, what="the key opens nothing")
    assert TRUSTED < 2  # seconds for which a verified key is not looked up again


async def test_what_is_stored_is_no_key_and_its_use_is_noted(api: Bench, container: AppContainer, bot_key: str) -> None:
    await ask(api, bot_key)
    rows = await container.reader().rows(text("SELECT * FROM bot_keys"))
    assert bot_key not in str(rows)
    assert bot_key.split("_", 2)[2] not in str(rows)
    assert await container.reader().value(text("SELECT last_used_at IS NOT NULL FROM bot_keys")) is True


async def test_administration_is_closed_to_everybody(api: Bench, bot_key: str) -> None:
    answer = await api.http.get("/api/admin/keys", headers={"Authorization": f"Bearer {bot_key}"})
    assert answer.status_code in {401, 404}


async def test_every_key_is_listed_with_its_use_and_its_end(api: Bench, container: AppContainer, bot_key: str) -> None:
    gone = await made(container, "trackers:read")
    await ask(api, bot_key)
    async with container.database().unit_of_work():
        keys = container.users.keys()
        await keys.revoke(gone.split("_")[1])
        used, revoked = (await keys.every_key()).items
    assert (used.prefix, used.name, used.scopes) == (bot_key.split("_")[1], "test bot", ["players", "trackers"])
    assert used.last_used_at is not None
    assert used.revoked_at is None
    assert revoked.scopes == ["trackers:read"]
    assert revoked.revoked_at is not None
