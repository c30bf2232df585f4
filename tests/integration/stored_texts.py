"""Everything that is stored: each column of each table, for tests of what must not stand there."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import text

from app.container import AppContainer
from app.models import METADATA

Place = tuple[str, str]
"""Table and column."""


async def rows_of(container: AppContainer, table: str) -> list[dict[str, Any]]:
    return await container.reader().rows(text(f'SELECT * FROM "{table}"'))  # noqa: S608 -- a table of ours


async def places_of(container: AppContainer, texts: Collection[str]) -> dict[str, set[Place]]:
    """Where texts stand, in any table; those that stand nowhere are left out."""
    found: defaultdict[str, set[Place]] = defaultdict(set)
    for table in METADATA.tables:
        for row in await rows_of(container, table):
            for column, value in row.items():
                stored = as_text(value)
                for one in texts:
                    if one in stored:
                        found[one].add((table, column))
    return dict(found)


def as_text(value: Any) -> str:
    """A value as one text, however it is stored."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
