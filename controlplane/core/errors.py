"""The root of every error that a person or a machine is meant to read.

Errors live beside the function that raises them; each door translates them once
(`api.problems` into RFC 9457, portal views into a message).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One field at fault; `field` is a dotted path such as `lines.0.quantity`."""

    field: str
    message: str


class DomainError(Exception):
    """Something was asked that cannot be done, for a reason that the caller can act on.

    `code` is stable and part of the API; `status` is the HTTP status; the message says what
    happened, to what, and what to do next.
    """

    code = "not_possible"
    status = 400
    title = "This cannot be done"
    retry_after: int | None = None
    """Seconds, where the same may be asked again later."""

    def __init__(self, detail: str, *, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
