"""A document that is handed over with a call: its bytes are never JSON, nor held whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

PIECE = 64 * 1024


@dataclass(frozen=True)
class OperationFile:
    """`name` and `content_type` are as the caller gave them, and may be empty. `size` in bytes."""

    name: str
    content_type: str
    size: int
    sha256: str
    handle: BinaryIO

    def chunks(self) -> Iterator[bytes]:
        """From the beginning, as often as it is asked for."""
        self.handle.seek(0)
        while piece := self.handle.read(PIECE):
            yield piece

    def read(self) -> bytes:
        """The whole of it, for what takes no less; look at `size` first."""
        return b"".join(self.chunks())
