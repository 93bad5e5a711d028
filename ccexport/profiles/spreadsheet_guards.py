"""The marks that programs put before a text so that a spreadsheet leaves it alone: `'0150` and `="0150"`.

Must never take an apostrophe off a name: only before a digit, plus, minus, equals or at sign it is a guard.
"""

from collections.abc import Sequence

from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.kinds import quoted

# Not of '123', which is a quotation.
_APOSTROPHE = r"'[-+=@\d](?s:.*)"
_FORMULA = r'="(?s:[^"]*)"'


def take_off_guards(db: DuckDB, table: str, fields: Sequence[str]) -> dict[str, int]:
    """Change the values in place; how many of each field were."""
    columns = [quote_identifier(f) for f in fields]
    begins = ", ".join(f"bool_or({c} >= '''' AND {c} < '(' OR {c} >= '=' AND {c} < '>')" for c in columns)
    some = [c for c, yes in zip(columns, db.row(f"SELECT {begins} FROM {table}"), strict=True) if yes]
    if not some:
        return {}
    counts = db.row(f"SELECT {', '.join(f'count(*) FILTER ({_guarded(c)})' for c in some)} FROM {table}")
    found = {c: int(n) for c, n in zip(some, counts, strict=True) if n}
    for c in found:
        bare = f"if(starts_with({c}, '='), substr({c}, 3, length({c}) - 3), substr({c}, 2))"
        db.run(f"UPDATE {table} SET {c} = {bare} WHERE {_guarded(c)}")
    return {f: found[c] for f, c in zip(fields, columns, strict=True) if c in found}


def _guarded(column: str) -> str:
    return (
        f"(starts_with({column}, '''') AND regexp_full_match({column}, {quoted(_APOSTROPHE)}) "
        f"AND NOT ends_with({column}, '''') "
        f"OR starts_with({column}, '=') AND regexp_full_match({column}, {quoted(_FORMULA)}))"
    )
