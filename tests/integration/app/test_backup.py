"""Backup and restore, rehearsed: what comes back is what was there, or nothing is touched."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from tests.conftest import container_of, create_database, database_of, drop_database
from tests.integration.app.command import trackers
from tests.integration.people import PASSWORD, People

from app.backup import BackupError, back_up, read_back, restore
from app.container import AppContainer
from app.doctor import _secret as secret_finding
from app.embedded import Endpoints
from app.migrations import config, head, upgrade
from shared.database import create_engine
from shared.ids import new_id

EMPTY = "t_to_restore_into"
TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
HOOK = b'{"url": "https://bot.example.org/hook"}'


@pytest.fixture
async def empty(servers: Endpoints) -> AsyncIterator[str]:
    """A database with nothing in it."""
    await create_database(servers, EMPTY)
    yield database_of(servers, EMPTY)
    await drop_database(servers, EMPTY)


def previous() -> str:
    """The revision before the newest."""
    script = ScriptDirectory.from_config(config()).get_revision("head")
    assert script is not None
    return str(script.down_revision)


async def contents(url: str) -> dict[str, tuple[int, str]]:
    """Of every table how many rows it has, and a digest of them."""
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            found = {}
            for table in (await connection.execute(TABLES)).scalars().all():
                whole = f'FROM "{table}" AS t'
                digests = f"SELECT count(*), coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') {whole}"
                count, digest = (await connection.execute(text(digests))).one()
                found[table] = (count, digest)
            return found
    finally:
        await engine.dispose()


async def with_a_channel(container: AppContainer, people: People) -> None:
    """Somebody with a sealed channel."""
    person, channel = await people.register(), new_id()
    sealed = container.notifications.encryption().seal(channel, HOOK)
    async with container.database().transaction() as session:
        await session.execute(
            text(
                "INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at)"
                " VALUES (:id, :user, 'webhook', 'my server', :sealed, 'bot.example.org', 'bot.example.org', now())"
            ),
            {"id": channel, "user": person.id, "sealed": sealed},
        )


@pytest.mark.slow
async def test_everything_comes_back_and_opens_under_the_same_secret(
    environ: dict[str, str], container: AppContainer, people: People, bot_key: str, empty: str, tmp_path: Path
) -> None:
    await with_a_channel(container, people)
    before = await contents(environ["TRACKERS_DATABASE_URL"])
    file = tmp_path / "trackers.dump"

    made = trackers(environ, "backup", str(file))
    assert made.returncode == 0, made.stderr
    assert head() in made.stdout
    assert "TRACKERS_SECRET_KEY) is not in it" in made.stderr
    assert file.stat().st_mode & 0o077 == 0
    assert environ["TRACKERS_SECRET_KEY"].encode() not in file.read_bytes()

    elsewhere = {**environ, "TRACKERS_DATABASE_URL": empty}
    restored = trackers(elsewhere, "restore", str(file))
    assert restored.returncode == 0, restored.stderr
    assert await contents(empty) == before
    assert sum(count for count, _ in before.values()) > 5

    again = container_of(elsewhere)
    try:
        async with again.database().unit_of_work():
            (key,) = (await again.users.keys().every_key()).items
        assert await secret_finding(again) == "decrypts the stored channels"
        assert bot_key.startswith(f"trk_{key.prefix}_")
        assert (await People(people.http, again).login(password=PASSWORD)).status_code == 200
    finally:
        await again.database().close()
        await again.redis().aclose()
    mistaken = {**elsewhere, "COLUMNS": "300", "TRACKERS_SECRET_KEY": "another secret, as long as the one before"}
    other = trackers(mistaken, "doctor")
    assert other.returncode == 1
    assert "encrypted with another secret" in other.stdout
    assert re.search(r"Valkey 9\.\d.*: appendonly is off", other.stdout)  # as it is in tests


async def test_nothing_is_overwritten(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "trackers.dump"
    back_up(database_url, file)
    held = file.read_bytes()
    with pytest.raises(BackupError, match="exists already"):
        back_up(database_url, file)
    assert file.read_bytes() == held
    before = await contents(database_url)
    with pytest.raises(BackupError, match="nothing is overwritten"):
        await restore(database_url, file)
    assert await contents(database_url) == before


@pytest.mark.slow
async def test_an_older_backup_is_brought_to_this_versions_schema(
    environ: dict[str, str], empty: str, servers: Endpoints, tmp_path: Path
) -> None:
    name, before_head, file = "t_older", previous(), tmp_path / "older.dump"
    await create_database(servers, name)
    engine = create_engine(database_of(servers, name), pool_size=1)
    async with engine.connect() as connection:
        await connection.run_sync(upgrade, before_head)
        await connection.commit()
    await engine.dispose()
    assert back_up(database_of(servers, name), file).revision == before_head
    restored = trackers({**environ, "TRACKERS_DATABASE_URL": empty}, "restore", str(file))
    assert f"{before_head} -> {head()}" in restored.stdout, restored.stderr
    await drop_database(servers, name)


async def test_a_backup_of_a_newer_version_is_left_alone(
    database_url: str, container: AppContainer, empty: str, tmp_path: Path
) -> None:
    async with container.database().transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
    assert back_up(database_url, tmp_path / "newer.dump").revision == "of_tomorrow"
    with pytest.raises(BackupError, match=r"made by a newer version of Trackers \(revision of_tomorrow\)"):
        await restore(empty, tmp_path / "newer.dump")
    assert await contents(empty) == {}


async def test_a_file_cut_short_is_no_backup(database_url: str, empty: str, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.dump", tmp_path / "cut.dump"
    size = back_up(database_url, whole).bytes
    for left in (0, 3, size // 2, size - 1):
        cut.write_bytes(whole.read_bytes()[:left])
        with pytest.raises(BackupError, match="pg_restore"):
            await restore(empty, cut)
    assert await contents(empty) == {}


async def test_a_backup_that_fails_leaves_no_file(servers: Endpoints, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="pg_dump"):
        back_up(database_of(servers, "t_nowhere"), tmp_path / "trackers.dump")
    assert not os.listdir(tmp_path)  # noqa: PTH208 -- at once, in a test that waits for nothing else


async def test_two_backups_at_once_are_both_whole_or_the_second_is_refused(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "trackers.dump"
    made = await asyncio.gather(
        *(asyncio.to_thread(back_up, database_url, file) for _ in range(3)), return_exceptions=True
    )
    refused = [one for one in made if isinstance(one, BackupError)]
    assert [str(one) for one in refused] == [f"{file} exists already: choose another name"] * 2
    assert read_back(file).revision == head()
    assert os.listdir(tmp_path) == [file.name]  # noqa: PTH208 -- at once, in a test that waits for nothing else


async def test_a_file_or_link_that_waits_for_the_backup_gets_nothing_of_it(database_url: str, tmp_path: Path) -> None:
    theirs, file = tmp_path / "theirs", tmp_path / "trackers.dump"
    theirs.touch(0o666)
    file.with_name(f"{file.name}.partial").symlink_to(theirs)
    back_up(database_url, file)
    assert theirs.read_bytes() == b""
    assert (file.stat().st_mode & 0o077, file.stat().st_nlink) == (0, 1)
    elsewhere = tmp_path / "link"
    elsewhere.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BackupError, match="exists already"):
        back_up(database_url, elsewhere)


@pytest.mark.slow
def test_certificates_are_passed_on_and_another_database_is_not(environ: dict[str, str], tmp_path: Path) -> None:
    given = {"PGSSLROOTCERT": "/etc/ours.pem", "PGDATABASE": "of_another", "PGOPTIONS": "-c work_mem=nonsense"}
    made = trackers({**environ, **given}, "backup", str(tmp_path / "b.dump"))
    assert made.returncode == 0, made.stderr
    strict = {**environ, "PGSSLMINPROTOCOLVERSION": "none such"}
    refused = trackers(strict, "backup", str(tmp_path / "c.dump"))
    assert refused.returncode == 1
    assert "ssl_min_protocol_version" in refused.stderr


def test_neither_goes_through_a_pooler(environ: dict[str, str], tmp_path: Path) -> None:
    refused = trackers({**environ, "TRACKERS_DATABASE_POOLER": "true"}, "backup", str(tmp_path / "b.dump"))
    assert refused.returncode == 1
    assert "of the server itself" in refused.stderr
