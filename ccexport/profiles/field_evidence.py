"""What suggestions need from the fields of a snapshot: some values of each, or all where there are few.

Must never be shown or kept: it holds values of profiles.
"""

from collections.abc import Mapping, Sequence

from ccexport.model.profiles import FieldEvidence, Snapshot
from ccexport.model.words import FieldType
from ccexport.profiles.browse import FieldOverview
from ccexport.profiles.database import DuckDB, quote_identifier

_SAMPLED = 300  # filled values of a field
_FEW = 30  # different values that are counted


def field_evidence(
    db: DuckDB, snapshot: Snapshot, fields: Sequence[FieldOverview]
) -> Mapping[str, FieldEvidence]:
    """Return the evidence by name of field."""
    return {f.field.name: _of(db, f) for f in fields if f.field.type is not FieldType.LIST}


def _of(db: DuckDB, overview: FieldOverview) -> FieldEvidence:
    if not overview.filled:
        return FieldEvidence()
    column = quote_identifier(overview.field.name)
    text = f"CAST({column} AS VARCHAR)"
    sample = db.rows(f"SELECT {text} FROM s.profiles WHERE {column} IS NOT NULL LIMIT {_SAMPLED}")
    values: tuple[tuple[str, int], ...] = ()
    if overview.distinct <= _FEW:  # `distinct` is an estimate, so a few more values may come
        counted = db.rows(
            f"SELECT {text}, count(*) AS n FROM s.profiles WHERE {column} IS NOT NULL "
            f"GROUP BY 1 ORDER BY n DESC, 1 LIMIT {2 * _FEW}"
        )
        values = tuple((v, int(n)) for v, n in counted)
    return FieldEvidence(overview.filled, tuple(v for (v,) in sample), values)
