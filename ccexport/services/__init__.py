"""The use cases: the only door the faces use. Every one takes the actor and checks the right.

Must never know Streamlit, SQL text or HTTP.
"""

from ccexport.services.context import Services

__all__ = ["Services"]
