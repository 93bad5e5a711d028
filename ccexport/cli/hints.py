"""What to type after an error: the rooms below never name an option of the command line, so the hints stand here."""

from collections.abc import Mapping

from ccexport.errors import CcexportError

# The template of an error → the hint. A test finds a template that is not in the code any more.
HINTS: Mapping[str, str] = {
    "Connecting needs your agreement to data privacy and compliance.": "Say --agree when you do.",
    "{name} has the sheets {names}: choose one.": "Name it with --sheet.",
    "No field was recognised as the profile id: a field such as customer_id, or the e-mail address, that is filled "
    "and different on every row. Choose it; the fields are {names}.": "Name it with --id-field.",
    "The field '{field}' cannot be the profile id: it is empty or repeated on {wrong} of {rows} rows. Choose another "
    "field.": "Name it with --id-field.",
}


def with_hint(error: CcexportError) -> str:
    """Return the sentence of an error, and the option that answers it."""
    hint = HINTS.get(error.message.template)
    return f"{error} {hint}" if hint else str(error)
