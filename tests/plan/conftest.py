"""A fresh world per test."""

from pathlib import Path

import pytest

from tests.plan.factories import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
