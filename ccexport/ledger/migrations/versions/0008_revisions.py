"""Name each state of the suppression list, so that a plan need not read 300,000 rows to know whether it changed."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    made = op.create_table(
        "revisions",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_revisions")),
    )
    op.execute(made.insert().values(name="suppression", value=uuid4().hex))
