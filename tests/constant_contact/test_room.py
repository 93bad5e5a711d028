"""Rules of the room as a whole, checked by reading it."""

import ast
from pathlib import Path

import pytest

import ccexport.constant_contact as room

FILES = sorted(Path(room.__file__).parent.glob("*.py"))
ALLOWED = (
    "ccexport.model",
    "ccexport.errors",
    "ccexport.messages",
    "ccexport.clock",
    "ccexport.outgoing",
    "ccexport.settings",
    "ccexport.constant_contact",
    "ccexport.telemetry",
    "ccexport.messages",
    "ccexport.clock",
)
TRANSPORT = ("ccexport.outgoing",)  # the one client's settings, which make the transport's client

PURE = {"wire", "calls", "answers", "values", "exported", "oauth", "probe_plan"}


def imports(file):
    """Every module a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_module_imports_only_what_it_may(file):
    """No ledger, no profiles, no face; httpx in the transport only; nothing of time in the pure ones."""
    found = set(imports(file))

    allowed = ALLOWED + TRANSPORT if file.stem == "transport" else ALLOWED
    assert all(name.startswith(allowed) for name in found if name.startswith("ccexport"))
    assert ("httpx" in found) is (file.stem == "transport")
    if file.stem in PURE:
        assert not found & {"time", "random", "secrets", "socket", "logging", "threading"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_only_the_probe_can_delete_or_replace(file):
    """And it deletes only what it made."""
    source = file.read_text()

    assert ('"DELETE"' in source) is (file.stem == "probe")
    assert '"PUT"' not in source
    for path in ("/activities/contact_delete", "/activities/list_delete", "/contacts/sign_up_form"):
        assert path not in source


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_module_says_what_it_must_never_do(file):
    """In its first lines."""
    assert "ust never" in (ast.get_docstring(ast.parse(file.read_text())) or "")


def test_the_page_about_the_room_names_every_module():
    """The table cannot fall behind."""
    page = Path(__file__).parents[2] / "docs/constant-contact.md"

    for file in FILES:
        assert file.stem == "__init__" or f"`{file.stem}`" in page.read_text()
