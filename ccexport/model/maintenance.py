"""Results of maintenance, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ccexport.messages import Message


@dataclass(frozen=True)
class Receipt:
    """What an erasure did. It holds no address.

    `touched`: how many of each kind were changed or removed. `still_on`: the lists at Constant Contact
    that hold the contact. `remarks`: what could not be done or determined.
    """

    id: str
    at: datetime
    touched: Mapping[str, int]
    still_on: tuple[str, ...]
    remarks: tuple[Message, ...]
