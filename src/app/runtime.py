"""The start of every command: settings, embedded servers if no others are configured, and the secret."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from dotenv import dotenv_values

from app.container import AppContainer
from app.embedded import embedded_servers
from app.modules import all_settings
from shared.secret_files import IN_FILE
from shared.settings import Environment, Loaded, Secret, Settings, SettingsError, load, weakness_of

_IN_FILES: Final = frozenset(
    f"TRACKERS_{name}{IN_FILE}" for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_PREVIOUS")
)
"""Variables that child processes do not get, because they get the content of the files instead."""
CURRENT: Final = "secret"
PREVIOUS: Final = "secret.previous"
"""Files under TRACKERS_HOME with the generated secret, and with the previous one during a replacement."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The complete settings of a process, with the addresses of both servers and the secret."""

    loaded: Loaded[Any]
    settings: Settings
    secret: Secret
    previous_secret: Secret | None
    """The previous secret during a replacement."""
    own_database: bool
    """True if the database is the embedded one."""
    given: Mapping[str, str]
    """The environment of the settings, including a `.env` file."""

    def container(self, application_name: str = "trackers") -> AppContainer:
        return AppContainer(
            loaded=self.loaded,
            secret=self.secret,
            previous_secret=self.previous_secret or Secret(""),
            application_name=application_name,
            environ=self.given,
        )

    def environ(self) -> dict[str, str]:
        """The environment for child processes, so that they use the same servers and secret."""
        return {
            **os.environ,
            **dict.fromkeys(_IN_FILES, ""),
            "TRACKERS_DATABASE_URL": self.settings.database_url.reveal() if self.settings.database_url else "",
            "TRACKERS_REDIS_URL": self.settings.redis_url.reveal() if self.settings.redis_url else "",
            "TRACKERS_SECRET_KEY": self.secret.reveal(),
            "TRACKERS_SECRET_KEY_PREVIOUS": self.previous_secret.reveal() if self.previous_secret else "",
        }


def environment() -> dict[str, str]:
    """The environment of the process; a `.env` file in the working directory adds variables that are not set."""
    from_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**from_file, **os.environ}


@contextmanager
def runtime(*, redis: bool = True, before_start: Callable[[Settings], None] | None = None) -> Iterator[Runtime]:
    """Load the settings, and run the embedded servers while the block runs.

    `before_start` is called with the settings before a server is started. Raises SettingsError or
    EmbeddedServersError.
    """
    given = environment()
    loaded = load(all_settings(), given)
    settings: Settings = loaded[Settings]
    if settings.embedded_user:
        os.environ["TRACKERS_EMBEDDED_USER"] = settings.embedded_user  # the embedded servers read it there, not in .env
    if before_start is not None:
        before_start(settings)
    secret = settings.secret_key or _kept_secret(settings)
    previous_secret = settings.secret_key_previous or _kept_previous_secret(settings, secret)
    with contextlib.ExitStack() as stack:
        start_postgres, start_redis = settings.database_url is None, settings.redis_url is None and redis
        if start_postgres or start_redis:
            endpoints = stack.enter_context(
                embedded_servers(settings.home.resolve(), postgres=start_postgres, redis=start_redis)
            )
            settings = msgspec.structs.replace(
                settings,
                database_url=Secret(endpoints.database_url) if endpoints.database_url else settings.database_url,
                redis_url=Secret(endpoints.redis_url) if endpoints.redis_url else settings.redis_url,
            )
        yield Runtime(
            loaded=loaded.with_(settings),
            settings=settings,
            secret=secret,
            previous_secret=previous_secret,
            own_database=start_postgres,
            given=given,
        )


def _kept_secret(settings: Settings) -> Secret:
    """Outside production: a random secret, generated once and stored in a file that only this user can read.

    Raises SettingsError in production.
    """
    if settings.env is Environment.PRODUCTION:
        raise SettingsError(["TRACKERS_SECRET_KEY: is missing"])
    path: Path = settings.home / CURRENT
    if path.exists():
        return Secret(path.read_text().strip())
    settings.home.mkdir(parents=True, exist_ok=True)
    temporary = f"{path}.{secrets.token_hex(8)}"
    try:
        # Written to another name and linked into place, so that two processes that start together use the same secret.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink(missing_ok=True)
    return Secret(path.read_text().strip())


def _kept_previous_secret(settings: Settings, secret: Secret) -> Secret | None:
    """The generated secret that the operator has renamed for a replacement; None if the current one is not generated.

    Raises SettingsError if it is weak or equals the current one.
    """
    path: Path = settings.home / PREVIOUS
    if settings.secret_key is not None or not path.is_file():
        return None
    previous = Secret(path.read_text().strip())
    if what := weakness_of(previous, production=False):
        raise SettingsError([f"{path}: {what}; it must hold the secret that was used before"])
    if previous == secret:
        raise SettingsError(
            [f"{path}: equals {settings.home / CURRENT}; remove it, or remove the other file to get a new secret"]
        )
    return previous
