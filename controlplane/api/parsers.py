"""JSON as the API takes it: what DRF takes, less what could not be stored."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser

from controlplane.core.text import is_storable


class StorableJSONParser(JSONParser):
    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            data = super().parse(stream, media_type, parser_context)
            storable(data)
        except RecursionError as error:
            raise ParseError("it is nested too deeply.") from error
        return data


class RawParser(BaseParser):
    """Any other body, as it comes: it is read piece by piece."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return stream


def storable(value: Any) -> Any:
    """It, as it is. Raises ParseError and RecursionError."""
    _assert_storable(value)
    return value


def _assert_storable(value: Any) -> None:
    match value:
        case str():
            if not is_storable(value):
                raise ParseError("it holds U+0000 or half of a surrogate pair; leave that out.")
        case dict():
            for key, inner in value.items():
                _assert_storable(key)
                _assert_storable(inner)
        case list():
            for inner in value:
                _assert_storable(inner)
