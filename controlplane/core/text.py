"""Text that can be stored and given out again: no NUL, and no half of a surrogate pair.

JSON can spell both; PostgreSQL's text takes neither, and UTF-8 has no bytes for the second.
"""

import re

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    return _NOT_STORABLE.search(text) is None


def made_storable(text: str) -> str:
    """With U+FFFD, the replacement character, for each that cannot be stored."""
    return _NOT_STORABLE.sub("\ufffd", text)
