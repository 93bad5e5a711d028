"""Finds every text to translate in the code and updates the catalogues (`make texts`).

It finds literals that are passed to one of `KEYWORDS`, not templates that are put together. Must never
translate: a new text comes into the catalogue without a translation, and a test names it.
"""

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from ccexport import errors
from ccexport.ui.texts.catalogue import catalogue, po_file

ROOT = Path(__file__).parents[3]
ERRORS = {name for name, thing in vars(errors).items() if isinstance(thing, type)}
KEYWORDS = {**dict.fromkeys([*ERRORS, "NotDelivered", "Unusable", "t", "message"], 1), "tn": 2, "counted": 2}
FIELDS = {  # other functions with texts, and the positions of these arguments
    "Operator": (3,),
    "ContactField": (1,),
    "Place": (1, 4),
    "checked": (1,),
    "parsed": (2,),
    "require": (2,),
    "require_use": (2,),
    "usable_run": (3,),
    "_mine": (2,),
    "_missing": (0,),
    "_usable": (2,),
    "wrong": (1,),
}
# Texts that only operators read, in a terminal or a log, stay English.
NOT_TRANSLATED = (
    "api",  # for programs, in English
    "cli",
    "constant_contact/probe",
    "ledger/maintenance",
    "ledger/migrations",
    "logs.py",
    "messages.py",
    "sandbox",
    "services/doctor",
    "settings.py",
    "telemetry.py",
)
CODES = ("nb",)
Texts = str | tuple[str, str]
Found = tuple[int, str, Texts, list[str]]


def extract_python(file: IO[bytes], *_: Any) -> Iterator[Found]:
    """Extract texts for Babel; unlike its own method, this also finds texts in f-strings, conditions and tables."""
    for node in ast.walk(ast.parse(file.read())):
        for texts in _texts(node):
            function = "gettext" if isinstance(texts, str) else "ngettext"
            yield getattr(node, "lineno", 0), function, texts, []


def _texts(node: ast.AST) -> Iterator[Texts]:
    match node:
        case ast.Call(func=ast.Name("mark"), args=[marked]):
            yield from _marked(marked)
        case ast.Call(func=ast.Name(name), args=arguments) if name in KEYWORDS:
            yield from _said(arguments[: KEYWORDS[name]], KEYWORDS[name])
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(attr="audit"), attr="add"), args=[_, action, *_]
        ):
            yield from _said([action], 1)
        case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name), args=arguments) if name in FIELDS:
            for argument in (arguments[at] for at in FIELDS[name] if at < len(arguments)):
                yield from _said([argument], 1)
        case ast.ClassDef(body=body) if any(
            isinstance(d, ast.Name) and d.id == "mark" for d in node.decorator_list
        ):
            for line in body:
                if isinstance(line, ast.Assign):
                    yield from _said([line.value], 1)


def _said(arguments: list[ast.expr], count: int) -> Iterator[Texts]:
    """Yield the literal, or both literals of a condition; a pair for a text with two forms."""
    match arguments:
        case [ast.IfExp(body=one, orelse=other)]:
            yield from _said([one], count)
            yield from _said([other], count)
        case [ast.Constant(value=str(text))] if count == 1:
            yield text
        case [ast.Constant(value=str(one)), ast.Constant(value=str(several))]:
            yield one, several


def _marked(node: ast.expr) -> Iterator[Texts]:
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.Dict(values=values):
            for value in values:
                yield from _marked(value.elts[0] if isinstance(value, ast.Tuple) else value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            for element in elements:
                yield from _marked(element)


def template() -> Catalog:
    """Return every text in the code, without translations."""
    found = Catalog()
    for file in sources():
        with file.open("rb") as opened:
            for _, _, texts, _ in extract_python(opened):
                found.add(texts)
    return found


def sources() -> list[Path]:
    """Return the files whose texts the dashboard can show."""
    ours = (ROOT / "ccexport").rglob("*.py")
    kept = [f for f in ours if not f.relative_to(ROOT / "ccexport").as_posix().startswith(NOT_TRANSLATED)]
    return sorted([*kept, *(ROOT / "pages").glob("*.py"), ROOT / "app.py"])


def update(code: str) -> None:
    """Add new texts to a catalogue without a translation, and remove unused ones. The header stays."""
    kept = catalogue(code)
    kept.update(template(), no_fuzzy_matching=True)
    kept.obsolete.clear()
    write(code, kept)


def write(code: str, texts: Catalog) -> None:
    """Write the catalogue sorted by text, without places in the code, so that two changes seldom conflict."""
    header = po_file(code).read_text("utf-8").partition("\n\n")[0]
    made = io.BytesIO()
    write_po(made, texts, width=0, no_location=True, omit_header=True, sort_output=True)
    po_file(code).write_text(f"{header}\n\n{made.getvalue().decode().lstrip()}", "utf-8")


if __name__ == "__main__":
    for code in CODES:
        update(code)
