"""Store sentences of runs, events and requests as JSON with template and values; old texts stay unchanged."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = (("runs", "note"), ("run_events", "text"), ("batches", "note"))


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, column in COLUMNS:
        made = (
            f"json_object('template', '{{text}}', 'values', json_object('text', {column}))"
            if sqlite
            else f"json_build_object('template', '{{text}}', 'values', json_build_object('text', {column}))::text"
        )
        op.execute(sa.text(f"UPDATE {table} SET {column} = {made} WHERE {column} <> ''"))
