"""The three columns that every address field of a snapshot has, so that a plan need not judge addresses again.

They are made in one pass over the rows, in row order and by all cores. What SQL cannot decide (about one
row in a hundred) is then judged in Python. Must never change the field itself.
"""

from collections.abc import Sequence

import pyarrow as pa

from ccexport.model.profiles import ROW
from ccexport.profiles.address_cells import address_in_cell, addresses_in_cell
from ccexport.profiles.address_rules import (
    EMAIL_MAX_LENGTH,
    EMAIL_TOO_LONG,
    INVALID_EMAIL,
    NO_EMAIL,
    OTHER_FORM,
    REASONS,
    USABLE,
    address_sql,
    normalise_address,
    plain_sql,
    reason_text,
    trimmed_sql,
)
from ccexport.profiles.database import DuckDB, quote_identifier

__all__ = [
    "EMAIL_MAX_LENGTH",
    "EMAIL_TOO_LONG",
    "FORMS",
    "INVALID_EMAIL",
    "NO_EMAIL",
    "OTHER_FORM",
    "REASONS",
    "USABLE",
    "address_in_cell",
    "address_sql",
    "addresses_in_cell",
    "annotate",
    "code_column",
    "hash_column",
    "make_forms",
    "normalise_address",
    "reason_text",
    "shared_column",
]

FORMS = "address_forms"
_JUDGED = (("raw", pa.string()), ("code", pa.uint8()), ("address", pa.string()), ("others", pa.uint32()))
_ANSWERS = pa.schema(list(_JUDGED))
_CODES = {reason: code for code, reason in REASONS.items()}
_ASKED_AT_ONCE = 50_000


def code_column(field: str) -> str:
    """Name of the column that says whether the address in `field` is usable, and why not."""
    return f"{field}#code"


def hash_column(field: str) -> str:
    """Name of the column with hash() of the normal form; null unless usable."""
    return f"{field}#hash"


def shared_column(field: str) -> str:
    """Name of the column that is true when the normal form occurs more than once in `field`."""
    return f"{field}#shared"


def make_forms(db: DuckDB) -> None:
    """Make the table of normal forms that SQL does not give; `others` counts the further addresses of the cell."""
    db.run(
        f"CREATE TABLE IF NOT EXISTS {FORMS} (field VARCHAR, raw VARCHAR, address VARCHAR, others UINTEGER)"
    )


def annotate(db: DuckDB, table: str, field: str, into: str) -> None:
    """Make the table `into` with `_row` and the code, hash and shared columns of `field` in `table`.

    `table` is SQL (`s.profiles`) and has `_row`; the rows of `into` come in its order. Normal forms
    that `address_sql` does not give are added to the table `address_forms` of this session.
    """
    source, columns = first_pass(table, [field])
    db.run(f"CREATE TABLE {quote_identifier(into)} AS SELECT {ROW}, {', '.join(columns)} FROM {source}")
    put_right(db, table, field, quote_identifier(into))


def first_pass(table: str, fields: Sequence[str]) -> tuple[str, list[str]]:
    """Return what to select from, and the columns as far as SQL alone can tell.

    Nothing is shared yet, and whatever the strict regexp does not accept counts as invalid.
    """
    plain = "".join(f", {plain_sql(_text(f))} AS _plain{n}" for n, f in enumerate(fields))
    clean = "".join(
        f", CASE WHEN _plain{n} THEN {_text(f)} ELSE {trimmed_sql(_text(f))} END AS _clean{n}"
        for n, f in enumerate(fields)
    )
    columns: list[str] = []
    for number, field in enumerate(fields):
        t, (code, hashed, shared) = f"_clean{number}", _column_names(field)
        # Most values are plain already or after trimming, so the strict regexp runs once for most.
        columns += [
            f"""CAST(CASE WHEN coalesce({t}, '') = '' THEN {NO_EMAIL}
                  WHEN _plain{number} OR {plain_sql(t)}
                    THEN if(length({t}) > {EMAIL_MAX_LENGTH}, {EMAIL_TOO_LONG}, {USABLE})
                  ELSE {INVALID_EMAIL} END AS UTINYINT) AS {code}""",
            f"CASE WHEN {code} = {USABLE} THEN hash(lower({t})) END AS {hashed}",
            f"false AS {shared}",
        ]
    return f"(SELECT *{clean} FROM (SELECT *{plain} FROM {table}))", columns


def put_right(db: DuckDB, table: str, field: str, target: str) -> None:
    """Judge in Python what the first pass refused, and mark what is shared, in the table `target`."""
    code, hashed, shared = _column_names(field)
    unsure = f"{table} SEMI JOIN (SELECT {ROW} FROM {target} WHERE {code} = {INVALID_EMAIL}) USING ({ROW})"
    _judge(db, unsure, field)
    db.run(
        f"""UPDATE {target} SET {code} = j.code, {hashed} = j.h
            FROM (SELECT t.{ROW}, g.code, CASE WHEN g.address IS NOT NULL THEN hash(g.address) END AS h
                  FROM {table} t JOIN _judged g ON g.raw = CAST(t.{quote_identifier(field)} AS VARCHAR)) j
            WHERE {target}.{ROW} = j.{ROW} AND {target}.{code} = {INVALID_EMAIL}"""
    )
    db.run(
        f"""UPDATE {target} SET {shared} = true WHERE {hashed} IN (
              SELECT {hashed} FROM {target} WHERE {hashed} IS NOT NULL GROUP BY 1 HAVING count(*) > 1)"""
    )
    make_forms(db)
    db.run(
        f"INSERT INTO {FORMS} SELECT ?, raw, address, others FROM _judged WHERE code = {OTHER_FORM}", [field]
    )
    db.run("DROP TABLE _judged")


def _judge(db: DuckDB, refused: str, field: str) -> None:
    """Make `_judged(raw, code, address)`: the library's answer for every distinct text with an @-sign."""
    raw = _text(field)
    db.run(
        "CREATE OR REPLACE TEMP TABLE _judged (raw VARCHAR, code UTINYINT, address VARCHAR, others UINTEGER)"
    )
    has_sign = f"(contains({raw}, '@') OR contains({raw}, '\uff20'))"
    distinct = f"SELECT DISTINCT {raw} AS raw FROM {refused} WHERE {has_sign}"
    db.run(f"CREATE OR REPLACE TEMP TABLE _asked AS {distinct}")
    while asked := [r for (r,) in db.rows(f"SELECT raw FROM _asked LIMIT {_ASKED_AT_ONCE}")]:
        with db.given("_answers", pa.table(_answers(asked), schema=_ANSWERS)):
            db.run("INSERT INTO _judged FROM _answers")
        db.run("DELETE FROM _asked WHERE raw IN (SELECT raw FROM _judged)")
    same = f"address = {address_sql('raw')}"
    db.run(f"UPDATE _judged SET code = {USABLE} WHERE code = {OTHER_FORM} AND {same}")
    db.run("DROP TABLE _asked")


def _answers(asked: list[str]) -> dict[str, list[object]]:
    judged = [address_in_cell(raw) for raw in asked]
    codes: list[object] = [_CODES[reason] if reason else OTHER_FORM for _, reason, _ in judged]
    addresses: list[object] = [address for address, _, _ in judged]
    others: list[object] = [max(0, len(addresses_in_cell(raw)) - 1) for raw in asked]
    return {"raw": list(asked), "code": codes, "address": addresses, "others": others}


def _column_names(field: str) -> tuple[str, str, str]:
    names = (code_column(field), hash_column(field), shared_column(field))
    return quote_identifier(names[0]), quote_identifier(names[1]), quote_identifier(names[2])


def _text(field: str) -> str:
    return f"CAST({quote_identifier(field)} AS VARCHAR)"
