"""A service that answers what it is told to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest

Answer = httpx.Response | httpx.TransportError
TASK = {
    "id": "0190d1a5-7c1b-7a51-9d3c-5d9f6a1b2c3d",
    "status": "completed",
    "requested_at": "2026-03-01T12:00:00Z",
    "source": "games",
    "key": "somebody",
}


def problem(status: int, code: str, *, retry_after: int | None = None, **extra: Any) -> httpx.Response:
    headers = {"content-type": "application/problem+json", "x-request-id": "the-request"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    body = {"title": "No", "status": status, "detail": "Do this instead.", "code": code, "request_id": "the-request"}
    return httpx.Response(status, json={**body, **extra}, headers=headers)


@dataclass
class Service(httpx.AsyncBaseTransport):
    """Gives its answers in order, the last one again and again, and keeps what it was asked."""

    answers: Sequence[Answer] = ()
    by: Callable[[httpx.Request], Awaitable[httpx.Response]] | None = None
    asked: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        if self.by is not None:
            return await self.by(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, httpx.TransportError):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def bodies(self) -> list[Any]:
        return [msgspec.json.decode(request.content) for request in self.asked]


@pytest.fixture
def service() -> Service:
    return Service()
