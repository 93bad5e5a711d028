"""Files that are made to break who reads them: each gets one sentence, and nothing else ends."""

import gzip
import json
import os
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ccexport.clock import utc_now
from ccexport.errors import BadInput
from ccexport.model.sources import Given, Progress
from ccexport.profiles import child
from ccexport.profiles.store import ProfileStore
from tests.profiles.workbook import write_workbook


def _good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_text("id,name\n1,a\n")
    return path


def _far_cell(tmp_path: Path) -> Path:
    """A small workbook with one cell at the end of the sheet."""
    path = write_workbook(tmp_path / "far.xlsx", {"People": [["id", "name"], ["1", "a"]]})
    return _changed(
        path, b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )


def _changed(path: Path, old: bytes, new: bytes) -> Path:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in parts.items():
            book.writestr(name, part.replace(old, new) if "sheet" in name else part)
    return path


def _large_part(tmp_path: Path) -> Path:
    """A workbook that unpacks to much more than it is."""
    path = write_workbook(tmp_path / "large.xlsx", {"People": [["id", "name"], ["1", "a"]]})
    return _changed(path, b"</sheetData>", b"<!--" + b" " * 150_000_000 + b"--></sheetData>")


def _gzip(tmp_path: Path) -> Path:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"id,name\n" + b"1,a\n" * 40_000_000, 9))
    return path


def _zip(tmp_path: Path) -> Path:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", b"id,name\n" + b"1,a\n" * 40_000_000)
    return path


def _deep(tmp_path: Path) -> Path:
    path = tmp_path / "deep.json"
    path.write_text('{"id": ' + "[" * 100_000 + "]" * 100_000 + "}\n" + '{"id": 1}\n' * 0)
    return path


def _deep_list(tmp_path: Path) -> Path:
    path = tmp_path / "deep.json"
    path.write_text("[" * 500_000 + "]" * 500_000)
    return path


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (_far_cell, r"A sheet of far\.xlsx reaches over 1,048,576 rows and 16,384 columns"),
        (_large_part, r"large\.xlsx unpacks to more than"),
        (_gzip, r"bomb\.csv\.gz unpacks to more than 100 MB"),
        (_zip, r"bomb\.zip unpacks to more than 100 MB"),
        (_deep, r"deep\.json (holds JSON that is nested too deep|cannot be read)"),
        (_deep_list, r"deep\.json (holds|cannot be read)"),
    ],
)
def test_a_file_that_breaks_a_parser_gets_a_sentence(
    store: ProfileStore, tmp_path: Path, made: Callable[[Path], Path], sentence: str
) -> None:
    """In the preview and in an ingest; the next file is read as if nothing had been."""
    file = made(tmp_path)
    with pytest.raises(BadInput, match=sentence):
        store.preview(Given(files=(file,)))
    with pytest.raises(BadInput, match=sentence):
        store.ingest([file])
    assert store.ingest([_good(tmp_path)]).snapshot.profiles == 1
    assert list(store.temp_dir.iterdir()) == []


def test_a_reading_process_that_is_killed_is_said(
    store: ProfileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does when memory is short."""
    started = child._forked

    def killed(task: int, answers: int) -> int:
        process = started(task, answers)
        os.kill(process, signal.SIGKILL)
        return process

    monkeypatch.setattr(child, "_forked", killed)
    with pytest.raises(BadInput, match=r"good\.csv cannot be read: reading needed more memory or time"):
        store.ingest([_good(tmp_path)])
    monkeypatch.undo()
    assert store.ingest([_good(tmp_path)]).snapshot.profiles == 1


def test_the_process_ends_with_the_one_who_gives_up(store: ProfileStore, tmp_path: Path) -> None:
    """Nothing is left behind."""
    path = tmp_path / "many.csv"
    path.write_text("id,name\n" + "".join(f"{n},{'x' * 50}\n" for n in range(200_000)))

    class GaveUp(Exception):
        pass

    def tell(progress: Progress) -> None:
        raise GaveUp

    with pytest.raises(GaveUp):
        store.ingest([path], progress=tell)
    assert store.current() is None
    assert list(store.temp_dir.iterdir()) == []


def test_deep_objects_cost_their_line(store: ProfileStore, tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    deep = '{"id": 2, "x": ' + '{"a":' * 3_000 + "1" + "}" * 3_000 + "}"
    path.write_text("\n".join([json.dumps({"id": n, "x": 1}) for n in (1, 3, 4)]) + "\n" + deep + "\n")
    report = store.ingest([path])
    assert (report.snapshot.profiles, report.reasons) == (3, {"json": 1})


def test_a_relative_name_is_of_the_folder_one_is_in_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that reads was forked from one that began in another folder."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.csv").write_text("id,email\na,a@example.com\n")
        monkeypatch.chdir(tmp_path / name)
        store = ProfileStore(tmp_path / f"{name}-store", memory_limit="256MB", clock=utc_now)

        assert store.ingest([Path(f"{name}.csv")], id_field="id").snapshot.profiles == 1
