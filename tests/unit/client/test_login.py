"""A person's login: made, refreshed once at a time, stored, and made anew."""

import asyncio
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from tests.unit.client.conftest import TASK, Service, problem

from trackers_client import (
    Login,
    MemberClient,
    ServerError,
    TooManyRequests,
    Unauthenticated,
    Unreachable,
    UnreadableAnswer,
)

TASK_ID = UUID(TASK["id"])


def tokens(number: int) -> dict[str, Any]:
    return {
        "access_token": f"access {number}",
        "refresh_token": f"refresh {number}",
        "token_type": "Bearer",
        "expires_in": 900,
        "user_id": TASK["id"],
        "refresh_expires_at": "2026-03-01T12:00:00Z",
    }


class Accounts:
    """Gives out tokens in order; only the newest access token opens, and only the newest refresh token is good."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.newest = 0
        self.refreshed: list[str] = []
        self.logged_in: list[Any] = []
        self.lose = False
        self.odd: httpx.Response | None = None
        """What a refresh is answered with instead."""
        self.arrived = asyncio.Event()
        """A refresh is there."""
        self.answering = asyncio.Event()
        self.answering.set()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/auth/login":
            self.logged_in.append(msgspec.json.decode(request.content))
            return self._given()
        if request.url.path == "/api/auth/refresh":
            token = msgspec.json.decode(request.content)["refresh_token"]
            self.refreshed.append(token)
            self.arrived.set()
            await asyncio.sleep(0)  # others may come meanwhile
            await self.answering.wait()
            if self.odd is not None:
                return self.odd
            if token != f"refresh {self.newest}":
                return problem(401, "refresh_failed")
            answer = self._given()
            if self.lose:
                raise httpx.ReadError("the line broke")
            return answer
        if request.headers.get("authorization") != f"Bearer access {self.newest}":
            return problem(401, "token_expired")
        return httpx.Response(200, json=TASK)

    def expire(self) -> None:
        """The newest access token opens nothing any more, its refresh token is good."""
        self.newest = next(self.numbers)

    def _given(self) -> httpx.Response:
        self.newest = next(self.numbers)
        return httpx.Response(200, json=tokens(self.newest))


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


def member(accounts: Accounts, login: Login) -> MemberClient:
    service = Service(by=accounts.answer)
    return MemberClient("http://localhost", login, transport=service, sleep=service.sleep)


async def test_the_first_question_logs_in(accounts: Accounts) -> None:
    me = member(accounts, Login("ada", "correct horse"))
    await me.tasks.get_task(TASK_ID)
    await me.tasks.get_task(TASK_ID)
    assert accounts.logged_in == [{"login": "ada", "password": "correct horse"}]


async def test_a_login_goes_on_from_where_it_was_stored(accounts: Accounts) -> None:
    accounts.expire()
    stored: list[str] = []
    me = member(accounts, Login(refresh_token="refresh 1", on_tokens=lambda pair: stored.append(pair.refresh_token)))
    await me.tasks.get_task(TASK_ID)
    assert accounts.refreshed == ["refresh 1"]
    assert stored == ["refresh 2"]
    assert accounts.logged_in == []


async def test_many_at_once_refresh_once(accounts: Accounts) -> None:
    accounts.expire()
    me = member(accounts, Login(refresh_token="refresh 1"))
    await asyncio.gather(*(me.tasks.get_task(TASK_ID) for _ in range(5)))
    assert accounts.refreshed == ["refresh 1"]
    accounts.newest = 99  # the access token is over
    accounts.lose = False
    with pytest.raises(Unauthenticated):
        await asyncio.gather(*(me.tasks.get_task(TASK_ID) for _ in range(5)))
    assert accounts.refreshed == ["refresh 1", "refresh 2"]


async def test_where_the_session_is_over_the_password_makes_another_one(accounts: Accounts) -> None:
    accounts.expire()
    me = member(accounts, Login("ada", "correct horse", refresh_token="an old one"))
    await me.tasks.get_task(TASK_ID)
    assert accounts.refreshed == ["an old one"]
    assert len(accounts.logged_in) == 1


async def test_a_refresh_whose_answer_was_lost_is_not_sent_again(accounts: Accounts) -> None:
    accounts.expire()
    accounts.lose = True
    me = member(accounts, Login(refresh_token="refresh 1"))
    with pytest.raises(Unreachable):
        await me.tasks.get_task(TASK_ID)
    with pytest.raises(Unauthenticated):
        await me.tasks.get_task(TASK_ID)
    assert accounts.refreshed == ["refresh 1"]


async def test_who_gives_up_waiting_for_a_refresh_loses_nothing(accounts: Accounts) -> None:
    accounts.expire()
    accounts.answering.clear()
    me = member(accounts, Login(refresh_token="refresh 1"))
    asking = asyncio.create_task(me.tasks.get_task(TASK_ID))
    await accounts.arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    accounts.answering.set()
    assert (await me.tasks.get_task(TASK_ID)).status == "completed"
    accounts.expire()
    with pytest.raises(Unauthenticated):
        await me.tasks.get_task(TASK_ID)
    assert accounts.refreshed == ["refresh 1", "refresh 2"]


async def test_a_client_is_closed_when_the_refresh_that_was_given_up_has_its_tokens(accounts: Accounts) -> None:
    accounts.expire()
    accounts.answering.clear()
    stored: list[str] = []
    me = member(accounts, Login(refresh_token="refresh 1", on_tokens=lambda pair: stored.append(pair.refresh_token)))
    asking = asyncio.create_task(me.tasks.get_task(TASK_ID))
    await accounts.arrived.wait()
    asking.cancel()
    closing = asyncio.create_task(me.aclose())
    await asyncio.sleep(0)  # it begins
    assert not closing.done()
    accounts.answering.set()
    await closing
    assert stored == ["refresh 2"]


async def test_a_pair_that_could_not_be_stored_is_used_all_the_same(accounts: Accounts) -> None:
    accounts.expire()

    def store(_: object) -> None:
        raise OSError("the disk is full")

    me = member(accounts, Login(refresh_token="refresh 1", on_tokens=store))
    with pytest.raises(OSError, match="full"):
        await me.tasks.get_task(TASK_ID)
    assert (await me.tasks.get_task(TASK_ID)).status == "completed"
    assert accounts.refreshed == ["refresh 1"]


PAGE = httpx.Response(200, text="<html>", headers={"content-type": "text/html"})


@pytest.mark.parametrize("odd", [httpx.Response(502), httpx.Response(504), PAGE])
async def test_a_refresh_that_a_proxy_answered_is_not_sent_again(accounts: Accounts, odd: httpx.Response) -> None:
    accounts.expire()
    accounts.odd = odd
    me = member(accounts, Login(refresh_token="refresh 1"))
    with pytest.raises((ServerError, UnreadableAnswer)):
        await me.tasks.get_task(TASK_ID)
    with pytest.raises(Unauthenticated):
        await me.tasks.get_task(TASK_ID)
    assert accounts.refreshed == ["refresh 1"]


async def test_a_refresh_that_the_service_refused_may_be_sent_later(accounts: Accounts) -> None:
    accounts.expire()
    accounts.odd = problem(429, "too_many_requests", retry_after=1)
    me = member(accounts, Login(refresh_token="refresh 1"))
    with pytest.raises(TooManyRequests):
        await me.tasks.get_task(TASK_ID)
    accounts.odd = None
    assert (await me.tasks.get_task(TASK_ID)).status == "completed"
    assert accounts.refreshed == ["refresh 1", "refresh 1"]


async def test_a_wrong_password_is_told() -> None:
    service = Service([problem(401, "login_failed")])
    me = MemberClient("http://localhost", Login("ada", "wrong"), transport=service)
    with pytest.raises(Unauthenticated) as raised:
        await me.tasks.get_task(TASK_ID)
    assert raised.value.code == "login_failed"
    assert len(service.asked) == 1


def test_a_login_needs_something_to_log_in_with() -> None:
    with pytest.raises(ValueError, match="password"):
        Login("ada")
