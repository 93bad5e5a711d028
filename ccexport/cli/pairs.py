"""Options of the form `name=value`."""

from ccexport.errors import BadInput


def pair(text: str, option: str) -> tuple[str, str]:
    """Split `name=value` into name and value. Raises `BadInput` naming the option."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise BadInput("{option} {text} is not of the form name=value.", option=option, text=text)
    return name.strip(), value.strip()
