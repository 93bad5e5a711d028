"""Times the whole way of a million profiles against the sandbox: ingest, preview, first request, send, verify.

`python benchmarks/runs.py [--profiles N]`. Real HTTP over loopback with the real pace of 4 requests a
second. The sandbox answers at once and works the imports off when it is asked how far they are, not beside the
requests: sending is timed until as many are in flight as may be. One run, because a run changes what there is.
"""

import argparse
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ccexport.constant_contact.transport import Transport
from ccexport.model.exports import ConsentRule, MappedField
from ccexport.profiles.sample import write_profiles
from ccexport.runs.send import IN_FLIGHT
from ccexport.services import Services
from tests.world import ADA, CARL, World, consent

FIELDS = ("first_name", "last_name", "phone", "street", "city", "country", "company")
TARGETS = {"company": "company_name"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    told = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="ccexport-bench-"))
    world = World(root, memory_limit="512MB", config={"background_engine": False})
    world.services.close()
    world.services = Services(world.settings)  # with real waiting
    try:
        for name, value in rows(world, root, told.profiles):
            sys.stdout.write(f"{name:<58}{value:>20}\n")
            sys.stdout.flush()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(f"{'peak memory of this process':<58}{peak:>16.0f} MiB\n")
    finally:
        world.close()
        shutil.rmtree(root, ignore_errors=True)


def rows(world: World, root: Path, profiles: int):
    """Name and measured value, one after the other."""
    path = root / "people.csv"
    write_profiles(path, profiles, 1)
    size = path.stat().st_size / 1e6
    yield (
        f"ingest {profiles:,} rows of CSV ({size:.0f} MB)",
        clocked(lambda: world.services.profiles.ingest(ADA, [path], id_field="customer_id")),
    )
    world.services.segments.create(ADA, "Everybody", everybody=True)
    connected(world)
    world.services.connections.create_list(ADA, "Main", "Newsletter")
    world.export(
        "News",
        fields=[MappedField(target=TARGETS.get(f, f), source=f) for f in FIELDS],
        consent=ConsentRule(field="newsletter_consent"),
    )
    yield (
        "preview, first time (with reading the destination)",
        clocked(lambda: world.services.previews.preview(CARL, "News")),
    )
    yield "preview again", clocked(lambda: world.services.previews.preview(CARL, "News", fresh=False))
    plan = world.services.previews.preview(CARL, "News", fresh=False)
    yield "first 200 rows of it", clocked(lambda: world.services.previews.rows(CARL, plan, limit=200))
    seen = watched()
    pressed = time.perf_counter()
    started = world.services.runs.start(CARL, "News", digest=plan.digest)
    run = world.services.runs.drive_here(started.id)
    imports = [at for path_, at in seen if path_.endswith("contacts_json_import")]
    yield "run: state", run.state
    yield "run: contacts sent / verified", f"{run.counts['sent']:,} / {run.counts['verified']:,}"
    yield "run: first request after Run", f"{seen[0][1] - pressed:.2f} s"
    yield "run: requests of the imports", str(len(imports))
    first = imports[:IN_FLIGHT]
    floor = len(first) / 4
    span = first[-1] - first[0] + 0.25
    yield f"run: sending the first {len(first)} of them", f"{span:.1f} s ({span / floor:.2f} x requests/4)"
    yield "run: all of it, reading back included", f"{time.perf_counter() - pressed:.1f} s"
    events = world.services.runs.story(CARL, run.id)
    at = {event.state: event.at for event in events}
    verifying = (events[-1].at - at["verifying"]).total_seconds()
    yield "run: reading back and verifying", f"{verifying:.1f} s"
    yield "run again, nothing changed", clocked(lambda: world.run())


def connected(world: World) -> None:
    begun = world.services.connections.begin(ADA, "Main", agree=True, share="contributor")
    back = consent(begun.url)
    draft = world.services.connections.finish(ADA, state=back["state"], bind=begun.bind, code=back["code"])
    world.services.connections.save(ADA, draft.key)


def watched() -> list[tuple[str, float]]:
    """Every request from now on, with its moment."""
    seen: list[tuple[str, float]] = []
    original = Transport.send

    def send(self: Transport, request):
        seen.append((request.url.split("?")[0], time.perf_counter()))
        return original(self, request)

    Transport.send = send
    return seen


def clocked(work) -> str:
    started = time.perf_counter()
    work()
    return f"{time.perf_counter() - started:.2f} s"


if __name__ == "__main__":
    main()
