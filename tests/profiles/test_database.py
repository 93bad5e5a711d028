"""The door to DuckDB: limits, privacy of its temporary files, and errors in our own words."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ccexport
from ccexport.errors import BadInput, StoreTrouble
from ccexport.profiles import database
from ccexport.profiles.database import SET_BY_US, quote_identifier, session, writing

ROOT = Path(ccexport.__file__).parents[1]


def test_a_session_reads_an_attached_file_and_cannot_write_it(tmp_path: Path) -> None:
    """Snapshots are attached read-only."""
    file = tmp_path / "it's.duckdb"
    with writing(file, memory_limit="256MB", temp_dir=tmp_path / "t") as db:
        db.run("CREATE TABLE profiles AS SELECT 1 AS a")
    with session(memory_limit="256MB", temp_dir=tmp_path / "t", read={"s": file}) as db:
        assert db.rows("SELECT a FROM s.profiles") == [(1,)]
        with pytest.raises((BadInput, StoreTrouble)):
            db.run("INSERT INTO s.profiles VALUES (2)")


def test_the_temporary_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    """What DuckDB spills is plain text."""
    parent = tmp_path / "t"
    with session(memory_limit="256MB", temp_dir=parent):
        (folder,) = parent.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(parent.iterdir()) == []


def test_nothing_of_a_session_is_in_the_next_one(tmp_path: Path) -> None:
    """DuckDB itself is kept for the next, as starting it takes longer than most sessions do."""
    file = tmp_path / "file.duckdb"
    with writing(file, memory_limit="256MB", temp_dir=tmp_path / "t") as db:
        db.run("CREATE TABLE profiles AS SELECT 1 AS a")
    settings = "SELECT name, value FROM duckdb_settings() WHERE name NOT SIMILAR TO '.*(temp_dir|memory).*'"
    database._spares.clear()
    with session(memory_limit="256MB", temp_dir=tmp_path / "t", read={"s": file}) as db:
        fresh = db.rows(settings)
        db.run(
            "CREATE TABLE t AS SELECT 1 AS a; CREATE TEMP TABLE u AS SELECT 1 AS a; CREATE TYPE e AS ENUM ('a')"
        )
        db.run(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other")
        for odd in ("disabled_optimizers = 'join_order'", "force_compression = 'rle'", "threads = 1"):
            db.run(f"SET {odd}; SET preserve_insertion_order = false")
    assert len(database._spares[os.getpid()]) == 1

    with session(memory_limit="512MB", temp_dir=tmp_path / "u") as db:
        assert database._spares[os.getpid()] == []  # it is the same
        assert db.rows(settings) == fresh
        assert db.memory_limit == pytest.approx(512e6, rel=0.01)
        assert str(tmp_path / "u") in db.row("SELECT current_setting('temp_directory')")[0]
        left = "SELECT table_name FROM duckdb_tables() UNION SELECT type_name FROM duckdb_types() WHERE NOT internal"
        assert db.rows(left) == []
        names = {
            name for (name,) in db.rows("SELECT database_name FROM duckdb_databases() WHERE NOT internal")
        }
        assert names == {"memory", "room"}


def test_everything_that_is_set_is_set_back() -> None:
    """A setting of the whole database would otherwise be the next session's too."""
    of_a_connection = {"TimeZone", "enable_progress_bar", "enable_progress_bar_print"}  # which ends
    of_postgresql = {
        "default_transaction_read_only",
        "idle_in_transaction_session_timeout",
        "lock_timeout",
        "statement_timeout",
    }  # of the ledger
    for_good = {"enable_external_access", "lock_configuration"}  # such a database is used once
    given_anew = {"memory_limit", "temp_directory"}
    rooms = [path for path in Path(ccexport.__file__).parent.rglob("*.py") if "sandbox" not in path.parts]
    found = {name for p in rooms for name in re.findall(r"[\"';] ?SET (\w+) = ", p.read_text("utf-8"))}

    assert found - of_a_connection - of_postgresql - given_anew - for_good == set(SET_BY_US)


def test_what_has_spilled_is_not_kept(tmp_path: Path) -> None:
    """Its temporary folder cannot be changed any more, and goes with the session."""
    database._spares.clear()
    with session(memory_limit="24MB", temp_dir=tmp_path) as db:
        db.run("SET threads = 1")
        db.run("CREATE TABLE t AS SELECT i, hash(i) AS h, repeat('x', 40) AS x FROM range(600000) t(i)")
        (folder,) = tmp_path.iterdir()
        assert list(folder.iterdir()) != []

    assert database._spares[os.getpid()] == []
    assert list(tmp_path.iterdir()) == []


def test_a_python_variable_is_not_a_table(tmp_path: Path) -> None:
    """A misspelt table name must fail, not read a variable of the caller."""
    import pyarrow as pa

    profiles = pa.table({"a": [1]})
    with session(memory_limit="256MB", temp_dir=tmp_path) as db, pytest.raises(StoreTrouble):
        db.rows("SELECT * FROM profiles")
    assert profiles.num_rows == 1


def test_an_error_leaves_out_the_value(tmp_path: Path) -> None:
    """Conversion errors of the driver quote the value, which may be an address."""
    with session(memory_limit="256MB", temp_dir=tmp_path) as db:
        with pytest.raises(BadInput) as caught:
            db.rows("SELECT CAST(? AS INTEGER)", ["kari@example.com"])
        assert "kari" not in str(caught.value) + caught.value.log
        assert db.rows("SELECT 1") == [(1,)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message names the file, not the folder."""
    with (
        pytest.raises(StoreTrouble, match=r"gone\.duckdb"),
        session(memory_limit="256MB", temp_dir=tmp_path, read={"s": tmp_path / "gone.duckdb"}),
    ):
        pass


def test_arrow_streams_in_batches(tmp_path: Path) -> None:
    """The plan cuts bodies from these batches."""
    with session(memory_limit="256MB", temp_dir=tmp_path) as db:
        reader = db.arrow("SELECT i FROM range($n) t(i)", {"n": 50_000}, batch=10_000)
        assert sum(b.num_rows for b in reader) == 50_000


@pytest.mark.parametrize("name", ["a b", 'a"b', "a;DROP TABLE x", "select", "æøå", "a'b", "x\n"])
def test_any_name_is_one_identifier(tmp_path: Path, name: str) -> None:
    """Field names come from files of strangers."""
    with session(memory_limit="256MB", temp_dir=tmp_path) as db:
        db.run(f"CREATE TABLE t ({quote_identifier(name)} INTEGER)")
        assert db.rows("SELECT column_name FROM (DESCRIBE t)") == [(name,)]


def test_a_folder_left_by_a_killed_process_is_wiped(tmp_path: Path) -> None:
    """After kill -9 the spilled text would stay for ever."""
    left = tmp_path / "work-left"
    left.mkdir()
    (left / "spilled").write_text("secret")
    with session(memory_limit="256MB", temp_dir=tmp_path):
        assert not left.exists()


def test_leaving_the_interpreter_with_work_open_is_safe(tmp_path: Path) -> None:
    """An open reader and a daemon thread inside a query made 2.0.0 abort with code 134."""
    program = f"""
import threading, time
from pathlib import Path
from ccexport.profiles.database import session
s = session(memory_limit="256MB", temp_dir=Path({str(tmp_path)!r}))
db = s.__enter__()
reader = db.arrow("SELECT i FROM range(10000000) t(i)")
reader.read_next_batch()
t = session(memory_limit="256MB", temp_dir=Path({str(tmp_path)!r}))
other = t.__enter__()
def work():
    try:
        other.rows("SELECT count(*) FROM range(100000) a(i), range(100000000) b(j) WHERE hash(i+j) = 7")
    except Exception:
        pass
threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, cwd=ROOT)
    assert done.returncode == 0, done.stderr
