"""Addresses out of exported files, whatever their columns."""

import io
import tracemalloc

import pytest

from ccexport.constant_contact.exported import addresses_in
from ccexport.errors import ConstantContactError


class Endless(io.RawIOBase):
    """A file of so many rows that is never in memory as a whole."""

    def __init__(self, rows):
        self.rows, self.rest = rows, b"Email address,First name\r\n"

    def readable(self):
        return True

    def readinto(self, buffer):
        while len(self.rest) < len(buffer) and self.rows:
            self.rows -= 1
            self.rest += b"person-%d@example.com,Zoe\r\n" % self.rows
        piece, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("Email address\r\na@x.org\r\nb@x.org\r\n", ["a@x.org", "b@x.org"]),
        ("﻿EMAIL ADDRESS\na@x.org", ["a@x.org"]),
        ("First name,email_address,Source Name\n,a@x.org,z\n", ["a@x.org"]),
        ('"Email  address","Note"\n"a@x.org","one\ntwo"\nb@x.org,\n', ["a@x.org", "b@x.org"]),
        ("First name,Email address\nZoe\n,\nZoe, a@x.org \n", ["a@x.org"]),
        ("Email address\n", []),
        ("", []),
        ("Email address\nzoë@x.org\n", ["zoë@x.org"]),
    ],
    ids=["plain", "bom-and-case", "other-columns", "quoted", "gaps", "header-only", "nothing", "unicode"],
)
def test_addresses_are_found_by_the_humanised_header(text, addresses):
    """In file order, without blanks around them; rows without one are passed over."""
    assert list(addresses_in(io.BytesIO(text.encode()))) == addresses


@pytest.mark.parametrize("text", ["<html><body>502</body></html>", "First name,Last name\nZoe,Z\n", "\n"])
def test_a_file_without_an_address_column_is_no_empty_list(text):
    """An empty reading would take everybody for gone."""
    with pytest.raises(ConstantContactError, match="Email address"):
        list(addresses_in(io.BytesIO(text.encode())))


def test_an_unreadable_file_is_an_error_without_its_content():
    """A cell may be somebody."""
    with pytest.raises(ConstantContactError) as caught:
        list(addresses_in(io.BytesIO(b"Email address\n" + b"zoe" * 100_000)))
    assert "zoe" not in caught.value.log


def test_the_file_stays_open_for_its_owner():
    """Reading does not close what it did not open."""
    file = io.BytesIO(b"Email address\na@x.org\n")

    list(addresses_in(file))

    assert not file.closed


def test_a_large_file_is_streamed():
    """Memory does not grow with the number of rows."""
    file = io.BufferedReader(Endless(200_000))
    tracemalloc.start()

    count = sum(1 for _ in addresses_in(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 200_000
    assert peak < 2_000_000
