"""Seals secrets before they enter the ledger and opens them again.

Owns the key: from the setting, or from a file with mode 0600 made at first start. Must never log or return a key.
"""

import base64
import hashlib
import hmac
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ccexport.errors import BadSettings, StoreTrouble
from ccexport.files import locked, make_folder, published

SHORTEST = 16


class Seal:
    """Seals with the first key and opens with any key, so that keys can rotate."""

    def __init__(self, keys: list[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, secret: bytes) -> bytes:
        return self._fernet.encrypt(secret)

    def open(self, sealed: bytes) -> bytes:
        """Open a sealed secret. Raises `StoreTrouble` when no key fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise StoreTrouble(
                "A stored secret cannot be opened with this key: CCEXPORT_SECRET_KEY (or secret.key in the "
                "data directory) is not the one it was sealed with."
            ) from error

    def reseal(self, sealed: bytes) -> bytes:
        """Seal the same secret again with the first key."""
        return self.seal(self.open(sealed))


def make_seal(setting: str, data_dir: Path) -> Seal:
    """Return the seal of this data directory.

    `setting` is CCEXPORT_SECRET_KEY: one or more keys separated by commas, newest first.
    Empty: `secret.key` in the data directory, made with mode 0600 when it does not exist.
    """
    if setting:
        return Seal([_key(part.strip()) for part in setting.split(",")])
    return Seal([_key_file(data_dir / "secret.key")])


def existing_seal(setting: str, data_dir: Path) -> Seal:
    """Return the seal of this data directory without making a key; without one it opens nothing."""
    if setting or (data_dir / "secret.key").exists():
        try:
            return make_seal(setting, data_dir)
        except StoreTrouble as error:
            return _NoSeal(error)
    return _NoSeal(StoreTrouble("The key file {file} is missing.", file="secret.key"))


class _NoSeal(Seal):
    """Instead of a seal whose key is missing or damaged: says so at each use."""

    def __init__(self, why: StoreTrouble) -> None:
        self._why = why

    def seal(self, secret: bytes) -> bytes:
        raise self._why

    def open(self, sealed: bytes) -> bytes:
        raise self._why


def derived_secret(setting: str, data_dir: Path, purpose: str) -> str:
    """Return a secret that every host with the same key derives, and that does not reveal the key.

    Takes what `make_seal` takes and uses the newest key; `purpose` keeps secrets apart.
    """
    key = _key(setting.split(",")[0].strip()) if setting else _key_file(data_dir / "secret.key")
    return hmac.new(key, purpose.encode(), hashlib.sha256).hexdigest()


def _key(text: str) -> bytes:
    try:
        if len(base64.urlsafe_b64decode(text)) == 32:
            return text.encode()
    except ValueError:
        pass
    if len(text) < SHORTEST:
        raise BadSettings(
            "The setting CCEXPORT_SECRET_KEY is too short: use at least {shortest} characters.",
            shortest=SHORTEST,
        )
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())


def _key_file(path: Path) -> bytes:
    try:
        if not path.exists():
            make_folder(path.parent, 0o700)
            with locked(path.with_name(f".{path.name}.lock")):
                _write_new(path, Fernet.generate_key())
        key = path.read_text("utf-8", errors="replace").strip()
    except OSError as error:
        raise StoreTrouble(
            "The key file {file} cannot be read or made: {problem}.", file=path.name, problem=error.strerror
        ) from error
    if len(key) < SHORTEST:
        raise StoreTrouble(
            "The key file {file} is empty or damaged: put the key back from where it is kept.", file=path.name
        )
    return _key(key)


def _write_new(path: Path, key: bytes) -> None:
    """Write the key unless the file exists by now: two first starts at once agree on one key."""
    if not path.exists():
        with published(path) as part:
            part.touch(0o600)
            part.write_bytes(key)
