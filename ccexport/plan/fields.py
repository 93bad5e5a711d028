"""The properties a contact can have in an import, and their limits.

Owns the one table of contact fields. Must never know a profile field or a value.

Source of every name and length: schema JsonImportContact of
https://developer.constantcontact.com/api_reference/index.html (POST /activities/contacts_json_import)
and https://developer.constantcontact.com/api_guide/import_contacts.html
"""

from dataclasses import dataclass
from enum import StrEnum

from ccexport.messages import mark

CUSTOM = "cf:"
EMAIL = "email"
BIRTHDAY = "birthday"
BIRTHDAY_MONTH = "birthday_month"
BIRTHDAY_DAY = "birthday_day"

# At most 25 custom fields, 3 phone numbers and 3 addresses per contact:
# https://developer.constantcontact.com/api_guide/import_contacts.html
MOST_CUSTOM_FIELDS = 25
MOST_PHONES = 3
MOST_ADDRESSES = 3
# maxLength of "cf:custom_field_name" in JsonImportContact:
# https://developer.constantcontact.com/api_reference/index.html
CUSTOM_LENGTH = 255


class Shape(StrEnum):
    """How a value is checked and written."""

    TEXT = "text"
    DATE = "date"
    BIRTHDAY = "birthday"
    MONTH = "month"
    DAY = "day"
    PHONE = "phone"


@dataclass(frozen=True)
class ContactField:
    """One property of an imported contact; `length` is its maximum number of characters."""

    name: str
    label: str
    shape: Shape = Shape.TEXT
    length: int = 50
    address: str | None = None
    """The contact's address this is a part of: "" is the unnamed (home) one."""

    @property
    def phone(self) -> bool:
        """Whether it is a phone number; a contact has at most three."""
        return self.name == "phone" or self.name.endswith("_phone")


_ADDRESS = ("street", "street2", "city", "state", "zip", "country")
_LABELS = {
    "": mark(("Street", "Street, second line", "City", "State or province", "Postal code", "Country")),
    "home_": mark(
        ("Home street", "Home street, second line", "Home city", "Home state or province", "Home postal code")
    ),
    "work_": mark(
        (
            "Work street",
            "Work street, second line",
            "Work city",
            "Work state or province",
            "Work postal code",
            "Work country",
        )
    ),
    "other_": mark(
        (
            "Other street",
            "Other street, second line",
            "Other city",
            "Other state or province",
            "Other postal code",
            "Other country",
        )
    ),
}


def _parts(prefix: str) -> list[ContactField]:
    # street and street2 take 255 characters, the other parts 50:
    # https://developer.constantcontact.com/api_reference/index.html
    named = zip(_ADDRESS, _LABELS[prefix], strict=False)  # the home address has no country
    return [
        ContactField(prefix + name, label, length=255 if "street" in name else 50, address=prefix)
        for name, label in named
    ]


_FIELDS = [
    # maxLength 50 in an import, although a contact resource takes 80:
    # https://developer.constantcontact.com/api_reference/index.html
    ContactField(EMAIL, "E-mail address"),
    ContactField("first_name", "First name"),
    ContactField("last_name", "Last name"),
    ContactField("job_title", "Job title"),
    ContactField("company_name", "Company"),
    # Sent as two integers, both or none: https://developer.constantcontact.com/api_reference/index.html
    ContactField(BIRTHDAY, "Birthday (from a date)", Shape.BIRTHDAY, 10),
    ContactField(BIRTHDAY_MONTH, "Birthday, month", Shape.MONTH, 2),
    ContactField(BIRTHDAY_DAY, "Birthday, day", Shape.DAY, 2),
    # One of several date forms; we send ISO: https://developer.constantcontact.com/api_guide/import_contacts.html
    ContactField("anniversary", "Anniversary", Shape.DATE, 10),
    ContactField("phone", "Phone", Shape.PHONE),
    ContactField("home_phone", "Home phone", Shape.PHONE),
    ContactField("work_phone", "Work phone", Shape.PHONE),
    ContactField("mobile_phone", "Mobile phone", Shape.PHONE),
    ContactField("other_phone", "Other phone", Shape.PHONE),
    *_parts(""),
    # The schema spells this one country "home country", with a space, surely by mistake; the unnamed
    # address is a home address, so its `country` does the same.
    *_parts("home_"),
    *_parts("work_"),
    *_parts("other_"),
]

CONTACT_FIELDS: dict[str, ContactField] = {field.name: field for field in _FIELDS}
"""Every property by name, in the order in which they are written."""


def custom_field(name: str) -> ContactField:
    """Return the property of the custom field with that API name (not its label)."""
    return ContactField(CUSTOM + name, name, length=CUSTOM_LENGTH)
