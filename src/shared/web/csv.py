"""Lists as CSV tables (`format=csv`): text/csv (RFC 4180), struct row per entry.

A cell that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV Injection"). Such text is
rare; numbers keep their minus sign.
"""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from litestar import Response
from litestar.params import QueryParameter
from msgspec import Struct

TEXT_CSV: Final = "text/csv"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ListFormat(StrEnum):
    """Format of a list in a response."""

    JSON = "json"
    CSV = "csv"


Format = Annotated[
    ListFormat, QueryParameter(description="`csv` returns only the entries, as a table with a header row.")
]


def csv_answer(kind: type[Struct], entries: Sequence[Struct], *, name: str) -> Any:
    """A response with the entries as a CSV table that browsers save as `<name>.csv`.

    The fields of `kind` are the columns. A Struct inside an entry becomes columns named `outer_inner`; lists and
    mappings become JSON. Times are RFC 3339; None is an empty cell.
    """
    return Response(
        content=as_csv(kind, entries).encode(),
        media_type=TEXT_CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def as_csv(kind: type[Struct], entries: Sequence[Struct]) -> str:
    """The text of the table; every row ends with CRLF."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = _columns(kind)
    writer.writerow(["_".join(path) for path in columns])
    writer.writerows([_cell(_at(entry, path)) for path in columns] for entry in entries)
    return out.getvalue()


def _columns(kind: Any) -> list[tuple[str, ...]]:
    """Path of field names for each column."""
    columns: list[tuple[str, ...]] = []
    for field in msgspec.structs.fields(kind):
        inner = _struct_of(field.type)
        columns += [(field.name,)] if inner is None else [(field.name, *path) for path in _columns(inner)]
    return columns


def _struct_of(annotation: Any) -> Any:
    """The Struct of an annotation `Struct` or `Struct | None`; None for every other annotation."""
    kinds = [kind for kind in getattr(annotation, "__args__", (annotation,)) if kind is not type(None)]
    struct = kinds[0] if len(kinds) == 1 else None
    return struct if isinstance(struct, type) and issubclass(struct, Struct) and not _is_generic(annotation) else None


def _is_generic(annotation: Any) -> bool:
    """True if an annotation is a generic collection such as `list[Kind]`."""
    return isinstance(getattr(annotation, "__origin__", None), type)


def _at(entry: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if entry is None:
            return None
        entry = getattr(entry, name)
    return entry


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple | dict | set | frozenset | Struct):
        return msgspec.json.encode(value).decode()
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
