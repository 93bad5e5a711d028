"""A small population with every trap of a rule in it, and a way to ask who a rule selects."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccexport.model.profiles import Snapshot
from ccexport.profiles.store import ProfileStore
from ccexport.segments.members import MemberStore

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)  # still 28 February in New York
Select = Callable[[Any], str]


def people() -> pa.Table:
    """One letter each, so that an expected answer is a word."""
    # fmt: off
    rows = [
        # id, name, email, age, score, born, seen, vip, tags
        ("a", "Åse", "ase@example.com", 30, 1.5, "1996-02-29", "2026-03-01 00:00:00", True, ["x", "y"]),
        ("b", "åse", "B@Mail.Example.com", 31, 2.0, "1995-03-01", "2026-02-28 23:59:59", False, ["X"]),
        ("c", "A\u030ase Berg", "c@example.org", 32, -0.1, "1990-02-28", "2026-03-01 23:59:00", None, []),
        ("d", "Berg", "not an address", 0, 0.0, "2026-03-01", "2026-02-01 00:00:00", True, ["y", "z"]),
        ("e", None, None, None, None, None, None, None, None),
        ("f", "100% 'quoted\"_", "f@example.com.evil.net", -5, 1e6, "2025-12-31", "2025-03-01 00:00:00", False, ["x"]),
        ("g", "gold", "g@xexample.com", 30, 0.3, "2026-03-31", "2026-04-01 00:00:00", True, ["z'); DROP"]),
    ]
    # fmt: on
    names = ["id", "name", "email", "age", "score", "born", "seen", "vip", "tags"]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    types = {
        "tags": pa.list_(pa.string()),
        "seen": pa.timestamp("us"),
        "score": pa.float64(),
        "age": pa.int64(),
    }
    columns["born"] = [v and date.fromisoformat(v) for v in columns["born"]]
    columns["seen"] = [v and datetime.fromisoformat(v) for v in columns["seen"]]
    return pa.table({n: pa.array(v, types.get(n)) for n, v in columns.items()})


@pytest.fixture(scope="session")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> ProfileStore:
    """The store with the small population as its current snapshot."""
    folder: Path = tmp_path_factory.mktemp("segments")
    pq.write_table(people(), folder / "people.parquet")
    store = ProfileStore(folder, memory_limit="256MB", clock=lambda: NOW)
    store.ingest([folder / "people.parquet"])
    return store


@pytest.fixture
def snapshot(profiles: ProfileStore) -> Snapshot:
    current = profiles.current()
    assert current
    return current


@pytest.fixture
def store(profiles: ProfileStore, tmp_path: Path) -> MemberStore:
    """Members kept for one test only."""
    return MemberStore(tmp_path / "data", profiles, clock=lambda: NOW)


@pytest.fixture
def select(store: MemberStore, snapshot: Snapshot) -> Select:
    """The ids a rule selects, as one word."""
    return lambda rule: "".join(p["_id"] for p in store.sample(rule, snapshot, limit=100))
