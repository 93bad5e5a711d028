"""Named sources from the command line: a password comes from anywhere but the arguments."""

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Said


def test_sources_are_set_previewed_ordered_and_read(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("Id,Name,Code\na,Ann,1\nb,Bo,2\n")
    (tmp_path / "shop.csv").write_text("id;name;orders\nb;Bob;7\nc;Cy;1\n")
    assert (
        ccexport("sources", "set", "CRM", "--file", "crm.csv", "--key", "Id", "--type", "Code=text").code == 0
    )
    assert ccexport("sources", "set", "Shop", "--file", "shop.csv", "--first-in", "name").code == 0
    fields = ccexport("sources", "preview", "CRM", "--json").json["fields"]
    assert fields == {"Id": "text", "Name": "text", "Code": "text"}
    told = ccexport("profiles", "ingest", "--json")
    assert (told.json["profiles"], told.json["conflicts"]) == (3, {"Name": 1})
    assert told.json["parts"] == {"CRM": 2, "Shop": 2}
    assert "disagree on Name for 1 profiles" in told.err
    assert ccexport("sources", "order", "Shop", "CRM", "--json").json == {"order": ["Shop", "CRM"]}
    assert ccexport("sources", "remove", "Shop").code == 0
    wrong = ccexport("profiles", "ingest", "--sheet", "x")
    assert (wrong.code, "go with a file" in wrong.err) == (2, True)


def test_a_password_is_in_no_answer(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("fr0m-file\n")
    given = ("--database", "postgresql://ada@127.0.0.1:1/crm", "--query", "SELECT 1 AS id")
    first = ccexport("sources", "set", "CRM", *given, "--json", source_password="fr0m-env")
    second = ccexport("sources", "set", "CRM", "--password-file", "secret.txt", "--json")
    read = ccexport("profiles", "ingest", "--json")
    assert first.json["password"] is second.json["password"] is True
    assert (read.code, "Connection refused" in read.err) == (1, True)
    said = "".join(s.out + s.err for s in (first, second, read, ccexport("sources", "list", "--json")))
    assert "fr0m" not in said + ccexport("dump").out
    refused = ccexport("sources", "set", "X", "--database", "postgresql://a:fr0m@h/d", "--query", "SELECT 1")
    assert (refused.code, "fr0m" in refused.out + refused.err) == (2, False)
