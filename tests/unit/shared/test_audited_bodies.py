"""What the audit log keeps of a body: the fields that its route names, where the body is what the handler takes."""

import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from shared.audit.bodies import audited_body
from shared.redaction import MAX_ITEMS, REMOVED

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PERSON = "281474976710656001"


class Member(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    user_id: str
    name: str = ""


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="channel", tag_field="kind"):
    url: str
    active: bool = True
    members: list[Member] = []
    owner: Member | None = None


class Mail(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="mail", tag_field="kind"):
    address: str


def handler(kind: Any = Channel, *audited: str) -> Any:
    return SimpleNamespace(parsed_data_field=SimpleNamespace(annotation=kind), opt={"audited": audited})


def kept(body: Any, *audited: str, kind: Any = Channel) -> Any:
    return audited_body(json.dumps(body).encode(), JSON, handler(kind, *audited))


def test_fields_that_the_route_names_are_kept_and_of_others_the_name() -> None:
    body = {"kind": "channel", "url": "https://sesame.example", "active": False}
    assert kept(body, "kind", "active") == {"kind": "channel", "url": REMOVED, "active": False}
    assert kept(body) == dict.fromkeys(body, REMOVED)


def test_a_field_within_another_is_named_with_a_dot() -> None:
    body = {
        "kind": "channel",
        "url": "sesame",
        "members": [{"user_id": PERSON, "name": "sesame"}] * 2,
        "owner": {"user_id": PERSON, "name": "sesame"},
    }
    member = {"user_id": PERSON, "name": REMOVED}
    assert kept(body, "members.user_id", "owner.user_id") == {
        "kind": REMOVED,
        "url": REMOVED,
        "members": [member, member],
        "owner": member,
    }
    assert kept({**body, "owner": None}, "owner.user_id")["owner"] is None


def test_of_a_body_that_the_handler_does_not_take_no_value_is_kept() -> None:
    """Any text may then stand in a field whose values are harmless otherwise."""
    for body in ({"kind": "channel", "url": 5, "active": True}, {"kind": "sesame", "url": "u"}, {"active": "sesame"}):
        assert kept(body, "kind", "active") == dict.fromkeys(body, REMOVED)


def test_names_that_are_none_of_ours_are_counted_only() -> None:
    assert kept({"url": "u", "kind": "channel", "sesame": 1, "open": 2}, "kind") == {
        "url": REMOVED,
        "kind": REMOVED,
        "…": "[2 more]",
    }


def test_a_body_of_several_types_has_the_fields_of_each() -> None:
    assert kept({"kind": "mail", "address": "sesame@example.org"}, "kind", kind=Channel | Mail | None) == {
        "kind": "mail",
        "address": REMOVED,
    }


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'"sesame"', b"17", b"sesame", b"[" * 10_000, b'[{"a": 1}]'])
def test_of_what_is_no_object_only_size_and_type_are_noted(body: bytes) -> None:
    assert audited_body(body, JSON, handler(Channel, "url")) == {"bytes": len(body), "type": JSON}


def test_what_no_handler_takes_is_measured_only() -> None:
    body = b"username=me&password=sesame"
    nobody: list[Any] = [None, SimpleNamespace(parsed_data_field=None, opt={}), handler(dict[str, Any], "password")]
    for one in nobody:
        assert audited_body(body, FORM, one) == {"bytes": len(body), "type": FORM}


def test_long_lists_of_what_is_kept_are_cut() -> None:
    members = [{"user_id": PERSON}] * (MAX_ITEMS + 50)
    cut = kept({"kind": "channel", "url": "u", "members": members}, "members.user_id")["members"]
    assert (len(cut), cut[-1]) == (MAX_ITEMS + 1, "[50 more]")


def test_ids_and_times_are_kept_as_they_were_sent() -> None:
    class Moved(Struct, forbid_unknown_fields=True):
        to: UUID

    to = "018f0000-0000-7000-8000-0000000000ad"
    assert kept({"to": to}, "to", kind=Moved) == {"to": to}
