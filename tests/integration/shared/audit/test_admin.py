"""Admins read the two logs, page by page, and find what they look for."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from tests.conftest import Bench
from tests.integration.shared.audit.conftest import ADMIN

from app.container import AppContainer
from shared.audit.schemas import ActivityEntry, ActorKind, AuditEntry
from shared.ids import new_id

THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER = UUID(int=7)
REFRESH = "/internal/trackers/{tracker_id}/refresh"


@pytest.fixture
async def requests(container: AppContainer) -> list[AuditEntry]:
    """Six requests, one a minute."""
    made = [
        entry(0),
        entry(
            1, actor_kind=ActorKind.BOT, actor_id=OTHER, actor_name="b", route=REFRESH, resource={"tracker_id": "t1"}
        ),
        entry(2, status=409, body={"a": [1, None]}),
        entry(3, method="DELETE", status=204),
        entry(4, actor_kind=ActorKind.ANONYMOUS, actor_id=None, route=None, status=401),
        entry(5, route=REFRESH, resource={"tracker_id": "t2"}, status=503),
    ]
    for one in made:
        await container.audit_writer().add(one)
    return made


@pytest.fixture
async def activity_events(api: Bench, container: AppContainer) -> list[ActivityEntry]:
    """Four happenings, one a minute, and nothing else."""
    await container.standalone_writer().execute(text("DELETE FROM activity_log"))  # that the bot got its key
    made = [
        happening(0, "tracker.registered", user_id=OTHER),
        happening(1, "scrape.failed", subject="target", subject_id="g1"),
        happening(2, "scrape.given_up", subject="target", subject_id="g2"),
        happening(3, "scrapes.counted", details={"n": 1}, actor_kind=ActorKind.USER, actor_id=ADMIN),
    ]
    async with container.database().unit_of_work():
        await container.activity_repository().add_many(made)
    return made


def entry(minute: int, **changes: Any) -> AuditEntry:
    at = THEN + timedelta(minutes=minute)
    values: dict[str, Any] = {
        "id": new_id(at=at),
        "at": at,
        "actor_kind": ActorKind.USER,
        "actor_id": ADMIN,
        "method": "POST",
        "route": "/internal/trackers/add",
        "path": "/internal/trackers/add",
        "status": 201,
        "request_id": f"request-{minute}",
    }
    return AuditEntry(**(values | changes))


def happening(minute: int, event: str, **changes: Any) -> ActivityEntry:
    at = THEN + timedelta(minutes=minute)
    values: dict[str, Any] = {"id": new_id(at=at), "at": at, "subject": "tracker", "subject_id": "t1"}
    return ActivityEntry(event=event, **(values | changes))


async def minutes(http: httpx.AsyncClient, path: str, **wanted: Any) -> list[int]:
    """Which minutes' entries are found, the newest first."""
    answer = await http.get(path, params=wanted)
    assert answer.status_code == 200, answer.text
    moments = [datetime.fromisoformat(item["at"]) for item in answer.json()["items"]]
    return [round((at - THEN).total_seconds() / 60) for at in moments]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [5, 4, 3, 2, 1, 0]),
        ({"actor_id": str(ADMIN)}, [5, 3, 2, 0]),
        ({"actor_id": str(OTHER), "failed": "true"}, []),
        ({"actor_kind": "bot"}, [1]),
        ({"actor_kind": "anonymous"}, [4]),
        ({"method": "DELETE"}, [3]),
        ({"route": REFRESH}, [5, 1]),
        ({"status": 409}, [2]),
        ({"failed": "true"}, [5, 4, 2]),
        ({"failed": "false", "method": "POST"}, [1, 0]),
        ({"resource": "t2"}, [5]),
        ({"since": "2026-03-01T12:02:00Z", "until": "2026-03-01T12:04:00Z"}, [3, 2]),
        ({"since": "2026-03-01T14:04:00+02:00"}, [5, 4]),
        ({"until": "0001-01-01T00:00:00Z"}, []),
        ({"since": "9999-12-31T23:59:59Z"}, []),
    ],
)
async def test_requests_are_found(
    admin: httpx.AsyncClient, requests: list[AuditEntry], wanted: dict[str, Any], found: list[int]
) -> None:
    assert await minutes(admin, "/api/admin/audit", **wanted) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [3, 2, 1, 0]),
        ({"event": "scrape.failed"}, [1]),
        ({"event": "scrape."}, [2, 1]),
        ({"event": "scrape"}, []),
        ({"subject": "target"}, [2, 1]),
        ({"subject_id": "t1"}, [3, 0]),
        ({"subject_id": "t1", "event": "scrapes.counted"}, [3]),
        ({"user_id": str(OTHER)}, [0]),
        ({"user_id": str(OTHER), "subject": "target"}, []),
        ({"since": "2026-03-01T12:01:00Z", "until": "2026-03-01T12:02:00Z"}, [1]),
    ],
)
async def test_happenings_are_found(
    admin: httpx.AsyncClient, activity_events: list[ActivityEntry], wanted: dict[str, Any], found: list[int]
) -> None:
    assert await minutes(admin, "/api/admin/activity", **wanted) == found


@pytest.mark.parametrize("path", ["/api/admin/audit", "/api/admin/activity"])
async def test_pages_go_back_in_time_and_leave_nothing_out(
    admin: httpx.AsyncClient, requests: list[AuditEntry], activity_events: list[ActivityEntry], path: str
) -> None:
    everything = await minutes(admin, path)
    pages, before = [], None
    while True:
        params = {"limit": 2} | ({"before": before} if before else {})
        page = (await admin.get(path, params=params)).json()
        pages += [item["id"] for item in page["items"]]
        before = page["next_before"]
        if before is None:
            break
    assert len(pages) == len(set(pages)) == len(everything)
    assert pages == sorted(pages, reverse=True)


async def test_an_entry_is_told_whole(
    admin: httpx.AsyncClient, requests: list[AuditEntry], activity_events: list[ActivityEntry]
) -> None:
    (item,) = (await admin.get("/api/admin/audit", params={"status": 409})).json()["items"]
    assert item == {
        "id": str(requests[2].id),
        "at": "2026-03-01T12:02:00Z",
        "actor_kind": "user",
        "actor_id": str(ADMIN),
        "actor_name": None,
        "method": "POST",
        "route": "/internal/trackers/add",
        "path": "/internal/trackers/add",
        "resource": None,
        "status": 409,
        "address": None,
        "user_agent": None,
        "request_id": "request-2",
        "body": {"a": [1, None]},
        "mentions": None,
    }
    (item,) = (await admin.get("/api/admin/activity", params={"event": "scrapes.counted"})).json()["items"]
    assert item == {
        "id": str(activity_events[3].id),
        "at": "2026-03-01T12:03:00Z",
        "event": "scrapes.counted",
        "subject": "tracker",
        "subject_id": "t1",
        "user_id": None,
        "actor_kind": "user",
        "actor_id": str(ADMIN),
        "details": {"n": 1},
        "request_id": None,
    }


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "before=x", "status=99", "method=GET", "actor_kind=god", "since=yesterday", "failed=x"],
)
async def test_a_question_that_means_nothing_is_422(admin: httpx.AsyncClient, query: str) -> None:
    answer = await admin.get(f"/api/admin/audit?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert query.partition("=")[0] in answer.json()["errors"][0]["field"]


async def test_bots_and_strangers_read_neither(api: Bench) -> None:
    for path in ("/api/admin/audit", "/api/admin/activity"):
        assert (await api.http.get(path)).status_code == 401
        assert (await api.http.get(path, headers={"Authorization": ""})).status_code == 401


async def test_an_admin_finds_what_a_bot_just_did(
    api: Bench, bot_key: str, container: AppContainer, admin: httpx.AsyncClient
) -> None:
    bot = {"Authorization": f"Bearer {bot_key}"}
    tracker = uuid4()
    await admin.post(f"/internal/trackers/{tracker}/refresh", headers=bot)
    answer = await admin.get("/api/admin/audit", params={"resource": str(tracker)})
    assert [(item["status"], item["actor_name"]) for item in answer.json()["items"]] == [(404, "test bot")]
