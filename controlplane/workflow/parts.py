"""A value that is a part of a text: the server in an expression, an address in a sentence."""

import re
from collections.abc import Iterable

_SERVER = re.compile(r"https?://", re.I)
_PERSON = re.compile(r"[^\s@]+@[^\s@]+")


def stands(text: str, part: str) -> bool:
    """Whether the part is in the text, and not the beginning of something longer."""
    return part != "" and re.search(_alone(part), text) is not None


def exchanged(text: str, parts: Iterable[tuple[str, str]]) -> str:
    """The text with other parts, all at once: what one of them puts in no other takes out."""
    new = {was: now for was, now in parts if was != ""}
    if not new:
        return text
    wanted = "|".join(_alone(was) for was in sorted(new, key=len, reverse=True))
    return re.sub(wanted, lambda match: new[match[0]], text)


def _alone(part: str) -> str:
    """`https://a.example` is no part of `https://a.example.org`, nor ann@… of joann@…."""
    after = r"(?![\w-]|[.:@]\w)"
    if _SERVER.match(part):
        return re.escape(part) + (after if re.match(r"\w", part[-1]) else "")
    if _PERSON.fullmatch(part):
        return r"(?<![\w.%+-])" + re.escape(part) + after
    return re.escape(part)
