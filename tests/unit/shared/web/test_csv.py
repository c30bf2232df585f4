"""Lists as tables."""

import csv
import io
from datetime import UTC, datetime

import pytest
from msgspec import Struct

from shared.web.csv import as_csv, csv_answer


class Where(Struct, kw_only=True):
    city: str
    zone: str | None = None


class Entry(Struct, kw_only=True):
    name: str
    score: int | None
    share: float = 0.5
    open: bool = True
    at: datetime = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    where: Where | None = None
    tags: list[str] = []
    past: list[Where] = []


def table(*entries: Entry) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(Entry, entries), newline="")))


def test_an_entry_is_a_row_below_the_names_of_its_fields() -> None:
    heading, row = table(Entry(name="Lynx", score=12, where=Where(city="Lund"), tags=["a", "b"]))
    assert heading == ["name", "score", "share", "open", "at", "where_city", "where_zone", "tags", "past"]
    assert row == ["Lynx", "12", "0.5", "true", "2026-03-01T12:30:00+00:00", "Lund", "", '["a","b"]', "[]"]


def test_an_empty_list_has_its_heading() -> None:
    assert len(table()) == 1


def test_unknowns_are_empty_cells() -> None:
    assert table(Entry(name="Lynx", score=None))[1][1] == ""
    assert table(Entry(name="Lynx", score=None))[1][5:7] == ["", ""]


def test_text_with_commas_quotes_and_line_feeds_stays_one_cell() -> None:
    name = 'a "b", c\r\nd'
    assert table(Entry(name=name, score=1))[1][0] == name


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", '=cmd|"/c calc"!A1'])
def test_what_a_spreadsheet_would_run_is_text(name: str) -> None:
    assert table(Entry(name=name, score=1))[1][0] == f"'{name}"


def test_a_negative_number_stays_a_number() -> None:
    assert table(Entry(name="Lynx", score=-3))[1][1] == "-3"


def test_browsers_are_told_to_save_it() -> None:
    answer = csv_answer(Entry, [], name="players")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="players.csv"'
    assert answer.media_type == "text/csv"
