"""`trackers health`: one check with exit code 0 or 1, for health checks of containers every few seconds.

It imports little of the app, because importing all of it takes seconds on a busy machine.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Final

import click
import msgspec
from dotenv import dotenv_values
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.jobs.heartbeat import NO_WORKER, Heartbeats
from shared.secret_files import given_secret

ANSWER_TIMEOUT_S: Final = 4.0
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- address to ask if the API listens on all addresses
HTTP_OK: Final = 200


@click.command()
@click.option("--worker", is_flag=True, help="Check for a worker of this host instead of the API.")
def health(*, worker: bool) -> None:
    """Exit with 0 if the API of this host is ready, else print the reason and exit with 1. For containers."""
    environ = {**{name: value for name, value in dotenv_values(".env").items() if value}, **os.environ}
    wrong = asyncio.run(_worker(environ)) if worker else _api(environ)
    click.echo(wrong or "ok")
    raise SystemExit(1 if wrong else 0)


def _api(environ: Mapping[str, str]) -> str | None:
    """The problem of the API; None if it is ready."""
    host = environ.get("TRACKERS_HOST", "").strip() or "127.0.0.1"
    port = environ.get("TRACKERS_PORT", "").strip() or "8000"
    asking = HTTPConnection(EVERYWHERE.get(host, host), int(port), timeout=ANSWER_TIMEOUT_S)
    try:
        asking.request("GET", "/health/ready")
        answer = asking.getresponse()
        body = answer.read()
    except (OSError, HTTPException) as error:
        return f"no answer from {host}:{port} ({type(error).__name__}): start it (`trackers api`)"
    finally:
        asking.close()
    if answer.status == HTTP_OK:
        return None
    try:
        parts = msgspec.json.decode(body, type=_Answer).parts
    except msgspec.MsgspecError:
        return f"{host}:{port} answers {answer.status}; is Trackers listening there?"
    return "; ".join(f"{name}: {part.error}" for name, part in parts.items() if part.required and not part.ok)


async def _worker(environ: Mapping[str, str]) -> str | None:
    """The problem of this host's workers; None if a worker is alive."""
    try:
        url = given_secret("TRACKERS_REDIS_URL", environ)
    except ValueError as error:
        return str(error)
    if not url:
        return "TRACKERS_REDIS_URL is not set; `trackers doctor` checks the embedded servers"
    redis: Redis = Redis.from_url(url, socket_timeout=ANSWER_TIMEOUT_S, socket_connect_timeout=ANSWER_TIMEOUT_S)
    try:
        alive = await Heartbeats(redis).alive(host=socket.gethostname())
    except (RedisError, OSError) as error:
        return f"Valkey (or Redis) does not answer ({type(error).__name__}): start it or correct TRACKERS_REDIS_URL"
    finally:
        await redis.aclose()
    return None if alive else NO_WORKER


class _Part(msgspec.Struct):
    ok: bool
    required: bool
    error: str | None


class _Answer(msgspec.Struct):
    parts: dict[str, _Part]
