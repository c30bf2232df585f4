"""How the client asks: what it sends again and what not, how long it waits, and what it raises."""

import asyncio
import logging
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from tests.unit.client.conftest import TASK, Answer, Service, problem

from trackers_client import (
    BotClient,
    Conflict,
    Deprecated,
    EtagCache,
    Forbidden,
    Invalid,
    InvalidPathValue,
    MemberClient,
    NotFound,
    Retries,
    ServerError,
    TaskNotDone,
    TooManyRequests,
    TrackersError,
    Unauthenticated,
    Unreachable,
    UnreadableAnswer,
)
from trackers_client.errors import ApiError
from trackers_client.models import AddOwnTracker, ParseLink

TASK_ID = UUID(TASK["id"])
OK = httpx.Response(200, json=TASK)
LOST = httpx.ReadError("the line broke")
REFUSED = httpx.ConnectError("nobody is there")
"""Before anything was sent."""


def bot(service: Service, **options: Retries | EtagCache) -> BotClient:
    return BotClient("http://localhost", "trk_test", transport=service, sleep=service.sleep, **options)  # type: ignore[arg-type]  # one of the options


def member(service: Service) -> MemberClient:
    return MemberClient("http://localhost", transport=service, sleep=service.sleep)


async def test_a_bot_shows_its_key_and_who_it_is(service: Service) -> None:
    service.answers = [OK]
    await BotClient("http://localhost", "trk_test", transport=service, user_agent="my-bot/1.4").tasks.get_task(TASK_ID)
    (request,) = service.asked
    assert request.headers["authorization"] == "Bearer trk_test"
    assert request.headers["user-agent"].startswith("my-bot/1.4 trackers-client/")


@pytest.mark.parametrize(
    "trouble", [LOST, REFUSED, problem(503, "unavailable"), httpx.Response(502), problem(429, "x")]
)
async def test_a_question_is_asked_again(service: Service, trouble: Answer) -> None:
    service.answers = [trouble, trouble, OK]
    assert (await bot(service).tasks.get_task(TASK_ID)).status == "completed"
    assert len(service.asked) == 3
    assert all(0 <= pause <= 0.25 * 2**number for number, pause in enumerate(service.slept, start=1))


async def test_it_gives_up_after_as_many_tries_as_it_was_told(service: Service) -> None:
    service.answers = [LOST]
    with pytest.raises(Unreachable, match="the line broke"):
        await bot(service, retries=Retries(attempts=3)).tasks.get_task(TASK_ID)
    assert len(service.asked) == 3


async def test_a_bots_post_is_sent_again_under_the_same_key(service: Service) -> None:
    service.answers = [LOST, problem(409, "idempotency_in_progress", retry_after=1), httpx.Response(200, json={})]
    with pytest.raises(
        UnreadableAnswer, match="missing required field"
    ):  # the made-up answer; it was sent, which counts
        await bot(service).trackers.parse_link(ParseLink(url="https://example.org"))
    keys = [request.headers["idempotency-key"] for request in service.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert service.bodies() == [{"url": "https://example.org"}] * 3


async def test_two_posts_have_two_keys_unless_the_bot_gives_its_own(service: Service) -> None:
    service.answers = [problem(404, "not_found")]
    for key in (None, None, "my own"):
        with pytest.raises(NotFound):
            await bot(service).trackers.parse_link(ParseLink(url="https://example.org"), idempotency_key=key)
    first, second, third = (request.headers["idempotency-key"] for request in service.asked)
    assert first != second
    assert third == "my own"


@pytest.mark.parametrize("trouble", [LOST, problem(503, "unavailable"), httpx.ReadTimeout("too slow")])
async def test_a_persons_post_that_may_have_been_done_is_not_sent_twice(service: Service, trouble: Answer) -> None:
    service.answers = [trouble]
    with pytest.raises((Unreachable, ServerError)):
        await member(service).trackers.add_tracker(AddOwnTracker(url="https://example.org"))
    assert len(service.asked) == 1


@pytest.mark.parametrize("trouble", [REFUSED, problem(429, "too_many_requests", retry_after=2)])
async def test_a_persons_post_that_was_not_done_is_sent_again(service: Service, trouble: Answer) -> None:
    service.answers = [trouble, problem(403, "forbidden")]
    with pytest.raises(Forbidden):
        await member(service).trackers.add_tracker(AddOwnTracker(url="https://example.org"))
    assert len(service.asked) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "GET"])
async def test_a_conflict_is_the_callers_to_decide_unless_the_same_post_runs_still(
    service: Service, method: str
) -> None:
    service.answers = [problem(409, "some_conflict", retry_after=1)]
    with pytest.raises(Conflict):
        await member(service).transport.send(method, "/api/anything")
    assert len(service.asked) == 1


async def test_it_waits_for_as_long_as_the_service_asks(service: Service) -> None:
    service.answers = [problem(429, "too_many_requests", retry_after=7), OK]
    await bot(service).tasks.get_task(TASK_ID)
    (pause,) = service.slept
    assert 7 <= pause <= 7.25


async def test_what_would_take_too_long_is_the_callers_to_decide(service: Service) -> None:
    service.answers = [problem(429, "too_many_requests", retry_after=3600)]
    with pytest.raises(TooManyRequests) as raised:
        await bot(service).tasks.get_task(TASK_ID)
    assert raised.value.retry_after == 3600
    assert service.slept == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthenticated), (403, Forbidden), (404, NotFound), (409, Conflict), (422, Invalid), (500, ServerError)],
)
async def test_a_problem_is_an_exception_with_its_code_and_the_requests_id(
    service: Service, status: int, kind: type[ApiError]
) -> None:
    service.answers = [problem(status, "some_code", errors=[{"field": "url", "message": "no"}])]
    with pytest.raises(kind) as raised:
        await bot(service).tasks.get_task(TASK_ID)
    error = raised.value
    assert (error.status, error.code, error.request_id) == (status, "some_code", "the-request")
    assert error.detail == "Do this instead."
    assert error.errors == [{"field": "url", "message": "no"}]
    assert len(service.asked) == 1


async def test_what_a_proxy_says_is_a_problem_too(service: Service) -> None:
    service.answers = [httpx.Response(413, text="<html>too large</html>")]
    with pytest.raises(Invalid) as raised:
        await bot(service).tasks.get_task(TASK_ID)
    assert raised.value.code == "http_413"


async def test_what_is_the_same_still_is_not_sent_again(service: Service) -> None:
    service.answers = [httpx.Response(200, json=TASK, headers={"etag": 'W/"1"'}), httpx.Response(304)]
    asking = bot(service, etags=EtagCache())
    assert await asking.tasks.get_task(TASK_ID) == await asking.tasks.get_task(TASK_ID)
    first, second = service.asked
    assert "if-none-match" not in first.headers
    assert second.headers["if-none-match"] == 'W/"1"'


async def test_only_so_many_answers_are_kept(service: Service) -> None:
    service.answers = [httpx.Response(200, json=TASK, headers={"etag": 'W/"1"'})]
    asking = bot(service, etags=EtagCache(size=1))
    other = UUID(int=1)
    for task in (TASK_ID, other, TASK_ID, TASK_ID):
        await asking.tasks.get_task(task)
    assert ["if-none-match" in request.headers for request in service.asked] == [False, False, False, True]


async def test_what_is_pushed_out_while_it_is_asked_for_again_is_at_hand_still(service: Service) -> None:
    cache, other = EtagCache(size=1), UUID(int=1)
    kept = httpx.Response(200, json=TASK, headers={"etag": 'W/"1"'})
    meanwhile = bot(Service([kept]), etags=cache)

    async def answer(request: httpx.Request) -> httpx.Response:
        if "if-none-match" not in request.headers:
            return kept
        await meanwhile.tasks.get_task(other)
        return httpx.Response(304)

    service.by = answer
    asking = bot(service, etags=cache)
    assert await asking.tasks.get_task(TASK_ID) == await asking.tasks.get_task(TASK_ID)
    assert await asking.tasks.get_task(TASK_ID) is not None
    assert ["if-none-match" in request.headers for request in service.asked] == [False, True, True]


async def test_a_task_is_waited_for(service: Service) -> None:
    waits = [httpx.Response(200, json={**TASK, "status": status}) for status in ("pending", "in_progress")]
    service.answers = [*waits, OK]
    assert (await bot(service).wait_for_task(TASK_ID)).status == "completed"
    assert len(service.slept) == 2
    assert service.slept[0] < service.slept[1]


async def test_a_task_is_not_waited_for_for_ever(service: Service) -> None:
    service.answers = [httpx.Response(200, json={**TASK, "status": "pending"})]
    with pytest.raises(TaskNotDone, match="pending"):
        await bot(service).wait_for_task(TASK_ID, within=0)


async def test_a_look_at_a_task_that_is_not_answered_ends_with_the_wait(service: Service) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        if len(service.asked) > 1:
            await asyncio.Event().wait()
        return httpx.Response(200, json={**TASK, "status": "pending"})

    service.by = answer
    with pytest.raises(TaskNotDone, match="pending"):
        await bot(service).wait_for_task(TASK_ID, within=0.5)
    assert len(service.asked) == 2


async def test_a_value_that_came_later_than_the_client_is_taken_as_it_is(service: Service) -> None:
    service.answers = [httpx.Response(200, json={**TASK, "status": "paused", "colour": "red"})]
    assert (await bot(service).tasks.get_task(TASK_ID)).status == "paused"


@pytest.mark.parametrize("address", ["http://trackers.example.org", "http://10.0.0.1:8000", "ftp://localhost"])
async def test_keys_are_not_sent_in_the_clear(address: str) -> None:
    with pytest.raises(ValueError, match="not https"):
        BotClient(address, "trk_test")


@pytest.mark.parametrize("address", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
async def test_this_machine_may_be_asked_without_encryption(address: str) -> None:
    await BotClient(address, "trk_test").aclose()


async def test_a_network_of_ones_own_may_be_allowed() -> None:
    await BotClient("http://api:8000", "trk_test", allow_http=True).aclose()


async def test_names_are_sent_as_they_are_whatever_is_in_them(service: Service) -> None:
    service.answers = [problem(404, "player_not_found")]
    with pytest.raises(NotFound):
        await bot(service).players.get_player("a?b#c %2F..")
    assert service.asked[0].url.raw_path == b"/internal/players/a%3Fb%23c%20%252F.."


@pytest.mark.parametrize("odd", ["", ".", "..", "a/gains", "../users/me", "/"])
async def test_nothing_is_asked_whose_path_would_be_another_endpoints(service: Service, odd: str) -> None:
    service.answers = [httpx.Response(204)]
    with pytest.raises(InvalidPathValue):
        await bot(service).players.get_player(odd)
    with pytest.raises(ValueError, match="external_id"):
        await member(service).users.unlink_identity("discord", odd)
    with pytest.raises(TrackersError):
        await member(service).users.unlink_identity(odd, "7")
    assert service.asked == []


PAGE = {"content-type": "text/html; charset=utf-8"}
ODD: dict[str, httpx.Response] = {
    "a page": httpx.Response(200, text="<html>please log in</html>", headers=PAGE),
    "a page that says it is JSON": httpx.Response(200, text="<html>", headers={"content-type": "application/json"}),
    "another thing": httpx.Response(200, json={"ok": True}),
    "no text": httpx.Response(200, content=b'{"id": "\xff"}', headers={"content-type": "application/json"}),
    "nothing": httpx.Response(200),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
async def test_what_is_no_answer_of_the_services_is_told_so(service: Service, answer: httpx.Response) -> None:
    service.answers = [answer]
    with pytest.raises(UnreadableAnswer):
        await bot(service).tasks.get_task(TASK_ID)
    assert len(service.asked) == 1


async def test_a_page_is_neither_a_success_nor_a_table(service: Service) -> None:
    service.answers = [ODD["a page"]]
    with pytest.raises(UnreadableAnswer, match="text/html"):
        await member(service).users.unlink_identity("discord", "7")
    with pytest.raises(UnreadableAnswer, match="text/html"):
        await member(service).players.list_hiscore_metrics_as_csv()


@pytest.mark.parametrize("damaged", [b"no gzip at all", b""])
async def test_a_body_that_was_damaged_on_its_way_is_told_so(service: Service, damaged: bytes) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, stream=httpx.ByteStream(damaged), headers=headers)

    service.by = answer
    with pytest.raises(UnreadableAnswer):
        await bot(service).tasks.get_task(TASK_ID)


DEPRECATED = httpx.Response(
    200,
    json=TASK,
    headers={
        "deprecation": "@1767225600",
        "sunset": "Tue, 01 Sep 2026 00:00:00 GMT",
        "link": '<https://example.org/changes#old>; rel="deprecation"',
    },
)


async def test_a_deprecated_endpoint_is_reported_once(service: Service) -> None:
    reported: list[Deprecated] = []
    service.answers = [DEPRECATED, DEPRECATED, OK, DEPRECATED]
    async with MemberClient("http://localhost", transport=service, on_deprecated=reported.append) as client:
        for path in ("/api/trackers/old", "/api/trackers/old", "/api/trackers/new", "/api/trackers/list"):
            await client.transport.send("GET", path)
    assert [one.path for one in reported] == ["/api/trackers/old", "/api/trackers/list"]
    assert reported[0].since == datetime(2026, 1, 1, tzinfo=UTC)
    assert reported[0].sunset == datetime(2026, 9, 1, tzinfo=UTC)
    assert reported[0].link == "https://example.org/changes#old"


async def test_a_deprecated_endpoint_is_logged_by_default(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.answers = [DEPRECATED]
    with caplog.at_level(logging.WARNING, "trackers_client"):
        async with MemberClient("http://localhost", transport=service) as client:
            await client.transport.send("GET", "/api/trackers/old")
    assert "GET /api/trackers/old is deprecated (until 2026-09-01)" in caplog.text


async def test_an_odd_date_of_deprecation_spoils_no_answer(service: Service) -> None:
    told: list[Deprecated] = []
    odd = {"deprecation": "@99999999999999999999", "sunset": "soon"}
    service.answers = [httpx.Response(200, json=TASK, headers=odd)]
    asking = BotClient("http://localhost", "trk_test", transport=service, on_deprecated=told.append)
    assert (await asking.tasks.get_task(TASK_ID)).status == "completed"
    assert [(one.since, one.sunset) for one in told] == [(None, None)]


async def test_a_service_may_live_below_a_path(service: Service) -> None:
    service.answers = [OK]
    for address in ("https://example.org/trackers", "https://example.org/trackers/"):
        await BotClient(address, "trk_test", transport=service).tasks.get_task(TASK_ID)
    assert [str(request.url) for request in service.asked] == [
        f"https://example.org/trackers/internal/tasks/{TASK_ID}"
    ] * 2


@pytest.mark.parametrize("address", ["https://me:secret@example.org", "https://example.org/?a=1", "https://a.org/#b"])
async def test_an_address_with_more_than_a_path_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="no user, query or fragment"):
        BotClient(address, "trk_test")


async def test_lists_are_repeated_and_truth_is_spelt_as_the_service_reads_it(service: Service) -> None:
    service.answers = [problem(404, "not_found")]
    with pytest.raises(NotFound):
        await bot(service).contracts.list_contracts(region_id=[1, 2])
    with pytest.raises(NotFound):
        await bot(service).players.list_players(active=True)
    assert [request.url.query for request in service.asked] == [b"region_id=1&region_id=2", b"active=true"]
