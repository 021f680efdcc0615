"""Keeps secrets out of what people and collectors read: log lines and error reports.

Two nets: shapes that only secrets have, and values that this process knows to be secret, which
are those of the settings and the last ones that it encrypted or decrypted.
"""

import json
import re
import threading
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit

HIDDEN = "[secret]"
# Shorter ones are words, and every line that has the word would lose it.
SHORTEST = 8
MOST_REMEMBERED = 200

_QUOTE = r"""(?:\\?["'])?"""
# Words of which a line has one before the shape is looked for: most have none. Then what
# a secret looks like, and what is put in its place.
_SHAPES = [
    (hints.split(), re.compile(pattern, re.IGNORECASE), replacement)
    for hints, pattern, replacement in (
        ("pgl_", r"\bpgl_(?:[a-z]+_)?[0-9a-f]{12}_[0-9a-f]{16,}", HIDDEN),
        ("pgl1.", r"\bpgl1\.[rct]\.\d+\.[\w-]{20,}", HIDDEN),
        ("gaaaa", r"\bgAAAA[\w-]{60,}={0,2}", HIDDEN),
        # n8n's keys, and whatever else is a JSON Web Token.
        ("eyj", r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}", HIDDEN),
        ("n8n_api_", r"\bn8n_api_[\w-]{16,}", HIDDEN),
        (
            "sk- sk_ shp whsec xox gho_ ghp_ ghr_ ghs_ ghu_",
            r"\b(?:sk|shpss|shpat|shpca|whsec|xox[abp]|gh[pousr])[-_][\w-]{16,}",
            HIDDEN,
        ),
        ("bearer basic", r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", rf"\1 {HIDDEN}"),
        # A header or a setting, however it is written: key: value, key=value, "key": "value".
        (
            "authorization cookie api-key",
            rf"((?:authorization|cookie|x-n8n-api-key|x-api-key){_QUOTE}\s*[:=]\s*{_QUOTE})"
            r"(?!\[secret\]|Bearer |Basic )[^\s\"'\\,;}]+",
            rf"\1{HIDDEN}",
        ),
        (
            "password passwd secret key token signature",
            rf"((?:password|passwd|secret|api_?key|token|signature){_QUOTE}\s*[:=]\s*{_QUOTE})"
            r"(?!\[secret\])[^\s\"'\\,;&})]{6,}",
            rf"\1{HIDDEN}",
        ),
        (
            "? &",
            r"([?&](?:signature|sig|token|key|code|sesame|state)=)[^&\s\"'\\]+",
            rf"\1{HIDDEN}",
        ),
        ("://", r"(\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s/@\"']+@", rf"\1{HIDDEN}@"),
        ("webhook-waiting", r"(/webhook-waiting/\w+\?)[^\s\"'\\]+", rf"\1{HIDDEN}"),
    )
]

_remembered: OrderedDict[str, None] = OrderedDict()
_always: set[str] = set()
_lock = threading.Lock()


def remember(text: str) -> None:
    """From now on, and until many others came, this text is left out."""
    if len(text) < SHORTEST:
        return
    with _lock:
        for form in _forms(text):
            _remembered[form] = None
            _remembered.move_to_end(form)
        while len(_remembered) > MOST_REMEMBERED:
            _remembered.popitem(last=False)


def never_show(*texts: str) -> None:
    """Left out for as long as the process lives; of a URL, its password."""
    for text in texts:
        password = urlsplit(text).password if "://" in text else text
        if password and len(password) >= SHORTEST:
            _always.update(_forms(password))


def _forms(text: str) -> set[str]:
    """As it is, and as it stands inside JSON."""
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}


def redact(text: str) -> str:
    """The text without secrets."""
    with _lock:
        known = [*_always, *_remembered]
    # The longest first: one may be the beginning of another.
    for secret in sorted((one for one in known if one in text), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    lowered = text.lower()
    for hints, shape, replacement in _SHAPES:
        if any(hint in lowered for hint in hints):
            text = shape.sub(replacement, text)
    return text


def redact_line(_logger: Any, _method: str, line: Any) -> str:
    """A structlog processor for the end of the chain, where the line is text already."""
    return redact(line)
