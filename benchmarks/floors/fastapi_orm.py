"""Floor of `api_read`: what is commonly built, FastAPI with a session per request, ORM objects and a pydantic model.

One query with eager joins, no lazy loads, no authentication, no log line: the common stack at its best.
"""

import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, relationship

from app.models import METADATA
from benchmarks.floors.serving import serve


class Base(DeclarativeBase):
    metadata = METADATA


class Schedule(Base):
    __table__ = METADATA.tables["scrape_schedule"]


class Target(Base):
    __table__ = METADATA.tables["scrape_targets"]
    schedule: Mapped[Schedule | None] = relationship(uselist=False, viewonly=True)


class Account(Base):
    __table__ = METADATA.tables["game_accounts"]
    target: Mapped[Target] = relationship(viewonly=True)


class Tracker(Base):
    __table__ = METADATA.tables["game_trackers"]
    account: Mapped[Account] = relationship(viewonly=True)


class TrackerModel(BaseModel):
    id: UUID
    user_id: UUID
    url: str
    profile_url: str
    game: str
    platform: str
    identifier: str
    display: str
    handle: str | None
    avatar_url: str | None
    current_season: str | None
    active: bool
    created_at: datetime
    status: str
    reason: str | None
    error: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    last_changed_at: datetime | None
    next_fetch_at: datetime | None


def create_app(database: str, profile_url: str) -> FastAPI:
    engine = create_async_engine(database, pool_size=10, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    app = FastAPI()

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    @app.get("/internal/trackers/{tracker_id}", response_model=TrackerModel)
    async def tracker(tracker_id: UUID, session: Annotated[AsyncSession, Depends(session)]) -> Any:
        statement = (
            select(Tracker)
            .where(Tracker.__table__.c.id == tracker_id, Tracker.__table__.c.deleted_at.is_(None))
            .options(
                joinedload(Tracker.account, innerjoin=True)
                .joinedload(Account.target, innerjoin=True)
                .joinedload(Target.schedule)
            )
        )
        found = (await session.scalars(statement)).one_or_none()
        if found is None:
            raise HTTPException(status_code=404)
        return view(found, profile_url)

    return app


def view(tracker: Any, profile_url: str) -> TrackerModel:
    account, target = tracker.account, tracker.account.target
    schedule = target.schedule
    leased = schedule is not None and schedule.lease_until is not None
    waiting = (schedule is not None and schedule.run_id is not None) or target.last_status is None
    failed = not leased and not waiting and target.last_status == "failed"
    return TrackerModel(
        id=tracker.id,
        user_id=tracker.user_id,
        url=tracker.url,
        profile_url=profile_url,
        game=account.game,
        platform=account.platform,
        identifier=account.identifier,
        display=account.display,
        handle=account.handle,
        avatar_url=account.avatar_url,
        current_season=account.current_season,
        active=tracker.active,
        created_at=tracker.created_at,
        status="in_progress" if leased else "pending" if waiting else target.last_status,
        reason=target.last_reason if failed else None,
        error=target.last_error if failed else None,
        last_attempt_at=target.last_attempt_at,
        last_success_at=target.last_success_at,
        last_changed_at=target.last_changed_at,
        next_fetch_at=schedule.due_at if schedule else None,
    )


if __name__ == "__main__":
    serve(create_app(sys.argv[1], sys.argv[2]))
