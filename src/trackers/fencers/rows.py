"""Rows as a statement takes them: one parameter, read by jsonb_to_recordset."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec


def as_json(rows: Any) -> str:
    return msgspec.json.encode(rows).decode()


def as_pairs(pairs: Sequence[tuple[UUID, UUID]]) -> str:
    """(fencer, event) each."""
    return as_json([{"fencer_id": fencer, "event_id": event} for fencer, event in pairs])
