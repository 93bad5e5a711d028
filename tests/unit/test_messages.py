"""A sentence is a template with typed values: English as text, the same after JSON, and nothing of it in a log."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ccexport.errors import BadInput, QuotaExceeded, Refused
from ccexport.messages import Message, Size, counted, fill, mark, message, names_in, verbatim, word
from ccexport.ui.texts.catalogue import catalogue

HOSTILE = ["1.5", "2026.1", "1,000", "{x}", "{n}", "{}", "%s", "\u202egnp.exe", "אבג", "--now", "\\1", ""]
AT = datetime(2026, 11, 3, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_is_never_changed(name: str) -> None:
    said = message("A segment named {name} is already there.", name=name)
    assert f"A segment named {name} is already there." == str(said)
    assert said == Message.from_json(json.loads(json.dumps(said.to_json())))


@pytest.mark.parametrize(
    ("value", "english"),
    [
        (12345, "12,345"),
        (30.5, "30.5"),
        (30.0, "30"),
        (Decimal("1234.50"), "1,234.50"),
        (AT, "3 November 2026 00:05 UTC"),
        (date(2026, 11, 3), "3 November 2026"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(seconds=0.2), "1 s"),
        (Size(1_200_000_000), "1.2 GB"),
        (Size(12), "12 byte"),
        (["a", "{b}", 1000], "a, {b}, 1,000"),
        (word("contributor"), "contributor"),
        (Path("a/b"), "a/b"),
        (True, "True"),
    ],
)
def test_a_value_is_written_as_its_type_says(value: object, english: str) -> None:
    said = message("It is {it}.", it=value)
    assert f"It is {english}." == str(said)
    assert said == Message.from_json(json.loads(json.dumps(said.to_json())))


def test_a_count_chooses_the_form() -> None:
    texts = [str(counted("{n} row of {file}", "{n} rows of {file}", n=n, file="f.csv")) for n in (0, 1, 2000)]
    assert texts == ["0 rows of f.csv", "1 row of f.csv", "2,000 rows of f.csv"]


def test_messages_inside_messages_survive_json() -> None:
    inner = counted("{n} row", "{n} rows", n=1)
    said = message("{first}; {rest}.", first=inner, rest=[message("of {file}", file="{first}"), "1.5"])
    assert str(said) == "1 row; of {first}, 1.5."
    assert Message.from_json(json.loads(json.dumps(said.to_json()))) == said


def test_a_template_without_values_is_left_as_it_is() -> None:
    """So an error that was given a finished sentence keeps its braces."""
    assert str(BadInput("The file {x}.csv is empty.")) == "The file {x}.csv is empty."
    assert str(verbatim("as {it} was")) == "as {it} was"
    assert fill("{a} {b}", {"a": "{b}"}) == "{b} {b}"
    assert mark("Duplicate") == "Duplicate"


def test_the_log_of_an_error_has_the_template_and_no_value() -> None:
    where = message("line {line} of {file}", line="3", file="secret.csv")
    error = BadInput("{where}: {name} is taken.", where=where, name="Ada", attempt=2)
    assert str(error) == "line 3 of secret.csv: Ada is taken."
    assert error.log == "line {line} of {file}: {name} is taken. attempt=2"
    assert error.evidence == {"attempt": 2}
    assert error.message.values["name"] == "Ada"


def test_what_constant_contact_answered_stays_evidence() -> None:
    error = QuotaExceeded("They start again on {until}.", until=date(2026, 12, 1), status=429)
    assert str(error) == "They start again on 1 December 2026."
    assert error.evidence == {"until": date(2026, 12, 1), "status": 429}
    refused = Refused(message("The list {name} is gone.", name="Ada's list"), status=404)
    assert refused.log == "The list {name} is gone. status=404"


def test_every_message_leaves_hostile_values_as_they_are_in_both_languages() -> None:
    """Whatever a name looks like, no template and no translation changes it."""
    for text in texts_of_the_catalogue():
        for value in HOSTILE:
            names = sorted(names_in(text))
            filled = fill(text, dict.fromkeys(names, f"<{value}>"))
            assert filled.count(f"<{value}>") == len(_NAMES.findall(text)), text
            assert _NAMES.split(text)[0] == filled[: len(_NAMES.split(text)[0])]


_NAMES = re.compile(r"\{\w+\}")


def texts_of_the_catalogue() -> list[str]:
    pairs = [(m.id, m.string) for m in catalogue("nb") if m.id]
    return [t for pair in pairs for one in pair for t in ([one] if isinstance(one, str) else one)]
