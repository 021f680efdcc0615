"""Bytes as text: what a byte order mark says, else UTF-8, else Windows-1252."""

import codecs

from controlplane.knowledge.ingestion.blocks import Refused

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before UTF-16, whose little-endian mark is how this one begins.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(raw: bytes) -> tuple[str, list[str]]:
    """The text, and a note where the encoding had to be guessed. Raises Refused."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw, encoding), []
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text, notes = (
            raw.decode("cp1252", errors="replace"),
            ["The file is not UTF-8; it was read as Windows-1252. Check its special characters."],
        )
    else:
        notes = []
    if text.count("\x00") > len(text) // 100:
        raise Refused(
            "not_text", "The file is not text. Check that it is what its name's end says."
        )
    return text, notes


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(
            "encoding_broken",
            f"The file says that it is {encoding.upper()} and is not. Save it as UTF-8.",
        ) from error
