"""Profiles, members, deliveries and readings by the million, made once and kept in build/bench.

Must never be real people: every address is in a reserved domain.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow.parquet as pq

from ccexport.model.exports import ConsentRule, Export, ExportConfig, MappedField
from ccexport.model.plans import DestinationReading
from ccexport.model.profiles import Members, ProfileField, Snapshot
from ccexport.model.words import FieldType, Mode
from ccexport.plan.inputs import PlanInputs
from ccexport.plan.make import make_plan
from ccexport.profiles.addresses import annotate, make_forms
from ccexport.profiles.clean_text import CLEAN, all_clean_sql
from ccexport.profiles.database import DuckDB, quote_path, session, writing

DATA = Path(__file__).parent.parent / "build" / "bench"
AT = datetime(2026, 3, 1, tzinfo=UTC)
LIST = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"
MILLION = 1_000_000
NAMES = (
    "Anna Bjørn Dag Élodie Göran Hanne Ivar Jürgen Kari Liv Mary Nils Åse Paul Rosa Søren Tom Una Cecilie Ida"
)
ENDINGS = (
    "Hansen Müller O'Brien Smith Åsheim García Jones Lund Berg Dahl Vik Moe Lie Eide Foss Holm Aas Ek Li"
)


def generate(profiles: int) -> Snapshot:
    """Profiles with 2.5 % missing, 0.8 % bad and 2.7 % shared addresses and names from several languages."""
    path = DATA / f"profiles-{profiles}.duckdb"
    fields = [("email", FieldType.TEXT), ("first_name", FieldType.TEXT), ("last_name", FieldType.TEXT)]
    fields += [
        (n, FieldType.TEXT) for n in ("street", "city", "zip", "country", "phone", "company", "consent")
    ]
    fields += [("birth", FieldType.DATE), ("updated_at", FieldType.TIMESTAMP)]
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with writing(part, memory_limit="4GB", temp_dir=DATA / "temp") as db:
            db.run(_GENERATE.format(n=profiles, names=_list(NAMES), endings=_list(ENDINGS)))
            make_forms(db)
            annotate(db, "base", "email", "codes")
            texts = all_clean_sql([name for name, kind in fields if kind is FieldType.TEXT])
            db.run(
                f'CREATE TABLE profiles AS SELECT *, {texts} AS "{CLEAN}" '
                "FROM base JOIN codes USING (_row) ORDER BY _row"
            )
            db.run("DROP TABLE base; DROP TABLE codes; CHECKPOINT")
        part.rename(path)
    return Snapshot(
        f"snap-{profiles}", path, AT, profiles, 0, "id", tuple(ProfileField(*f) for f in fields), (),
        ("email",), "updated_at",
    )  # fmt: skip


def _list(names: str) -> str:
    return "[" + ", ".join("'" + n.replace("'", "''") + "'" for n in names.split()) + "]"


_GENERATE = """
CREATE TABLE base AS
WITH b AS (SELECT i, hash(i) AS h FROM range({n}) t(i))
SELECT i::BIGINT AS _row, 'C' || lpad(i::VARCHAR, 9, '0') AS _id,
    CASE WHEN h % 1000 < 25 THEN NULL WHEN h % 1000 < 33 THEN 'bad address' || i
        WHEN h % 1000 < 60 THEN 'dup' || (h // 7 % greatest({n} // 100, 1)) || '@example.org'
        WHEN h % 1000 < 200 THEN ' Person.' || i || '@Mail' || (h % 97) || '.Example.org '
        ELSE 'person.' || i || '@mail' || (h % 997) || '.example.org' END AS email,
    {names}[(h % len({names}) + 1)::INTEGER] AS first_name,
    {endings}[((h // 20) % len({endings}) + 1)::INTEGER] || (h // 400 % 1000) AS last_name,
    'Storgata ' || (h // 11 % 90000) || CASE WHEN h % 40 = 0 THEN ' "B"' ELSE '' END AS street,
    ['Oslo', 'Bergen', 'Tromsø', 'Berlin', 'Paris'][(h // 9 % 5 + 1)::INTEGER] AS city,
    lpad((h % 10000)::VARCHAR, 4, '0') AS zip, 'NO' AS country,
    '+47' || (20000000 + h % 80000000) AS phone, 'Company ' || (h // 13 % 500000) AS company,
    CASE WHEN h % 50 = 0 THEN 'no' ELSE 'yes' END AS consent,
    DATE '1950-01-01' + (h % 20000)::INTEGER AS birth,
    TIMESTAMP '2025-01-01' + to_seconds((h % 30000000)::INTEGER) AS updated_at
FROM b ORDER BY i
"""


@contextmanager
def bench_session(memory_limit: str = "2GB", read: dict[str, Path] | None = None) -> Iterator[DuckDB]:
    with session(memory_limit=memory_limit, temp_dir=DATA / "temp", read=read) as db:
        yield db


class Store:
    """Opens snapshots as the profile store does, with the limit that is measured."""

    def __init__(self, memory_limit: str) -> None:
        self.memory_limit = memory_limit

    @contextmanager
    def open(self, snapshot: Snapshot) -> Iterator[DuckDB]:
        with bench_session(self.memory_limit, {"s": snapshot.path}) as db:
            yield db


def members(snapshot: Snapshot, wanted: int) -> tuple[Members, ...]:
    """Three overlapping segments of about `wanted` members together; one when everybody is in."""
    share = snapshot.profiles / wanted
    rules = ["true"] if share <= 1 else [f"hash(_row + {n}) % {int(share * 3)} = 0" for n in range(3)]
    found = []
    for n, rule in enumerate(rules):
        path = DATA / f"members-{snapshot.profiles}-{wanted}-{n}.parquet"
        if not path.exists():
            with bench_session(read={"s": snapshot.path}) as db:
                rows = f"SELECT _row FROM s.profiles WHERE {rule} ORDER BY _row"
                db.run(f"COPY ({rows}) TO {quote_path(path)} (FORMAT parquet)")
        found.append(Members(f"seg-{n}", f"Segment {n}", snapshot.id, path, pq.read_metadata(path).num_rows))
    return tuple(found)


FIELDS = (
    *("first_name=first_name", "last_name=last_name", "street=street", "city=city", "zip=zip"),
    *("country=country", "phone=phone", "company_name=company", "birthday=birth"),
)


def inputs(snapshot: Snapshot, wanted: int, deliveries: Path | None, on_list: Path | None) -> PlanInputs:
    """An export with nine fields, consent, and a reading of the destination."""
    fields = tuple(MappedField(target=t, source=s) for t, s in (f.split("=") for f in FIELDS))
    config = ExportConfig(
        name="n", connection_id="c", list_id=LIST, list_name="l", segment_ids=("s",), email="email",
        fields=fields, mode=Mode.MIRROR, consent=ConsentRule(field="consent"),
    )  # fmt: skip
    nobody = DATA / "nobody.parquet"
    if not nobody.exists():
        with bench_session() as db:
            db.run(
                f"COPY (SELECT ''::VARCHAR AS address WHERE false) TO {quote_path(nobody)} (FORMAT parquet)"
            )
    reading = DestinationReading("a", LIST, on_list or nobody, nobody, 0, 0, AT)
    return PlanInputs(
        Export("e", config, 1, "k", "k", AT), snapshot, members(snapshot, wanted), "a", reading, deliveries
    )


def previous(snapshot: Snapshot, wanted: int, changed: int) -> tuple[Path, Path]:
    """Deliveries and a reading as after a first run; `changed` % of the contacts differ since."""
    stem = f"{snapshot.profiles}-{wanted}-{changed}"
    deliveries, on_list = DATA / f"deliveries-{stem}.parquet", DATA / f"on-list-{stem}.parquet"
    if not deliveries.exists():
        with tempfile.TemporaryDirectory() as folder:
            plan = make_plan(
                inputs(snapshot, wanted, None, None), Path(folder) / "p",
                profiles=Store("2GB"), plan_id="p", clock=lambda: AT,  # type: ignore[arg-type]
            )  # fmt: skip
            with bench_session() as db:
                rows = f"read_parquet({quote_path(plan.path)}) WHERE verdict IS NOT NULL"
                db.run(f"COPY (SELECT address FROM {rows}) TO {quote_path(on_list)} (FORMAT parquet)")
                before = (
                    f"SELECT address, profile_id, CASE WHEN hash(address) % 100 < {changed} "
                    f"THEN replace(contact, 'Storgata', 'Storgt.') ELSE contact END AS contact FROM {rows}"
                )
                db.run(
                    "COPY (SELECT address, profile_id, contact, hash(contact) AS content, 'on_list' AS state, "
                    "['e'] AS exports, NULL::VARCHAR AS contact_id, 'r' AS run_id, "
                    f"now()::TIMESTAMP AS at FROM ({before})) TO {quote_path(deliveries)} (FORMAT parquet)"
                )
    return deliveries, on_list
