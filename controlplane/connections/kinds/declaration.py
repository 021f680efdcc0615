"""What a kind of connection is: its fields, the address they make, and how a call is signed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from controlplane.connections.kinds.certificates import certificates_fault
from controlplane.core.addressing import Origin, is_plain, origin_of
from controlplane.core.dialling import is_private_host
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import is_storable

Values = Mapping[str, str]
FieldType = Literal[
    "text", "url", "host", "integer", "choice", "secret", "long_secret", "certificates"
]
SECRET_TYPES = frozenset({"secret", "long_secret"})
OF_LINES = frozenset({"long_secret", "certificates"})
HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
                   r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")  # fmt: skip


class KindUnknown(DomainError):
    code = "connection_kind_unknown"
    status = 422
    title = "The kind of connection is not known"

    @classmethod
    def of(cls, name: str, known: list[str]) -> "KindUnknown":
        return cls(
            f"Pergola connects to no “{name[:40]}”. Choose from {', '.join(known)}.",
            errors=(FieldError("kind", _("is not known")),),
        )


class FieldsInvalid(DomainError):
    code = "connection_fields_invalid"
    status = 422
    title = "The connection cannot be set up so"


@dataclass(frozen=True)
class Field:
    """What a person types in. `is_destination`: who changes it types the secrets again.

    Else somebody who may change connections, and knows no secret, could have one sent to a host
    of their own.
    """

    name: str
    label: str | Promise
    help: str | Promise = ""
    type: FieldType = "text"
    is_required: bool = True
    default: str = ""
    choices: tuple[tuple[str, str | Promise], ...] = ()
    pattern: str = ""
    is_destination: bool = False
    max_length: int = 200

    @property
    def is_secret(self) -> bool:
        return self.type in SECRET_TYPES


@dataclass(frozen=True)
class Outgoing:
    """A request before it is sent. `path` is what the allow-list judged, `url` where it goes."""

    method: str
    url: str
    path: str = "/"
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""

    def with_headers(self, *headers: tuple[str, str]) -> "Outgoing":
        return replace(self, headers=(*self.headers, *headers))


@dataclass(frozen=True)
class Incoming:
    """An answer, read to its end. Names of `headers` are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Sender(Protocol):
    """What a kind asks of the broker while it signs: a token, and calls to get one."""

    def remembered(self, name: str, make: Callable[[], tuple[str, float]]) -> str:
        """What `make` gave before, for as many seconds as it said; of this connection alone."""
        ...

    def send(self, request: Outgoing) -> Incoming: ...


Sign = Callable[[Outgoing, Values, Sender], Outgoing]


def unsigned(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    return request


def as_it_came(answer: Incoming) -> Incoming:
    return answer


def api_fault(values: Values, answer: Incoming) -> str:
    """What the answer to the check says is wrong, in our own words; empty where nothing is."""
    if answer.status in {401, 403}:
        return f"it does not let Pergola in: it answers {answer.status}"
    if not answer.is_success:
        return f"it answers {answer.status}"
    if "json" not in answer.content_type:
        return f"it answers with {answer.content_type[:60] or 'nothing'}, so this is not its API"
    return ""


def by_method(method: str, path: str) -> bool:
    return method in {"GET", "HEAD"}


@dataclass(frozen=True)
class ConnectionKind:
    """`sign` adds what lets the call in; `read` makes of a peculiar answer one like HTTP's.

    `check` is asked to see whether the system answers and takes the secrets, and `fault` reads
    that of the answer. `has_tokens`: a 401 may mean that one has ended. `reads` says whether a
    call changes nothing. `answer` makes it a stand-in, which answers by itself: nothing is called.
    """

    name: str
    label: str | Promise
    description: str | Promise
    fields: tuple[Field, ...]
    base_url: Callable[[Values], str]
    protocol: Literal["http", "sftp", "smtp"] = "http"
    sign: Sign = unsigned
    read: Callable[[Incoming], Incoming] = as_it_came
    reads: Callable[[str, str], bool] = by_method
    check: Callable[[Values], Outgoing] | None = None
    fault: Callable[[Values, Incoming], str] = api_fault
    has_tokens: bool = False
    methods: tuple[str, ...] = ("GET", "POST")
    answer: Callable[[Outgoing, Values], Incoming] | None = None

    @property
    def is_stand_in(self) -> bool:
        return self.answer is not None

    @property
    def secret_fields(self) -> list[Field]:
        return [one for one in self.fields if one.is_secret]

    @property
    def plain_fields(self) -> list[Field]:
        return [one for one in self.fields if not one.is_secret]


def checked(
    kind: ConnectionKind, given: Values, *, kept: Values | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Options and secrets, each only the kind's own. An empty secret stays what it was in `kept`.

    Raises FieldsInvalid, with every field at fault.
    """
    found: dict[str, str] = {}
    faults: list[FieldError] = []
    for one in kind.fields:
        value = given.get(one.name, "")
        value = value if one.type == "long_secret" else value.strip()
        if not value and one.is_secret:
            value = (kept or {}).get(one.name, "")
        value = value or one.default
        if fault := _fault(one, value):
            faults.append(FieldError(one.name, fault))
        elif value:
            found[one.name] = value.rstrip("/") if one.type == "url" else value
    if not faults:
        try:
            kind.base_url(found)
        except (ValueError, KeyError):
            faults.append(FieldError(kind.fields[0].name, _("makes no address")))
    if faults:
        labels = {one.name: str(one.label) for one in kind.fields}
        raise FieldsInvalid(
            _("Look at: %(fields)s.")
            % {"fields": "; ".join(f"{labels[f.field]} {f.message}" for f in faults)},
            errors=tuple(faults),
        )
    secret = {one.name for one in kind.secret_fields}
    return (
        {name: value for name, value in found.items() if name not in secret},
        {name: value for name, value in found.items() if name in secret},
    )


def _fault(one: Field, value: str) -> str:
    """What is wrong with it, or an empty text."""
    if not value:
        return _("is needed") if one.is_required else ""
    if len(value) > one.max_length:
        return _("has more than %(most)d characters") % {"most": one.max_length}
    if not is_storable(value) or (one.type not in OF_LINES and not value.isprintable()):
        return _("has a character that cannot be sent")
    if one.type == "choice" and value not in dict(one.choices):
        return _("is not known")
    if one.type == "integer" and not (
        value.isascii() and value.isdigit() and 0 < int(value) < 65536
    ):
        return _("is a number from 1 to 65535")
    if one.type == "host" and not HOST.fullmatch(value):
        return _("is a host such as example.com, with nothing before or after it")
    if one.type == "url":
        return url_fault(value)
    if one.type == "certificates":
        return certificates_fault(value)
    if one.pattern and not re.fullmatch(one.pattern, value):
        return _("does not look as expected")
    return ""


def url_fault(url: str) -> str:
    """What is wrong with the address of an outside system, or an empty text."""
    shape = _("is an address such as https://example.com/api, without user, ? and #")
    if not is_plain(url) or "?" in url or "#" in url:
        return shape
    try:
        parts = urlsplit(url)
        origin = origin_of(parts.scheme, parts.netloc)
    except (ValueError, KeyError):
        return shape
    if any(step in {".", ".."} for step in parts.path.split("/")) or "//" in parts.path:
        return shape
    private = is_private_host(origin.host, origin.port, settings.CONNECTION_PRIVATE_HOSTS)
    if origin.scheme != "https" and not private:
        return _("begins with https://, since secrets are sent there")
    return ""


def origin_of_url(url: str) -> Origin:
    """Of an address that `url_fault` finds nothing wrong with."""
    parts = urlsplit(url)
    return origin_of(parts.scheme, parts.netloc)


def schema_of(kind: ConnectionKind) -> dict[str, Any]:
    """The fields as JSON Schema; of secrets it says that they are only written."""
    properties: dict[str, Any] = {}
    for one in kind.fields:
        about: dict[str, Any] = {
            "type": "string",
            "title": str(one.label),
            "description": str(one.help) or str(one.label),
            "maxLength": one.max_length,
        }
        if one.choices:
            about["enum"] = [value for value, _label in one.choices]
        if one.type == "url":
            about["format"] = "uri"
        if one.pattern:
            about["pattern"] = f"^(?:{one.pattern})$"
        if one.default:
            about["default"] = one.default
        if one.is_secret:
            about["writeOnly"] = True
        properties[one.name] = about
    return {
        "type": "object",
        "title": str(kind.label),
        "description": str(kind.description),
        "properties": properties,
        "required": [one.name for one in kind.fields if one.is_required and not one.default],
        "additionalProperties": False,
    }
