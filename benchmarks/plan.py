"""Times planning against its budgets: `python benchmarks/plan.py [--big] [--repeat N]`.

Prints medians of fresh processes, their peak memory, the share of the floor (scan, build the text,
write the same bytes, check nothing) and what plain per-row Python takes. `--big` adds 10,000,000
profiles. Generated profiles are kept in build/bench.
"""

import argparse
import hashlib
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow.parquet as pq

from ccexport.model.exports import ConsentRule, Export, ExportConfig, MappedField
from ccexport.model.plans import DestinationReading, Plan
from ccexport.model.profiles import Members, ProfileField, Snapshot
from ccexport.model.words import FieldType, Mode
from ccexport.plan.deliveries import fold
from ccexport.plan.freeze import load_plan
from ccexport.plan.inputs import PlanInputs
from ccexport.plan.make import make_plan
from ccexport.plan.reading import counts, rows
from ccexport.plan.verify import verify
from ccexport.profiles.addresses import annotate
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
            db.run("CREATE TABLE address_forms (field VARCHAR, raw VARCHAR, address VARCHAR)")
            annotate(db, "base", "email", "codes")
            db.run("CREATE TABLE profiles AS SELECT * FROM base JOIN codes USING (_row) ORDER BY _row")
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
def _session(memory_limit: str = "2GB", read: dict[str, Path] | None = None) -> Iterator[DuckDB]:
    with session(memory_limit=memory_limit, temp_dir=DATA / "temp", read=read) as db:
        yield db


class Store:
    """Opens snapshots as the profile store does, with the limit that is measured."""

    def __init__(self, memory_limit: str) -> None:
        self.memory_limit = memory_limit

    @contextmanager
    def open(self, snapshot: Snapshot) -> Iterator[DuckDB]:
        with _session(self.memory_limit, {"s": snapshot.path}) as db:
            yield db


def members(snapshot: Snapshot, wanted: int) -> tuple[Members, ...]:
    """Three overlapping segments of about `wanted` members together; one when everybody is in."""
    share = snapshot.profiles / wanted
    rules = ["true"] if share <= 1 else [f"hash(_row + {n}) % {int(share * 3)} = 0" for n in range(3)]
    found = []
    for n, rule in enumerate(rules):
        path = DATA / f"members-{snapshot.profiles}-{wanted}-{n}.parquet"
        if not path.exists():
            with _session(read={"s": snapshot.path}) as db:
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
        with _session() as db:
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
            with _session() as db:
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


def plan_once(profiles: int, wanted: int, memory_limit: str, changed: int | None) -> float:
    """Seconds for one whole plan: decide, map, compare, freeze, digest, bodies on disk."""
    snapshot = generate(profiles)
    made = inputs(
        snapshot, wanted, *(previous(snapshot, wanted, changed) if changed is not None else (None, None))
    )
    folder = DATA / "plans" / str(time.monotonic_ns())
    folder.parent.mkdir(exist_ok=True)
    started = time.perf_counter()
    plan = make_plan(made, folder, profiles=Store(memory_limit), plan_id="p", clock=lambda: AT)  # type: ignore[arg-type]
    seconds = time.perf_counter() - started
    assert sum(plan.verdicts.values()) + sum(plan.reasons.values()) == plan.candidates, plan
    shutil.rmtree(folder)
    return seconds


def _kept() -> tuple[Plan, Path]:
    """One plan of a million that stays, and its list read back."""
    folder = DATA / "kept"
    snapshot = generate(MILLION)
    _, on_list = previous(snapshot, MILLION, 5)
    if not folder.exists():
        make_plan(
            inputs(snapshot, MILLION, None, None),
            folder,
            profiles=Store("2GB"),
            plan_id="kept",
            clock=lambda: AT,  # type: ignore[arg-type]
        )
    return load_plan(folder), on_list


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def page_once() -> float:
    """Seconds for all counts and the first 200 contacts of a plan of a million."""
    plan, _ = _kept()
    rows(plan, limit=1)
    return _timed(lambda: (counts(load_plan(plan.path.parent)), rows(plan, what="add")))


def search_once() -> float:
    """Seconds to look for a part of a name in a million contacts."""
    plan, _ = _kept()
    rows(plan, limit=1)
    return _timed(lambda: rows(plan, search="jürgen holm99"))


def verify_once() -> float:
    """Seconds to give a million contacts their outcomes."""
    plan, on_list = _kept()
    into = DATA / "outcomes.parquet"
    numbers = [b.number for b in plan.batches]
    return _timed(lambda: verify(plan, on_list=on_list, unsubscribed=None, sent_batches=numbers, into=into))


def fold_once() -> float:
    """Seconds to fold a million outcomes into a million deliveries."""
    plan, on_list = _kept()
    outcomes, numbers = DATA / "outcomes.parquet", [b.number for b in plan.batches]
    if not outcomes.exists():
        verify(plan, on_list=on_list, unsubscribed=None, sent_batches=numbers, into=outcomes)
    base, _ = previous(generate(MILLION), MILLION, 5)
    return _timed(
        lambda: fold(
            base, plan, outcomes=outcomes, import_batches=numbers, removed=True, export_id="e",
            run_id="r", at=AT, into=DATA / "folded.parquet",
        )
    )  # fmt: skip


def floor_once(profiles: int) -> float:
    """Seconds to scan the same fields, build the same text unchecked, and write the same bytes."""
    snapshot = generate(profiles)
    parts = "".join(f", ',\"{t}\":\"' || {s} || '\"'" for t, s in (f.split("=") for f in FIELDS))
    into = DATA / f"floor-{time.monotonic_ns()}"
    started = time.perf_counter()
    with _session("2GB", {"s": snapshot.path}) as db, into.open("wb") as file:
        sql = f"SELECT concat('{{\"email\":\"' || email || '\"'{parts}, '}},') AS t FROM s.profiles"
        for batch in db.arrow(sql):
            file.write(memoryview(batch.column(0).buffers()[2] or b""))
    seconds = time.perf_counter() - started
    into.unlink()
    return seconds


def python_once(profiles: int) -> float:
    """Seconds for the same work one profile at a time, without freezing anything but the bodies."""
    snapshot = generate(profiles)
    strict = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
    pairs = [f.split("=") for f in FIELDS if not f.startswith("birthday")]
    seen: set[str] = set()
    size, body, digest = 0, [], hashlib.sha256()
    into = DATA / f"python-{time.monotonic_ns()}"
    started = time.perf_counter()
    with _session("2GB", {"s": snapshot.path}) as db, into.open("wb") as file:
        for batch in db.arrow("SELECT * FROM s.profiles ORDER BY updated_at DESC, _id"):
            for row in batch.to_pylist():
                address = (row["email"] or "").strip().lower()
                if row["consent"] != "yes" or address in seen or not strict.fullmatch(address):
                    continue
                seen.add(address)
                contact = {"email": address, **{t: row[s].strip() for t, s in pairs if row[s]}}
                contact |= {"birthday_month": row["birth"].month, "birthday_day": row["birth"].day}
                text = json.dumps(contact, ensure_ascii=False, separators=(",", ":")).encode()
                digest.update(hashlib.md5(text).digest())
                size += len(text) + 1
                body.append(text)
                if size > 3_800_000:
                    file.write(b",".join(body))
                    size, body = 0, []
        file.write(b",".join(body))
    seconds = time.perf_counter() - started
    into.unlink()
    return seconds


CASES: dict[str, tuple[str, str, Callable[[], float]]] = {
    "first": (
        "plan 1M of 1M, first time",
        "2.5 s, 700 MiB",
        lambda: plan_once(MILLION, MILLION, "512MB", None),
    ),
    "again": ("… again, 5 % changed", "2.5 s, 700 MiB", lambda: plan_once(MILLION, MILLION, "512MB", 5)),
    "changed": ("… again, everything changed", "", lambda: plan_once(MILLION, MILLION, "512MB", 100)),
    "small": ("… first time at 256MB", "", lambda: plan_once(MILLION, MILLION, "256MB", None)),
    "page": ("counts and 200 contacts of 1M", "0.1 s", page_once),
    "search": ("a name among 1M contacts", "", search_once),
    "verify": ("outcomes of 1M", "3 s", verify_once),
    "fold": ("deliveries of 1M", "", fold_once),
    "floor": ("floor: scan, text, write", "", lambda: floor_once(MILLION)),
    "python": ("plain Python, row by row", "", lambda: python_once(MILLION)),
    "big": (
        "plan 1M of 10M at 256MB",
        "4 s, 600 MiB",
        lambda: plan_once(10 * MILLION, MILLION, "256MB", None),
    ),
    "big-again": (
        "… again, 5 % changed",
        "4 s, 600 MiB",
        lambda: plan_once(10 * MILLION, MILLION, "256MB", 5),
    ),
}


def _measured(case: str, repeat: int) -> tuple[float, float]:
    """Median seconds and peak MiB over fresh processes."""
    runs = []
    for _ in range(repeat):
        command = [sys.executable, __file__, "--case", case]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return statistics.median(r["seconds"] for r in runs), max(r["mib"] for r in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--big", action="store_true")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--only", nargs="*", choices=CASES)
    options = parser.parse_args()
    if options.case:
        seconds = CASES[options.case][2]()
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = used.ru_utime + used.ru_stime
        print(json.dumps({"seconds": seconds, "mib": used.ru_maxrss / 1024, "cpu": cpu}))
        return
    chosen = options.only or [c for c in CASES if options.big or not c.startswith("big")]
    for case in chosen:  # what is generated once is not measured
        if case != "python":
            _measured(case, 1)
    floor = _measured("floor", options.repeat)[0]
    print(f"{'':32} {'median':>8} {'peak':>10} {'of floor':>9}  budget")
    for case in chosen:
        seconds, mib = _measured(case, 1 if case == "python" else options.repeat)
        title, budget, _ = CASES[case]
        print(f"{title:32} {seconds:7.2f}s {mib:6.0f} MiB {seconds / floor:8.1f}x  {budget}")


if __name__ == "__main__":
    main()
