"""Whether a URL that somebody gave us points into the tenant's own n8n.

Resume and webhook URLs come from outside and are called from inside our network. The answer is not
the given URL but one put together from our own host and its path, so that no two URL parsers can
read two hosts out of it.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from controlplane.core.errors import DomainError
from controlplane.instances.models import Workspace

MAX_LENGTH = 2000
_PORTS = {"http": 80, "https": 443}
# What RFC 3986 allows: no space, quote, angle bracket, backslash, brace, bar or control character,
# so nothing that some parser strips or turns into a slash.
_PLAIN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")


class ForeignUrl(DomainError):
    code = "url_not_own"
    status = 400
    title = "The address is not of this tenant's n8n"


@dataclass(frozen=True)
class _Origin:
    scheme: str
    host: str
    port: int


def assert_own_url(workspace: Workspace, url: str) -> str:
    """The same URL, safe to call: its host and port are the workspace's. Raises ForeignUrl."""
    for base in dict.fromkeys((workspace.base_url, workspace.webhook_base_url)):
        rest = _rest_under(base, url)
        if rest is not None:
            return f"{base}{rest}"
    raise ForeignUrl(
        f"Pergola calls only its tenants' own n8n, and {url[:200]!r} is not under "
        f"{workspace.webhook_base_url}. If n8n has another public address, store it with the "
        "instance as the webhook address."
    )


def _rest_under(base: str, url: str) -> str | None:
    """What follows `base` in `url`, or None when `url` is anything but an address under it."""
    if len(url) > MAX_LENGTH or not _PLAIN.fullmatch(url) or "#" in url:
        return None
    try:
        ours, theirs = urlsplit(base), urlsplit(url)
        same = _origin(ours.scheme, ours.netloc) == _origin(theirs.scheme, theirs.netloc)
    except (ValueError, KeyError):
        return None
    if not same or not theirs.path.startswith(f"{ours.path}/"):
        return None
    path = theirs.path[len(ours.path) :]
    segments = re.split(r"[/\\]", _fully_unquoted(path))[1:]
    if any(segment in {"", ".", ".."} for segment in segments):
        return None
    return f"{path}?{theirs.query}" if theirs.query else path


def _origin(scheme: str, netloc: str) -> _Origin:
    """Raises ValueError for anything that is not exactly host[:port]."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.\-]+)(?::([0-9]{1,5}))?", netloc)
    if match is None:
        raise ValueError(netloc)
    host, port = match.groups()
    scheme = scheme.lower()
    return _Origin(scheme, host.lower(), int(port) if port else _PORTS[scheme])


def _fully_unquoted(path: str) -> str:
    """Decoded until nothing changes: a proxy in between may decode once more than we do."""
    while (decoded := unquote(path)) != path:
        path = decoded
    return path
