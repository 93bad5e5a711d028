"""The tables of the ledger. Every change here needs a new migration.

Must never hold queries; those are in the modules named after what they answer.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

from ccexport.messages import NOTHING, Message


class Said(TypeDecorator[Message]):
    """A sentence, stored as JSON with its template and values; an empty sentence is stored as empty text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Message | None, dialect: Dialect) -> str:
        return json.dumps(value.to_json(), ensure_ascii=False) if value else ""

    def process_result_value(self, value: Any, dialect: Dialect) -> Message:
        return _read_said(value or "")


@lru_cache(maxsize=4096)
def _read_said(kept: str) -> Message:
    """Read a stored sentence; cached, because pages read the same notes at every rerun."""
    return Message.from_json(json.loads(kept)) if kept else NOTHING


class Utc(TypeDecorator[datetime]):
    """An aware UTC moment, stored without offset so that both databases compare it alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone reached the ledger")
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Convert SQLite's text in one step: a page reads a thousand moments at every rerun."""
        return _read_utc if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _read_utc(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text + "+00:00") if text else None


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(64), primary_key=True)


people = Table(
    "people",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("display_name", String(200), nullable=False),
    Column("email", String(200), nullable=False, server_default=""),
    Column("role", String(20), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", Utc, nullable=False),
    Column("password_at", Utc, nullable=False),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", ForeignKey("people.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("purpose", String(40), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _id(),
    Column("name", String(200), nullable=False),
    Column("owner", String(140), nullable=False, index=True),
    Column("role", String(20), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created_by", String(120), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    Column("used_at", Utc),
    Index("uq_api_tokens_hash", "hash", unique=True),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", String(120), nullable=False, index=True),
    Column("origin", String(120), nullable=False, index=True),
    Column("at", Utc, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    _id(),
    Column("name", String(200), nullable=False),
    Column("account_id", String(200), nullable=False),
    Column("organisation", String(300), nullable=False),
    Column("account_email", String(300), nullable=False),
    Column("share", String(20), nullable=False),
    Column("agreed_by", String(120), nullable=False),
    Column("agreed_at", Utc, nullable=False),
    Column("agreed_text", Text, nullable=False),
    Column("connected_by", String(120), nullable=False),
    Column("connected_at", Utc, nullable=False),
    Column("privileges", JSON, nullable=False),
    Column("state", String(40), nullable=False),
    Column("state_reason", Said, nullable=False),
    Column("contract_limit", Integer),
    Column("approval_above", Integer),
    Column("export_person", String(120)),
    Column("tokens", LargeBinary, nullable=False),
    Column("removed", Boolean, nullable=False, default=False),
    Index(
        "uq_connections_name",
        "name",
        unique=True,
        sqlite_where=text("NOT removed"),
        postgresql_where=text("NOT removed"),
    ),
)

segments = Table(
    "segments",
    metadata,
    _id(),
    Column("name", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("rule", JSON),
    Column("members_path", Text),
    Column("description", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("updated_by", String(120), nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("removed", Boolean, nullable=False, default=False),
    Index(
        "uq_segments_name",
        "name",
        unique=True,
        sqlite_where=text("NOT removed"),
        postgresql_where=text("NOT removed"),
    ),
)

exports = Table(
    "exports",
    metadata,
    _id(),
    Column("name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("config", JSON, nullable=False),
    Column("created_by", String(120), nullable=False),
    Column("updated_by", String(120), nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("paused", Boolean, nullable=False, default=False),
    Column("removed", Boolean, nullable=False, default=False),
    Index(
        "uq_exports_name",
        "name",
        unique=True,
        sqlite_where=text("NOT removed"),
        postgresql_where=text("NOT removed"),
    ),
)

export_versions = Table(
    "export_versions",
    metadata,
    Column("export_id", ForeignKey("exports.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("config", JSON, nullable=False),
    Column("updated_by", String(120), nullable=False),
    Column("updated_at", Utc, nullable=False),
)

readings = Table(
    "readings",
    metadata,
    _id(),
    Column("account_id", String(200), nullable=False),
    Column("list_id", String(64), nullable=False),
    Column("on_list", Text, nullable=False),
    Column("unsubscribed", Text, nullable=False),
    Column("on_list_count", Integer, nullable=False),
    Column("unsubscribed_count", Integer, nullable=False),
    Column("read_at", Utc, nullable=False),
    Index("ix_readings_account_id_list_id", "account_id", "list_id"),
)

plans = Table(
    "plans",
    metadata,
    _id(),
    Column("export_id", ForeignKey("exports.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("folder", Text, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("kind", String(20), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    _id(),
    Column("export_id", ForeignKey("exports.id"), nullable=False),
    Column("export_name", String(200), nullable=False),
    Column("export_version", Integer, nullable=False),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("account_id", String(200), nullable=False),
    Column("list_id", String(64), nullable=False),
    Column("list_name", String(300), nullable=False),
    Column("state", String(40), nullable=False),
    Column("trigger", String(20), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("created_at", Utc, nullable=False, index=True),
    Column("started_at", Utc),
    Column("ended_at", Utc, index=True),
    Column("wait_reason", String(40)),
    Column("wait_until", Utc),
    Column("wait_step", String(40)),
    Column("approved_digest", String(64)),
    Column("approved_by", String(120)),
    Column("plan_id", String(64)),
    Column("digest", String(64)),
    Column("note", Said, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("counts", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("outcomes_path", Text),
    Column("live", Boolean, nullable=False),
    # The history is read newest first, with any filter, and never as a whole.
    Index("ix_runs_export_id_created_at", "export_id", "created_at", "id"),
    Index("ix_runs_list_id_created_at", "list_id", "created_at", "id"),
    Index("ix_runs_actor_created_at", "actor", "created_at", "id"),
    Index("ix_runs_state_created_at", "state", "created_at", "id"),
    Index("ix_runs_connection_id_ended_at", "connection_id", "ended_at"),
    # Written as SQLAlchemy writes the condition for SQLite, which compares it word by word.
    Index("ix_runs_live", "created_at", sqlite_where=text("live = 1"), postgresql_where=text("live")),
    Index(
        "uq_runs_live_export",
        "export_id",
        unique=True,
        sqlite_where=text("live"),
        postgresql_where=text("live"),
    ),
    Index(
        "uq_runs_live_list",
        "account_id",
        "list_id",
        unique=True,
        sqlite_where=text("live"),
        postgresql_where=text("live"),
    ),
)

run_events = Table(
    "run_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("state", String(40), nullable=False),
    Column("text", Said, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("contacts", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("activity_id", String(64), index=True),
    Column("submitting_at", Utc),
    Column("submitted_at", Utc),
    Column("settled_at", Utc),
    Column("ambiguous", Boolean, nullable=False, default=False),
    Column("counters", JSON, nullable=False),
    Column("errors", JSON, nullable=False),
    Column("note", Said, nullable=False),
)

own_activities = Table(
    "own_activities",
    metadata,
    Column("activity_id", String(64), primary_key=True),
    Column("at", Utc, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("list_id", String(64), primary_key=True),
    Column("path", Text, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("at", Utc, nullable=False),
)

suppression = Table(
    "suppression",
    metadata,
    Column("value", String(300), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("added_by", String(120), nullable=False),
    Column("added_at", Utc, nullable=False),
    Column("note", Text, nullable=False),
)

# What is too large to be compared is compared by a word that changes with it.
revisions = Table(
    "revisions",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(32), nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("config", JSON, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_by", String(120), nullable=False),
    Column("updated_at", Utc, nullable=False),
)

pace = Table(
    "pace",
    metadata,
    Column("api_key", String(64), primary_key=True),
    Column("state", JSON, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("until", Utc, nullable=False),
    Column("number", Integer, nullable=False, server_default="0"),
)

releases = Table(
    "releases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("export_id", ForeignKey("exports.id"), nullable=False, index=True),
    Column("guard", String(60), nullable=False),
    Column("by", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("run_id", String(64)),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False, index=True),
    Column("actor", String(120), nullable=False),
    Column("action", String(60), nullable=False, index=True),
    Column("subject", String(300), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("hash", String(64), nullable=False, server_default=""),  # of this entry and the one before
)
