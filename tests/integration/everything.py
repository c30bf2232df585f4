"""A search through every column of every table, for what must be nowhere any more."""

from typing import Final

from sqlalchemy import LargeBinary, Table, text

from app.container import AppContainer
from app.models import METADATA

BLOCKS: Final = frozenset({"scrape_blocks", "scrape_blocked_keys"})
"""Where what is blocked is listed."""


async def tables_with(container: AppContainer, *words: str, besides: frozenset[str] = BLOCKS) -> dict[str, list[str]]:
    """Table -> its rows in which one of the words stands, in any case; bytes are read as text where they are that."""
    found = {}
    for table in METADATA.sorted_tables:
        if table.name in besides:
            continue
        rows = await container.reader().rows(
            text(f"""
            SELECT CAST(t AS text) AS said FROM (SELECT * FROM {table.name}) t
            WHERE EXISTS (SELECT FROM unnest(CAST(:words AS text[])) AS w (word)
                          WHERE strpos(lower(CAST(t AS text) {_bytes_of(table)}), lower(word)) > 0)
            """),  # noqa: S608 -- names of our own tables
            {"words": list(words)},
        )
        if rows:
            found[table.name] = [row["said"] for row in rows]
    return found


def _bytes_of(table: Table) -> str:
    """Further text: bytes without what is no ASCII."""
    columns = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
    return "".join(f" || coalesce(encode(t.{name}, 'escape'), '')" for name in columns)
