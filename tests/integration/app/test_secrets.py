"""What people send stands where it belongs and nowhere else: not in the logs, nor in what admins read of them."""

import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, product
from typing import Any, Final

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from sqlalchemy import text
from tests.integration.app.test_access import (
    ENDPOINTS,
    LIMITLESS,
    PASSWORD,
    SNAPSHOT,
    Endpoint,
    World,
    database_url,
    first_world,
    world,
)
from tests.integration.app.test_extremes import LEFT_OUT, OPERATIONS, ask, resolved, with_value
from tests.integration.stored_texts import Place, places_of

from app.api import create_app
from app.container import AppContainer
from app.modules import all_settings
from shared.logging import configure
from shared.settings import Secret, load

__all__ = ["database_url", "first_world", "world"]

FORMS: Final = (
    "{}",
    "{}@example.org",
    "https://hooks.slack.com/services/T024BE91L/B03/{}",
    "https://chat.example.org/hooks/{}",
    "https://hook.eu1.make.com/{}",
    "https://ntfy.sh/{}",
    "https://api.telegram.org/bot12345:{}/sendMessage",
    "https://example.org/in?token={}",
)
"""How a secret may look: alone, as an address of mail, as what channels are reached by."""


MANUAL: Final = frozenset(f"{whose}{what}_manual_snapshot" for whose in ("", "internal_") for what in ("add", "change"))
FOR_PEOPLE: Final = frozenset(
    {
        "internal_add_player",
        "internal_add_tracker",
        "internal_follow_player",
        "internal_issue_claim_code",
        "internal_put_guild_members",
        "internal_register_by_staff",
        "internal_register_trackers",
        "internal_track_club",
        "internal_track_fencer",
    }
)
CHANNELS: Final = frozenset(
    f"{what}_{whose}_channel"
    for what, whose in product(("add", "change", "internal_add", "internal_change"), ("my", "guild"))
)
ADDED_CHANNELS: Final = frozenset({"add_my_channel", "add_guild_channel", "internal_add_guild_channel"})
CHANNEL_FORMS: Final = (
    {"kind": "email", "address": "{}@example.org"},
    {"kind": "discord", "url": "https://discord.com/api/webhooks/281474976710656001/{}-abcdefgh"},
    {"kind": "apprise", "url": "ntfys://{}/topic"},
    {"kind": "webhook", "url": "https://hook.eu1.make.com/{}"},
)
ACCEPTED: Final[Mapping[str, Collection[Mapping[str, str]]]] = {
    "register": [{"username": "{}", "email": "{}@example.org", "password": PASSWORD}],
    **dict.fromkeys(ADDED_CHANNELS, CHANNEL_FORMS),
}
"""Bodies that are taken as they are."""
BELONGS: Final[Mapping[Place, Collection[str]]] = {
    ("users", "display_name"): {"change_my_account", "register"},
    ("account_mails", "address"): {"change_my_account", "register"},
    ("users", "username"): {"change_my_account", "register"},
    **{("user_identities", name): FOR_PEOPLE for name in ("username", "global_name", "avatar")},
    ("notification_channels", "name"): CHANNELS,
    ("notification_channels", "shown"): ADDED_CHANNELS,
    ("guilds", "name"): {"internal_put_guild"},
    **{
        (f"tracked_{kind}s", "name"): {
            f"{whose}{what}_{kind}" for whose in ("", "internal_") for what in ("track", "update_tracked")
        }
        for kind in ("club", "fencer")
    },
    ("game_manual_snapshots", "note"): MANUAL,
    ("game_manual_snapshots", "evidence_url"): MANUAL,
    ("contract_watches", "note"): {"add_contract_watch", "change_contract_watch"},
    ("flight_trips", "name"): {"create_trip", "update_trip"},
    ("flight_trips", "notes"): {"create_trip", "update_trip"},
    **{("flight_snapshots", name): {"push_trip_price"} for name in ("airline", "airline_name", "reference")},
    ("bot_keys", "name"): {"create_key"},
    ("scrape_pauses", "reason"): {"pause_source"},
    ("scrape_blocks", "reason"): {"block"},
    # Names of keys and guilds, and why a source rests: written by admins and bots for those who read the log.
    ("activity_log", "details"): {"create_key", "internal_put_guild", "pause_source"},
}
"""Where texts are stored, and the operations that store them there."""
LISTED: Final = frozenset(
    {"block", *BELONGS["activity_log", "details"], *BELONGS["users", "username"], *FOR_PEOPLE, *MANUAL, *CHANNELS}
)
"""Operations of which admins see texts: names of keys, guilds and people, why somebody is blocked, and manual
snapshots, which they review."""


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """With a mail server, which nobody asks, and nobody told to come back later."""
    return environ | LIMITLESS | {"TRACKERS_SMTP_HOST": "127.0.0.1", "TRACKERS_SMTP_PORT": "9"}


def texts(schema: Any, path: tuple[Any, ...] = (), depth: int = 0) -> Iterator[tuple[Any, ...]]:
    """Paths of all that takes a text in a body, three levels deep."""
    schema = resolved(schema)
    if depth > 3:
        return
    for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from texts(branch, path, depth)
    for name, part in schema.get("properties", {}).items():
        yield from texts(part, (*path, name), depth + 1)
    if "items" in schema:
        yield from texts(schema["items"], (*path, 0), depth + 1)
    if path and schema.get("type") == "string" and "enum" not in schema:
        yield path


def planted(world: World, endpoint: Endpoint, numbers: Iterator[int]) -> Iterator[tuple[str, Any]]:
    """The endpoint's body with a marker in each of its texts in turn, in each form."""
    contents = [*OPERATIONS[endpoint.operation].get("requestBody", {}).get("content", {}).values()][:1]
    for body in ACCEPTED.get(endpoint.operation, ()):
        marker = f"sesame{next(numbers):05}open"
        yield marker, {name: value.format(marker) for name, value in body.items()}
    for place in dict.fromkeys(place for content in contents for place in texts(content["schema"])):
        for form in FORMS:
            marker = f"sesame{next(numbers):05}open"
            yield marker, with_value(world.bodies.get(endpoint.operation), place, form.format(marker))


@pytest.mark.slow
async def test_what_people_send_stands_nowhere_but_where_it_belongs(world: World, container: AppContainer) -> None:
    """Markers in every text of every body, accepted or refused; then each column of each table, the log, and all that
    admins can list.
    """
    written = io.StringIO()
    configure(level="DEBUG", form="json", stream=written)
    numbers, sent = count(), dict[str, str]()
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET" or endpoint.operation in LEFT_OUT:
            continue
        for marker, body in planted(world, endpoint, numbers):
            await ask(world, endpoint, body=body)
            sent[marker] = endpoint.operation
    assert len(sent) > 1_000
    assert "request" in written.getvalue()
    places = await places_of(container, sent)
    strays = {
        f"{table}.{column} of {sent[marker]}"
        for marker, found in places.items()
        for table, column in found
        if sent[marker] not in BELONGS.get((table, column), ())
    }
    assert not strays
    assert {place for found in places.values() for place in found} == set(BELONGS)
    assert not [sent[marker] for marker in sent if marker in written.getvalue()]
    lists = [endpoint for endpoint in ENDPOINTS if endpoint.path.startswith("/api/admin/") and endpoint.method == "GET"]
    shown = "".join([(await ask(world, endpoint)).text for endpoint in lists])
    listed = {sent[marker] for marker in sent if marker in shown}
    assert listed <= LISTED, listed


async def test_what_a_database_says_of_an_error_is_logged_without_its_values(
    world: World, container: AppContainer
) -> None:
    """PostgreSQL quotes whole rows: of the change that failed, and of the entry of the audit log that could not be
    written.
    """
    written = io.StringIO()
    configure(level="DEBUG", form="json", stream=written)
    for table in ("game_manual_snapshots", "audit_log"):
        statement = f"ALTER TABLE {table} ADD CONSTRAINT nothing CHECK (id IS NULL) NOT VALID"
        await container.standalone_writer().execute(text(statement))
    answer = await world.http.post(
        f"/api/trackers/{world.names['tracker_id']}/snapshots",
        json={**SNAPSHOT, "note": "sesame\nopen", "evidence_url": "https://example.org/sesame"},
        headers={"Authorization": f"Bearer {world.tokens['owner']}", "User-Agent": "bot (sesame@example.org)"},
    )
    assert answer.status_code == 500
    lines = [msgspec.json.decode(line) for line in written.getvalue().splitlines()]
    events = {line["event"] for line in lines}
    assert events >= {"request_failed", "audit_not_written"}
    assert "violates check constraint" in written.getvalue()
    assert "sesame" not in written.getvalue()
    assert "Failing row" not in written.getvalue()


HARMLESS: Final = ("boolean", "integer", "number", "null")


def free_texts(schema: Any) -> bool:
    """Whether a value may be, or hold, a text that is not one of a few, a number, an id or a moment."""
    schema = resolved(schema)
    branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if re.fullmatch(r"\^(\[[01]-9\](\{[0-9,]+\})?)+\$.*", schema.get("pattern", "")):
        return False
    if branches:
        return any(free_texts(branch) for branch in branches)
    if schema.get("type") == "array":
        return free_texts(schema.get("items", {}))
    if schema.get("type") == "string":
        few = "enum" in schema or "const" in schema or schema.get("format") in {"uuid", "date-time", "date"}
        return not few
    return schema.get("type") not in HARMLESS


def at(schema: Any, path: Sequence[str]) -> Iterator[Any]:
    """Schemas of the field that a dotted name means; several where a body has several types."""
    schema = resolved(schema)
    for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from at(branch, path)
    if "items" in schema:
        yield from at(schema["items"], path)
    if path and path[0] in schema.get("properties", {}):
        part = schema["properties"][path[0]]
        yield from at(part, path[1:]) if path[1:] else [part]


def handlers() -> dict[str, HTTPRouteHandler]:
    routes = create_app(AppContainer(loaded=load(all_settings(), {}), secret=Secret("s" * 40))).routes
    return {
        str(handler.operation_id): handler
        for route in routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
    }


def test_fields_that_the_audit_log_keeps_take_no_free_text() -> None:
    kept = {name: handler.opt["audited"] for name, handler in handlers().items() if "audited" in handler.opt}
    assert len(kept) > 30
    for operation, names in kept.items():
        (content, *_) = OPERATIONS[operation]["requestBody"]["content"].values()
        for name in names:
            found = list(at(content["schema"], name.split(".")))
            assert found, f"{operation} has no field {name}"
            assert not [part for part in found if free_texts(part)], f"{operation}: {name} takes any text"


def test_answers_that_hold_a_secret_are_not_kept_for_bots_that_ask_twice() -> None:
    for operation, handler in handlers().items():
        if "POST" not in handler.http_methods or not operation.startswith("internal_"):
            continue
        answers = [
            content["schema"]
            for status, answer in OPERATIONS[operation]["responses"].items()
            if status.startswith("2")
            for content in answer.get("content", {}).values()
        ]
        secret = {name for schema in answers for name in resolved(schema).get("properties", {})} & SECRETS
        assert not secret or handler.opt.get("secret_answer"), f"{operation} answers with {secret}"
    assert {name for name, handler in handlers().items() if handler.opt.get("secret_answer")} == {
        "internal_issue_claim_code",
        "internal_add_guild_channel",
        "internal_rotate_guild_channel_secret",
    }


SECRETS: Final = frozenset({"secret", "code", "token", "key", "text", "access_token", "refresh_token"})
