"""Whether a URL that somebody gave us points into the tenant's own n8n.

Resume and webhook URLs come from outside and are called from inside our network. The answer is not
the given URL but one put together from our own host and its path, so that no two URL parsers can
read two hosts out of it.
"""

from urllib.parse import urlsplit

from controlplane.core.addressing import is_plain, origin_of, steps_of
from controlplane.core.errors import DomainError
from controlplane.instances.models import Workspace

MAX_LENGTH = 2000


class ForeignUrl(DomainError):
    code = "url_not_own"
    status = 400
    title = "The address is not of this tenant's n8n"


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
    if len(url) > MAX_LENGTH or not is_plain(url) or "#" in url:
        return None
    try:
        ours, theirs = urlsplit(base), urlsplit(url)
        same = origin_of(ours.scheme, ours.netloc) == origin_of(theirs.scheme, theirs.netloc)
    except (ValueError, KeyError):
        return None
    if not same or not theirs.path.startswith(f"{ours.path}/"):
        return None
    path = theirs.path[len(ours.path) :]
    if any(segment in {"", ".", ".."} for segment in steps_of(path)):
        return None
    return f"{path}?{theirs.query}" if theirs.query else path
