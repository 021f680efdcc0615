"""What readers of every format make: headings and paragraphs in order. No Django in here.

The text that is kept is these blocks with an empty line between them, so that each has a span.
"""

import unicodedata
from dataclasses import dataclass

MOST_CHARACTERS = 4_000_000


class Refused(Exception):
    """The file holds nothing that can be used; `code` is stable, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Block:
    """A paragraph, or a heading of `level` 1 to 6. Lines of lists and code keep their breaks.

    A `section` begins a passage of its own with this heading, whatever stands above: the answer
    to a question, with the question as its heading.
    """

    text: str
    level: int = 0
    section: str | None = None


@dataclass(frozen=True)
class Reading:
    """What a reader found; `notes` say what it left out."""

    blocks: list[Block]
    notes: list[str]


def clean(text: str) -> str:
    """Composed (NFC), without control and format characters, which nobody sees.

    Tag characters and bidirectional overrides hide instructions in plain sight; the two joiners
    stay, since scripts are written with them.
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(letter for letter in composed if not _is_hidden(letter))


def _is_hidden(letter: str) -> bool:
    if letter in "\n\t\u200c\u200d":
        return False
    return unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"}


def one_line(text: str) -> str:
    return " ".join(text.split())
