"""Ways to break an installation, each with the code by which the doctor names it.

Each takes the data directory of a copy (at rest, nobody has it open) and a way to set the environment.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ccexport.ledger import Ledger
from ccexport.model.notices import Channel, Destination, Subscriber
from ccexport.plan.standing import holds_path

MOMENT = "2020-01-01 06:00:00.000000"
SAID = json.dumps({"template": "It went wrong.", "values": {}})
DAILY = '{"follows": "times", "recurrence": {"every": "day", "at": ["06:00"]}, "zone": "UTC"}'


@dataclass(frozen=True)
class Sick:
    """One copy of an installation, to be broken."""

    root: Path
    set: Callable[[str, str], None]

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.root / "ledger.sqlite")) as db:
            db.execute("PRAGMA foreign_keys = OFF")
            for statement in statements:
                db.execute(statement)
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def one(self, pattern: str) -> Path:
        return next(p for p in sorted(self.root.glob(pattern)) if ".holds" not in p.name)

    def write(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)

    def spoil(self, pattern: str) -> None:
        """Other bytes, as many as before."""
        path = self.one(pattern)
        path.write_bytes(b"x" * path.stat().st_size)


def _without(pattern: str) -> Callable[[Sick], None]:
    def broken(sick: Sick) -> None:
        found = sick.one(pattern)
        shutil.rmtree(found) if found.is_dir() else found.unlink()

    return broken


def _spoilt(pattern: str) -> Callable[[Sick], None]:
    return lambda sick: sick.spoil(pattern)


def _by_sql(*statements: str) -> Callable[[Sick], None]:
    return lambda sick: sick.sql(*statements)


def _set(**settings: str) -> Callable[[Sick], None]:
    def broken(sick: Sick) -> None:
        for name, value in settings.items():
            sick.set(f"CCEXPORT_{name.upper()}", value)

    return broken


def _both(*steps: Callable[[Sick], None]) -> Callable[[Sick], None]:
    def broken(sick: Sick) -> None:
        for step in steps:
            step(sick)

    return broken


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _mode(name: str, mode: int) -> Callable[[Sick], None]:
    return lambda sick: (sick.root / name).chmod(mode)


def _other_owner(sick: Sick) -> None:
    os.chown(sick.root / "profiles" / "current", 12345, 12345)


def _twice(sick: Sick) -> None:
    path = sick.one("deliveries/*/*/*.parquet")
    rows = pq.read_table(path)
    pq.write_table(pa.concat_tables([rows, rows.slice(0, 1)]), path)
    assert holds_path(path).exists()


def _damaged_ledger(sick: Sick) -> None:
    path = sick.root / "ledger.sqlite"
    kept = bytearray(path.read_bytes())
    kept[4096 * 4 : 4096 * 12] = b"\x55" * 4096 * 8
    path.write_bytes(kept)


def _snapshot_of_others(sick: Sick) -> None:
    description = sick.one("profiles/*.json")
    description.write_text(description.read_text().replace('"profiles": 3', '"profiles": 4'))


def _watched(*files: str) -> Callable[[Sick], None]:
    def broken(sick: Sick) -> None:
        names = ", ".join(f'"{sick.root.parent / name}"' for name in files)
        config = f'{{"on": true, "sources": [{names}], "recurrence": {{"every": "day", "at": ["06:00"]}}}}'
        sick.sql(
            "INSERT INTO refresh_settings (name, config, since, updated_by, updated_at) VALUES "
            f"('refresh', '{config}', '2999-01-01 00:00:00', 'ada', '{MOMENT}')"
        )

    return broken


def _last_refresh(state: str) -> Callable[[Sick], None]:
    def broken(sick: Sick) -> None:
        (sick.root.parent / "people.csv").touch()
        _watched("people.csv")(sick)
        sick.sql(
            "INSERT INTO refreshes (id, cause, state, actor, due_at, note, followed) VALUES "
            f"('refresh-1', 'time:x', '{state}', 'schedule', '{MOMENT}', '{SAID}', 0)"
        )

    return broken


def _subscribed(sick: Sick) -> None:
    ledger = Ledger(f"sqlite:///{sick.root / 'ledger.sqlite'}", sick.root)
    somebody = Subscriber("subscriber-1", Channel.EMAIL, "somebody", None, None, (), "ada", ledger.clock())
    ledger.notices.subscribe(somebody, Destination("somebody@example.com"))
    ledger.close()


def _schedule(since: str) -> Callable[[Sick], None]:
    return _by_sql(
        "INSERT INTO schedules (export_id, config, role, since, updated_by, updated_at) "
        f"SELECT id, '{DAILY}', 'contributor', '{since}', 'carl', '{MOMENT}' FROM exports LIMIT 1"
    )


def _firing(state: str) -> str:
    return (
        "INSERT INTO firings (id, export_id, cause, due_at, trigger, actor, state, run_id, at, note) "
        f"SELECT 'firing-1', id, 'refresh:x', '{MOMENT}', 'refresh', 'schedule', '{state}', 'run-x', "
        f"'{MOMENT}', '{SAID}' FROM exports LIMIT 1"
    )


_LIVE = (
    f"UPDATE runs SET created_at = '{MOMENT}', live = 1, state = '{{state}}', "
    "wait_reason = {reason}, ended_at = NULL"
)
_PERSON = (
    "INSERT INTO people (name, display_name, email, role, password_hash, disabled, created_at, password_at) "
    f"VALUES ('ada', 'Ada', '', 'administrator', 'x', 1, '{MOMENT}', '{MOMENT}')"
)
_WORKER = (
    "INSERT INTO leases (name, holder, until, number) VALUES ('worker:elsewhere', 'elsewhere:1', "
    "datetime('now', '+30 seconds'), 1)"
)
_NOTICE = (
    "INSERT INTO notices (id, event, subject, recipient, label, title, text, created_at, state, attempts, "
    "next_at, error) VALUES ('notice-1', 'failed', 'run-1', 'subscriber:none', 'x', 't', 't', datetime('now'), "
    f"'pending', 3, datetime('now', '+1 hour'), '{SAID}')"
)

BREAKS: dict[str, tuple[str, Callable[[Sick], None]]] = {
    # What is broken: the code, and how.
    "a wrong setting": ("setting_wrong", _set(worker="sometimes")),
    "a misspelt setting": ("setting_unknown", _set(ledger_uri="sqlite:///x")),
    "no client id": ("client_id_missing", _set(sandbox="off", cc_client_id="")),
    "the sandbox instead of the account": ("sandbox_hides_account", _set(sandbox="on")),
    "no TLS": ("base_url_open", _set(base_url="http://people.example.com")),
    "an unnamed proxy": ("proxies_unknown", _set(base_url="https://people.example.com")),
    "mail without a sender": ("mail_half_set", _set(smtp_url="smtp://127.0.0.1:9")),
    "no mail server": ("mail_unreachable", _set(smtp_url="smtp://127.0.0.1:9", smtp_from="us@example.com")),
    "half of OpenID": ("openid_half_set", _set(oidc_client_id="ccexport")),
    "no OpenID provider": (
        "openid_unreachable",
        _set(oidc_metadata_url="http://127.0.0.1:9/", oidc_client_id="c", oidc_client_secret="s"),
    ),
    "two ledgers": ("ledger_twice", _set(ledger_url="sqlite:////nowhere/other.sqlite")),
    "more memory than there is": ("memory_limit_high", _set(memory_limit="900TB")),
    "the API away": ("api_unreachable", _set(cc_api_url="http://127.0.0.1:9/v3")),
    "the authorisation away": ("authorisation_unreachable", _set(cc_auth_url="http://127.0.0.1:9")),
    "a wrong protocol for telemetry": (
        "setting_wrong",
        _both(
            lambda sick: sick.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            lambda sick: sick.set("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ),
    ),
    "a file instead of the folder": (
        "data_dir_no_folder",
        lambda sick: _blocked(sick.root),
    ),
    "a folder nobody can write": ("data_dir_not_writable", lambda sick: sick.root.chmod(0o500)),
    "a folder everybody can read": ("data_dir_open", lambda sick: sick.root.chmod(0o755)),
    "a file of another account": ("files_of_others", _other_owner),
    "a file nobody can read": ("files_closed", _mode("profiles/current", 0o200)),
    "a ledger nobody can write": ("files_closed", _mode("ledger.sqlite", 0o400)),
    "a key everybody can read": ("key_open", _mode("secret.key", 0o644)),
    "no place for temporary files": ("temporary_unusable", lambda sick: _blocked(sick.root / "tmp")),
    "what a killed process left": ("temporary_left", lambda sick: _left_behind(sick.root / "tmp" / "work-x")),
    "a ledger that is gone": ("ledger_gone", _without("ledger.sqlite")),
    "a ledger that is no database": ("ledger_damaged", lambda sick: sick.spoil("ledger.sqlite")),
    "a ledger with damaged pages": ("ledger_damaged", _damaged_ledger),
    "a ledger without a table": ("ledger_damaged", _by_sql("DROP TABLE suppression")),
    "rows that lead nowhere": (
        "ledger_loose_rows",
        _by_sql("UPDATE runs SET connection_id = 'none'"),
    ),
    "a newer ledger": ("ledger_newer", _by_sql("UPDATE alembic_version SET version_num = '9999'")),
    "an older ledger": ("ledger_older", _by_sql("UPDATE alembic_version SET version_num = '0001'")),
    "a database nobody answers for": (
        "ledger_unreachable",
        _set(ledger_url="postgresql://127.0.0.1:9/ccexport"),
    ),
    "no key": ("key_missing", _without("secret.key")),
    "an empty key": ("key_wrong", lambda sick: _emptied(sick.root / "secret.key")),
    "another key": ("key_wrong", _set(secret_key="another key of some length")),
    "a changed audit": (
        "audit_broken",
        _by_sql("UPDATE audit SET actor = 'nobody' WHERE id = (SELECT min(id) FROM audit)"),
    ),
    "a shortened audit": (
        "audit_broken",
        _by_sql("DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)"),
    ),
    "no administrator": ("no_administrator", _by_sql(_PERSON)),
    "a lost connection": ("connection_lost", _by_sql("UPDATE connections SET state = 'reconnect'")),
    "a day's requests used": ("quota_low", lambda sick: _used_up(sick)),
    "a schedule without a worker": ("worker_absent", _schedule("2999-01-01 00:00:00")),
    "a schedule that was due": ("worker_missing", _schedule(MOMENT)),
    "a firing that was due": ("worker_missing", _by_sql(_firing("due"))),
    "a run that nobody begins": ("worker_missing", _by_sql(_LIVE.format(state="queued", reason="NULL"))),
    "a worker that does not come round": ("work_overdue", _by_sql(_WORKER, _firing("due"))),
    "a time let pass": ("schedule_dropped", _by_sql(_firing("dropped"))),
    "a watched file that is gone": ("source_missing", _watched("nowhere.csv")),
    "a refresh that was stopped": ("refresh_stopped", _last_refresh("stopped")),
    "a refresh that failed": ("refresh_failed", _last_refresh("failed")),
    "a run that waits for the disk": (
        "run_waits",
        _by_sql(_LIVE.format(state="waiting", reason="'storage'")),
    ),
    "a subscriber without a mail server": ("mail_not_set", _subscribed),
    "a notice that does not arrive": ("notices_undelivered", _by_sql(_NOTICE)),
    "no current snapshot": ("snapshot_gone", _without("profiles/current")),
    "a snapshot that is gone": ("snapshot_damaged", _without("profiles/*.duckdb")),
    "a damaged snapshot": ("snapshot_damaged", _spoilt("profiles/*.duckdb")),
    "a snapshot without a description": ("snapshot_damaged", _without("profiles/*.json")),
    "another snapshot under the name": ("snapshot_damaged", _snapshot_of_others),
    "a plan that is gone": ("plan_damaged", _without("plans/plan-*")),
    "a shorter plan": (
        "plan_damaged",
        lambda sick: _emptied(sick.one("plans/*/plan.parquet")),
    ),
    "a live run without its plan": (
        "plan_of_live_run",
        _both(
            _without("plans/plan-*"),
            lambda sick: sick.sql(_LIVE.format(state="sending", reason="NULL")),
        ),
    ),
    "deliveries that are gone": ("deliveries_damaged", _without("deliveries/*/*/*.parquet")),
    "damaged deliveries": ("deliveries_damaged", _spoilt("deliveries/*/*/*.parquet")),
    "outcomes that are gone": ("outcomes_damaged", _without("outcomes/*.parquet")),
    "a reading that is gone": ("reading_damaged", lambda sick: shutil.rmtree(sick.root / "destination")),
    "a damaged sandbox": (
        "sandbox_damaged",
        _both(_set(sandbox="on"), lambda sick: sick.write("sandbox.sqlite", b"no database")),
    ),
    "a member list that is gone": ("members_missing", _without("members/static/*")),
    "people known twice": ("holds_wrong", _twice),
}


def _blocked(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("x")


def _left_behind(folder: Path) -> None:
    folder.mkdir(parents=True)
    with (folder / "block").open("wb") as file:
        file.truncate(200_000_000)


def _used_up(sick: Sick) -> None:
    sick.sql(
        "UPDATE pace SET state = json_set(state, '$.used', 9000, '$.day', strftime('%Y-%m-%dT00:00:00+00:00', 'now'))"
    )
