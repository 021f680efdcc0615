"""Calls that hand a document over: the bytes are the body, or a file in a form.

A body is the document as it is; what the operation is to know stands percent-encoded in the header
`Pergola-Input`, so that no customer's data gets into an address, and so into logs. In a form it is
the text `input` beside the file. Either way it is JSON.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from urllib.parse import unquote

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from controlplane.api.intake import declared_length, pieces
from controlplane.api.parsers import storable
from controlplane.api.problems import BodyUnreadable, InputInvalid
from controlplane.core.errors import FieldError
from controlplane.nodes.files import OperationFile
from tenants.files import FileTooLarge

INPUT_HEADER, FILENAME_HEADER = "Pergola-Input", "Filename"
# A form is a little more than the file in it.
AROUND_THE_FILE = 64 * 1024
IN_MEMORY = 1024 * 1024


@contextmanager
def handed_over(request: Request) -> Iterator[tuple[dict[str, Any], OperationFile]]:
    """The input, and the document while the call lasts; a large one is on the disk meanwhile.

    Raises FileTooLarge, InputInvalid, BodyUnreadable and LengthMissing.
    """
    limit = int(settings.DOCUMENT_MAX_BYTES)
    if declared_length(request._request) > limit + AROUND_THE_FILE:
        raise _too_large(limit)
    if (request.content_type or "").startswith("multipart/"):
        found = request.FILES.get("file")
        if not isinstance(found, UploadedFile):
            raise InputInvalid(
                "The form has no file. Send the document in the field “file”, and the operation's "
                "fields as JSON in “input”.",
                errors=(FieldError("file", "is missing"),),
            )
        given = _object(str(request.data.get("input", "")))
        digest, size = _measured(found.chunks(), limit)
        handle = cast(BinaryIO, found.file)
        yield given, OperationFile(found.name or "", found.content_type or "", size, digest, handle)
        return
    given = _object(unquote(request.headers.get(INPUT_HEADER, "")))
    name = unquote(request.headers.get(FILENAME_HEADER, ""))
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spooled:
        digest, size = _measured(pieces(request._request), limit, into=cast(BinaryIO, spooled))
        yield (
            given,
            OperationFile(name, request.content_type or "", size, digest, cast(BinaryIO, spooled)),
        )


def _measured(chunks: Iterator[bytes], limit: int, into: BinaryIO | None = None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        digest.update(chunk)
        if into is not None:
            into.write(chunk)
    return digest.hexdigest(), size


def _too_large(limit: int) -> FileTooLarge:
    return FileTooLarge(
        f"The document has more than {limit} bytes, which is the most that is taken. Send a "
        "smaller one, or ask the platform's operator to raise the limit."
    )


def _object(text: str) -> dict[str, Any]:
    """An empty text is an empty input."""
    try:
        found = storable(json.loads(text or "{}"))
    except (ValueError, RecursionError, ParseError) as error:
        raise BodyUnreadable(
            f"The input cannot be read as JSON: {error}. A body of bytes has it percent-encoded in "
            f"the header {INPUT_HEADER}, a form in the field “input”."
        ) from error
    if not isinstance(found, dict):
        raise BodyUnreadable("The input must be a JSON object with the operation's fields.")
    return found
