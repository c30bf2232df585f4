"""What is said of a deployment before the features run against it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.features.deployment import (
    NO_ADMIN,
    NO_MAILBOX,
    NO_RECEIVER,
    NO_SITES,
    OWN_SERVICE,
    OWN_WORKER,
    SCOPES,
    Deployment,
)
from tests.features.deployment import AdminSession as Admin

ROOT = Path(__file__).parents[3]
NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""
COMPLETE = {
    "BASE_URL": "http://trackers.test/",
    "BOT_KEY": "trk_key",
    "ADMIN_LOGIN": "root",
    "ADMIN_PASSWORD": "the admin's password",
}
Answers = Mapping[str, tuple[int, Any]]
TOKENS = {"access_token": "token", "expires_in": 900}
SOUND: Answers = {
    "GET /health/ready": (200, {}),
    "POST /api/auth/register": (201, TOKENS),
    "POST /api/auth/login": (200, TOKENS),
    "GET /api/auth/me": (200, {"role": "admin"}),
    "DELETE /api/users/me": (204, None),
    **{f"{method} {path}": (200 if method == "GET" else 422, {}) for method, path in SCOPES.values()},
}
FORBIDDEN: tuple[int, Any] = (403, {})


def answering(answers: Answers, asked: list[str] | None = None) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(f"{request.method} {request.url.path}")
        status, body = answers[f"{request.method} {request.url.path}"]
        return httpx.Response(status, json=body, headers={"Retry-After": "7"})

    return httpx.MockTransport(answer)


def shortcomings(answers: Answers = SOUND, **environ: str) -> list[str]:
    deployment = Deployment.of({**COMPLETE, **environ})
    assert deployment is not None
    return list(deployment.shortcomings(answering({**SOUND, **answers})))


def test_without_base_url_there_is_no_deployment() -> None:
    assert Deployment.of({**COMPLETE, "BASE_URL": ""}) is None


def test_one_that_has_everything_will_do() -> None:
    assert shortcomings() == []


def test_the_account_that_was_registered_is_gone_again() -> None:
    asked: list[str] = []
    deployment = Deployment.of(COMPLETE)
    assert deployment is not None
    assert list(deployment.shortcomings(answering(SOUND, asked))) == []
    assert asked.index("POST /api/auth/register") < asked.index("DELETE /api/users/me")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"BOT_KEY": ""}, "BOT_KEY is missing"),
        ({"ADMIN_PASSWORD": ""}, "ADMIN_PASSWORD is missing"),
        ({"ADMIN_LOGIN": ""}, "ADMIN_LOGIN is missing"),
        ({"PATIENCE": "long"}, "PATIENCE is 'long', not a number of seconds"),
        ({"RECEIVER_URL": "https://receiver.test", "RECEIVER_PORT": "eighty"}, "RECEIVER_PORT is 'eighty', not a port"),
        ({"SITES_URL": NOBODY}, "no simulated sites answer at SITES_URL"),
    ],
)
def test_a_variable_that_is_missing_or_wrong_is_named(environ: dict[str, str], said: str) -> None:
    (only,) = shortcomings({"POST /api/users/me/channels": (201, {})}, **environ)
    assert only.startswith(said)


def test_the_port_of_the_receiver_must_be_known() -> None:
    (only,) = shortcomings({"POST /api/users/me/channels": (201, {})}, RECEIVER_URL="https://receiver.test")
    assert only.startswith("RECEIVER_PORT is missing")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"GET /health/ready": (503, {})}, "http://trackers.test/health/ready answers 503"),
        ({"GET /internal/events": (401, {})}, "BOT_KEY is refused"),
        (
            {"POST /internal/players": FORBIDDEN, "PUT /internal/guilds/0": FORBIDDEN},
            "BOT_KEY lacks the scopes players, guilds",
        ),
        ({"POST /api/auth/register": (403, {"detail": "Ask an admin."})}, "nobody can register"),
        ({"POST /api/auth/register": (429, {})}, "the deployment lets this address register and log in no more: raise"),
        ({"POST /api/auth/login": (401, {"code": "login_failed"})}, "ADMIN_LOGIN and ADMIN_PASSWORD are refused"),
        ({"GET /api/auth/me": (200, {"role": "user"})}, "ADMIN_LOGIN root is no admin"),
    ],
)
def test_a_deployment_that_will_not_do_says_why(answers: Answers, said: str) -> None:
    (only,) = shortcomings(answers)
    assert only.startswith(said)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    said = shortcomings({"GET /api/auth/me": (200, {"role": "user"})}, BOT_KEY="", PATIENCE="long")
    assert [one.split()[0] for one in said] == ["PATIENCE", "BOT_KEY", "ADMIN_LOGIN"]


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"public"}, None),
        ({"own_worker", "sites"}, OWN_WORKER),
        ({"own_service"}, OWN_SERVICE),
        ({"mailbox"}, NO_MAILBOX),
        ({"admin"}, NO_ADMIN),
        ({"sites"}, NO_SITES),
        ({"receiver"}, NO_RECEIVER),
    ],
)
def test_what_a_deployment_cannot_hold_is_left_out(tags: set[str], reason: str | None) -> None:
    bare = Deployment(url="http://trackers.test", bot_key="trk_key")
    assert bare.left_out(lambda tag: tag in tags) == reason


def test_with_everything_set_only_what_needs_our_own_is_left_out() -> None:
    whole = Deployment(
        url="http://trackers.test",
        admin_login="root",
        sites_url="http://sites.test",
        receiver_url="http://receiver.test:8080",
    )
    reasons = {tag: whole.left_out(lambda one, tag=tag: one == tag) for tag in ("admin", "sites", "receiver")}  # type: ignore[misc]  # bound per turn
    assert set(reasons.values()) == {None}


@pytest.mark.parametrize(("expires_in", "logins"), [(900, 1), (0, 3)])
def test_an_admin_logs_in_again_when_the_token_has_run_out(expires_in: int, logins: int) -> None:
    asked: list[str] = []
    answers = {"POST /api/auth/login": (200, {"access_token": "token", "expires_in": expires_in})}
    admin = Admin(httpx.Client(base_url=COMPLETE["BASE_URL"], transport=answering(answers, asked)), "root", "secret")
    assert {admin.token() for _ in range(3)} == {"token"}
    assert len(asked) == logins


@pytest.mark.slow
def test_a_run_against_nothing_ends_before_it_begins_with_one_line() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/features", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "BASE_URL": NOBODY, "BOT_KEY": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == pytest.ExitCode.USAGE_ERROR, run.stdout
    (line,) = (run.stdout + run.stderr).strip().splitlines()
    assert line.startswith(f"ERROR: BASE_URL={NOBODY} cannot be used: BOT_KEY is missing")
    assert f"nothing answers at BASE_URL {NOBODY}" in line
