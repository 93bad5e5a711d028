"""docs/reference.md: every command with its options, and every setting, written from the code.

`python -m ccexport.cli.reference` prints it; `make reference` writes it, and a test compares the two.
"""

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from typer.main import get_command

from ccexport.cli.main import app
from ccexport.settings import PREFIX, Settings

_EVERYWHERE = {"--json", "--data-dir", "--help", "--install-completion", "--show-completion"}
_HEAD = """# Reference

This page is written from the code by `make reference`; change the code, not the page.

## Commands

`python -m ccexport COMMAND`, or `bin/ccexport COMMAND` from any folder. Every command has `--help` with an example,
`--json` (one JSON document on standard output; everything said to a person goes to standard error) and `--data-dir`.

Exit codes: 0 done · 1 failed or blocked · 2 wrong use or settings · 3 finished with rejects · 4 waiting.
"""
_SETTINGS = """
## Settings

They are read once, from the environment and `.env`. A wrong one is refused with its name and where it came from;
an empty one counts as not set.

| setting | default | meaning |
|---|---|---|
"""


def reference() -> str:
    """Return the whole page as Markdown."""
    parts = [_HEAD]
    for name, group in _groups():
        parts.append(f"\n### {name}\n\n| command | does | options |\n|---|---|---|\n")
        parts += [_command(path, command) for path, command in group]
    parts.append(_SETTINGS)
    parts += [_setting(name, field) for name, field in Settings.model_fields.items()]
    return "".join(parts)


def _groups() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Yield the groups of commands in alphabetical order, after the commands without a group."""
    root = getattr(get_command(app), "commands", {})
    alone = {name: command for name, command in root.items() if not hasattr(command, "commands")}
    yield "Alone", sorted(alone.items())
    for name, group in sorted(root.items()):
        if name not in alone:
            yield name, [(f"{name} {inner}", command) for inner, command in sorted(group.commands.items())]


def _command(path: str, command: Any) -> str:
    arguments = [_argument(p) for p in command.params if p.param_type_name == "argument"]
    options = [_option(p) for p in command.params if p.param_type_name == "option" and _is_own(p)]
    does = _cell((command.help or "").partition("Example:")[0])
    return f"| `{' '.join([path, *arguments])}` | {does} | {' '.join(options)} |\n"


def _argument(argument: Any) -> str:
    name = (argument.metavar or argument.name or "").strip("{}[]").upper()
    return f"{name}…" if argument.nargs != 1 else name


def _option(option: Any) -> str:
    names = "/".join([*option.opts[:1], *option.secondary_opts[:1]])
    return f"`{names}`" + ("…" if option.multiple else "")


def _is_own(option: Any) -> bool:
    return not option.hidden and not _EVERYWHERE & set(option.opts)


def _setting(name: str, field: FieldInfo) -> str:
    return f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {_cell(field.description or '')} |\n"


def _default(value: object) -> str:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return f"`{text}`" if text else "not set"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
