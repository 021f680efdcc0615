"""What of an outside system a workflow may reach: hosts, paths, methods and headers.

The address that is called is put together here, of a host from the connection and a path that was
judged step by step, so that nothing in a path can name another host or lead up out of it.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from controlplane.connections.kinds.declaration import Outgoing
from controlplane.connections.models import Connection
from controlplane.core.addressing import Origin, is_plain, origin_of, steps_of
from controlplane.core.errors import DomainError, FieldError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MAX_LENGTH = 4000
MOST_HEADERS = 30
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e\t]{0,4000}")
# Who lets the call in, and how it travels, is not the workflow's to say.
_NOT_THEIRS = frozenset(
    {
        "authorization", "connection", "content-length", "cookie", "expect", "host", "keep-alive",
        "te", "trailer", "transfer-encoding", "upgrade", "via", "forwarded", "accept-encoding",
        "x-shopify-access-token",
    }
)  # fmt: skip
_NOT_THEIRS_EITHER = ("proxy-", "x-forwarded-", "x-real-", "sec-")


class CallNotAllowed(DomainError):
    code = "connection_call_not_allowed"
    status = 403
    title = "The connection does not allow this call"


class CallInvalid(DomainError):
    code = "connection_call_invalid"
    status = 422
    title = "The call cannot be sent so"


def request_for(
    connection: Connection,
    *,
    method: str,
    path: str,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> Outgoing:
    """The request, unsigned. `path` is below the connection's address, or a whole URL of a host
    that it allows, such as a link to the next page. Raises CallNotAllowed and CallInvalid.
    """
    if method not in METHODS or method not in connection.allowed_methods:
        raise CallNotAllowed(
            f"“{connection.name}” allows {', '.join(connection.allowed_methods) or 'no method'}, "
            f"and {method[:20]} is not among them. Whoever manages connections can allow it.",
            errors=(FieldError("method", "is not allowed"),),
        )
    url, below, asked = _address(connection, path)
    _assert_allowed(connection, below)
    pairs = (*parse_qsl(asked, keep_blank_values=True), *(query or {}).items())
    return Outgoing(method, url, below, pairs, _checked_headers(headers or {}), content)


def _address(connection: Connection, path: str) -> tuple[str, str, str]:
    """The URL without its query, the path below the base, and the query."""
    base = urlsplit(connection.base_url)
    if len(path) > MAX_LENGTH or not is_plain(path) or "#" in path:
        raise _invalid("has a character that no address has, or is too long")
    if path.startswith("/"):
        plain, _sep, asked = path.partition("?")
        _assert_no_way_up(plain)
        return f"{connection.base_url}{plain}", plain, asked
    try:
        parts = urlsplit(path)
        origin = origin_of(parts.scheme, parts.netloc)
    except (ValueError, KeyError):
        raise _invalid("begins with /, or is a whole https:// address without a user") from None
    own = origin_of(base.scheme, base.netloc)
    _assert_host(connection, origin, own)
    plain = parts.path or "/"
    _assert_no_way_up(plain)
    if origin == own and plain.startswith(f"{base.path}/"):
        below = plain.removeprefix(base.path)
    elif origin == own and base.path:
        raise _not_allowed(connection, f"{plain} is not below {base.path}")
    else:
        below = plain
    return f"{origin}{plain}", below, parts.query


def _assert_host(connection: Connection, origin: Origin, own: Origin) -> None:
    known = origin == own or (
        origin.scheme == "https"
        and origin.port == 443
        and origin.host in {str(host).lower() for host in connection.allowed_hosts}
    )
    if not known:
        raise _not_allowed(connection, f"{origin} is none of its hosts")


def _assert_allowed(connection: Connection, path: str) -> None:
    patterns = [str(pattern) for pattern in connection.allowed_paths]
    if patterns and not any(is_under(path, pattern) for pattern in patterns):
        raise _not_allowed(connection, f"{path[:200]} is under none of {', '.join(patterns)[:300]}")


def is_under(path: str, pattern: str) -> bool:
    """Whether the path begins with the pattern's steps; `*` stands for any one of them."""
    wanted = [step for step in pattern.split("/") if step]
    steps = [step for step in steps_of(path) if step]
    return len(steps) >= len(wanted) and all(
        want in ("*", step) for want, step in zip(wanted, steps, strict=False)
    )


def _assert_no_way_up(path: str) -> None:
    # An empty last step is the slash at the end, which some systems insist on.
    steps = steps_of(path)
    if any(step in {".", ".."} for step in steps) or "" in steps[:-1]:
        raise _invalid("has a step that leads up or is empty, also when it is decoded")


def _checked_headers(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if len(given) > MOST_HEADERS:
        raise _header_invalid(f"has more than {MOST_HEADERS}")
    for name, value in given.items():
        lowered = name.lower()
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise _header_invalid(f"{name[:60]!r} has a character that no header has")
        if lowered in _NOT_THEIRS or lowered.startswith(_NOT_THEIRS_EITHER):
            raise _header_invalid(f"{name[:60]} is set by Pergola alone")
    return tuple(given.items())


def _invalid(what: str) -> CallInvalid:
    return CallInvalid(
        f"The path {what}. Write what follows the connection's address, such as /orders/17; what "
        "stands behind a ? may be given as the query.",
        errors=(FieldError("path", what),),
    )


def _header_invalid(what: str) -> CallInvalid:
    return CallInvalid(
        f"The headers cannot be sent: {what}.", errors=(FieldError("headers", what),)
    )


def _not_allowed(connection: Connection, what: str) -> CallNotAllowed:
    return CallNotAllowed(
        f"“{connection.name}” does not allow this: {what}. Whoever manages connections can allow "
        "it.",
        errors=(FieldError("path", "is not allowed"),),
    )
