"""Removes the marks that protect a text from a spreadsheet: `'0150` and `="0150"`.

It also removes those that our own CSV has inside a text (`csv_cells`). Must never remove an apostrophe from a name:
it is a mark only before a digit, plus, minus, equals or at sign.
"""

from collections.abc import Sequence

from ccexport.profiles.csv_cells import FORMULA_STARTS, marked_inside_sql, unmarked_sql
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.kinds import quoted

# Not from '123', which is a quotation.
_APOSTROPHE = rf"'[{FORMULA_STARTS}\d](?s:.*)"
_FORMULA = r'="(?s:[^"]*)"'


def take_off_guards(db: DuckDB, table: str, fields: Sequence[str]) -> dict[str, int]:
    """Change the values in place; return how many of each field were changed."""
    columns = [quote_identifier(f) for f in fields]
    begins = ", ".join(
        f"bool_or({c} >= '''' AND {c} < '(' OR {c} >= '=' AND {c} < '>'), bool_or({marked_inside_sql(c)})"
        for c in columns
    )
    answers = iter(db.row(f"SELECT {begins} FROM {table}"))
    pairs = [(c, starts, inside) for c, starts, inside in zip(columns, answers, answers, strict=True)]
    found = _at_the_start(db, table, [c for c, starts, _ in pairs if starts])
    for c in (c for c, _, inside in pairs if inside):
        (n,) = db.row(f"SELECT count(*) FROM {table} WHERE {marked_inside_sql(c)}")
        found[c] = found.get(c, 0) + int(n)
        db.run(f"UPDATE {table} SET {c} = {unmarked_sql(c)} WHERE {marked_inside_sql(c)}")
    return {f: found[c] for f, c in zip(fields, columns, strict=True) if c in found}


def _at_the_start(db: DuckDB, table: str, columns: Sequence[str]) -> dict[str, int]:
    if not columns:
        return {}
    counts = db.row(f"SELECT {', '.join(f'count(*) FILTER ({_guarded(c)})' for c in columns)} FROM {table}")
    found = {c: int(n) for c, n in zip(columns, counts, strict=True) if n}
    for c in found:
        bare = f"if(starts_with({c}, '='), substr({c}, 3, length({c}) - 3), substr({c}, 2))"
        db.run(f"UPDATE {table} SET {c} = {bare} WHERE {_guarded(c)}")
    return found


def _guarded(column: str) -> str:
    return (
        f"(starts_with({column}, '''') AND regexp_full_match({column}, {quoted(_APOSTROPHE)}) "
        f"AND NOT ends_with({column}, '''') "
        f"OR starts_with({column}, '=') AND regexp_full_match({column}, {quoted(_FORMULA)}))"
    )
