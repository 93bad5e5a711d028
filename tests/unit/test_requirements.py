"""What the code imports is named in requirements.in, so that nobody else's upgrade takes it away."""

import ast
import re
import sys
from importlib.metadata import packages_distributions

from tests.conftest import ROOT

NAME = re.compile(r"^[A-Za-z0-9._-]+")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_imported_package_is_named() -> None:
    named = {
        plain(found[0])
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if (found := NAME.match(line))
    }
    givers = packages_distributions()

    missing = {
        module: givers.get(module)
        for module in imported()
        if not named & {plain(name) for name in givers.get(module, [module])}
    }

    assert missing == {}


def imported() -> set[str]:
    """The top names of everything imported that is neither Python's own nor ours."""
    found: set[str] = set()
    for path in [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ccexport").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"ccexport"}
