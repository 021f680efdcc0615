"""URLs and paths that somebody typed in, read so strictly that no two parsers read two things."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

PORTS = {"http": 80, "https": 443}
# What RFC 3986 allows: no space, quote, angle bracket, backslash, brace, bar or control character,
# so nothing that some parser strips or turns into a slash.
_PLAIN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.\-]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True)
class Origin:
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def is_plain(url: str) -> bool:
    """Only what RFC 3986 allows, and something."""
    return _PLAIN.fullmatch(url) is not None


def origin_of(scheme: str, netloc: str) -> Origin:
    """Raises ValueError for anything that is not exactly host[:port], KeyError for the scheme."""
    match = _NETLOC.fullmatch(netloc)
    if match is None:
        raise ValueError(netloc)
    host, port = match.groups()
    scheme = scheme.lower()
    return Origin(scheme, host.lower(), int(port) if port else PORTS[scheme])


def steps_of(path: str) -> list[str]:
    """Between the slashes, forward or backward, of a path that begins with one; decoded."""
    return re.split(r"[/\\]", fully_unquoted(path))[1:]


def fully_unquoted(path: str) -> str:
    """Decoded until nothing changes: a proxy in between may decode once more than we do."""
    while (decoded := unquote(path)) != path:
        path = decoded
    return path
