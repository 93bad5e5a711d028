"""Settings of the developer must not reach these tests."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No `CCEXPORT_*` and no proxy of the machine."""
    for name in list(os.environ):
        if name.startswith("CCEXPORT_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    yield
