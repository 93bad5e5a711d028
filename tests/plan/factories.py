"""Small real snapshots, segments, deliveries and readings, with defaults for what a test does not name."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ccexport.model.exports import Export, ExportConfig, MappedField
from ccexport.model.plans import DestinationReading, Plan
from ccexport.model.profiles import Members, ProfileField, Snapshot
from ccexport.model.words import FieldType
from ccexport.plan.inputs import PlanInputs
from ccexport.plan.make import make_plan
from ccexport.plan.pack import planned_body
from ccexport.profiles.addresses import annotate, make_forms
from ccexport.profiles.clean_text import CLEAN, all_clean_sql
from ccexport.profiles.database import DuckDB, quote_identifier, session, writing

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = "acc-1"
LIST = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"
EXPORT = "exp-1"
_numbers = itertools.count()

_TYPES = {
    FieldType.TEXT: pa.string(),
    FieldType.NUMBER: pa.float64(),
    FieldType.DATE: pa.date32(),
    FieldType.TIMESTAMP: pa.timestamp("us"),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.LIST: pa.list_(pa.string()),
}


def clock() -> datetime:
    return AT


@dataclass(frozen=True)
class Profiles:
    """Opens snapshots as the profile store does."""

    temp: Path

    @contextmanager
    def open(self, snapshot: Snapshot) -> Iterator[DuckDB]:
        with session(memory_limit="256MB", temp_dir=self.temp, read={"s": snapshot.path}) as db:
            yield db


@dataclass
class World:
    """One folder with everything a plan is made from; every method gives a new file a new name."""

    root: Path
    snapshot: Snapshot = field(init=False)

    def path(self, kind: str, suffix: str = ".parquet") -> Path:
        return self.root / f"{kind}-{next(_numbers)}{suffix}"

    @property
    def profiles(self) -> Profiles:
        return Profiles(self.root / "temp")

    def profiles_are(
        self,
        rows: Sequence[Mapping[str, Any]],
        types: Mapping[str, FieldType] | None = None,
        *,
        address_fields: tuple[str, ...] = ("email",),
        updated_field: str | None = None,
        knows_clean: bool = True,
    ) -> Snapshot:
        """A snapshot of these rows. `id` is the profile id, by default P1, P2 …; other keys are fields.

        Without `knows_clean` it is as versions made it that did not keep which profiles are clean.
        """
        types = {"email": FieldType.TEXT, **(types or {})}
        names = list(dict.fromkeys([*types, *(k for row in rows for k in row)]))
        names = [n for n in names if n != "id"]
        columns: dict[str, Any] = {
            "_row": pa.array(range(len(rows)), pa.int64()),
            "_id": pa.array([row.get("id", f"P{n + 1}") for n, row in enumerate(rows)], pa.string()),
        }
        for name in names:
            type_ = _TYPES[types.get(name, FieldType.TEXT)]
            columns[name] = pa.array([row.get(name) for row in rows], type_)
        path = self.path("snapshot", ".duckdb")
        with writing(path, memory_limit="256MB", temp_dir=self.root / "temp") as db:
            with db.given("_given", pa.table(columns)):
                db.run("CREATE TABLE base AS SELECT * FROM _given")
            joins = ""
            make_forms(db)
            for n, name in enumerate(address_fields):
                annotate(db, "base", name, f"codes{n}")
                joins += f" JOIN codes{n} USING (_row)"
            texts = [quote_identifier(n) for n in names if types.get(n, FieldType.TEXT) is FieldType.TEXT]
            clean = f', {all_clean_sql(texts)} AS "{CLEAN}"' if knows_clean else ""
            db.run(f"CREATE TABLE profiles AS SELECT *{clean} FROM base{joins} ORDER BY _row")
        self.snapshot = Snapshot(
            id=path.stem,
            path=path,
            created_at=AT,
            profiles=len(rows),
            rejects=0,
            id_field="id",
            fields=tuple(ProfileField(n, types.get(n, FieldType.TEXT)) for n in names),
            sources=("test.csv",),
            address_fields=address_fields,
            updated_field=updated_field,
        )
        return self.snapshot

    def segment(self, name: str = "All", rows: Sequence[int] | None = None) -> Members:
        """The profiles at these places, or all of them."""
        chosen = sorted(set(range(self.snapshot.profiles) if rows is None else rows))
        path = self.path("members")
        pq.write_table(pa.table({"_row": pa.array(chosen, pa.int64())}), path)
        return Members(f"seg-{name}", name, self.snapshot.id, path, len(chosen))

    def addresses(self, addresses: Sequence[str], kind: str = "addresses") -> Path:
        path = self.path(kind)
        pq.write_table(pa.table({"address": pa.array(list(addresses), pa.string())}), path)
        return path

    def reading(self, on_list: Sequence[str] = (), unsubscribed: Sequence[str] = ()) -> DestinationReading:
        return DestinationReading(
            ACCOUNT,
            LIST,
            self.addresses(on_list),
            self.addresses(unsubscribed),
            len(on_list),
            len(unsubscribed),
            AT,
        )

    def content(self, contact: str | None) -> int:
        """The number that stands for that contact's text."""
        with session(memory_limit="64MB", temp_dir=self.root / "temp") as db:
            number: int = db.row("SELECT hash(?)", [contact])[0]
            return number

    def deliveries(self, rows: Sequence[Mapping[str, Any]]) -> Path:
        """Deliveries; a row needs `address`, the rest has defaults (on the list, held by this export)."""
        defaults: dict[str, Any] = {
            "profile_id": "P?",
            "contact": None,
            "content": None,
            "state": "on_list",
            "exports": [EXPORT],
            "contact_id": None,
            "run_id": "run-0",
            "at": AT.replace(tzinfo=None),
        }
        types = {"exports": pa.list_(pa.string()), "at": pa.timestamp("us"), "content": pa.uint64()}
        path = self.path("deliveries")
        table = {
            name: pa.array([{**defaults, **row}[name] for row in rows], types.get(name, pa.string()))
            for name in ("address", *defaults)
        }
        pq.write_table(pa.table(table), path)
        return path

    def plan(self, **changes: Any) -> Plan:
        """A plan of all profiles onto an empty list, but for what `changes` names.

        Keys of ExportConfig and of PlanInputs are both taken; `most_bytes` and `most_contacts` too.
        """
        limits = {k: changes.pop(k) for k in ("most_bytes", "most_contacts") if k in changes}
        folder = changes.pop("folder", None) or self.path("plan", "")
        return make_plan(
            self.inputs(**changes),
            folder,
            profiles=self.profiles,  # type: ignore[arg-type]
            plan_id=folder.name,
            clock=clock,
            **limits,
        )

    def inputs(self, **changes: Any) -> PlanInputs:
        config = {k: changes.pop(k) for k in list(changes) if k in ExportConfig.model_fields}
        given: dict[str, Any] = {
            "export": export(**config),
            "snapshot": self.snapshot,
            "account_id": ACCOUNT,
            **changes,
        }
        given.setdefault("members", (self.segment(),) if "members" not in given else ())
        if "destination" not in given:
            given["destination"] = self.reading()
        return PlanInputs(**given)


def export(**config: Any) -> Export:
    """An export that maps only the address, but for what is named."""
    defaults: dict[str, Any] = {
        "name": "Newsletter",
        "connection_id": "con-1",
        "list_id": LIST,
        "list_name": "News",
        "segment_ids": ("seg-All",),
        "email": "email",
    }
    return Export(EXPORT, ExportConfig(**{**defaults, **config}), 1, "kari", "kari", AT)


def mapped(*pairs: str, **more: Any) -> tuple[MappedField, ...]:
    """`mapped("first_name=fornavn")`: plain mappings of contact fields."""
    return tuple(MappedField(target=t, source=s, **more) for t, s in (p.split("=") for p in pairs))


def bodies_of(plan: Plan) -> list[bytes]:
    """The bytes of every import request, as they would be sent; each has the size and hash of the plan."""
    made = [planned_body(plan.path, b.number, plan.list_id) for b in plan.batches]
    for body, batch in zip(made, plan.batches, strict=True):
        assert (len(body), hashlib.sha256(body).hexdigest()) == (batch.bytes, batch.sha256)
    return made
