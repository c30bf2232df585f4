"""Settings from the environment: typed Structs, all mistakes reported together, secrets never shown.

Each module has its own Struct; `load` fills several of them. The variable of a field is the `env_prefix` of the class
and the name of the field in capitals, unless the field has its own name (`env=`, for names that a client has given).
A secret can also be in a file that its variable with the suffix `_FILE` names, as containers provide secrets.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from shared.secret_files import IN_FILE, given_secret

PREFIX = "TRACKERS_"
MINIMUM_SECRET_BYTES = 32
DATABASE_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
REDIS_SCHEMES = frozenset({"redis", "rediss", "unix"})
LARGEST_PORT = 65_535
SCHEME_AND_HOST = r"^https?://[^/\\\s@?#]+/?$"
"""Pattern of a setting with the address of a site, without a path; the fetching code adds paths."""
LONGEST_AGE = 36_500
"""Maximum days of a retention setting: a century. 0 means without end."""
S = TypeVar("S", bound="SettingsStruct")


class Environment(StrEnum):
    """Profile of a process."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Secret:
    """A value that is never shown: its text form is masked in logs, errors and listings."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(********)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


class CommaSeparated(tuple[str, ...]):
    """Values separated by commas; a subclass checks each value."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse and check all values. Raises ValueError with the expected form."""
        return cls(cls.checked(part.strip()) for part in text.split(",") if part.strip())

    @staticmethod
    def checked(part: str) -> str:
        """Check and normalise one value. Raises ValueError with the expected form."""
        return part

    def __str__(self) -> str:
        return ",".join(self)


class SettingsStruct(Struct, frozen=True, kw_only=True):
    """Base class of all settings Structs."""

    env_prefix: ClassVar[str] = PREFIX


class Settings(SettingsStruct, frozen=True, kw_only=True):
    """Settings of every process, independent of modules."""

    env: Annotated[Environment, Meta(description="Profile: development, test or production.")] = Environment.DEVELOPMENT
    home: Annotated[
        Path, Meta(description="Directory for the data of the embedded servers and the generated secret.")
    ] = Path(".trackers")
    database_url: Annotated[
        Secret | None,
        Meta(description="PostgreSQL 18 or newer: postgresql://user:password@host/name. Empty: the embedded server."),
    ] = None
    redis_url: Annotated[
        Secret | None,
        Meta(description="Valkey (or Redis 6.2 or newer): redis://host:6379/0. Empty: the embedded server."),
    ] = None
    secret_key: Annotated[
        Secret | None,
        Meta(
            description="At least 32 random bytes (try: openssl rand -hex 32). A new secret makes all keys and tokens "
            "invalid, unless the old secret is set as TRACKERS_SECRET_KEY_PREVIOUS. "
            "Outside production, a secret is generated and stored in TRACKERS_HOME."
        ),
    ] = None
    secret_key_previous: Annotated[
        Secret | None,
        Meta(
            description="The previous secret, while TRACKERS_SECRET_KEY is being replaced: its keys and tokens are "
            "still accepted, and `trackers secrets rotate` lists what still needs it (docs/operations.md)."
        ),
    ] = None
    host: Annotated[str, Meta(description="Address that the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port that the API listens on; 0: any free port.")] = 8000
    log_level: Annotated[
        str,
        Meta(
            pattern="^(DEBUG|INFO|WARNING|ERROR)$",
            description="DEBUG, INFO, WARNING or ERROR.",
            extra={"expected": "one of DEBUG, INFO, WARNING, ERROR"},
        ),
    ] = "INFO"
    log_format: Annotated[
        str,
        Meta(
            pattern="^(auto|console|json)$",
            description="console, json, or auto: console in a terminal.",
            extra={"expected": "one of auto, console, json"},
        ),
    ] = "auto"
    contact: Annotated[
        str, Meta(description="E-mail address or URL of the operator, sent to every site in the User-Agent.")
    ] = ""
    database_pool_size: Annotated[
        int, Meta(ge=1, le=200, description="Maximum number of database connections per process.")
    ] = 10
    database_statement_timeout: Annotated[
        float, Meta(ge=0.001, le=86_400, description="Maximum seconds for one SQL statement.")
    ] = 15.0
    database_pooler: Annotated[
        bool,
        Meta(
            description="true if TRACKERS_DATABASE_URL is a pooler in transaction mode, such as PgBouncer: statements "
            "are not kept prepared, and the time-outs of the database role apply (docs/operations.md)."
        ),
    ] = False
    worker_max_jobs: Annotated[
        int, Meta(ge=1, le=1000, description="Maximum number of jobs that a worker runs at the same time.")
    ] = 100
    worker_poll_delay: Annotated[
        float,
        Meta(
            ge=0.001,
            le=5,
            description="Seconds between two polls of the queue; arq's default of 0.5 would limit a worker to 200 jobs "
            "a second.",
        ),
    ] = 0.02
    scrape_lease: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds after which the lease of a killed worker expires and its target is reclaimed.",
        ),
    ] = 60.0
    scrape_runs_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days to keep finished scrape runs; they are removed by whole months. 0: without end.",
        ),
    ] = 90
    audit_keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days to keep the audit log. 0: without end.")
    ] = 365
    activity_keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days to keep the activity log. 0: without end.")
    ] = 365
    embedded_user: Annotated[
        str,
        Meta(
            description="User that the embedded servers run as when you are root. "
            "Empty: the owner of their data, else postgres, else nobody."
        ),
    ] = ""

    @property
    def user_agent(self) -> str:
        """User-Agent of our requests to sites: product, version and contact."""
        return (
            f"Trackers/0.1 (+{self.contact})" if self.contact else "Trackers/0.1 (self-hosted; no contact configured)"
        )


class SettingsError(Exception):
    """The environment holds invalid settings; the message lists all mistakes and shows no secret."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("These settings are not valid:\n" + "\n".join(f"  - {mistake}" for mistake in self.mistakes))


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One environment variable, for the loader and the documentation."""

    env: str
    field: str
    type: Any
    default: Any
    description: str
    secret: bool


class Loaded(Generic[S]):
    """The settings Structs of a process, by class."""

    def __init__(self, structs: Iterable[SettingsStruct]) -> None:
        self._by_type = {type(struct): struct for struct in structs}

    def __getitem__(self, struct: type[S]) -> S:
        return self._by_type[struct]  # type: ignore[return-value]  # the key is the class of its value

    def with_(self, struct: SettingsStruct) -> "Loaded[S]":
        """A copy in which this Struct replaces the one of the same class."""
        return Loaded([*(other for kind, other in self._by_type.items() if kind is not type(struct)), struct])


@cache
def variables(struct: type[SettingsStruct]) -> Sequence[Variable]:
    """Variables of a settings Struct, in the order of its fields."""
    hints = get_type_hints(struct, include_extras=True)
    result = []
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        meta = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Meta)), None)
        own = (meta.extra or {}).get("env") if meta else None
        result.append(
            Variable(
                env=own or f"{struct.env_prefix}{field.name.upper()}",
                field=field.name,
                type=hint,
                default=None if field.default is msgspec.NODEFAULT else field.default,
                description=(meta.description or "") if meta else "",
                secret=_holds_secret(hint),
            )
        )
    return result


def load(structs: Iterable[type[SettingsStruct]], environ: Mapping[str, str] | None = None) -> Loaded[Any]:
    """Fill all Structs from the environment. Raises SettingsError with all mistakes.

    An empty variable counts as not set. With `TRACKERS_ENV=production`, secrets must be set and strong.
    """
    environ = os.environ if environ is None else environ
    mistakes: list[str] = []
    filled: list[SettingsStruct] = []
    for struct in structs:
        values: dict[str, Any] = {}
        for variable in variables(struct):
            try:
                text = given_secret(variable.env, environ) if variable.secret else environ.get(variable.env, "").strip()
                if text:
                    values[variable.field] = _value(variable, text)
            except ValueError as error:
                mistakes.append(str(error))
        try:
            filled.append(struct(**values))
        except TypeError as error:
            mistakes.append(f"{struct.__name__}: {error}")
    for settings in filled:
        if isinstance(settings, Settings):
            mistakes += [*_address_mistakes(settings), *_secret_mistakes(settings), *_production_mistakes(settings)]
    if mistakes:
        raise SettingsError(mistakes)
    return Loaded(filled)


def _value(variable: Variable, text: str) -> Any:
    """The value of a variable's text. Raises ValueError with the complete message."""
    if not is_text(text):
        raise ValueError(f"{variable.env} is not valid UTF-8 text. {variable.description}")
    try:
        value = msgspec.convert(text, variable.type, strict=False, dec_hook=_decode)
        _refuse_endless(value)
    except msgspec.ValidationError as error:
        # An address may hold a password, in whichever variable it was entered.
        shown = "the value given" if variable.secret or "@" in text else repr(text[:80])
        wrong = f"{variable.env}: {_plain(error, variable.type)}; got {shown}. {variable.description}"
        raise ValueError(wrong) from error
    return value


def unread(structs: Iterable[type[SettingsStruct]], environ: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that no settings Struct reads: misspelt, outdated, or of a plug-in."""
    every = [variable for struct in structs for variable in variables(struct)]
    known = {variable.env for variable in every} | {variable.env + IN_FILE for variable in every if variable.secret}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def example(structs: Iterable[type[SettingsStruct]]) -> str:
    """The text of `.env.example`: all variables with their meaning and default."""
    made_by = "# Made by `trackers settings --example`; copy it to .env and change what you need."
    in_files = f"# A secret (a key, a password, an address with a password) may be in a file: NAME{IN_FILE}=its path."
    blocks = [f"{made_by}\n{in_files}"]
    for struct in structs:
        blocks.append(f"# --- {(struct.__doc__ or '').strip().splitlines()[0]}")
        for variable in variables(struct):
            value = "" if variable.default is None or variable.secret else _text(variable.default)
            blocks.append(f"# {variable.description}\n#{variable.env}={value}")
    return "\n\n".join(blocks) + "\n"


def markdown_table(structs: Iterable[type[SettingsStruct]]) -> str:
    """The table of settings in the README."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for struct in structs:
        for variable in variables(struct):
            default = f"`{_text(variable.default)}`" if variable.default not in {None, ""} else ""
            lines.append(f"| `{variable.env}` | {default} | {variable.description} |")
    return "\n".join(lines) + "\n"


def _address_mistakes(settings: Settings) -> Iterator[str]:
    """Mistakes in the addresses of the servers. They may hold passwords, so the messages do not repeat them."""
    if settings.database_url and not _is_database_url(settings.database_url.reveal()):
        yield (
            f"{PREFIX}DATABASE_URL: is not the address of a PostgreSQL server; "
            "write postgresql://user:password@host:5432/name, with special characters in the password %-encoded"
        )
    if settings.redis_url and not _is_redis_url(settings.redis_url.reveal()):
        yield (
            f"{PREFIX}REDIS_URL: is not the address of a Redis server; "
            "write redis://host:6379/0 (rediss:// for TLS, unix:///path for a socket)"
        )


def _is_database_url(text: str) -> bool:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        return False
    return url.drivername in DATABASE_SCHEMES and (url.port is None or 0 < url.port <= LARGEST_PORT)


def _is_redis_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:  # the port is not a number
        return False
    return url.scheme in REDIS_SCHEMES and port != 0 and bool(url.path if url.scheme == "unix" else url.hostname)


def _secret_mistakes(settings: Settings) -> Iterator[str]:
    production = settings.env is Environment.PRODUCTION
    if production and not settings.secret_key:
        yield _bad_secret("SECRET_KEY", "is missing")
    for name, secret in (("SECRET_KEY", settings.secret_key), ("SECRET_KEY_PREVIOUS", settings.secret_key_previous)):
        if secret and (what := weakness_of(secret, production=production)):
            yield _bad_secret(name, what)
    if settings.secret_key and settings.secret_key == settings.secret_key_previous:
        yield (
            f"{PREFIX}SECRET_KEY_PREVIOUS: equals {PREFIX}SECRET_KEY; "
            "set it to the secret that was used before, or leave it empty"
        )


def weakness_of(secret: Secret, *, production: bool) -> str | None:
    """The weakness of a secret, as the end of a sentence; None if it is strong enough."""
    held = secret.reveal().encode()
    if len(held) < MINIMUM_SECRET_BYTES:
        return "is too short"
    if production and len(set(held)) < MINIMUM_SECRET_BYTES // 4:
        return "repeats itself"
    return None


def _production_mistakes(settings: Settings) -> Iterator[str]:
    if settings.env is Environment.PRODUCTION and not settings.contact:
        yield f"{PREFIX}CONTACT: is missing; sites must be able to reach you. Set it to an e-mail address or URL."


def _bad_secret(name: str, what: str) -> str:
    advice = f"set it to at least {MINIMUM_SECRET_BYTES} random bytes, for example from: openssl rand -hex 32"
    return f"{PREFIX}{name}: {what}; {advice}"


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    if kind is Path:
        return Path(value)
    if issubclass(kind, CommaSeparated):
        return kind.parse(value)
    raise NotImplementedError(kind)


def _holds_secret(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return _holds_secret(get_args(hint)[0])
    return hint is Secret or any(_holds_secret(arg) for arg in get_args(hint))


def _expected(hint: Any) -> str | None:
    """The expected form of a field, from its Meta (`extra={"expected": ...}`); None if it has none."""
    for part in (*getattr(hint, "__metadata__", ()), *get_args(hint)):
        expected = (part.extra or {}).get("expected") if isinstance(part, Meta) else _expected(part)
        if expected:
            return str(expected)
    return None


def _refuse_endless(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise msgspec.ValidationError("Expected a finite number")


def is_text(text: str) -> bool:
    """True if the text was UTF-8 in the environment; Python decodes invalid bytes as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(error: msgspec.ValidationError, hint: Any) -> str:
    message = str(error)
    if "matching regex" in message:
        return f"expected {_expected(hint) or 'another format'}"
    if "Invalid enum value" in message:
        return f"expected {_expected(hint) or 'one of the values below'}"
    return message[:1].lower() + message[1:]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
