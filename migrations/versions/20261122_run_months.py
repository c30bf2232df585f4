"""Runs lie in parts by month of their id. The table of before becomes the first part as it is: nothing is copied."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_run_months"
down_revision: str | None = "20261122_fencer_listings"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = ("ix_scrape_runs_target_id_id", "ix_scrape_runs_finished_at", "ix_scrape_runs_uncompleted")
AFTER_TIME = 80
"""Bits of a UUIDv7 after its milliseconds."""

NEXT_MONTH = """
SELECT CAST(extract(epoch FROM (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC')
            * 1000 AS bigint)
"""


def _make_indexes() -> None:
    op.create_index("ix_scrape_runs_target_id_id", "scrape_runs", ["target_id", "id"], unique=False)
    op.create_index("ix_scrape_runs_finished_at", "scrape_runs", ["finished_at"], unique=False)
    op.create_index(
        "ix_scrape_runs_uncompleted",
        "scrape_runs",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status <> 'completed'"),
    )


def _set_aside(name: str) -> None:
    """Give the table and its indexes other names."""
    op.rename_table("scrape_runs", name)
    op.execute(f"ALTER INDEX pk_scrape_runs RENAME TO pk_{name}")
    for index in INDEXES:
        op.execute(f"ALTER INDEX {index} RENAME TO {index.replace('scrape_runs', name)}")


def upgrade() -> None:
    milliseconds = op.get_bind().execute(sa.text(NEXT_MONTH)).scalar_one()
    bound = UUID(int=milliseconds << AFTER_TIME)
    _set_aside("scrape_runs_first")
    op.execute(
        "CREATE TABLE scrape_runs (LIKE scrape_runs_first INCLUDING CONSTRAINTS,"
        " CONSTRAINT pk_scrape_runs PRIMARY KEY (id))"
        " PARTITION BY RANGE (id)"
    )
    _make_indexes()
    op.execute("CREATE TABLE scrape_runs_default PARTITION OF scrape_runs DEFAULT")
    # Of a clock that was ahead: a part takes no row from beyond its bounds.
    op.execute(f"""
        WITH moved AS (DELETE FROM scrape_runs_first WHERE id >= '{bound}' RETURNING *)
        INSERT INTO scrape_runs_default SELECT * FROM moved
    """)  # noqa: S608 -- a number of our own
    op.execute(f"ALTER TABLE scrape_runs ATTACH PARTITION scrape_runs_first FOR VALUES FROM (MINVALUE) TO ('{bound}')")
    # Last, because it locks the targets, too.
    op.execute("ALTER TABLE scrape_runs_first DROP CONSTRAINT fk_scrape_runs_target_id_scrape_targets")


def downgrade() -> None:
    op.rename_table("scrape_runs", "scrape_runs_in_parts")
    op.execute("ALTER INDEX pk_scrape_runs RENAME TO pk_scrape_runs_in_parts")
    for index in INDEXES:
        op.execute(f"ALTER INDEX {index} RENAME TO {index}_in_parts")
    op.execute(
        "CREATE TABLE scrape_runs (LIKE scrape_runs_in_parts INCLUDING CONSTRAINTS,"
        " CONSTRAINT pk_scrape_runs PRIMARY KEY (id))"
    )
    # Of targets that were erased nothing is left; a run written meanwhile would have nobody to belong to.
    op.execute("""
        INSERT INTO scrape_runs
        SELECT r.* FROM scrape_runs_in_parts r WHERE EXISTS (SELECT FROM scrape_targets t WHERE t.id = r.target_id)
    """)
    _make_indexes()
    op.create_foreign_key(
        op.f("fk_scrape_runs_target_id_scrape_targets"),
        "scrape_runs",
        "scrape_targets",
        ["target_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.drop_table("scrape_runs_in_parts")
