"""Numbers, dates and times as the reader's browser writes them, whatever the language of the texts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ccexport.ui.texts.reader import reader
from tests.ui.conftest import Pages, said

AT = datetime(2026, 11, 3, 0, 5, 9, tzinfo=UTC)
NBSP = "\u00a0"
NARROW = "\u202f"


@pytest.mark.parametrize(
    ("locale", "number", "share", "moment", "day"),
    [
        ("en-GB", "14,742.5", "4.7%", "3 Nov 2026, 00:05", "3 Nov"),
        ("en-US", "14,742.5", "4.7%", f"Nov 3, 2026, 12:05{NARROW}AM", "Nov 3"),
        ("nb-NO", f"14{NBSP}742,5", f"4,7{NBSP}%", "3. nov. 2026, 00:05", "3. nov."),
        ("de-DE", "14.742,5", f"4,7{NBSP}%", "03.11.2026, 00:05", "3. Nov."),
        ("de-CH", "14'742.5", "4.7%", "03.11.2026, 00:05", "3. Nov."),
        ("fr", f"14{NARROW}742,5", f"4,7{NBSP}%", "3 nov. 2026, 00:05", "3 nov."),
        ("sv_SE", f"14{NBSP}742,5", f"4,7{NBSP}%", "3 nov. 2026 00:05", "3 nov."),
        ("ja-JP", "14,742.5", "4.7%", "2026/11/03 0:05", "11月3日"),
        ("", "14,742.5", "4.7%", "3 Nov 2026, 00:05", "3 Nov"),
        ("tlh", "14,742.5", "4.7%", "3 Nov 2026, 00:05", "3 Nov"),
        ("de-XX", "14.742,5", f"4,7{NBSP}%", "03.11.2026, 00:05", "3. Nov."),
    ],
)
def test_a_locale_writes_as_people_there_do(
    locale: str, number: str, share: str, moment: str, day: str
) -> None:
    """A region that is not known goes by its language, a language that is not known by British English."""
    made = reader(locale)
    assert number == made.number(14742.5, 1)
    assert share == made.share(0.047)
    assert moment == made.moment(AT)
    assert day == made.without_year(date(2026, 11, 3))


def test_half_a_day_is_told_apart_where_the_clock_has_twelve_hours() -> None:
    at = datetime(2026, 11, 3, 13, 5, 9, tzinfo=UTC)
    assert reader("en-US").time(at, seconds=True) == f"1:05:09{NARROW}PM"
    assert reader("en-GB").time(at, seconds=True) == "13:05:09"


@pytest.mark.parametrize(
    ("locale", "time", "ago", "size"),
    [
        ("en-GB", "2 hrs 5 mins", "3 days ago", "1.2 GB"),
        ("nb", "2 t 5 min", "for 3 døgn siden", "1,2 GB"),
    ],
)
def test_durations_and_sizes_have_the_words_of_the_language(
    locale: str, time: str, ago: str, size: str
) -> None:
    made = reader(locale)
    assert time == made.duration(7530)
    assert ago == made.ago(timedelta(days=3, hours=2))
    assert size == made.size(1_240_000_000)


@pytest.mark.parametrize(
    ("locale", "expected"), [("de-DE", "20.000"), ("en-US", "20,000"), ("fr-FR", f"20{NARROW}000")]
)
def test_a_page_writes_numbers_as_the_browser_not_as_the_language(
    demo: Pages, locale: str, expected: str
) -> None:
    """English texts, the reader's numbers."""
    page = demo.open("profiles", "contributor")
    page.context["locale"] = locale
    assert expected in said(demo.run(page, "contributor"))
