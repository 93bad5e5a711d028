"""Add numbers of leases, which grow with every holder, and versions of the pace; lengthen holder names."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("leases") as table:
        table.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default="0"))
        table.alter_column(
            "holder", existing_type=sa.String(120), type_=sa.String(200), existing_nullable=False
        )
    with op.batch_alter_table("pace") as table:
        table.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
