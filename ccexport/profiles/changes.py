"""What about a new snapshot would surprise: fields lost, types changed, half the profiles gone.

Must never stop growth or a new field; a person can release everything it stops.
"""

from ccexport.errors import Conflict
from ccexport.model.profiles import Snapshot


def surprises(old: Snapshot, new: Snapshot) -> list[str]:
    """Each surprise as a part of a sentence."""
    found = [f"the field '{f.name}' is gone" for f in old.fields if new.field(f.name) is None]
    for field in old.fields:
        other = new.field(field.name)
        if other is not None and other.type is not field.type:
            found.append(f"the field '{field.name}' was {field.type} and is {other.type} now")
    if new.profiles * 2 < old.profiles:
        found.append(f"there are {new.profiles:,} profiles where there were {old.profiles:,}")
    if new.id_field != old.id_field:
        found.append(f"the profile id is '{new.id_field}' where it was '{old.id_field}'")
    return found


def refuse_surprises(old: Snapshot | None, new: Snapshot) -> None:
    """Raise `Conflict` when there are any."""
    found = surprises(old, new) if old else []
    if found:
        raise Conflict(
            f"The source is not what it was: {'; '.join(found)}. The current snapshot stays as it is; "
            "accept the changes (accept_changes) to replace it.",
            changes=len(found),
        )
