"""Under which secret of the installation a key's and a session's digest was made, and when a secret was replaced."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261201_secret_rotation"
down_revision: str | None = "20261201_log_people"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("bot_keys", sa.Column("secret_id", sa.LargeBinary(), nullable=True))
    op.add_column("auth_sessions", sa.Column("secret_id", sa.LargeBinary(), nullable=True))
    op.create_table(
        "secret_rotations",
        sa.Column("secret_id", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("secret_id", name=op.f("pk_secret_rotations")),
    )


def downgrade() -> None:
    op.drop_table("secret_rotations")
    op.drop_column("auth_sessions", "secret_id")
    op.drop_column("bot_keys", "secret_id")
