"""A request on its way in, read once and piece by piece, so that a large document fits through."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Never, Self

from django.utils.datastructures import CaseInsensitiveMapping

from controlplane.core.errors import DomainError


class BodyMalformed(DomainError):
    code = "body_malformed"
    status = 400
    title = "The body is not a JSON object"


class BodyTooLarge(DomainError):
    code = "body_too_large"
    status = 413
    title = "The body is too large"


@dataclass(frozen=True)
class Incoming:
    """`chunks` can be read once; `content_length` is what the sender declared, 0 for nothing.

    `peer` is the address at the other end of the connection itself, which no header can change.
    """

    chunks: Iterator[bytes]
    headers: Mapping[str, str]
    content_length: int = 0
    is_test: bool = False
    peer: str = ""

    @classmethod
    def of(cls, body: bytes, headers: Mapping[str, str], *, is_test: bool = False) -> Self:
        """What is at hand already, such as a sample."""
        return cls(iter([body]), CaseInsensitiveMapping(headers), len(body), is_test)

    def header(self, name: str) -> str:
        return self.headers.get(name) or ""


def limited(incoming: Incoming, *, limit: int) -> Iterator[bytes]:
    """The chunks, up to `limit` bytes of them. Raises BodyTooLarge, if declared so, unread."""
    _refuse_oversize(incoming.content_length, limit)
    size = 0
    for chunk in incoming.chunks:
        size += len(chunk)
        _refuse_oversize(size, limit)
        yield chunk


def read_body(incoming: Incoming, *, limit: int) -> bytes:
    """All of it, for what is small. Raises BodyTooLarge."""
    return b"".join(limited(incoming, limit=limit))


def parse_object(body: bytes) -> dict[str, Any]:
    """What is taken here can be given out again: UTF-8, finite numbers, whole characters.

    Raises BodyMalformed.
    """
    try:
        # Decoded first: given bytes, json would also take UTF-16 and broken UTF-8.
        text = body.decode()
        payload = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(payload, ensure_ascii=False).encode()  # fails for half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise BodyMalformed(
            f"The body is signed correctly but is not JSON in UTF-8: {str(error)[:200]}."
        ) from error
    if not isinstance(payload, dict):
        raise BodyMalformed("The body is JSON, but not an object. Send an object: {…}.")
    return payload


def _refuse_oversize(size: int, limit: int) -> None:
    if size > limit:
        raise BodyTooLarge(
            f"The body has more than {limit} bytes, which is the most that is taken here. Send "
            "less at a time, or ask the platform's operator to raise the limit."
        )


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> Never:
    raise ValueError(f"{text[:20]} is no finite number")
