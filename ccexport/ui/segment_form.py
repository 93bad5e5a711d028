"""Making and changing a segment: all profiles, a rule with a live count, or a list of members."""

from ccexport.model.exports import Actor
from ccexport.model.profiles import Segment


def new_segment(actor: Actor) -> None: ...


def edit_segment(actor: Actor, segment: Segment) -> None: ...
