"""Finds the encoding of a text from its bytes: by marks, as UTF-8, or else by the letters of languages.

Must never change a byte without an error: what does not fit the encoding stays as bytes that are not UTF-8, so that
its line is rejected.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.model.reading import Sure

CHUNK = 1 << 20
SAMPLE = 256 * 1024
UTF8 = ("utf-8", "utf-8-sig")
_JUDGED = 20_000  # bytes of lines that have more than ASCII
_MARGIN = 0.08
_SIGNS = "©®™°§€£–—“”‘’„…•«»¿¡´\u00a0"  # these say nothing about a language

# Letters of languages besides a to z, by the one-byte encodings that have them.
_WEST = (
    *(
        "æøåéèòóôü",
        "åäöéü",
        "äöüß",
        "äöüßéèà",
        "àâçéèêëîïôùûüœ",
        "áéíóúñü",
        "ãõáâçéêíóôúà",
        "àèéìòù",
        "ëïéèöüç",
    ),
    *("áðéíóúýþæö", "áéíóú", "åäöšž"),
)
_EAST = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "čšž", "ăâîşţ", "ăâîșț")
_CYRILLIC = ("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя")
_LANGUAGES = {
    "cp1252": _WEST,
    "cp1250": _EAST,
    "cp1251": _CYRILLIC,
    "cp1254": ("çğıöşüâî",),
    "cp1253": ("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώςϊϋΐΰ",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äöõüšž"),
    "mac_roman": _WEST,
    "cp850": _WEST,
    "iso8859_2": _EAST,
    "koi8_r": _CYRILLIC[:1],
    "cp866": _CYRILLIC[:1],
}
_WIDE = ("cp932", "euc_jp", "euc_kr", "gb18030", "big5")
# The more common encoding wins a tie.
_PRIOR = {"cp1252": 0.06, "cp1250": 0.04, "cp1251": 0.04, "cp1254": 0.02, "cp932": 0.02}


@dataclass(frozen=True)
class Encoding:
    """`damaged`: some bytes do not fit; `others` are the next best, with `samples` of letters in this encoding."""

    name: str
    sure: Sure = Sure.CERTAIN
    damaged: bool = False
    others: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def find_encoding(path: Path, name: str, *, thorough: bool = False, wanted: str | None = None) -> Encoding:
    """Find the encoding by the beginning, or by every byte if `thorough`. Raises `BadInput` for an empty file."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    if len(head) == SAMPLE and b"\n" in head:
        head = head[: head.rfind(b"\n") + 1]  # so that no character is cut in two
    if not head.strip():
        raise BadInput("{file} is empty.", file=name)
    if wanted is not None:
        marked = codecs.lookup(wanted).name == "utf-8"
        return Encoding("utf-8-sig" if marked and head.startswith(codecs.BOM_UTF8) else wanted, Sure.CHOSEN)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return Encoding("utf-32")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16")
    if unmarked := _utf16_without_mark(head[:200]):
        return Encoding(unmarked)
    marked = head.startswith(codecs.BOM_UTF8)
    good, bad = _count_non_ascii(chunks(path) if thorough else iter([head]))
    if not thorough and bad:
        return find_encoding(path, name, thorough=True)
    if marked or bad == 0 or good >= 10 * bad:
        return Encoding("utf-8-sig" if marked else "utf-8", damaged=bad > 0)
    return judge(_telling_lines(path))


def _utf16_without_mark(head: bytes) -> str | None:
    """Return the UTF-16 variant if every second byte is zero; single zero bytes are only defects of a value."""
    zeros = head[::2].count(0), head[1::2].count(0)
    if max(zeros) * 4 < len(head) or min(zeros) * 4 > max(zeros):
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _count_non_ascii(pieces: Iterator[bytes]) -> tuple[int, int]:
    """Return how many characters outside ASCII are valid UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    for piece in pieces:
        text = decoder.decode(piece)
        if not text.isascii():
            ascii_only = len(text.encode("ascii", "ignore"))
            escaped = len(text) - len(text.encode("utf-8", "ignore").decode("utf-8"))
            bad += escaped
            good += len(text) - ascii_only - escaped
    return good, bad + len(decoder.decode(b"", final=True))


def _telling_lines(path: Path) -> bytes:
    """Return the lines with more than ASCII, up to a limit."""
    found, size = [], 0
    for chunk in chunks(path):
        for line in chunk.splitlines():
            if not line.isascii():
                found.append(line[:2_000])
                size += len(found[-1])
        if size > _JUDGED:
            break
    return b"\n".join(found)[: 5 * _JUDGED]


def judge(text: bytes) -> Encoding:
    """Return the encoding in which the bytes form words of some language."""
    scores = {name: _score(text, name) for name in (*_LANGUAGES, *_WIDE)}
    ranked = sorted(scores, key=lambda n: -scores[n])
    best = ranked[0]
    words = _odd_words(_decoded(text, best) or "")
    close = [
        n
        for n in ranked[1:]
        if scores[n] > scores[best] - _MARGIN and _odd_words(_decoded(text, n) or "") != words
    ]
    sure = Sure.UNSURE if close else Sure.LIKELY
    return Encoding(
        _usual_name(best), sure, others=tuple(map(_usual_name, close[:3])), samples=tuple(words[:5])
    )


def _usual_name(name: str) -> str:
    return "windows-1252" if name == "cp1252" else name


def _decoded(text: bytes, encoding: str) -> str | None:
    try:
        if encoding == "cp1252":
            return decode_1252(text)
        return text.decode(encoding)
    except UnicodeDecodeError:
        return None


def _odd_words(text: str) -> list[str]:
    return list(dict.fromkeys(w for w in re.findall(r"\w+", text) if not w.isascii()))


def _score(text: bytes, encoding: str) -> float:
    """Return from 0 to 1 how far the characters outside ASCII are letters of one language, inside its words."""
    decoded = _decoded(text, encoding)
    if decoded is None:
        return -1.0
    letters = [c for c in decoded if not c.isascii() and c not in _SIGNS]
    if not letters:
        return 0.0
    lower = ["ı" if c == "İ" else c.lower() for c in letters]
    if encoding in _WIDE:
        share = sum(_wide(c, encoding) for c in letters) / len(letters)
    else:
        of_one = max(sum(c in language for c in lower) for language in _LANGUAGES[encoding]) / len(letters)
        known = set("".join(_LANGUAGES[encoding]))
        share = 0.6 * of_one + 0.4 * sum(c in known for c in lower) / len(letters)
    return share - 2 * _unlikely(decoded) / len(letters) + _PRIOR.get(encoding, 0.0)


def _wide(c: str, encoding: str) -> float:
    name = unicodedata.name(c, "")
    if encoding in ("cp932", "euc_jp"):
        return (
            1.0
            if name.startswith(("HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH"))
            else (0.9 if name.startswith("CJK") else 0.0)
        )
    if encoding == "euc_kr":
        return 1.0 if name.startswith("HANGUL") else 0.3 * name.startswith("CJK")
    if not name.startswith("CJK"):
        return 0.0
    try:
        lead = c.encode("gb2312" if encoding == "gb18030" else "big5")[0]
    except UnicodeEncodeError:
        return 0.1
    common = 0xB0 <= lead <= 0xD7 if encoding == "gb18030" else 0xA4 <= lead <= 0xC6
    return 0.95 if common else 0.3


def _unlikely(text: str) -> int:
    """Count signs inside words, capitals inside lower case, and neighbouring letters of two scripts."""
    count = 0
    for before, here, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if here.isascii():
            continue
        category = unicodedata.category(here)
        beside = before.isalpha() or after.isalpha()
        if category[0] in "SPCN":
            count += beside or category == "Cc"
        elif category == "Lu":
            count += before.islower() or not beside
        if category[0] == "L" and any(c.isascii() and c.isalpha() for c in (before, after)):
            count += not unicodedata.name(here, "").startswith("LATIN")
    return count


_UNDEFINED_IN_1252 = {n: bytes([n]).decode("latin-1") for n in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_AS_1252 = {
    n: _UNDEFINED_IN_1252.get(n) or bytes([n]).decode("windows-1252", "replace") for n in range(0x80, 0xA0)
}


def decode_1252(text: bytes) -> str:
    """Decode every byte as a character."""
    return text.decode("latin-1").translate(_AS_1252)


def _kept_bytes(error: Any) -> tuple[str, int]:
    """Return what does not fit as a byte that is not UTF-8."""
    return "\udcff", error.end


codecs.register_error("ccexport.kept", _kept_bytes)


def as_utf8(path: Path, encoding: str, copy: Path) -> Path:
    """Write the file in UTF-8 without a mark; what does not fit its encoding stays invalid UTF-8."""
    one_byte = encoding == "windows-1252"
    decoder = codecs.getincrementaldecoder("latin-1" if one_byte else encoding)("ccexport.kept")
    with copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        first = True
        for chunk in chunks(path):
            text = decoder.decode(chunk)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            out.write(text.translate(_AS_1252) if one_byte else text)
        out.write(decoder.decode(b"", final=True))
    return copy
