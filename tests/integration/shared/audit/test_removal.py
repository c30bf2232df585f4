"""What leaves the logs again: old entries, and what tells of a person who is erased."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from dependency_injector import providers
from litestar import delete
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from sqlalchemy.ext.asyncio import AsyncSession
from tests.clock import START, FixedClock
from tests.conftest import container_of
from tests.integration.shared.audit.conftest import ADMIN, Rows, served

from app.container import AppContainer
from shared.audit.repository import AuditRepository
from shared.audit.schemas import ActivityEntry, ActorKind, AuditEntry
from shared.ids import new_id
from shared.redaction import mentioned

SENT = {"display_name": "Me"}
PSEUDONYM = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")


def entry(*, days_old: int = 0, actor_id: UUID = ADMIN, body: object = SENT) -> AuditEntry:
    at = START - timedelta(days=days_old)
    return AuditEntry(
        id=new_id(at=at),
        at=at,
        actor_kind=ActorKind.USER,
        actor_id=actor_id,
        method="PATCH",
        route="/api/users/{user_id}",
        path="/api/users/1",
        resource={"user_id": "1"},
        status=200,
        address="192.0.2.1",
        user_agent="curl",
        request_id="request-1",
        body=body,
        mentions=sorted(mentioned(body)) or None,
    )


def happening(*, days_old: int = 0, user_id: UUID = ADMIN) -> ActivityEntry:
    at = START - timedelta(days=days_old)
    return ActivityEntry(
        id=new_id(at=at), at=at, event="a.b", subject="a", subject_id="1", user_id=user_id, details={"name": "Me"}
    )


async def write(container: AppContainer, entries: list[AuditEntry], activity_events: list[ActivityEntry]) -> None:
    async with container.database().unit_of_work():
        for one in entries:
            await container.audit_repository().add(one)
        await container.activity_repository().add_many(activity_events)


async def test_each_log_keeps_its_days(environ: dict[str, str], audited: Rows, activities: Rows) -> None:
    container = container_of({**environ, "TRACKERS_AUDIT_KEEP_DAYS": "30", "TRACKERS_ACTIVITY_KEEP_DAYS": "10"})
    container.clock.override(providers.Object(FixedClock()))
    await write(
        container,
        [entry(days_old=days) for days in (31, 29, 0)],
        [happening(days_old=days) for days in (31, 29, 11, 9)],
    )
    assert await container.retention().remove_old() == 4
    assert await container.retention().remove_old() == 0
    assert (len(await audited()), len(await activities())) == (2, 1)
    await container.database().close()


async def test_old_entries_go_by_themselves(container: AppContainer) -> None:
    (job,) = [job for job in container.jobs() if job.name == "audit.remove_old_entries"]
    assert job.seconds is not None
    assert await job.run() == 0


async def test_of_an_erased_person_it_stays_that_something_was_asked(
    container: AppContainer, audited: Rows, activities: Rows
) -> None:
    somebody = UUID(int=7)
    await write(container, [entry(), entry(actor_id=somebody)], [happening(), happening(user_id=somebody)])
    before = {row["actor_id"]: row for row in await audited()}
    async with container.database().transaction() as session:
        await AuditRepository(session).forget_person(ADMIN, [], pseudonym=PSEUDONYM)
    lost = dict.fromkeys(("address", "user_agent", "resource", "body", "request_id"))
    renamed = {"actor_id": PSEUDONYM, "path": before[ADMIN]["route"]}
    after = {row["actor_id"]: row for row in await audited()}
    assert after == {PSEUDONYM: {**before[ADMIN], **lost, **renamed}, somebody: before[somebody]}
    details = {row["user_id"]: row["details"] for row in await activities()}
    assert details == {PSEUDONYM: None, somebody: {"name": "Me"}}


async def test_the_request_for_erasure_is_forgotten_too(container: AppContainer, audited: Rows) -> None:
    @delete("/me")
    async def erase(session: NamedDependency[SkipValidation[AsyncSession]]) -> None:
        await AuditRepository(session).forget_person(ADMIN, [], pseudonym=PSEUDONYM)

    async with served(container, erase) as http:
        assert (await http.delete("/me")).status_code == 204
    rows: list[dict[str, Any]] = await audited()
    assert [(row["actor_id"], row["route"], row["address"], row["user_agent"]) for row in rows] == [
        (PSEUDONYM, "/me", None, None)
    ]


async def test_what_others_sent_about_an_erased_person_is_forgotten(container: AppContainer, audited: Rows) -> None:
    bot = UUID(int=9)
    about = [
        {"user_id": "281474976710656001", "urls": ["x"]},
        {"members": [{"user_id": "1"}, {"user_id": "281474976710656001"}]},
        {"user_id": "281474976710656002"},
        {"note": "nobody's"},
    ]
    await write(container, [entry(actor_id=bot, body=body) for body in about], [])
    async with container.database().transaction() as session:
        await AuditRepository(session).forget_person(ADMIN, ["281474976710656001"], pseudonym=PSEUDONYM)
    rows = await audited()
    kept = [row["body"] for row in rows if row["body"] is not None]
    assert sorted(kept, key=str) == sorted(about[2:], key=str)
    gone = [row for row in rows if row["body"] is None]
    assert all(row["mentions"] == [str(PSEUDONYM)] and row["address"] == "192.0.2.1" for row in gone)
    assert all(row["path"] == row["route"] and row["resource"] is None and row["request_id"] is None for row in gone)


async def test_of_a_login_where_it_came_from_is_forgotten_with_the_person(
    container: AppContainer, audited: Rows
) -> None:
    login = msgspec.structs.replace(entry(), actor_kind=ActorKind.ANONYMOUS, actor_id=None, mentions=[str(ADMIN)])
    await write(container, [login], [])
    async with container.database().transaction() as session:
        await AuditRepository(session).forget_person(ADMIN, [], pseudonym=PSEUDONYM)
    (row,) = await audited()
    assert (row["address"], row["user_agent"], row["mentions"]) == (None, None, [str(PSEUDONYM)])


async def test_in_what_happened_to_others_an_erased_persons_id_is_replaced(
    container: AppContainer, activities: Rows
) -> None:
    other, tracker = UUID(int=7), str(UUID(int=8))
    handed = {"subject": "tracker", "subject_id": tracker, "details": {"from": str(ADMIN), "to": str(other)}}
    replaced = msgspec.structs.replace
    await write(
        container,
        [],
        [
            replaced(happening(), **handed),
            replaced(happening(user_id=other), **handed),
            replaced(happening(user_id=other), actor_kind=ActorKind.USER, actor_id=ADMIN),
            replaced(happening(user_id=other), subject="user", subject_id=str(ADMIN)),
        ],
    )
    async with container.database().transaction() as session:
        await AuditRepository(session).forget_person(ADMIN, [], pseudonym=PSEUDONYM)
    mine, theirs, done, named = await activities()
    assert (mine["user_id"], mine["details"]) == (PSEUDONYM, None)
    assert (theirs["user_id"], theirs["details"]) == (other, {"from": str(PSEUDONYM), "to": str(other)})
    assert (done["actor_id"], done["details"]) == (PSEUDONYM, {"name": "Me"})
    assert (named["subject_id"], named["details"]) == (str(PSEUDONYM), None)
