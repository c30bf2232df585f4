"""Settings from the environment: typed Structs, all mistakes told at once, secrets never shown.

A module brings its own Struct; `load` fills several of them in one go. A field's variable is the class's `env_prefix`
and the field's name in capitals, unless the field names its own (`env=`, for names that a client has given).
A secret may also stand in a file that its variable with `_FILE` behind it names, as containers hand secrets over.
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
"""What a setting that names a site looks like; paths are added by who asks."""
LONGEST_AGE = 36_500
"""Days that something may be kept by age: a century. 0 is for ever."""
S = TypeVar("S", bound="SettingsStruct")


class Environment(StrEnum):
    """The profile that a process runs under."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Secret:
    """A value that is used and never shown: its text form is masked in logs, errors and listings."""

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
    """Values written with commas between them; a subclass says what one must look like."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what was expected."""
        return cls(cls.checked(part.strip()) for part in text.split(",") if part.strip())

    @staticmethod
    def checked(part: str) -> str:
        """One value as it is kept. Raises ValueError with what was expected."""
        return part

    def __str__(self) -> str:
        return ",".join(self)


class SettingsStruct(Struct, frozen=True, kw_only=True):
    """Base of every settings Struct."""

    env_prefix: ClassVar[str] = PREFIX


class Settings(SettingsStruct, frozen=True, kw_only=True):
    """What every process needs, whatever modules it runs."""

    env: Annotated[Environment, Meta(description="Profile: development, test or production.")] = Environment.DEVELOPMENT
    home: Annotated[Path, Meta(description="Where the embedded servers keep their data, and the generated secret.")] = (
        Path(".trackers")
    )
    database_url: Annotated[
        Secret | None,
        Meta(description="PostgreSQL 18 or newer: postgresql://user:password@host/name. Empty: an embedded one."),
    ] = None
    redis_url: Annotated[
        Secret | None,
        Meta(description="Valkey (or Redis 6.2 or newer): redis://host:6379/0. Empty: an embedded one."),
    ] = None
    secret_key: Annotated[
        Secret | None,
        Meta(
            description="At least 32 random bytes (try: openssl rand -hex 32). A new one ends every key and token, "
            "unless the old one is given as TRACKERS_SECRET_KEY_PREVIOUS. "
            "Outside production one is made and kept under TRACKERS_HOME."
        ),
    ] = None
    secret_key_previous: Annotated[
        Secret | None,
        Meta(
            description="The secret before, while TRACKERS_SECRET_KEY is being replaced: what it made is still "
            "accepted, and `trackers secrets rotate` says what still needs it (docs/operations.md)."
        ),
    ] = None
    host: Annotated[str, Meta(description="Address that the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port that the API listens on; 0 takes a free one.")] = 8000
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
        str, Meta(description="E-mail or address of the operator, told to every site in the User-Agent.")
    ] = ""
    database_pool_size: Annotated[int, Meta(ge=1, le=200, description="Connections a process keeps at most.")] = 10
    database_statement_timeout: Annotated[
        float, Meta(ge=0.001, le=86_400, description="Seconds that one SQL statement may take.")
    ] = 15.0
    database_pooler: Annotated[
        bool,
        Meta(
            description="Whether TRACKERS_DATABASE_URL leads to a pooler in transaction mode, such as PgBouncer: no "
            "statement stays prepared, and time-outs are those of the database's role (docs/operations.md)."
        ),
    ] = False
    worker_max_jobs: Annotated[int, Meta(ge=1, le=1000, description="Jobs that one worker runs at once.")] = 100
    worker_poll_delay: Annotated[
        float,
        Meta(
            ge=0.001,
            le=5,
            description="Seconds between two looks at the queue; the queue's own default, 0.5, "
            "holds a worker under 200 jobs a second.",
        ),
    ] = 0.02
    scrape_lease: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds after which a scrape that a killed worker held is taken back.")
    ] = 60.0
    scrape_runs_keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_AGE,
            description="Days that finished scrape runs are kept; they go a month at a time. 0: for ever.",
        ),
    ] = 90
    audit_keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days that the audit log keeps who changed what. 0: for ever.")
    ] = 365
    activity_keep_days: Annotated[
        int, Meta(ge=0, le=LONGEST_AGE, description="Days that the activity log is kept. 0: for ever.")
    ] = 365
    embedded_user: Annotated[
        str,
        Meta(
            description="Who the embedded servers run as when you are root. "
            "Empty: the owner of their data, else postgres, else nobody."
        ),
    ] = ""

    @property
    def user_agent(self) -> str:
        """Who we tell the sites we are: product, version, and where to write to."""
        return (
            f"Trackers/0.1 (+{self.contact})" if self.contact else "Trackers/0.1 (self-hosted; no contact configured)"
        )


class SettingsError(Exception):
    """The environment does not make settings; every mistake is named, no secret is shown."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("Settings that need a hand:\n" + "\n".join(f"  - {mistake}" for mistake in self.mistakes))


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One environment variable as documentation and loader see it."""

    env: str
    field: str
    type: Any
    default: Any
    description: str
    secret: bool


class Loaded(Generic[S]):
    """The settings Structs of a process, looked up by class."""

    def __init__(self, structs: Iterable[SettingsStruct]) -> None:
        self._by_type = {type(struct): struct for struct in structs}

    def __getitem__(self, struct: type[S]) -> S:
        return self._by_type[struct]  # type: ignore[return-value]  # the key is the class of its value

    def with_(self, struct: SettingsStruct) -> "Loaded[S]":
        """The same, one Struct replaced."""
        return Loaded([*(kept for kind, kept in self._by_type.items() if kind is not type(struct)), struct])


@cache
def variables(struct: type[SettingsStruct]) -> Sequence[Variable]:
    """The variables that fill a settings Struct, in its order."""
    hints = get_type_hints(struct, include_extras=True)
    found = []
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        meta = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Meta)), None)
        own = (meta.extra or {}).get("env") if meta else None
        found.append(
            Variable(
                env=own or f"{struct.env_prefix}{field.name.upper()}",
                field=field.name,
                type=hint,
                default=None if field.default is msgspec.NODEFAULT else field.default,
                description=(meta.description or "") if meta else "",
                secret=_holds_secret(hint),
            )
        )
    return found


def load(structs: Iterable[type[SettingsStruct]], environ: Mapping[str, str] | None = None) -> Loaded[Any]:
    """Fill every Struct from the environment; raises one SettingsError naming all mistakes.

    An empty variable counts as not set. Under `TRACKERS_ENV=production` secrets must be given and strong.
    """
    environ = os.environ if environ is None else environ
    mistakes: list[str] = []
    made: list[SettingsStruct] = []
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
            made.append(struct(**values))
        except TypeError as error:
            mistakes.append(f"{struct.__name__}: {error}")
    for settings in made:
        if isinstance(settings, Settings):
            mistakes += [*_address_mistakes(settings), *_secret_mistakes(settings), *_production_mistakes(settings)]
    if mistakes:
        raise SettingsError(mistakes)
    return Loaded(made)


def _value(variable: Variable, text: str) -> Any:
    """What a variable's text stands for. Raises ValueError with the whole mistake."""
    if not is_text(text):
        raise ValueError(f"{variable.env}: is no text in UTF-8. {variable.description}")
    try:
        value = msgspec.convert(text, variable.type, strict=False, dec_hook=_decode)
        _refuse_endless(value)
    except msgspec.ValidationError as error:
        # An address may hold a password, wherever it was typed in.
        shown = "the value given" if variable.secret or "@" in text else repr(text[:80])
        wrong = f"{variable.env}: {_plain(error, variable.type)}; got {shown}. {variable.description}"
        raise ValueError(wrong) from error
    return value


def unread(structs: Iterable[type[SettingsStruct]], environ: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that no settings Struct reads: misspelt, outdated, or a plug-in's."""
    every = [variable for struct in structs for variable in variables(struct)]
    known = {variable.env for variable in every} | {variable.env + IN_FILE for variable in every if variable.secret}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def example(structs: Iterable[type[SettingsStruct]]) -> str:
    """The text of `.env.example`: every variable with its meaning and default."""
    made_by = "# Made by `trackers settings --example`; copy to .env and change what you need."
    in_files = f"# A secret (a key, a password, an address with one) may stand in a file: NAME{IN_FILE}=its path."
    blocks = [f"{made_by}\n{in_files}"]
    for struct in structs:
        blocks.append(f"# --- {(struct.__doc__ or '').strip().splitlines()[0]}")
        for variable in variables(struct):
            value = "" if variable.default is None or variable.secret else _text(variable.default)
            blocks.append(f"# {variable.description}\n#{variable.env}={value}")
    return "\n\n".join(blocks) + "\n"


def markdown_table(structs: Iterable[type[SettingsStruct]]) -> str:
    """The settings table of the README."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for struct in structs:
        for variable in variables(struct):
            default = f"`{_text(variable.default)}`" if variable.default not in {None, ""} else ""
            lines.append(f"| `{variable.env}` | {default} | {variable.description} |")
    return "\n".join(lines) + "\n"


def _address_mistakes(settings: Settings) -> Iterator[str]:
    """What is wrong with the servers' addresses; they hold passwords, so nothing of them is repeated."""
    if settings.database_url and not _is_database_url(settings.database_url.reveal()):
        yield (
            f"{PREFIX}DATABASE_URL: is no address of a PostgreSQL server; "
            "write postgresql://user:password@host:5432/name, with what is special in the password %-encoded"
        )
    if settings.redis_url and not _is_redis_url(settings.redis_url.reveal()):
        yield (
            f"{PREFIX}REDIS_URL: is no address of a Redis server; "
            "write redis://host:6379/0 (rediss:// for TLS, unix:///path for a socket)"
        )


def _is_database_url(text: str) -> bool:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        return False
    return url.drivername in DATABASE_SCHEMES and (url.port is None or 0 < url.port <= LARGEST_PORT)


def _is_redis_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:  # a port that is none
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
            "give the secret that was used before, or leave it empty"
        )


def weakness_of(secret: Secret, *, production: bool) -> str | None:
    """What is wrong with a secret, as the end of a sentence; None where nothing is."""
    held = secret.reveal().encode()
    if len(held) < MINIMUM_SECRET_BYTES:
        return "is too short"
    if production and len(set(held)) < MINIMUM_SECRET_BYTES // 4:
        return "repeats itself"
    return None


def _production_mistakes(settings: Settings) -> Iterator[str]:
    if settings.env is Environment.PRODUCTION and not settings.contact:
        yield f"{PREFIX}CONTACT: is missing; the sites we ask must be able to reach you. Give an e-mail address or URL."


def _bad_secret(name: str, what: str) -> str:
    advice = f"give at least {MINIMUM_SECRET_BYTES} random bytes, for instance from: openssl rand -hex 32"
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
    """What a field wants, in the words that its Meta brings (`extra={"expected": ...}`)."""
    for part in (*getattr(hint, "__metadata__", ()), *get_args(hint)):
        found = (part.extra or {}).get("expected") if isinstance(part, Meta) else _expected(part)
        if found:
            return str(found)
    return None


def _refuse_endless(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise msgspec.ValidationError("Expected a finite number")


def is_text(text: str) -> bool:
    """Whether the bytes in the environment were UTF-8; what was not stands there as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(error: msgspec.ValidationError, hint: Any) -> str:
    said = str(error)
    if "matching regex" in said:
        return f"expected {_expected(hint) or 'another form'}"
    if "Invalid enum value" in said:
        return f"expected {_expected(hint) or 'one of the values below'}"
    return said[:1].lower() + said[1:]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
