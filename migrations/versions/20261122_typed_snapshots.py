"""Snapshots that people typed in: by whom, with what note and evidence."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_typed_snapshots"
down_revision: str | None = "20261122_idempotency"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("game_snapshots", sa.Column("entered_by", sa.Uuid(), nullable=True))
    op.add_column("game_snapshots", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("game_snapshots", sa.Column("evidence_url", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("game_snapshots", "evidence_url")
    op.drop_column("game_snapshots", "note")
    op.drop_column("game_snapshots", "entered_by")
