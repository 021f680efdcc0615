"""How much a form may bring along. Django writes whatever comes to the disk, before any view looks.

Even a form without a field for files takes them, and so does the look for the CSRF token: anybody
could fill the disk through the support form or the log-in.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

FILES_AT_ONCE = 50
"""As many as the portal takes in at once."""


class LimitedUploadHandler(FileUploadHandler):
    """Stands before Django's own, and only counts what was announced."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803  (Django's name for it)
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        if content_length > (most := self._most()):
            raise RequestDataTooBig(f"The form has {content_length} bytes; {most} are taken.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def _most(self) -> int:
        request: Any = self.request
        is_known = getattr(request, "api_key", None) or (
            hasattr(request, "user") and request.user.is_authenticated
        )
        most: int = settings.INTAKE_MAX_BYTES
        return FILES_AT_ONCE * int(settings.DOCUMENT_MAX_BYTES) if is_known else most
