"""The use cases: the only way from the faces to the rest. Each takes the actor and checks the permission.

Must never know Streamlit, SQL text or HTTP. Modules load on first use, so that a command line
that only shows help or completes a word does not wait for databases.
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
