"""The columns of a table that has types of its own: Parquet, JSON, a query.

Must never change a value; a value of a type that we do not have becomes its text.
"""

from collections.abc import Sequence

from ccexport.errors import BadInput
from ccexport.messages import word
from ccexport.model.reading import FieldReading, Sure
from ccexport.model.words import FieldType
from ccexport.profiles.columns import Column, decimal, text_columns, text_sql
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.evidence import Hints
from ccexport.profiles.staged import NUMERIC_TEXT


def native_columns(
    db: DuckDB,
    table: str,
    types: Sequence[tuple[str, str]],
    *,
    id_field: str,
    hints: Hints | None = None,
) -> list[Column]:
    """Return the columns as declared, or as a person chose.

    Texts in JSON, which has no dates, become dates where they are dates.
    """
    hints = hints or Hints()
    columns = [_native(db, table, name, declared.upper()) for name, declared in types]
    texts = [c.name for c in columns if c.sql == text_sql(c.name) and c.name != id_field]
    chosen = {**hints.types, **hints.formats}
    as_text = [n for n in texts if n in chosen or hints.only_dates]
    read = (
        {c.name: c for c in text_columns(db, table, as_text, id_field=id_field, hints=hints)}
        if as_text
        else {}
    )
    found = []
    for column in columns:
        type_ = FieldType.TEXT if column.name == id_field else hints.types.get(column.name, column.type)
        if column.name in read:
            found.append(read[column.name])
        else:
            found.append(_told(column if type_ is column.type else _changed(column, type_), hints))
    return found


def _told(column: Column, hints: Hints) -> Column:
    sure = Sure.CHOSEN if column.name in hints.types else Sure.CERTAIN
    return Column(
        column.name, column.type, column.sql, FieldReading(column.name, column.type, hints.source, sure=sure)
    )


def _changed(column: Column, type_: FieldType) -> Column:
    """Return the column as text. Raises `BadInput` for any other type."""
    if type_ is FieldType.TEXT:
        return Column(column.name, type_, text_sql(column.name))
    raise BadInput(
        "The field '{column}' is a {type} in the source and cannot be taken as {wanted}.",
        column=column.name,
        type=word(column.type),
        wanted=word(type_),
        field=column.name,
    )


def _native(db: DuckDB, table: str, name: str, declared: str) -> Column:
    column = quote_identifier(name)
    if declared == NUMERIC_TEXT:
        text = f"CASE WHEN {column} NOT IN ('NaN', 'Infinity', '-Infinity') THEN {column} END"
        return Column(name, FieldType.NUMBER, f"CAST({text} AS {decimal(db, table, text)})")
    if declared.endswith("]"):
        scalar = not declared.startswith(("STRUCT", "MAP", "JSON"))
        cast = f"CAST({column} AS VARCHAR[])" if scalar else f"CAST(to_json({column}) AS VARCHAR)"
        return Column(name, FieldType.LIST if scalar else FieldType.TEXT, cast)
    if declared.startswith(("STRUCT", "MAP", "UNION")):
        return Column(name, FieldType.TEXT, f"CAST(to_json({column}) AS VARCHAR)")
    if declared == "TIMESTAMP WITH TIME ZONE":
        return Column(name, FieldType.TIMESTAMP, f"{column} AT TIME ZONE 'UTC'")
    if declared.startswith("TIMESTAMP"):
        return Column(name, FieldType.TIMESTAMP, f"CAST({column} AS TIMESTAMP)")
    if declared in ("DATE", "BOOLEAN"):
        return Column(name, FieldType(declared.lower()), column)
    if declared in ("DOUBLE", "FLOAT"):  # NaN and infinity are not numbers: both become empty
        return Column(name, FieldType.NUMBER, f"CASE WHEN isfinite({column}) THEN {column} END")
    if declared.startswith("DECIMAL") or declared.endswith(("INT", "INTEGER")):
        return Column(name, FieldType.NUMBER, column)
    return Column(name, FieldType.TEXT, text_sql(name))
