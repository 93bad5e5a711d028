"""What about a new snapshot would surprise: fields lost, types changed, half the profiles gone.

Must never stop growth or a new field; a person can release everything it stops.
"""

from collections.abc import Sequence

from ccexport.errors import Conflict
from ccexport.model.profiles import ProfileField, Snapshot, SourcePart


def surprises(old: Snapshot, new: Snapshot) -> list[str]:
    """Each surprise as a part of a sentence."""
    found = _of_fields(old.fields, new.fields, "")
    if new.profiles * 2 < old.profiles:
        found.append(f"there are {new.profiles:,} profiles where there were {old.profiles:,}")
    if new.id_field != old.id_field:
        found.append(f"the profile id is '{new.id_field}' where it was '{old.id_field}'")
    return found + [s for part in old.parts for s in _of_source(part, new) if s not in found]


def _of_source(old: SourcePart, new: Snapshot) -> list[str]:
    """A source that lost something others have would not be seen in the whole."""
    part = next((p for p in new.parts if p.name == old.name), None)
    if part is None:
        return []  # taken away by a person; what only it had is missed as a field
    found = _of_fields(old.fields, part.fields, f" of {part.name}")
    if part.rows * 2 < old.rows:
        found.append(f"{part.name} has {part.rows:,} rows where it had {old.rows:,}")
    return found


def _of_fields(old: Sequence[ProfileField], new: Sequence[ProfileField], whose: str) -> list[str]:
    there = {f.name: f.type for f in new}
    found = [f"the field '{f.name}'{whose} is gone" for f in old if f.name not in there]
    for field in old:
        if there.get(field.name, field.type) is not field.type:
            found.append(f"the field '{field.name}'{whose} was {field.type} and is {there[field.name]} now")
    return found


def refuse_surprises(old: Snapshot | None, new: Snapshot) -> None:
    """Raise `Conflict` when there are any."""
    found = surprises(old, new) if old else []
    if found:
        raise Conflict(
            f"The source is not what it was: {'; '.join(found)}. The current snapshot stays as it is; "
            "accept the changes (--accept-changes) to replace it.",
            changes=len(found),
        )
