"""The frozen plan: its files, its digest, its description; written once, checked when read.

`plan.parquet`: `seq` INTEGER (0-based, file order), `profile_id`, `address` (normal form; raw text of an
invalid one), `verdict`, `reason`, `winner` (the profile that won a duplicate), `warnings` (`field:code`
joined by `;`), `segments` (names joined by `; `), `contact` (the JSON object exactly as sent), `batch`
(1-based), `line` (0-based in the batch). Removals follow the candidates.
`before.parquet`: `seq`, `before`: what we delivered last, for updates and removals.
`dropped.parquet`: `address`: contacts this export holds no longer but another does.

Must never change a file of a plan once the folder has its name.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from typing_extensions import Buffer

from ccexport.errors import Conflict, PlanDamaged
from ccexport.files import published_folder
from ccexport.messages import Message, verbatim
from ccexport.model.plans import Plan, PlannedBatch, TrippedGuard
from ccexport.model.words import Reason, Verdict

# Plans of format 2 had their request bodies in files, those of format 1 one more column.
VERSION = 3
_READ = (1, 2, VERSION)
_DIGEST_VERSION = 2
ROWS, BEFORE, DROPPED, DESCRIPTION = (
    "plan.parquet",
    "before.parquet",
    "dropped.parquet",
    "plan.json",
)
TEXTS = (
    "profile_id",
    "address",
    "verdict",
    "reason",
    "winner",
    "warnings",
    "segments",
    "contact",
)
# The digest covers the contacts through the hashes of the bodies; these are the other columns.
# `delivered` (the hash of what we delivered last) is not stored, but a person also approves what
# an update replaces.
DIGESTED = (*(name for name in TEXTS if name != "contact"), "delivered")
SCHEMA = pa.schema(
    [
        ("seq", pa.int32()),
        *((name, pa.string()) for name in TEXTS),
        ("batch", pa.int32()),
        ("line", pa.int32()),
    ]
)
_REPEATED = ["verdict", "reason", "warnings", "segments", "batch"]


class _Hashed(io.RawIOBase):
    """A new file that is hashed while it is written, so that it need not be read again."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def fingerprint(self) -> dict[str, Any]:
        """Return its size and hash."""
        return {"bytes": self._file.tell(), "sha256": self._hash.hexdigest()}

    def close(self) -> None:
        self._file.close()
        super().close()


class RowsFile:
    """Writes `plan.parquet` and counts its rows; `fingerprint` is its size and hash once closed."""

    def __init__(self, path: Path) -> None:
        self._file = _Hashed(path)
        self._writer = pq.ParquetWriter(
            self._file, SCHEMA, compression="lz4", use_dictionary=_REPEATED, write_statistics=["seq", "batch"]
        )
        self.counts: dict[str, Counter[str]] = {n: Counter() for n in ("verdict", "reason", "warnings")}
        self.rows = 0
        self.fingerprint: dict[str, Any] = {}

    def add(self, rows: pa.Table) -> None:
        """Append rows that have every column of `SCHEMA`."""
        self._writer.write_table(rows.select(SCHEMA.names), row_group_size=65_536)
        self.rows += rows.num_rows
        for name, counter in self.counts.items():
            for entry in pc.value_counts(rows[name]).to_pylist():
                if entry["values"] is not None:
                    for word in entry["values"].split(";"):
                        counter[word] += entry["counts"]

    def close(self) -> None:
        self._writer.close()
        self.fingerprint = self._file.fingerprint()
        self._file.close()


class Digest:
    """SHA-256 over the rows, column by column, so that the batching of rows does not matter."""

    def __init__(self) -> None:
        self._columns = {name: (hashlib.sha256(), hashlib.sha256()) for name in DIGESTED}

    def add(self, rows: pa.Table) -> None:
        """Add the next rows; lengths are hashed with the text, so that no two tables look alike."""
        for name, (texts, lengths) in self._columns.items():
            for chunk in rows[name].chunks:
                if pa.types.is_integer(chunk.type):
                    lengths.update(chunk.is_valid().to_numpy(zero_copy_only=False).tobytes())
                    texts.update(chunk.fill_null(0).to_numpy().astype("<u8", copy=False).tobytes())
                    continue
                lengths.update(pc.binary_length(chunk).fill_null(-1).to_numpy().astype("<i4").tobytes())
                texts.update(_text_of(chunk))

    def hexdigest(self, about: Mapping[str, Any], bodies: tuple[PlannedBatch, ...], dropped: str) -> str:
        """Return the digest of the plan: what it is about, the bodies it sends, and every row."""
        whole = hashlib.sha256(json.dumps([_DIGEST_VERSION, about, dropped], sort_keys=True).encode())
        for body in bodies:
            whole.update(bytes.fromhex(body.sha256))
        for texts, lengths in self._columns.values():
            whole.update(texts.digest() + lengths.digest())
        return whole.hexdigest()


def _text_of(chunk: pa.Array) -> memoryview | bytes:
    """Return the bytes of all texts of a column, one after the other, without Arrow's padding."""
    chunk = pc.fill_null(chunk, "")
    _, offsets, data = chunk.buffers()
    if data is None or not len(chunk):
        return b""
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[chunk.offset] : ends[chunk.offset + len(chunk)]]


@dataclass(frozen=True)
class Facts:
    """What a description says apart from what can be counted from the rows."""

    id: str
    export_id: str
    export_version: int
    snapshot_id: str
    account_id: str
    list_id: str
    made_at: datetime
    destination_read_at: datetime | None
    candidates: int
    segments: Mapping[str, int]
    inputs: Mapping[str, str]


def write_description(
    folder: Path,
    facts: Facts,
    digest: str,
    rows: RowsFile,
    batches: tuple[PlannedBatch, ...],
    guards: tuple[TrippedGuard, ...],
) -> None:
    """Write `plan.json`, the last file of a plan; it lists the other files with size and hash."""
    counts = rows.counts
    read_at = facts.destination_read_at
    described = {
        **vars(facts),
        "made_at": facts.made_at.isoformat(),
        "destination_read_at": read_at.isoformat() if read_at else None,
        "digest": digest,
        "verdicts": {w.value: counts["verdict"].get(w, 0) for w in Verdict},
        "reasons": {w.value: counts["reason"].get(w, 0) for w in Reason},
        "warnings": dict(sorted(counts["warnings"].items())),
        "batches": [vars(b) for b in batches],
        "guards": [{"name": g.name, "sentence": g.sentence.to_json()} for g in guards],
        "files": {ROWS: rows.fingerprint} | {name: _fingerprint(folder / name) for name in (BEFORE, DROPPED)},
    }
    text = json.dumps({"version": VERSION, "plan": described}, ensure_ascii=False, indent=1, default=dict)
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def _fingerprint(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Provide a folder to fill; it gets its final name only when everything in it is complete."""
    if folder.exists():
        raise Conflict("There is a plan {plan} already.", plan=folder.name)
    with published_folder(folder) as part:
        yield part


def load_plan(folder: Path, *, hashes: bool = False) -> Plan:
    """Load the plan in that folder. Refuses missing or short files, and with `hashes` any changed byte."""
    try:
        stored = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        plan, files = _plan(folder, stored["plan"]), stored["plan"]["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanDamaged(
            "The plan {plan} cannot be read; make it again.", plan=folder.name, log=repr(error)
        ) from error
    if stored["version"] not in _READ:
        raise PlanDamaged("The plan {plan} was made by another version; make it again.", plan=folder.name)
    for name, known in files.items():
        _check(folder / name, known["bytes"], known["sha256"] if hashes else None)
    return plan


def _check(path: Path, size: int, sha256: str | None) -> None:
    whole = path.is_file() and path.stat().st_size == size
    if whole and sha256:
        with path.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
    if not whole:
        raise PlanDamaged("{file} of the plan is missing or changed; make the plan again.", file=path.name)


def _plan(folder: Path, stored: Mapping[str, Any]) -> Plan:
    read_at = stored["destination_read_at"]
    same = ("id", "digest", "export_id", "export_version", "snapshot_id", "account_id", "list_id")
    return Plan(
        **{name: stored[name] for name in same},
        path=folder / ROWS,
        made_at=datetime.fromisoformat(stored["made_at"]),
        candidates=stored["candidates"],
        verdicts={Verdict(w): n for w, n in stored["verdicts"].items()},
        reasons={Reason(w): n for w, n in stored["reasons"].items()},
        warnings=stored["warnings"],
        batches=tuple(
            PlannedBatch(b["number"], b["contacts"], b["bytes"], b["sha256"]) for b in stored["batches"]
        ),
        guards=tuple(TrippedGuard(g["name"], _sentence(g["sentence"])) for g in stored["guards"]),
        segments=stored["segments"],
        destination_read_at=datetime.fromisoformat(read_at) if read_at else None,
        inputs=stored["inputs"],
    )


def _sentence(stored: str | dict[str, Any]) -> Message:
    """Return the stored sentence as a message; old plans stored sentences as text."""
    return verbatim(stored) if isinstance(stored, str) else Message.from_json(stored)
