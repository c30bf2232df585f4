"""How a target stands is told in columns and asked for in conditions: both must mean the same."""

from itertools import product

import pytest
from sqlalchemy import text

from app.container import AppContainer
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_COLUMNS, STATUS_IS

STATES = list(product((None, "completed", "failed"), (False, True), (False, True), (None, 0, 2, 5)))


@pytest.mark.parametrize("status", Status)
async def test_a_condition_finds_what_the_column_says(container: AppContainer, status: Status) -> None:
    values = ", ".join(
        f"({_text(last)}, {'now()' if leased else 'NULL'}::timestamptz, "
        f"{'uuidv7()' if awaited else 'NULL'}::uuid, {'NULL' if priority is None else priority}::smallint)"
        for last, leased, awaited, priority in STATES
    )
    columns = STATUS_COLUMNS.split(" AS status")[0]
    (row,) = await container.reader().rows(
        text(f"""
        WITH states (last_status, lease_until, run_id, priority) AS (VALUES {values})
        SELECT count(*) FILTER (WHERE {STATUS_IS[status]}) AS found,
               count(*) FILTER (WHERE ({columns}) = '{status}') AS said,
               count(*) FILTER (WHERE ({STATUS_IS[status]}) <> (({columns}) = '{status}')) AS differ
        FROM (SELECT last_status, lease_until, run_id, priority FROM states) s, LATERAL (SELECT s.last_status) t
        """)  # noqa: S608 -- made of constants
    )
    assert row["differ"] == 0
    assert row["found"] == row["said"] > 0


def _text(value: str | None) -> str:
    return "NULL::text" if value is None else f"'{value}'"
