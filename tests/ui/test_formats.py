"""Numbers, dates and times as the reader's browser writes them, whatever the language of the texts."""

from datetime import UTC, date, datetime

import pytest

from ccexport.ui.formats import formats
from tests.ui.conftest import Pages, said

AT = datetime(2026, 11, 3, 0, 5, 9, tzinfo=UTC)
NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("locale", "number", "share", "moment", "day"),
    [
        ("en-GB", "14,742.5", "4.7%", "3 Nov 2026, 00:05", "3 Nov"),
        ("en-US", "14,742.5", "4.7%", "Nov 3, 2026, 12:05 AM", "Nov 3"),
        ("nb-NO", f"14{NBSP}742,5", f"4,7{NBSP}%", "03.11.2026 00:05", "03.11."),
        ("de-DE", "14.742,5", f"4,7{NBSP}%", "03.11.2026 00:05", "03.11."),
        ("de-CH", "14’742.5", "4.7%", "03.11.2026 00:05", "03.11."),
        ("fr", f"14{NBSP}742,5", f"4,7{NBSP}%", "03/11/2026 00:05", "03/11"),
        ("sv_SE", f"14{NBSP}742,5", f"4,7{NBSP}%", "2026-11-03 00:05", "11-03"),
        ("ja-JP", "14,742.5", "4.7%", "2026-11-03 00:05", "11-03"),
        ("", "14,742.5", "4.7%", "3 Nov 2026, 00:05", "3 Nov"),
    ],
)
def test_a_locale_writes_as_people_there_do(
    locale: str, number: str, share: str, moment: str, day: str
) -> None:
    """A region that is not known goes by its language, a language that is not known gets ISO dates."""
    made = formats(locale)
    assert number == made.number(14742.5, 1)
    assert share == made.share(0.047)
    assert moment == made.moment(AT)
    assert day == made.without_year(date(2026, 11, 3))


def test_half_a_day_is_told_apart_where_the_clock_has_twelve_hours() -> None:
    assert formats("en-US").time(datetime(2026, 11, 3, 13, 5, 9, tzinfo=UTC), seconds=True) == "1:05:09 PM"
    assert formats("en-GB").time(datetime(2026, 11, 3, 13, 5, 9, tzinfo=UTC), seconds=True) == "13:05:09"


@pytest.mark.parametrize(
    ("locale", "expected"), [("de-DE", "20.000"), ("en-US", "20,000"), ("fr-FR", f"20{NBSP}000")]
)
def test_a_page_writes_numbers_as_the_browser_not_as_the_language(
    demo: Pages, locale: str, expected: str
) -> None:
    """English texts, the reader's numbers."""
    page = demo.open("profiles", "contributor")
    page.context["locale"] = locale
    assert expected in said(demo.run(page, "contributor"))
