"""Checks that a text is one query that only reads, and wraps it so that it can be nothing else.

PostgreSQL's tokens are read here, not its grammar: where strings, comments and brackets end, which words begin a
statement, which functions are called. The server refuses the rest, since the query becomes part of our own SELECT.
Must never run anything, nor change what the query finds.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from ccexport.messages import Message, Unusable, message

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\n\r\f\v]+|--[^\n\r]*)
      | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
      | (?P<unicode>[uU]&"(?:[^"]|"")*")
      | (?P<text>'(?:[^']|'')*')
      | "(?P<quoted>(?:[^"]|"")+)"
      | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][0-9A-Za-z_\x80-\U0010ffff]*)?)\$.*?\$(?P=tag)\$)
      | (?P<word>[A-Za-z_\x80-\U0010ffff][0-9A-Za-z_$\x80-\U0010ffff]*)
      | (?P<sign>[^'"\0])""",
    re.S | re.X,
)
_COMMENT = re.compile(r"/\*|\*/")
_BEGINS = {"select", "with", "values", "table"}
_CHANGES = {"insert", "update", "delete", "merge"}
_OPENS, _CLOSES = "([", ")]"
# They act outside the transaction, read the server's files, or run a text as SQL: a read-only one stops none of it.
_ACTS = re.compile(
    r"pg_(read|ls|stat|file|current_logfile)_?.*file.*|pg_ls_.*|pg_file_.*|pg_(terminate|cancel)_backend"
    r"|pg_(reload_conf|rotate_logfile.*|switch_wal|promote|create_restore_point|logical_emit_message|notify)"
    r"|pg_(backup|start_backup|stop_backup|wal_replay|replication|create|drop|copy|logical_slot|export).*"
    r"|pg_(try_)?advisory_.*|pg_sleep.*|pg_stat_reset.*|pg_import_system_collations"
    r"|lo_.*|lo(read|write)|dblink.*|set_config|setval|nextval|setseed"
    r"|(query|cursor|table|schema|database)_to_xml.*|ts_stat|ts_rewrite|xpath_table|crosstab.*|connectby"
)


@dataclass(frozen=True)
class _Token:
    kind: str  # word, quoted, sign, or text for any literal
    text: str  # a word in lower case


_END = _Token("sign", "")


def check_query(query: str) -> None:
    """Raise `Unusable` unless the text is one SELECT, WITH, VALUES or TABLE that only reads."""
    wrong = _wrong(_without_end(_tokens(query)))
    if wrong:
        raise Unusable("{why}", why=wrong)


def wrapped(query: str, rows: int) -> str:
    """Return our own SELECT around the query, for so many rows. Raises `Unusable` as `check_query` does."""
    check_query(query)
    # Only the `;` of the end are left, perhaps with a comment behind them.
    inner = "".join(text for kind, text in _pieces(query) if (kind, text) != ("sign", ";"))
    return f"SELECT * FROM (\n{inner}\n) AS q LIMIT {int(rows)}"


def _pieces(query: str) -> list[tuple[str, str]]:
    """Return the whole text in pieces with their kinds. Raises `Unusable` where something does not end."""
    found, at = [], 0
    while at < len(query):
        if query.startswith("/*", at):
            end = _end_of_comment(query, at)
            found.append(("blank", query[at:end]))
        else:
            token = _TOKEN.match(query, at)
            if token is None or (token.lastgroup == "sign" and token.group() == "\0"):
                raise Unusable("{why}", why=message("a quotation mark in it is not closed"))
            kind = "dollar" if token.group("dollar") else str(token.lastgroup)
            end = token.end()
            found.append((kind, token.group()))
        at = end
    return found


def _end_of_comment(query: str, at: int) -> int:
    depth = 0
    for mark in _COMMENT.finditer(query, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise Unusable("{why}", why=message("a comment in it is not closed"))


def _tokens(query: str) -> list[_Token]:
    found: list[_Token] = []
    before = ""
    for kind, text in _pieces(query):
        if kind == "blank":
            continue
        if kind == "unicode" or (before == "escaped" and kind == "text"):
            raise Unusable(
                "{why}", why=message("write names and texts in it without U&\"…\" and without E'…' in parts")
            )
        before = kind
        if kind == "word":
            found.append(_Token("word", text.lower()))
        elif kind == "quoted":
            found.append(_Token("quoted", text[1:-1].replace('""', '"')))
        else:
            found.append(_Token("sign" if kind == "sign" else "text", text))
    return found


def _without_end(tokens: list[_Token]) -> list[_Token]:
    while tokens and tokens[-1] == _Token("sign", ";"):
        tokens = tokens[:-1]
    return tokens


def _wrong(tokens: list[_Token]) -> Message | None:
    """Return what is wrong with the statement, or None."""
    if _Token("sign", ";") in tokens:
        return message("it holds more than one statement; write one SELECT")
    first = next((t for t in tokens if t != _Token("sign", "(")), None)
    if first is None or first.kind != "word" or first.text not in _BEGINS:
        return message("it does not begin with SELECT, WITH, VALUES or TABLE; write one SELECT")
    return _unbalanced(tokens) or _changes(tokens) or _acts(tokens)


def _unbalanced(tokens: list[_Token]) -> Message | None:
    opened: list[str] = []
    for token in tokens:
        if token.kind == "sign" and token.text in _OPENS:
            opened.append(_CLOSES[_OPENS.index(token.text)])
        elif token.kind == "sign" and token.text in _CLOSES and (not opened or opened.pop() != token.text):
            return message("a bracket in it closes what was not opened")
    return message("a bracket in it is not closed") if opened else None


def _changes(tokens: list[_Token]) -> Message | None:
    for before, token, after in zip(tokens, tokens[1:], [*tokens[2:], _END], strict=False):
        if token.kind != "word":
            continue
        begins = before.kind == "sign" and before.text in "()" and after.kind in ("word", "quoted")
        if begins and token.text in _CHANGES:
            return message(
                "it would write ({word}); write one SELECT that only reads", word=token.text.upper()
            )
        if token.text == "into" and before != _Token("sign", "."):
            return message("it would write (INTO); write one SELECT that only reads")
    return None


def _acts(tokens: list[_Token]) -> Message | None:
    for token, after in pairwise(tokens):
        called = token.kind in ("word", "quoted") and after == _Token("sign", "(")
        if called and _ACTS.fullmatch(token.text):
            return message("it calls {function}, which does more than read", function=token.text)
    return None
