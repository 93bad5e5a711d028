"""Stores for the tests of this room."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccexport.profiles.store import ProfileStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    """An empty store with a clock that stands still."""
    return ProfileStore(tmp_path / "store", memory_limit="256MB", clock=lambda: NOW)
