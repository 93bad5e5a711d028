"""The rules of passwords, and checking one. Must never keep or log a password."""

from functools import cache

import bcrypt
from zxcvbn import zxcvbn

from ccexport.errors import BadInput
from ccexport.model.people import Person

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD_BYTES = 72  # bcrypt reads no further
LEAST_SCORE = 2  # of zxcvbn's 0 to 4: below it are the common lists, repetitions and keyboard rows
ROUNDS = 12


def fits(password: str, person: Person | None) -> bool:
    """Whether the password is this person's. Takes the same time when there is no such person."""
    kept = person.password_hash.encode() if person else _nobody()
    return bcrypt.checkpw(password.encode()[:LONGEST_PASSWORD_BYTES], kept)


@cache
def _nobody() -> bytes:
    """Return a hash that takes as long to check as a real one, for unknown names."""
    return bcrypt.hashpw(b"nobody has this password", bcrypt.gensalt(rounds=ROUNDS))


def hashed(password: str, *words: str) -> str:
    """Hash a password with bcrypt. Raises `BadInput` when it is too short, too long or easily guessed.

    `words` are words an attacker may know, such as the person's name.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput("The password is too short: use at least {n} characters.", n=SHORTEST_PASSWORD)
    if len(password.encode()) > LONGEST_PASSWORD_BYTES:
        raise BadInput("The password is too long: use at most {n} bytes.", n=LONGEST_PASSWORD_BYTES)
    if zxcvbn(password, user_inputs=list(words))["score"] < LEAST_SCORE:
        raise BadInput("That password is guessed in minutes: use several words that do not belong together.")
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=ROUNDS)).decode()
