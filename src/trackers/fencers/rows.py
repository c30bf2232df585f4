"""Encode rows as one parameter for `jsonb_to_recordset`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec


def as_json(rows: Any) -> str:
    return msgspec.json.encode(rows).decode()


def as_pairs(pairs: Sequence[tuple[UUID, UUID]]) -> str:
    """Encode pairs of (fencer id, event id)."""
    return as_json([{"fencer_id": fencer, "event_id": event} for fencer, event in pairs])
