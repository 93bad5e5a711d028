"""The commands of schedules, refreshes, notices and operating, as scripts meet them."""

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Said
from tests.world import person, write_csv


def test_a_refresh_is_set_run_and_switched_on(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    source = write_csv(tmp_path / "crm.csv", [person(n) for n in range(3)])
    shown = ccexport("refresh", "set", source, "--id-field", "customer_id", "--json")
    assert (shown.code, shown.json["on"], shown.json["next"]) == (0, False, [])
    assert "switch it on" in shown.err
    refused = ccexport("refresh", "on")
    assert (refused.code, refused.out) == (2, "")
    assert "without a recurrence" in refused.err

    ran = ccexport("refresh", "run", "--json")
    assert (ran.code, ran.json["state"], ran.json["profiles"]) == (0, "done", 3)
    source.write_text("")
    stopped = ccexport("refresh", "run")
    assert stopped.code == 1
    assert "crm.csv is empty" in stopped.out
    assert [r["state"] for r in ccexport("refresh", "history", "--json").json] == ["stopped", "done"]


def test_what_is_dumped_can_be_piped_into_apply(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    source = write_csv(tmp_path / "crm.csv", [person(1)])
    ccexport(
        "refresh",
        "set",
        source,
        "--id-field",
        "customer_id",
        "--daily",
        "--at",
        "03:00",
        "--zone",
        "Europe/Oslo",
    )
    text = ccexport("dump").out
    assert "zone: Europe/Oslo" in text

    applied = ccexport("apply", "-", "--check", stdin=text)

    assert (applied.code, applied.out) == (0, "Nothing would be changed.\n")
    changed = ccexport("apply", "-", "--check", "--json", stdin=text.replace("03:00", "04:00"))
    assert (changed.code, changed.json["differences"][0]["kind"]) == (1, "refresh")


def test_the_doctor_and_wrong_use(ccexport: Callable[..., Said]) -> None:
    healthy = ccexport("doctor", "--json", sandbox="on")
    assert (healthy.code, healthy.json["healthy"]) == (0, True)
    ill = ccexport(
        "doctor", cc_client_id="key", cc_api_url="http://127.0.0.1:9/v3", cc_auth_url="http://127.0.0.1:9"
    )
    assert ill.code == 1
    assert "cannot be reached" in ill.out

    for wrong in (
        ("notices", "add", "--webhook", "http://example.com/hook"),
        ("notices", "add"),
        ("notices", "test", "subscriber-1"),
        ("schedules", "set", "Nothing", "--daily", "--hourly", "5"),
        ("schedules", "show", "Nothing"),
    ):
        said = ccexport(*wrong)
        assert (said.code, said.out) == (2, ""), wrong
        assert said.err.startswith("error: "), wrong
