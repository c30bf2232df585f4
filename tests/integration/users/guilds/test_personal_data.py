"""What guilds hold about a person: shown, erased, handed over."""

from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from tests.integration.users.guilds.conftest import GUILD, OTHER_GUILD, Guilds

from app.container import AppContainer

ADA, BEN = "281474976710656001", "281474976710656002"


@pytest.fixture
async def people(guilds: Guilds) -> dict[str, UUID]:
    """Ada runs one guild and is in the other; Ben is in the first."""
    await guilds.put(name="Comet Club")
    await guilds.put(OTHER_GUILD, name="Archers")
    await guilds.join(ADA, admin=True)
    await guilds.join(ADA, guild_id=OTHER_GUILD)
    return await guilds.join(BEN)


async def places(container: AppContainer) -> set[tuple[str, UUID, bool]]:
    rows = await container.reader().rows(text("SELECT guild_id, user_id, admin FROM guild_members"))
    return {(row["guild_id"], row["user_id"], row["admin"]) for row in rows}


async def test_a_person_is_shown_where_they_are_a_member(container: AppContainer, people: dict[str, UUID]) -> None:
    async with container.database().unit_of_work():
        locked = container.users.guild_personal_data()
        shown = msgspec.to_builtins(await locked.export(people[ADA]))
        nobody = await locked.export(UUID(int=1))
    assert locked.name == "guilds"
    assert [(row["guild_id"], row["name"], row["admin"]) for row in shown] == [
        (OTHER_GUILD, "Archers", False),
        (GUILD, "Comet Club", True),
    ]
    assert all(row["joined_at"] for row in shown)
    assert [[(one["external_id"], one["admin"]) for one in row["identities"]] for row in shown] == [
        [(ADA, False)],
        [(ADA, True)],
    ]
    assert nobody == []


async def test_erasing_ends_ones_own_memberships_only(container: AppContainer, people: dict[str, UUID]) -> None:
    async with container.database().unit_of_work():
        await container.users.guild_personal_data().erase(people[ADA])
    assert await places(container) == {(GUILD, people[BEN], False)}


async def test_memberships_move_and_an_admin_stays_one(container: AppContainer, people: dict[str, UUID]) -> None:
    async with container.database().unit_of_work():
        await container.users.guild_personal_data().hand_over(people[ADA], to=people[BEN])
    assert await places(container) == {(GUILD, people[BEN], True), (OTHER_GUILD, people[BEN], False)}


async def test_who_was_an_admin_before_stays_one_too(container: AppContainer, people: dict[str, UUID]) -> None:
    async with container.database().unit_of_work():
        await container.users.guild_personal_data().hand_over(people[BEN], to=people[ADA])
    assert await places(container) == {(GUILD, people[ADA], True), (OTHER_GUILD, people[ADA], False)}
