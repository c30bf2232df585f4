"""Whose contract a rejected row was, so that it goes when its issuer is blocked."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261201_rejects_of_issuers"
down_revision: str | None = "20261201_member_identities"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("contract_rejects", sa.Column("issuer_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("contract_rejects", "issuer_id")
