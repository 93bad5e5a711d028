"""Decides, on narrow columns, which profiles become contacts and why the others do not.

Owns the order of the reasons, the rule for duplicates and the set of removals; docs/plan.md explains
them. Works in tables of a private session; must never read a mapped value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.errors import StoreTrouble
from ccexport.model.exports import ExportConfig
from ccexport.model.profiles import Members, Snapshot
from ccexport.model.words import FieldType, Mode, Reason
from ccexport.model.yes_no import NO, YES
from ccexport.plan.deliveries import delivered_content
from ccexport.plan.guards import PUT_BACK, UNSUBSCRIBED_BEFORE
from ccexport.plan.inputs import OtherExport, PlanInputs
from ccexport.plan.standing import OURS, address_table, make_standing, see
from ccexport.profiles.addresses import address_sql, annotate, code_column, hash_column, shared_column
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path, quote_text

# Addresses of a role, not a person: https://www.rfc-editor.org/rfc/rfc2142
ROLES = frozenset(
    {"abuse", "admin", "administrator", "billing", "contact", "email", "firmapost", "help", "hostmaster"}
    | {"info", "kontakt", "mail", "marketing", "no-reply", "noreply", "office", "post", "postmaster"}
    | {"privacy", "root", "sales", "security", "support", "webmaster"}
)

_AS_BOOLEAN = {"true": YES, "false": NO}
_LOOKED_UP = (
    "members",
    "on_list",
    "unsubscribed",
    "standing",
    "refused",
    "excluded",
    "taken",
    "ours",
    "leavers",
    "kept_for",
    "moved",
)


@dataclass(frozen=True)
class Decided:
    """The number of candidates, the `_row` from which they exceed the limit, and what the export holds."""

    candidates: int
    cut: int | None
    held: int
    removals: int
    held_by_other: int
    gone: int = 0
    """How many people we held on the list have left it since the last run."""
    kept_for: Mapping[str, int] = field(default_factory=dict)
    """How many leavers stay for each other export, by its id."""
    moved: int = 0
    """How many old addresses, of people whose address changed, this export has on the list."""


def decide(db: DuckDB, inputs: PlanInputs) -> Decided:
    """Make the tables `decided`, `losers`, `segment_names`, `removals` and `dropped`."""
    config, snapshot = inputs.export.config, inputs.snapshot
    # Keeping the order would cost a thread when memory is short; `_row` has it anyway.
    db.run("SET preserve_insertion_order = false")
    _members(db, inputs)
    codes = _codes(db, config.email, snapshot)
    _sets(db, inputs)
    if config.consent or config.refusals:
        _refused(db, config, snapshot, codes)
    _left_to_others(db, inputs, codes)
    _candidates(db, inputs, codes)
    candidates = db.row("SELECT count(*) FROM decided")[0]
    if candidates != db.row("SELECT count(*) FROM members")[0]:
        raise StoreTrouble(
            "The stored members or deliveries do not fit the snapshot; make the members again."
        )
    _moved(db, inputs)
    _losers(db, config.newest_by or snapshot.updated_field)
    cut = _cut(db, config.guards.contacts_maximum)
    gone = _gone(db)
    held, removals, others, kept_for = _removals(db, inputs)
    moved = db.row("SELECT count(DISTINCT old) FROM moved")[0]
    for table in _LOOKED_UP:  # not needed any more, and its memory is
        db.run(f"DROP TABLE IF EXISTS {table}")
    return Decided(candidates, cut, held, removals, others, gone, kept_for, moved)


def segment_word(name: str) -> str:
    """Return a segment's name as written among others in `segments`."""
    return name.replace("; ", ", ")


def _members(db: DuckDB, inputs: PlanInputs) -> None:
    """Make the union of the segments; each bit of `mask` is a segment."""
    each = [
        f"SELECT _row, {1 << n}::BIGINT AS mask FROM read_parquet({quote_path(m.path)})"
        for n, m in enumerate(inputs.members)
    ] or ["SELECT 0::BIGINT AS _row, 0::BIGINT AS mask WHERE false"]
    union = " UNION ALL ".join(each)
    if len(each) > 1:
        union = f"SELECT _row, bit_or(mask) AS mask FROM ({union}) GROUP BY _row"
    db.run(f"CREATE TABLE members AS {union}")
    names = "".join(
        f", CASE WHEN mask & {1 << n} <> 0 THEN {quote_text(segment_word(m.segment_name))} END"
        for n, m in enumerate(inputs.members)
    )
    db.run(
        "CREATE TABLE segment_names AS "
        f"SELECT mask, concat_ws('; ', NULL{names}) AS names FROM (SELECT DISTINCT mask FROM members)"
    )


@dataclass(frozen=True)
class _Codes:
    """Where the results of the address checks are: in the snapshot, or in a table made now."""

    table: str
    code: str
    hash: str
    shared: str
    forms: str
    field: str
    counts_others: bool

    @property
    def alias(self) -> str:
        return "p" if self.table == "s.profiles" else "a"


def _codes(db: DuckDB, field: str, snapshot: Snapshot, table: str = "address_codes") -> _Codes:
    code, hashed, shared = (quote_identifier(n(field)) for n in (code_column, hash_column, shared_column))
    if field in snapshot.address_fields:
        forms = "s.address_forms"
        others = any(name == "others" for name, *_ in db.rows(f"DESCRIBE {forms}"))
        return _Codes(
            "s.profiles", code, hashed, shared, forms, field, others
        )  # `others` is not in old snapshots
    annotate(db, "s.profiles", field, table)
    return _Codes(table, code, hashed, shared, "address_forms", field, counts_others=True)


def _profiles(codes: _Codes) -> str:
    """FROM clause: `p` is the profile, `a` its address code, `f` its repaired normal form."""
    column = f"p.{quote_identifier(codes.field)}"
    same = codes.table == "s.profiles"
    others = "max(others)" if codes.counts_others else "0"
    return (
        ("s.profiles p" if same else f"s.profiles p JOIN {codes.table} a USING (_row)")
        + f" LEFT JOIN (SELECT raw, any_value(address) AS address, {others} AS others FROM {codes.forms} "
        f"WHERE field = {quote_text(codes.field)} GROUP BY raw) f "
        f"ON f.raw = CASE WHEN {codes.alias}.{codes.code} = 4 THEN {column}::VARCHAR END"
    )


def _address(codes: _Codes) -> str:
    """SQL: the normal form, null unless usable.

    Most addresses are already in it or only need lower case. The stored hash shows which, and saves the
    regular expressions.
    """
    raw, normal = f"p.{quote_identifier(codes.field)}::VARCHAR", f"{codes.alias}.{codes.hash}"
    usual = (
        f"CASE WHEN hash({raw}) = {normal} THEN {raw} WHEN hash(lower({raw})) = {normal} THEN lower({raw})"
    )
    return (
        f"CASE {codes.alias}.{codes.code} WHEN 0 THEN {usual} ELSE {address_sql(raw)} END "
        "WHEN 4 THEN f.address END"
    )


def _sets(db: DuckDB, inputs: PlanInputs) -> None:
    """Make the tables looked up by address: `on_list`, `unsubscribed`, `suppressed` (and domains), `standing`.

    They hold 64-bit hashes instead of addresses, for a third of the time and memory. If two addresses ever
    share a hash (a chance of about 1 in 10,000,000 for two sets of a million), one person is left out or left
    on the list without need; nobody is sent who must not be.
    """
    reading = inputs.destination
    address_table(db, "on_list", reading.on_list if reading else None)
    address_table(db, "unsubscribed", reading.unsubscribed if reading else None)
    entries = f"SELECT ltrim(lower(trim(a)), '@') AS entry FROM {_column(inputs.suppression)} AS t(a)"
    db.run(
        f"CREATE TABLE entries AS {entries};"
        "CREATE TABLE suppressed AS SELECT hash(entry) AS h FROM entries WHERE contains(entry, '@');"
        "CREATE TABLE suppressed_domains AS SELECT entry AS domain FROM entries WHERE NOT contains(entry, '@')"
    )
    make_standing(
        db,
        inputs.deliveries,
        ours=inputs.export.id,
        holders=inputs.holders,
        earlier=inputs.earlier,
        content=delivered_content(db, inputs.deliveries) if inputs.deliveries else "NULL::UBIGINT",
    )
    if reading:
        see(db, "on_list", "unsubscribed", strangers=False)


def _column(path: Path | None) -> str:
    """FROM clause: the only column of that file, or no rows without a file."""
    return f"read_parquet({quote_path(path)})" if path else "(SELECT NULL::VARCHAR WHERE false)"


def _consent(config: ExportConfig, snapshot: Snapshot) -> str:
    """SQL: true when given, false when refused, null when nothing is known."""
    given = "true"
    if config.consent:
        given = _one_of(config.consent.field, config.consent.values, snapshot)
    refused = [f"coalesce({_one_of(r.field, r.values, snapshot)}, false)" for r in config.refusals]
    return f"CASE WHEN {' OR '.join(refused)} THEN false ELSE {given} END" if refused else given


def _one_of(name: str, values: tuple[str, ...], snapshot: Snapshot) -> str:
    """SQL: whether the field has one of the values; null when it is empty."""
    field = snapshot.field(name)
    words = {v.strip().lower() for v in values} - {""}
    text = f"lower(nullif(trim(p.{quote_identifier(name)}::VARCHAR), ''))"
    if field and field.type is FieldType.BOOLEAN:  # the words of the file are not kept in such a field
        words |= {kept for kept, written in _AS_BOOLEAN.items() if words & written}
    elif (
        field and field.type is FieldType.NUMBER
    ):  # in a column with empty cells, some programs write 1 as 1.0
        text = f"regexp_replace({text}, '\\.0+$', '')"
        words |= {word.rstrip("0").rstrip(".") for word in words if "." in word}
    return f"{text} IN ({', '.join(quote_text(word) for word in sorted(words)) or 'NULL'})"


def _refused(db: DuckDB, config: ExportConfig, snapshot: Snapshot, codes: _Codes) -> None:
    """Make the table of addresses that any profile refuses, in a segment or not; one refusal counts for all."""
    db.run(
        f"CREATE TABLE refused AS SELECT DISTINCT hash({_address(codes)}) AS h FROM {_profiles(codes)} "
        f"WHERE {codes.alias}.{codes.shared} AND ({_consent(config, snapshot)}) = false"
    )


def _left_to_others(db: DuckDB, inputs: PlanInputs, codes: _Codes) -> None:
    """Make `excluded` and `taken`: the addresses of everybody in those segments, whichever profile has them."""
    db.run(f"CREATE TABLE excluded AS {_addresses_of(inputs.excluded, codes)}")
    taken = [
        f"({_addresses_of(t.members, codes)} EXCEPT {_addresses_of(t.excluded, codes)})" for t in inputs.taken
    ]
    db.run(f"CREATE TABLE taken AS {' UNION '.join(taken) or _NO_ADDRESSES}")


_NO_ADDRESSES = "SELECT 0::UBIGINT AS h WHERE false"


def _addresses_of(members: Sequence[Members], codes: _Codes) -> str:
    """SQL: the hash of each address of these members."""
    if not members:
        return _NO_ADDRESSES
    rows = " UNION ".join(f"SELECT _row FROM read_parquet({quote_path(m.path)})" for m in members)
    return (
        f"SELECT DISTINCT hash(address) AS h FROM (SELECT {_address(codes)} AS address FROM {_profiles(codes)} "
        f"WHERE p._row IN ({rows})) WHERE address IS NOT NULL"
    )


def _reasons(mode: Mode, left: str) -> str:
    """SQL: the first reason that applies. A removal from the list needs no consent."""
    by_hand = (
        ("suppressed", Reason.SUPPRESSED),
        ("refused OR NOT consent", Reason.NO_CONSENT),
        ("unsubscribed", Reason.UNSUBSCRIBED),
        (left, Reason.LEFT_LIST),
    )
    found = (
        ("code = 1", Reason.NO_EMAIL),
        ("code = 2", Reason.INVALID_EMAIL),
        ("code = 3", Reason.EMAIL_TOO_LONG),
        *(() if mode is Mode.REMOVE else by_hand),
        ("excluded", Reason.EXCLUDED),
        ("taken", Reason.TAKEN_BY),
        *_BY_MODE.get(mode, ()),
    )
    return "CASE " + " ".join(f"WHEN {sql} THEN '{reason}'::reason" for sql, reason in found) + " END"


_BY_MODE = {
    Mode.ADD_ONLY: (("on_list", Reason.ALREADY_ON_LIST),),
    Mode.UPDATE_ONLY: (("NOT on_list", Reason.NOT_ON_LIST),),
    Mode.REMOVE: (("NOT on_list", Reason.NOT_ON_LIST),),
}


def _candidates(db: DuckDB, inputs: PlanInputs, codes: _Codes) -> None:
    config, snapshot, known = inputs.export.config, inputs.snapshot, inputs.destination is not None
    on_list = _in("on_list") if known else "coalesce(d.state IN ('on_list', 'own', 'removing'), false)"
    left = "state IN ('left', 'unseen')"
    if PUT_BACK in inputs.released:
        left += " AND NOT (was AND state = 'left')"
    roles = "|".join(sorted(ROLES))
    suppressed = "false"
    if inputs.suppression:
        domain = "substring(c.address, strpos(c.address, '@') + 1)"
        suppressed = f"{_in('suppressed')} OR coalesce({domain} IN (FROM suppressed_domains), false)"
    words = ", ".join(quote_text(word) for word in Reason)
    db.run(
        f"CREATE TYPE reason AS ENUM ({words});"  # one byte, where a text takes sixteen
        "CREATE TYPE note AS ENUM ('consent:refused_elsewhere', 'email:first_of_several', 'email:role_address')"
    )
    db.run(
        f"""
        CREATE TABLE decided AS
        WITH named AS (
            SELECT p._row, m.mask, {codes.alias}.{codes.code} AS code, {codes.alias}.{codes.shared} AS shared,
                {_address(codes)} AS address, f.others, coalesce({_consent(config, snapshot)}, false) AS consent
            FROM {_profiles(codes)} JOIN members m ON m._row = p._row),
        c AS (SELECT *, CASE WHEN address IS NOT NULL THEN hash(address) END AS h FROM named),
        looked_up AS (
            SELECT c.*, d.state, d.was, d.content AS delivered, {on_list} AS on_list, {suppressed} AS suppressed,
                {_in("unsubscribed") if known else "false"} AS unsubscribed,
                {_in("excluded")} AS excluded, {_in("taken")} AS taken,
                {_in("refused") if config.consent or config.refusals else "false"} AS refused
            FROM c LEFT JOIN standing d ON d.h = c.h)
        SELECT _row, mask, shared, address, h, on_list, delivered,
            coalesce(state IN ('on_list', 'own', 'removing'), false) AS known,
            {_reasons(config.mode, left)} AS reason,
            CASE WHEN refused AND consent THEN 'consent:refused_elsewhere'::note
                WHEN others > 0 THEN 'email:first_of_several'::note
                WHEN regexp_matches(address, '^(?:{roles})@') THEN 'email:role_address'::note
                END AS note
        FROM looked_up
        """
    )


def _in(table: str) -> str:
    return f"EXISTS (FROM {table} x WHERE x.h = c.h)"


def _moved(db: DuckDB, inputs: PlanInputs) -> None:
    """Make `moved`: the old addresses that we hold, of candidates who are sent with another address now.

    Who unsubscribed or left with the old address is not added with the new one, unless a person released that. An
    address that any candidate has is nobody's old one.
    """
    db.run(
        f"""
        CREATE TABLE moved AS
        WITH before AS (
            SELECT hash(v.address) AS old, v.profile_id FROM {_delivered(inputs)} v
            WHERE v.profile_id IS NOT NULL AND NOT EXISTS (FROM decided d WHERE d.h = hash(v.address)))
        SELECT d._row, b.old, k.held & {OURS} <> 0 AND k.state IN ('on_list', 'removing') AS held,
            k.state = 'left' OR EXISTS (FROM unsubscribed u WHERE u.h = b.old) AS gone
        FROM before b JOIN s.profiles p ON p._id = b.profile_id
        JOIN decided d ON d._row = p._row AND d.reason IS NULL JOIN standing k ON k.h = b.old
        """
    )
    if UNSUBSCRIBED_BEFORE not in inputs.released and inputs.export.config.mode is not Mode.REMOVE:
        db.run(
            f"UPDATE decided SET reason = '{Reason.UNSUBSCRIBED_BEFORE}' "
            "WHERE NOT on_list AND _row IN (SELECT _row FROM moved WHERE gone)"
        )
    db.run("DELETE FROM moved WHERE NOT held OR _row NOT IN (SELECT _row FROM decided WHERE reason IS NULL)")


def _losers(db: DuckDB, newest: str | None) -> None:
    """Make `losers`: of several profiles with one address the newest stays, then the smallest id."""
    first = f"p.{quote_identifier(newest)} DESC NULLS LAST, " if newest else ""
    db.run(
        f"""
        CREATE TABLE losers AS SELECT _row, winner FROM (
            SELECT _row, first_value(p._id) OVER w AS winner, row_number() OVER w AS place
            FROM decided d JOIN s.profiles p USING (_row) WHERE d.shared AND d.reason IS NULL
            WINDOW w AS (PARTITION BY d.address ORDER BY {first}p._id, _row))
        WHERE place > 1
        """
    )


def _cut(db: DuckDB, maximum: int) -> int | None:
    """Return the first `_row` above the limit, or None."""
    rows = db.rows(
        "SELECT _row FROM decided WHERE reason IS NULL AND _row NOT IN (SELECT _row FROM losers) "
        f"ORDER BY _row LIMIT 1 OFFSET {int(maximum)}"
    )
    return rows[0][0] if rows else None


def _gone(db: DuckDB) -> int:
    """Count the people this export held who are no longer on the list; unsubscribed people are not counted."""
    count: int = db.row(
        "SELECT count(*) FROM standing s WHERE was_ours AND state = 'left' "
        "AND NOT EXISTS (FROM unsubscribed u WHERE u.h = s.h)"
    )[0]
    return count


def _removals(db: DuckDB, inputs: PlanInputs) -> tuple[int, int, int, dict[str, int]]:
    """Make the tables of removals.

    Returns how many this export holds on the list, how many of them are removed, how many stay for other exports,
    and how many stay for each of those.
    """
    db.run(
        "CREATE TABLE ours AS SELECT h, held, content FROM standing "
        f"WHERE held & {OURS} <> 0 AND state IN ('on_list', 'removing')"
    )
    config = inputs.export.config
    mirror, moved = config.mode is Mode.MIRROR, "v.h IN (SELECT old FROM moved)"
    chosen = f"CASE WHEN {moved} THEN {config.takes_off_moved} ELSE {mirror} END"
    db.run(
        "CREATE TABLE leavers AS SELECT v.h, v.held, v.content, "
        f"coalesce(r.reason, CASE WHEN {moved} THEN 'moved' END) AS reason FROM ours v "
        "LEFT JOIN (SELECT h, min(reason::VARCHAR) AS reason FROM decided WHERE reason IS NOT NULL GROUP BY h) r "
        f"ON r.h = v.h WHERE {chosen} AND NOT EXISTS (FROM decided k WHERE k.reason IS NULL AND k.h = v.h);"
        "CREATE TABLE kept_for AS SELECT l.h, o.export_id, true AS holds FROM leavers l "
        f"JOIN holders o ON l.held & o.bit <> 0 WHERE o.bit <> {OURS} "
        "AND l.reason IS DISTINCT FROM 'suppressed'"
    )
    if inputs.others and db.rows("SELECT 1 FROM leavers LIMIT 1"):
        for number, other in enumerate(inputs.others):
            _other_export(db, other, inputs.snapshot, number)
    db.run(
        "CREATE TABLE removals AS SELECT h, reason, content FROM leavers "
        "WHERE NOT EXISTS (FROM kept_for k WHERE k.h = leavers.h);"
        f"CREATE TABLE dropped AS SELECT address FROM {_delivered(inputs)} v "
        "WHERE hash(address) IN (SELECT h FROM kept_for WHERE holds) ORDER BY address"
    )
    held, removals, others = (
        db.row(f"SELECT {what}")[0]
        for what in (
            "count(*) FROM ours",
            "count(*) FROM removals",
            "count(DISTINCT h) FROM kept_for",
        )
    )
    return (
        held,
        removals,
        others,
        dict(db.rows("SELECT export_id, count(*) FROM kept_for GROUP BY 1 ORDER BY 1")),
    )


def _other_export(db: DuckDB, other: OtherExport, snapshot: Snapshot, number: int) -> None:
    """Apply another export's rule: drop people it refuses from `kept_for`, and add people it would put there.

    Somebody who moves from one mirror to another is neither removed nor added again: our hold lasts until
    the other export has run.
    """
    config, export_id = other.export.config, quote_text(other.export.id)
    codes = _codes(db, config.email, snapshot, f"codes_{number}")
    union = " UNION ALL ".join(f"SELECT _row FROM read_parquet({quote_path(m.path)})" for m in other.members)
    inside = f"p._row IN ({union})" if union else "false"
    hashed = f"{codes.alias}.{codes.hash}"
    db.run(
        f"CREATE TABLE other AS SELECT {hashed} AS h, "
        f"bool_or(({_consent(config, snapshot)}) = false) AS refuses, "
        f"bool_or(({inside}) AND coalesce({_consent(config, snapshot)}, false)) AS takes "
        f"FROM {_plain_profiles(codes)} WHERE {hashed} IN (SELECT h FROM leavers) GROUP BY 1;"
        f"DELETE FROM kept_for WHERE export_id = {export_id} AND h IN (SELECT h FROM other WHERE refuses);"
        f"INSERT INTO kept_for SELECT h, {export_id}, false FROM other o JOIN leavers l USING (h) "
        f"WHERE o.takes AND NOT o.refuses AND l.reason IS DISTINCT FROM 'suppressed' "
        f"AND NOT EXISTS (FROM kept_for k WHERE k.h = o.h AND k.export_id = {export_id});"
        "DROP TABLE other"
    )


def _plain_profiles(codes: _Codes) -> str:
    same = codes.table == "s.profiles"
    return "s.profiles p" if same else f"s.profiles p JOIN {codes.table} a USING (_row)"


def _delivered(inputs: PlanInputs) -> str:
    if inputs.deliveries is None:
        return "(SELECT NULL::VARCHAR AS address, NULL::VARCHAR AS profile_id WHERE false)"
    return f"read_parquet({quote_path(inputs.deliveries)})"
