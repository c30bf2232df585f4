"""The command, as an operator types it: real processes on a home of their own where processes are the subject."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from dependency_injector import providers
from tests.conftest import Databases, container_of
from tests.integration.app.command import trackers, trackers_here
from tests.upstreams.client import SimulatedSites
from tests.waiting import LIMIT_S, eventually_sync

from app.container import running_app
from app.worker import WorkerProcess
from shared.clock import SystemClock
from shared.jobs import Job
from shared.scraping.repository import ScrapingRepository

BOT_LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/auto-operator/overview"
PASSWORD = "a password for an admin"


@pytest.fixture(scope="session")
def running_sites(sites_on_machine_time: SimulatedSites) -> SimulatedSites:
    return sites_on_machine_time


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home where an unprivileged database user can reach it."""
    made = Path("/dev/shm") / f"trackers-cli-{os.getpid()}"  # noqa: S108 -- a folder of our own in it
    made.mkdir(mode=0o711)
    yield made
    subprocess.run(["rm", "-rf", str(made)], check=True)  # noqa: S603, S607 -- the folder made above


def processes_of(home: Path) -> list[str]:
    """Command lines of living processes that name the home."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            alive = "State:\tZ" not in (folder / "status").read_text()
        except OSError:
            continue
        if str(home) in line and alive:
            found.append(line)
    return found


@contextmanager
def up(environ: dict[str, str], home: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`trackers up` on a free port, with its address."""
    log = (home / "up.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "up"], env={**os.environ, **environ}, stdout=log, stderr=log
    )

    def address() -> str | None:
        assert process.poll() is None, (home / "up.log").read_text()
        for line in (home / "up.log").read_text().splitlines():
            if '"api_listens"' in line:
                return str(json.loads(line)["address"])
        return None

    try:
        yield process, str(eventually_sync(address, what="the API listens"))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        log.close()


@pytest.fixture
def environ(home: Path, sites: SimulatedSites) -> dict[str, str]:  # another one than the tests' common one
    return {
        "TRACKERS_HOME": str(home),
        "TRACKERS_PORT": "0",
        "TRACKERS_GAMES_BASE_URL": sites.games.url,
        "TRACKERS_GAMES_DELAY": "0.05",
        "TRACKERS_GAMES_JITTER": "0.01",
    }


@pytest.fixture
def stores(environ: dict[str, str], database_url: str, redis_url: str) -> dict[str, str]:
    """Servers that are there, with this version's schema: no command starts any of its own."""
    return {**environ, "TRACKERS_DATABASE_URL": database_url, "TRACKERS_REDIS_URL": redis_url, "COLUMNS": "300"}


@pytest.fixture
def empty(stores: dict[str, str], databases: Databases) -> Iterator[dict[str, str]]:
    """The same, without a schema."""
    with databases.fresh() as url:
        yield {**stores, "TRACKERS_DATABASE_URL": url}


@pytest.mark.slow
def test_one_command_brings_everything_up_and_down_again(environ: dict[str, str], home: Path) -> None:
    with up(environ, home) as (process, address):
        key = trackers(environ, "keys", "create", "my bot").stdout.strip()
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}) as http:
            body = {"user_id": "281474976710656001", "urls": [BOT_LINK]}
            made = http.post("/internal/trackers/register-multiple", json=body)
            assert made.status_code == 201, made.text
            tracker = f"/internal/trackers/{made.json()['trackers'][0]['id']}"
            eventually_sync(lambda: http.get(tracker).json()["status"] == "completed", what="it is fetched")
            assert len(http.get(f"{tracker}/snapshots").json()["items"]) == 4  # the season and three before it
        told = trackers({**environ, "COLUMNS": "300"}, "scrape", "games", BOT_LINK).stdout
        for step in ("robots.txt", "next slot", "GET http", "HTTP 200", "recorded", "outcome  completed"):
            assert step in told, told
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    assert processes_of(home) == []


@pytest.mark.slow
def test_killing_it_leaves_nothing_behind_and_loses_nothing(environ: dict[str, str], home: Path) -> None:
    with up(environ, home) as (process, address):
        key = trackers(environ, "keys", "create", "my bot").stdout.strip()
        headers = {"Authorization": f"Bearer {key}"}
        body = {"user_id": "281474976710656001", "urls": [BOT_LINK]}
        made = httpx.post(f"{address}/internal/trackers/register-multiple", json=body, headers=headers)
        process.kill()
        process.wait()
        eventually_sync(lambda: not processes_of(home), what="nothing is left")
    (home / "up.log").unlink()
    with up(environ, home) as (_, address):
        tracker = f"{address}/internal/trackers/{made.json()['trackers'][0]['id']}"
        eventually_sync(
            lambda: httpx.get(tracker, headers=headers).json()["status"] == "completed", what="it is fetched"
        )


@pytest.mark.slow
def test_a_child_that_falls_is_started_again(environ: dict[str, str], home: Path) -> None:
    def started() -> int:
        return (home / "up.log").read_text().count('"worker_started"')

    with up(environ, home) as (process, address):
        eventually_sync(lambda: started() == 1, what="the worker works")
        (worker,) = subprocess.run(  # noqa: S603 -- a fixed command
            ["pgrep", "-f", "-P", str(process.pid), "app worker"],  # noqa: S607 -- procps's, wherever it lies
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        os.kill(int(worker), signal.SIGKILL)
        eventually_sync(lambda: started() == 2, what="it is back")
        assert "process_ended" in (home / "up.log").read_text()
        assert httpx.get(f"{address}/health/ready").status_code == 200


@pytest.mark.parametrize("command", ["api", "up"])
def test_a_taken_port_is_told_in_words(stores: dict[str, str], command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = trackers_here({**stores, "TRACKERS_PORT": str(taken.getsockname()[1])}, command)
    assert answer.returncode == 1
    assert "set TRACKERS_PORT to a free port" in answer.stderr
    assert "starting" not in answer.stderr
    assert "migrating" not in answer.stderr


@pytest.mark.slow
def test_a_process_that_ends_early_is_started_again_ever_later(environ: dict[str, str], home: Path) -> None:
    """The third start of the worker works."""
    starts = home / "starts"
    (home / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if sys.orig_argv[-1] == 'worker':\n"
        f"    with open({str(starts)!r}, 'a+b') as file:\n"
        "        file.write(b'x')\n"
        "        file.flush()\n"
        "        if file.tell() < 3: os._exit(3)\n"
    )
    with up({**environ, "PYTHONPATH": str(home)}, home) as (process, address):
        log = home / "up.log"
        eventually_sync(lambda: '"worker_started"' in log.read_text(), what="the worker works")
        ends = [json.loads(line) for line in log.read_text().splitlines() if '"process_ended"' in line]
        assert [(end["name"], end["code"], end["restart_in_s"]) for end in ends] == [("worker", 3, 1), ("worker", 3, 2)]
        assert httpx.get(f"{address}/health/ready").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


@pytest.mark.slow
def test_nothing_is_run_from_the_working_directory(
    environ: dict[str, str], home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    traps = tmp_path_factory.mktemp("traps")
    sprung = traps / "sprung"
    for module in ("app", "limits", "shared", "users", "trackers", "uvicorn", "arq", "asyncio", "sitecustomize"):
        (traps / f"{module}.py").write_text(f"open({str(sprung)!r}, 'a').write({module!r})\nraise SystemExit(7)\n")
    log = (home / "up.log").open("ab")
    command = Path(sys.executable).with_name("trackers")
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [command, "up"], env={**os.environ, **environ}, stdout=log, stderr=log, cwd=traps
    )
    try:
        eventually_sync(lambda: '"worker_started"' in (home / "up.log").read_text(), what="the worker works")
        eventually_sync(lambda: '"api_listens"' in (home / "up.log").read_text(), what="the API listens")
    finally:
        process.terminate()
        process.wait()
        log.close()
    assert not sprung.exists(), sprung.read_text()


@pytest.mark.slow
def test_in_a_terminal_the_address_is_shown_and_logs_do_not_grow_for_ever(environ: dict[str, str], home: Path) -> None:
    (home / "logs").mkdir()
    (home / "logs" / "api.log").write_bytes(b"x" * 10_000_001)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "up"],
        env={**os.environ, **environ, "COLUMNS": "300"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = ""
    try:
        while "Ctrl-C" not in shown:
            shown += os.read(ours, 10_000).decode()
        assert shown.index("starting PostgreSQL and Valkey") < shown.index("API ")
        assert re.search(r"http://127\.0\.0\.1:[1-9]\d+", shown)
        assert (home / "logs" / "api.log.1").stat().st_size == 10_000_001
        assert (home / "logs" / "api.log").stat().st_size < 100_000
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(OSError):  # the terminal is gone
            while os.read(ours, 10_000):
                pass
        os.close(ours)
        assert process.wait(LIMIT_S) == 0


def test_wrong_settings_are_told_in_words(environ: dict[str, str]) -> None:
    answer = trackers_here({**environ, "TRACKERS_PORT": "many", "TRACKERS_ENV": "production"}, "up")
    assert answer.returncode == 1
    assert "TRACKERS_PORT" in answer.stderr


def test_the_schema_is_printed_without_any_server() -> None:
    answer = trackers_here({"TRACKERS_HOME": "/nonexistent/home"}, "openapi")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["openapi"].startswith("3.")


def test_the_first_admin_is_made_by_the_operator(stores: dict[str, str]) -> None:
    login = ("users", "create-admin", "--username", "root", "--password-stdin")
    made = trackers_here(stores, *login, "--discord-id", "281474976710656001", entered=f"{PASSWORD}\n")
    assert "is an admin" in made.stdout, made.stderr
    assert trackers_here(stores, *login, "--discord-id", "me", entered=f"{PASSWORD}\n").returncode == 2
    assert trackers_here(stores, "users", "create-admin", "--discord-id", "281474976710656001").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("api",),
        ("worker", "--burst"),
        ("scrape", "games", BOT_LINK),
        ("keys", "create", "x"),
        ("users", "set-password", "root", "--password-stdin"),
    ],
)
def test_commands_that_need_the_schema_say_so(empty: dict[str, str], arguments: tuple[str, ...]) -> None:
    answer = trackers_here(empty, *arguments, entered=f"{PASSWORD}\n")
    assert answer.returncode == 1
    assert "run `trackers migrate` first" in answer.stderr


def test_servers_that_are_away_are_told_in_words(environ: dict[str, str]) -> None:
    away = {
        "TRACKERS_DATABASE_URL": "postgresql://me:sesame@127.0.0.1:9/x",
        "TRACKERS_REDIS_URL": "redis://127.0.0.1:9",
    }
    for arguments in (("api",), ("worker",), ("migrate",), ("keys", "create", "x")):
        answer = trackers_here({**environ, **away}, *arguments)
        assert answer.returncode == 1, arguments
        assert "does not answer" in answer.stderr
        assert "sesame" not in answer.stderr


def test_scrape_says_what_is_wrong_with_what_was_typed(stores: dict[str, str]) -> None:
    for arguments, words in (
        (("nowhere", "x"), "There is no source 'nowhere'"),
        (("games", "https://example.org/x"), "is not a supported site"),
        (("games", "rocket-league:epic:missing-player"), "not_found"),
    ):
        answer = trackers_here(stores, "scrape", *arguments)
        assert answer.returncode != 0
        assert words in answer.stdout, answer.stdout + answer.stderr


def test_somebody_is_blocked_listed_and_unblocked(stores: dict[str, str]) -> None:
    made = trackers_here(stores, "block", "hiscores", "Quiet_Lynx", "--reason", "asked by mail")
    assert (made.returncode, made.stdout.endswith(": quiet lynx\n")) == (0, True), made.stderr
    block_id = made.stdout.split()[1].rstrip(":")
    listed = trackers_here(stores, "blocked").stdout
    assert f"trackers block hiscores 'quiet lynx' --reason 'asked by mail'  # {block_id}" in listed
    assert "left alone" in trackers_here(stores, "scrape", "hiscores", "quiet lynx").stdout
    for arguments, words in (
        (("block", "hiscores", "Quiet_Lynx"), "already"),
        (("block", "flights", "JFK"), "fencers"),
        (("block", "hiscores", "x" * 3000), "length"),
    ):
        answer = trackers_here(stores, *arguments)
        assert (answer.returncode, words in answer.stderr) == (1, True), answer.stderr
    assert trackers_here(stores, "unblock", block_id).returncode == 0
    assert trackers_here(stores, "blocked").stdout == ""
    assert "lifted already" in trackers_here(stores, "unblock", block_id).stderr


def test_a_key_that_is_none_of_ours_cannot_be_revoked(stores: dict[str, str]) -> None:
    answer = trackers_here(stores, "keys", "revoke", "nosuchkey0")
    assert answer.returncode == 1
    assert "no working key" in answer.stderr


def test_keys_are_listed_without_what_makes_them_keys(environ: dict[str, str], home: Path) -> None:
    made = trackers_here(environ, "keys", "create", "my bot", "--scope", "trackers:read")
    assert f"in the database under {home}" in made.stderr
    shown = trackers_here({**environ, "COLUMNS": "200"}, "keys", "list").stdout
    _, prefix, secret = made.stdout.strip().split("_", 2)
    for words in (prefix, "my bot", "trackers:read"):
        assert words in shown
    assert secret not in shown


def test_a_scope_that_opens_nothing_is_refused(stores: dict[str, str]) -> None:
    answer = trackers_here(stores, "keys", "create", "my bot", "--scope", "hiscores")
    assert answer.returncode == 1
    assert "trackers, trackers:read, trackers:write" in answer.stderr


def test_a_burst_counts_the_jobs_that_raised(database_url: str, redis_url: str) -> None:
    container = container_of({"TRACKERS_DATABASE_URL": database_url, "TRACKERS_REDIS_URL": redis_url})

    async def fall() -> None:
        raise RuntimeError("a bug")

    container.jobs.override(providers.Object([Job(name="fall", run=fall, timeout=5)]))

    async def burst() -> int:
        await container.queue().enqueue("fall")
        return await WorkerProcess(container).burst()

    assert asyncio.run(burst()) == 1


def test_the_doctor_has_advice_for_all_that_is_away(environ: dict[str, str]) -> None:
    away = {
        "TRACKERS_DATABASE_URL": "postgresql://me:sesame@127.0.0.1:9/x",
        "TRACKERS_REDIS_URL": "redis://127.0.0.1:9",
        "TRACKERS_PROT": "8000",
        "COLUMNS": "300",
    }
    answer = trackers_here({**environ, **away}, "doctor")
    assert answer.returncode == 1
    for words in (
        "correct TRACKERS_DATABASE_URL",
        "correct TRACKERS_REDIS_URL",
        "Redis, which is unreachable",
        "TRACKERS_PROT",
    ):
        assert words in answer.stdout, answer.stdout
    assert "sesame" not in answer.stdout
    assert "Traceback" not in answer.stdout


def test_the_doctor_asks_a_site_by_our_name_for_robots_txt_only(empty: dict[str, str], sites: SimulatedSites) -> None:
    answer = trackers_here(empty, "doctor")
    assert "run `trackers migrate`" in answer.stdout
    assert f"on: {sites.games.url} answers" in answer.stdout
    (asked,) = sites.requests()
    assert asked.path == "/robots.txt"
    assert asked.headers["user-agent"].startswith("Trackers/")


def test_a_home_that_cannot_be_written_is_called_that(environ: dict[str, str], home: Path) -> None:
    (home / "file").write_text("")
    answer = trackers_here({**environ, "TRACKERS_HOME": str(home / "file" / "home")}, "migrate")
    assert answer.returncode == 1
    assert str(home / "file") in answer.stderr
    assert "does not answer" not in answer.stderr


def test_a_dead_workers_hold_is_waited_for_no_longer_than_it_lasts(
    stores: dict[str, str], sites: SimulatedSites
) -> None:
    container = container_of(stores, clock=SystemClock())  # real date: the command is another process on these servers
    key = "rocket-league:epic:auto-operator"

    async def hold() -> None:
        async with running_app(container), container.database().unit_of_work() as session:
            targets = container.targets()
            (target,) = (await targets.track("games", {key: key}, interval=timedelta(days=1))).values()
            await targets.request_run("games", [target])
            now = container.clock().now()
            lease_until = now + timedelta(seconds=5)
            assert await ScrapingRepository(session).claim_one(target, now=now, lease_until=lease_until)

    asyncio.run(hold())
    answer = trackers_here(stores, "scrape", "games", key)
    assert answer.returncode == 1
    assert "leased   by a worker, until" in answer.stdout, answer.stdout + answer.stderr
    assert "start one (`trackers worker`)" in answer.stdout
    assert sites.requests() == []


def test_a_paused_source_is_neither_knocked_at_nor_scraped_by_hand(
    stores: dict[str, str], sites: SimulatedSites
) -> None:
    container = container_of(stores, clock=SystemClock())  # real date: the command is another process on these servers

    async def pause() -> None:
        async with running_app(container), container.database().unit_of_work() as session:
            now = container.clock().now()
            await ScrapingRepository(session).pause("games", reason="the site asked us to", now=now)

    asyncio.run(pause())
    assert "UTC: the site asked us to" in trackers_here(stores, "doctor").stdout
    answer = trackers_here(stores, "scrape", "games", "rocket-league:epic:auto-operator")
    assert (answer.returncode, "paused: the site asked us to" in answer.stdout) == (2, True)
    assert sites.requests() == []


@pytest.mark.as_root  # the servers of others run as themselves
def test_the_servers_user_may_be_named_in_the_env_file(environ: dict[str, str], home: Path) -> None:
    (home / ".env").write_text("TRACKERS_EMBEDDED_USER=no-such-user\n")
    answer = trackers({**environ, "PYTHONPATH": str(Path("src").resolve())}, "migrate", cwd=home)
    assert answer.returncode == 1
    assert "there is none named no-such-user" in answer.stderr


@pytest.mark.slow
def test_an_admin_gets_a_password_and_another_one(environ: dict[str, str], home: Path) -> None:
    def asked(*arguments: str, entered: str = f"{PASSWORD}\n") -> subprocess.CompletedProcess[str]:
        return trackers_here(environ, "users", *arguments, "--password-stdin", entered=entered)

    with up(environ, home) as (_, address), httpx.Client(base_url=address) as http:

        def logs_in(login: str, password: str) -> tuple[int, int]:
            """How the login is answered, and then what only an admin may ask."""
            answer = http.post("/api/auth/login", json={"login": login, "password": password})
            token = answer.json().get("access_token")
            seen = http.get("/api/admin/users", headers={"Authorization": f"Bearer {token}"})
            return answer.status_code, seen.status_code

        login = ("create-admin", "--email", "Root@example.org", "--username", "root")
        short = asked(*login, entered="short\n")
        assert short.returncode == 1
        assert "10 to 256 characters" in short.stderr
        made = asked(*login)
        assert made.returncode == 0, made.stderr
        assert PASSWORD not in made.stdout + made.stderr
        assert logs_in("root@example.org", PASSWORD) == (200, 200)
        assert asked("create-admin", "--email", "nobody").returncode == 1
        assert asked("set-password", "ROOT", entered="another password\n").returncode == 0
        assert logs_in("root", PASSWORD) == (401, 401)
        assert logs_in("root", "another password") == (200, 200)
        unknown = asked("set-password", "nobody")
        assert unknown.returncode == 1
        assert "There is no account with the login 'nobody'" in unknown.stderr

        # Anybody may have registered the name that the operator thinks of.
        squatted = {"username": "boss", "password": "the squatter's password"}
        assert http.post("/api/auth/register", json=squatted).status_code == 201
        refused = asked("create-admin", "--username", "boss")
        assert refused.returncode == 1
        assert "Anyone could have registered it" in refused.stderr
        assert logs_in("boss", "the squatter's password") == (200, 403)
        assert asked("create-admin", "--username", "boss", "--existing").returncode == 0
        assert logs_in("boss", "the squatter's password") == (401, 401)
        assert logs_in("boss", PASSWORD) == (200, 200)
    assert asked("create-admin").returncode == 2


ODD_TEXTS = ("9" * 400, "-1", "1e400", "%", "\U0001f680", "a" * 5_000, " ", "\udcff")


@pytest.mark.parametrize(
    "command",
    [
        ["scrape", "games", "{}"],
        ["scrape", "{}", "x"],
        ["follow", "games", "{}"],
        ["follow", "{}", "x"],
        ["follow", "games", "x", "--every={}"],
        ["keys", "create", "bot", "--scope={}"],
        ["keys", "create", "bot", "--guild={}"],
        ["keys", "revoke", "--", "{}"],
        ["users", "create-admin", "--username={}", "--password-stdin"],
        ["users", "create-admin", "--email={}", "--password-stdin"],
        ["users", "create-admin", "--username=root", "--discord-id={}", "--password-stdin"],
        ["users", "set-password", "--password-stdin", "--", "{}"],
        ["restore", "--", "{}"],
    ],
    ids=" ".join,
)
def test_an_argument_beyond_sense_is_refused_in_words(stores: dict[str, str], command: list[str]) -> None:
    for odd in ODD_TEXTS:
        answer = trackers_here(stores, *(part.replace("{}", odd) for part in command), entered=f"{PASSWORD}\n")
        assert "Traceback" not in answer.stderr
        if answer.returncode and command[0] != "scrape":  # which reports step by step on standard output
            assert "Error: " in answer.stderr, (odd[:40], answer.stderr)
        assert answer.stdout or answer.stderr, odd[:40]
