"""Times planning against its budgets: `python benchmarks/plan.py [--big] [--huge] [--repeat N]`.

Prints medians of fresh processes, their peak memory, the share of the floor (scan, build the text,
write the same bytes, check nothing) and what plain per-row Python takes. `--big` adds 10,000,000
profiles, `--huge` 100,000,000 (half an hour and 12 GB to make them). They are kept in build/bench.
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
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.generated import AT, DATA, FIELDS, MILLION, Store, bench_session, generate, inputs, previous
from ccexport.model.plans import Plan
from ccexport.plan.deliveries import fold
from ccexport.plan.freeze import load_plan
from ccexport.plan.make import make_plan
from ccexport.plan.reading import counts, rows
from ccexport.plan.verify import verify


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
    with bench_session("2GB", {"s": snapshot.path}) as db, into.open("wb") as file:
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
    with bench_session("2GB", {"s": snapshot.path}) as db, into.open("wb") as file:
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
    "huge": (
        "plan 1M of 100M at 256MB",
        "15 s, 600 MiB",
        lambda: plan_once(100 * MILLION, MILLION, "256MB", None),
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
    parser.add_argument("--huge", action="store_true")
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
    left_out = {"big": options.big, "big-again": options.big, "huge": options.huge}
    chosen = options.only or [c for c in CASES if left_out.get(c, True)]
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
