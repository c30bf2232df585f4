"""Memberships say what confirmed them. Those from before were told by bots that the operator trusts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261130_confirmed_memberships"
down_revision: str | None = "20261122_flat_reads"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("guild_members", sa.Column("confirmed_by", sa.Text(), nullable=True))
    op.execute("UPDATE guild_members SET confirmed_by = 'operator'")


def downgrade() -> None:
    op.drop_column("guild_members", "confirmed_by")
