"""What the doctor says: findings, each with a code on which scripts can rely. Must never look at anything itself."""

from dataclasses import dataclass
from enum import StrEnum

from ccexport.messages import NOTHING, Message


class Health(StrEnum):
    """The result of one check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line: what was checked, the result, and what to do when it is not OK."""

    what: str
    health: Health
    code: str
    said: Message
    advice: Message = NOTHING

    @property
    def found(self) -> str:
        """The result as an English sentence."""
        return str(self.said)

    @property
    def to_do(self) -> str:
        """What to do, in English; empty when there is nothing to do."""
        return str(self.advice)

    def document(self) -> dict[str, str]:
        """Return the finding as JSON."""
        return {
            "what": self.what,
            "health": self.health,
            "code": self.code,
            "found": self.found,
            "to_do": self.to_do,
        }


def ok(code: str, what: str, said: Message) -> Finding:
    return Finding(what, Health.OK, code, said)


def warn(code: str, what: str, said: Message, advice: Message) -> Finding:
    return Finding(what, Health.WARN, code, said, advice)


def fail(code: str, what: str, said: Message, advice: Message) -> Finding:
    return Finding(what, Health.FAIL, code, said, advice)
