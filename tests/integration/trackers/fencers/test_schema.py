"""The tables: made and taken back with people in them, and read as objects."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import selectinload
from tests.conftest import create_database, database_of
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, Salle

from app.embedded import Endpoints
from app.migrations import config, downgrade, upgrade
from shared.database import create_engine
from trackers.fencers.models import Fencer, FencingRegistration, TrackedFencer

PREFERENCES = text("SELECT event, mode FROM notification_preferences ORDER BY event")


@pytest.fixture
async def filled(servers: Endpoints) -> AsyncIterator[AsyncConnection]:
    """A migrated database with somebody and what they prefer in it; nothing is committed."""
    name = f"t_{uuid4().hex}"
    await create_database(servers, name)
    engine = create_engine(database_of(servers, name), pool_size=1)
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        user = uuid4()
        await connection.execute(text("INSERT INTO users (id, created_at) VALUES (:id, now())"), {"id": user})
        await connection.execute(
            text(
                "INSERT INTO notification_preferences (user_id, subject_id, event, mode)"
                " SELECT :id, CAST(:id AS uuid), event, mode"
                " FROM (VALUES ('a', 'instant'), ('b', 'digest'), ('c', 'off')) AS v (event, mode)"
            ),
            {"id": user},
        )
        yield connection
        await connection.rollback()
    await engine.dispose()


async def test_back_and_forth_on_a_filled_database_loses_nothing(filled: AsyncConnection) -> None:
    before = ScriptDirectory.from_config(config()).get_revision("20261122_fencers").down_revision

    def back(connection: Connection) -> None:
        downgrade(connection, str(before))

    await filled.run_sync(back)
    assert (await filled.execute(PREFERENCES)).all() == [("a", "instant"), ("b", "batched"), ("c", "off")]
    await filled.run_sync(upgrade)
    assert (await filled.execute(PREFERENCES)).all() == [("a", "instant"), ("b", "batched"), ("c", "off")]
    assert (await filled.execute(text("SELECT count(*) FROM users"))).scalar_one() == 1


async def test_a_tracked_fencer_knows_its_person_and_its_registrations(salle: Salle, ada: Person) -> None:
    salle.stage()
    await salle.track(ada, "fencer", ALEX)
    await salle.look()
    async with AsyncSession(salle.container.engine()) as session:
        found = (
            await session.scalars(
                select(TrackedFencer).options(
                    selectinload(TrackedFencer.user),
                    selectinload(TrackedFencer.fencer)
                    .selectinload(Fencer.registrations)
                    .selectinload(FencingRegistration.event),
                )
            )
        ).one()
        assert found.user.id == ada.id
        assert [one.event.upstream_id for one in found.fencer.registrations] == [18_501]
