"""The use cases: the only door the faces use. Every one takes the actor and checks the right.

Must never know Streamlit, SQL text or HTTP. They load what they need when they are first asked for,
so that a command line that only shows its help, or completes a word, does not wait for databases.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccexport.services.context import Services

__all__ = ["Services"]


def __getattr__(name: str) -> Any:
    if name != "Services":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ccexport.services.context import Services

    return Services
