"""Removes one address from a frozen plan and from files of addresses.

A plan keeps its rows, verdicts, reasons and counts, but no longer says whose row it was. It keeps the digest
under which it was approved. Must never leave a plan that `load_plan` refuses.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ccexport.files import published, published_folder, recover_folder
from ccexport.plan.freeze import BEFORE, DESCRIPTION, DROPPED, ROWS
from ccexport.plan.pack import planned_body
from ccexport.profiles.database import quote_path, quote_text, session

ERASED = "erased"
BODIES = "bodies"  # requests that take people off the list; earlier versions kept imports there too
HALVES = "halves"  # smaller requests of an ended run: they are not needed any more
_LIMIT = "256MB"


def rows_of(folder: Path, address: str) -> int:
    """Count the rows of the plan in `folder` about that address, including what it was sent before."""
    with session(memory_limit=_LIMIT, temp_dir=folder.parent / ".temp") as db:
        rows: int = db.row(
            f"SELECT count(*) FROM read_parquet({quote_path(folder / ROWS)}) WHERE {_is(address)}"
        )[0]
        dropped: int = db.row(
            f"SELECT count(*) FROM read_parquet({quote_path(folder / DROPPED)}) WHERE {_is(address)}"
        )[0]
    return rows + dropped


def erase_from_plan(folder: Path, address: str, contact_ids: Collection[str] = ()) -> tuple[int, list[int]]:
    """Write the plan again without that address, then replace the old one.

    Returns how many rows were about it, and their `seq`. `contact_ids` are removed from the bodies of
    removals.
    """
    recover_folder(folder)
    with published_folder(folder) as part:
        shutil.copytree(folder, part, copy_function=os.link, dirs_exist_ok=True)
        found = _erase(folder, part, address)
        _forget_ids(part / BODIES, set(contact_ids))
        _describe(part, len(found), {batch for _, batch in found if batch is not None})
    return len(found), [seq for seq, _ in found]


def _erase(folder: Path, part: Path, address: str) -> list[tuple[int, int | None]]:
    """Write the tables without that address; return seq and batch of each row about it."""
    shutil.rmtree(part / HALVES, ignore_errors=True)
    for body in part.glob(f"{BODIES}/[0-9]*.json"):  # of an earlier version; now they are made from the rows
        body.unlink()
    with session(memory_limit=_LIMIT, temp_dir=folder.parent / ".temp") as db:
        found = db.rows(
            f"SELECT seq, batch FROM read_parquet({quote_path(folder / ROWS)}) WHERE {_is(address)}"
        )
        seqs = ", ".join(str(seq) for seq, _ in found) or "NULL"
        for name, query in (
            (ROWS, _ROWS.format(rows=quote_path(folder / ROWS), hit=_is(address))),
            (BEFORE, f"SELECT * FROM read_parquet({quote_path(folder / BEFORE)}) WHERE seq NOT IN ({seqs})"),
            (
                DROPPED,
                f"SELECT * FROM read_parquet({quote_path(folder / DROPPED)}) WHERE NOT ({_is(address)})",
            ),
        ):
            if name == BEFORE and not found:
                continue  # NOT IN (NULL) would drop every row
            with published(part / name) as made:
                db.run(f"COPY ({query}) TO {quote_path(made)} (FORMAT parquet, ROW_GROUP_SIZE 65536)")
    return found


def erase_rows(path: Path, condition: str) -> int:
    """Drop the rows of a Parquet file that match the SQL condition, atomically."""
    with session(memory_limit=_LIMIT, temp_dir=path.parent / ".temp") as db:
        source = f"read_parquet({quote_path(path)})"
        count: int = db.row(f"SELECT count(*) FROM {source} WHERE {condition}")[0]
        if count:
            rest = f"SELECT * FROM {source} WHERE ({condition}) IS NOT TRUE"
            with published(path) as made:
                db.run(f"COPY ({rest}) TO {quote_path(made)} (FORMAT parquet, ROW_GROUP_SIZE 65536)")
    return count


def forget_notes(outcomes: Path, seqs: Collection[int]) -> None:
    """Delete the notes of these rows: outcomes name nobody, but Constant Contact's note on a line may."""
    if not outcomes.exists() or not seqs:
        return
    with session(memory_limit=_LIMIT, temp_dir=outcomes.parent / ".temp") as db:
        listed = ", ".join(map(str, seqs))
        query = (
            f"SELECT seq, outcome, CASE WHEN seq NOT IN ({listed}) THEN note END AS note "
            f"FROM read_parquet({quote_path(outcomes)}) ORDER BY seq"
        )
        with published(outcomes) as made:
            db.run(f"COPY ({query}) TO {quote_path(made)} (FORMAT parquet)")


def is_address(column: str, address: str) -> str:
    """SQL: whether the column holds that address, in any spelling."""
    return f"coalesce(lower(trim({column})) = {quote_text(address)}, false)"


def _is(address: str) -> str:
    return is_address("address", address)


_ROWS = """
SELECT seq, CASE WHEN {hit} THEN 'erased' ELSE profile_id END AS profile_id,
    CASE WHEN NOT {hit} THEN address END AS address, verdict, reason,
    CASE WHEN NOT {hit} THEN winner END AS winner, warnings, segments,
    CASE WHEN NOT {hit} THEN contact END AS contact,
    batch, line
FROM read_parquet({rows}) ORDER BY seq
"""


def _forget_ids(bodies: Path, ids: set[str]) -> None:
    for path in bodies.glob("remove-*.json") if ids else ():
        body = json.loads(path.read_bytes())
        kept = [i for i in body["source"]["contact_ids"] if i not in ids]
        if len(kept) < len(body["source"]["contact_ids"]):
            body["source"]["contact_ids"] = kept
            _replace(path, body)


def _replace(path: Path, body: Any) -> None:
    with published(path) as made:
        made.write_text(json.dumps(body, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _describe(part: Path, count: int, emptied: Collection[int]) -> None:
    """Write the description with new sizes and hashes; `erased` says why they differ from the first ones.

    In the requests numbered in `emptied` the contact became an empty object, so that others keep their lines.
    """
    told = json.loads((part / DESCRIPTION).read_text(encoding="utf-8"))
    plan = told["plan"]
    plan["files"] = {name: _fingerprint(part / name) for name in plan["files"]}
    for batch in plan["batches"]:
        if batch["number"] in emptied:
            body = planned_body(part / ROWS, batch["number"], plan["list_id"])
            batch |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    plan[ERASED] = plan.get(ERASED, 0) + count
    with published(part / DESCRIPTION) as made:
        made.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")


def _fingerprint(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
