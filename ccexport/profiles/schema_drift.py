"""Finds what is surprising about a new snapshot: fields lost, types changed, half of the profiles gone.

Must never stop growth or a new field; a person can accept everything it stops.
"""

from collections.abc import Sequence

from ccexport.errors import Conflict
from ccexport.messages import Message, counted, joined, message, word
from ccexport.model.profiles import ProfileField, Snapshot, SourcePart


def surprises(old: Snapshot, new: Snapshot) -> list[Message]:
    """Return each surprise as a part of a sentence."""
    found = _of_fields(old.fields, new.fields)
    if new.profiles * 2 < old.profiles:
        found.append(
            counted(
                "there is {n} profile where there were {before}",
                "there are {n} profiles where there were {before}",
                n=new.profiles,
                before=old.profiles,
            )
        )
    if new.id_field != old.id_field:
        found.append(
            message(
                "the profile id is '{now}' where it was '{before}'", now=new.id_field, before=old.id_field
            )
        )
    return found + [s for part in old.parts for s in _of_source(part, new)]


def _of_source(old: SourcePart, new: Snapshot) -> list[Message]:
    """Return a source's own losses, which the other sources would hide in the whole snapshot."""
    part = next((p for p in new.parts if p.name == old.name), None)
    if part is None:
        return []  # a person removed the source; a field that only it had is reported as lost
    found = [
        message("{what} in the source {source}", what=what, source=part.name)
        for what in _of_fields(old.fields, part.fields)
    ]
    if part.rows * 2 < old.rows:
        found.append(
            counted(
                "{source} has {n} row where it had {before}",
                "{source} has {n} rows where it had {before}",
                n=part.rows,
                before=old.rows,
                source=part.name,
            )
        )
    return found


def _of_fields(old: Sequence[ProfileField], new: Sequence[ProfileField]) -> list[Message]:
    there = {f.name: f.type for f in new}
    found = [message("the field '{name}' is gone", name=f.name) for f in old if f.name not in there]
    for field in old:
        if there.get(field.name, field.type) is not field.type:
            found.append(
                message(
                    "the field '{name}' was {before} and is {now} now",
                    name=field.name,
                    before=word(field.type),
                    now=word(there[field.name]),
                )
            )
    return found


def refuse_surprises(old: Snapshot | None, new: Snapshot) -> None:
    """Raise `Conflict` when there are surprises."""
    found = surprises(old, new) if old else []
    if found:
        raise Conflict(
            "The source is not what it was: {found}. The current snapshot stays as it is; accept "
            "the changes to replace it.",
            found=joined(found, "; "),
            changes=len(found),
        )
