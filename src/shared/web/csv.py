"""Lists as tables: what is asked for with `format=csv` comes as text/csv (RFC 4180), a row to an entry.

A cell that a spreadsheet would take for a formula is given an apostrophe in front, so that opening a table runs nothing
(OWASP, "CSV Injection"). Text that begins so is rare; numbers keep their minus.
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
    """How a list is written."""

    JSON = "json"
    CSV = "csv"


Format = Annotated[
    ListFormat, QueryParameter(description="`csv` gives the entries alone as a table, with their names on top.")
]


def csv_answer(kind: type[Struct], entries: Sequence[Struct], *, name: str) -> Any:
    """The answer, in place of a list, with its entries as a table that browsers save as `<name>.csv`.

    `kind` names the columns. A Struct inside an entry becomes columns of its own, `outer_inner`; lists and mappings
    become JSON. Times are RFC 3339, an unknown is an empty cell.
    """
    return Response(
        content=as_csv(kind, entries).encode(),
        media_type=TEXT_CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def as_csv(kind: type[Struct], entries: Sequence[Struct]) -> str:
    """The table's text, a line feed with its carriage return after every row."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = _columns(kind)
    writer.writerow(["_".join(path) for path in columns])
    writer.writerows([_cell(_at(entry, path)) for path in columns] for entry in entries)
    return out.getvalue()


def _columns(kind: Any) -> list[tuple[str, ...]]:
    """Paths to what stands in the columns."""
    columns: list[tuple[str, ...]] = []
    for field in msgspec.structs.fields(kind):
        inner = _struct_of(field.type)
        columns += [(field.name,)] if inner is None else [(field.name, *path) for path in _columns(inner)]
    return columns


def _struct_of(annotation: Any) -> Any:
    """The Struct that an annotation is, or is beside None."""
    kinds = [kind for kind in getattr(annotation, "__args__", (annotation,)) if kind is not type(None)]
    one = kinds[0] if len(kinds) == 1 else None
    return one if isinstance(one, type) and issubclass(one, Struct) and not _is_generic(annotation) else None


def _is_generic(annotation: Any) -> bool:
    """Whether an annotation is a collection of something, `list[Kind]` say."""
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
