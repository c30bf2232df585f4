"""Every event is declared with its readers, and docs/events.md is the table of all."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from msgspec import Struct
from msgspec.structs import fields

import app.container  # noqa: F401 -- with it, every module of the service is imported
from app.modules import all_events
from shared.events import EventType, NewEvent, Readers

PAGE: Final = Path(__file__).parents[2] / "docs" / "events.md"
ROW: Final = re.compile(r"\| `[\w.]+` \|.*\|")
PRIVATE: Final = ("price_watch.", "trip.", "contract.", "channel.", "digest.", "preference.", "notification.")


def defined() -> Iterator[EventType]:
    """Every EventType that a module of the service holds by a name, also in a mapping or a tuple."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and name.partition(".")[0] in {"app", "shared", "trackers", "users"}:
            for value in list(vars(module).values()):
                yield from _types_in(value)


def _types_in(value: Any) -> Iterator[EventType]:
    if isinstance(value, EventType):
        yield value
    elif isinstance(value, Mapping):
        yield from (one for one in value.values() if isinstance(one, EventType))
    elif isinstance(value, tuple | list | frozenset | set):
        yield from (one for one in value if isinstance(one, EventType))


def row(event: EventType) -> str:
    payload = ", ".join(f"`{field.encode_name}`" for field in fields(event.payload))
    return f"| `{event.name}` | {event.when} | {payload} | {event.readers} |"


def test_every_event_type_is_declared_by_its_module_once() -> None:
    declared = all_events()
    assert {event.name for event in defined()} == {event.name for event in declared}
    assert len({event.name for event in declared}) == len(declared)


def test_the_page_lists_every_event_with_its_payload_and_readers() -> None:
    assert ROW.findall(PAGE.read_text()) == [row(event) for event in all_events()]


def test_the_page_explains_every_kind_of_readers() -> None:
    page = PAGE.read_text()
    assert [readers for readers in Readers if f"- **{readers}**" not in page] == []


def test_private_events_are_their_owners_only() -> None:
    private = [event for event in all_events() if event.name.startswith(PRIVATE)]
    assert private
    assert {event.readers for event in private} == {Readers.OWNER}


def test_events_of_a_named_guild_name_it() -> None:
    of_guilds = [event for event in all_events() if event.readers is Readers.NAMED_GUILD]
    assert of_guilds
    assert all("guild_id" in event.payload.__struct_fields__ for event in of_guilds)


def test_no_payload_names_another_person() -> None:
    """Bots of one person's guilds do not learn of others by it: the owner is the event's `user_id`."""
    named = {(event.name, field) for event in all_events() for field in event.payload.__struct_fields__}
    assert [(event, field) for event, field in named if field in {"user_id", "from", "to", "owner", "added_by"}] == []


def test_an_event_with_another_payload_than_its_type_declares_cannot_be_written() -> None:
    class Other(Struct):
        pass

    with pytest.raises(TypeError, match=all_events()[0].name):
        NewEvent(event=all_events()[0], aggregate="a:1", payload=Other())
