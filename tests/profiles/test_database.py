"""The door to DuckDB: limits, privacy of its temporary files, and errors in our own words."""

import subprocess
import sys
from pathlib import Path

import pytest

import ccexport
from ccexport.errors import BadInput, StoreTrouble
from ccexport.profiles.database import quote_identifier, session, writing

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
