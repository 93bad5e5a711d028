"""Looks at the free space of the disk before a plan is made, and makes room by removing plans that were not run.

Must never remove a plan that a run uses, or the newest plan of an export.
"""

import shutil
from datetime import timedelta

from ccexport.errors import StoreTrouble
from ccexport.messages import Size
from ccexport.runs.engine import Engine

# The rows of a plan (about 150 bytes a contact, compressed), what was delivered before and after, the outcomes, two
# readings of the list and what DuckDB writes beside them while it works.
BYTES_PER_CONTACT = 600
LEAST = 16 * 1024**2
# A plan this young may be about to be run.
YOUNG = timedelta(hours=1)


def make_room(engine: Engine, candidates: int) -> None:
    """Remove plans that were not run, oldest first, until there is space for two runs of that many contacts.

    Raises `StoreTrouble` when there is not enough for one.
    """
    needed = candidates * BYTES_PER_CONTACT + LEAST
    if _free(engine) < 2 * needed:
        _remove_previews(engine, 2 * needed)
    free = _free(engine)
    if free < needed:
        raise StoreTrouble(
            "The disk of the data directory is too full for this: it needs about {needed}, and {free} are free. "
            "Make room there, then try again.",
            needed=Size(needed),
            free=Size(free),
        )


def _free(engine: Engine) -> int:
    plans = engine.data_dir / "plans"
    return shutil.disk_usage(plans if plans.exists() else engine.data_dir).free


def _remove_previews(engine: Engine, wanted: int) -> None:
    files = engine.ledger.files
    newest, now = files.newest_plans(1), engine.clock()
    for plan_id, folder, made_at in files.plans_not_run():
        if _free(engine) >= wanted:
            return
        if plan_id not in newest and now - made_at > YOUNG:
            files.forget_plan(plan_id)
            shutil.rmtree(folder, ignore_errors=True)
